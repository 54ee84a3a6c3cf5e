"""The report of a reform as one page that loads nothing: tables, and a chart beside each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from domain.money.amounts import print_fen
from domain.money.wire import print_percent
from ledger.simulation.effects import MeasureEffect, SizeEffect, TownEffect
from ledger.simulation.reform import Reform
from services.web.charts import Bar, bars
from services.web.headers import hashed

BARS_MAX = 15
SIZES = {
    "large": ("大型", "Large"),
    "medium": ("中型", "Medium"),
    "small": ("小型", "Small"),
    "micro": ("微型", "Micro"),
    "": ("未登记", "Not registered"),
}
NamedEffect = tuple[str, MeasureEffect | TownEffect | SizeEffect]
Say = Callable[[str, str], str]
"""Chooses between Chinese and English words."""


def name_measures(effects: Reform, lang: str) -> list[NamedEffect]:
    """What changes for each measure, with its title."""
    return [(effect.title[lang], effect) for effect in effects.measures]


def name_towns(effects: Reform, unknown: str) -> list[NamedEffect]:
    """What changes for each town, with its name."""
    return [(effect.town or unknown, effect) for effect in effects.towns]


def name_sizes(effects: Reform, words: Say) -> list[NamedEffect]:
    """What changes for enterprises of each size, with what the size is called."""
    return [(words(*SIZES[effect.size]), effect) for effect in effects.sizes]


def reform_page(report: Reform, lang: str) -> str:
    """The page, in Chinese (``zh``) or English (``en``)."""

    def w(zh: str, en: str) -> str:
        return en if lang == "en" else zh

    def money(fen: int) -> str:
        return print_fen(fen, report.currency)

    parts = [
        (w("按条款", "By measure"), name_measures(report, lang)),
        (w("按镇街", "By town"), name_towns(report, w("未登记", "Not registered"))),
        (w("按企业规模", "By size"), name_sizes(report, w)),
    ]
    style = _style()
    html: str = _template().render(
        report=report,
        lang=lang,
        w=w,
        policy=f"default-src 'none'; style-src {hashed(style)}; base-uri 'none'; form-action 'none'",
        style=style,
        parts=[(heading, rows, chart(heading, rows, money)) for heading, rows in parts],
        money=money,
        print_percent=print_percent,
        versions=lambda versions: "、".join(f"v{each.version}" for each in versions),
    )
    return html


def chart(title: str, rows: list[NamedEffect], money: Callable[[int], str]) -> str:
    """The largest differences as bars: green where more is paid, red where less."""
    moves = [(name, effect.after_fen - effect.before_fen) for name, effect in rows]
    largest = sorted((move for move in moves if move[1]), key=lambda move: -abs(move[1]))[:BARS_MAX]
    drawn = [
        Bar(name, fen, f"+{money(fen)}" if fen > 0 else money(fen), "good" if fen > 0 else "bad")
        for name, fen in largest
    ]
    return str(bars(title, drawn))


@cache
def _style() -> str:
    return files(__package__).joinpath("reform.css").read_text("utf-8")


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("services.cli.policies", "."),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("reform.html")
