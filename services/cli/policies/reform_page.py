"""The report of a reform as one page that loads nothing: tables, and a chart beside each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from domain.money.amounts import parse_fen, print_fen
from services.web.amounts import printed
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
Named = tuple[str, dict[str, Any]]


def reform_page(report: dict[str, Any], lang: str) -> str:
    """The page, in Chinese (``zh``) or English (``en``)."""

    def w(zh: str, en: str) -> str:
        return en if lang == "en" else zh

    nobody = w("未登记", "Not registered")
    parts = [
        (w("按条款", "By measure"), [(each["title"][lang], each) for each in report["measures"]]),
        (w("按镇街", "By town"), [(each["town"] or nobody, each) for each in report["towns"]]),
        (w("按企业规模", "By size"), [(w(*SIZES[each["size"]]), each) for each in report["sizes"]]),
    ]
    style = _style()
    html: str = _template().render(
        report=report,
        lang=lang,
        w=w,
        policy=f"default-src 'none'; style-src {hashed(style)}; base-uri 'none'; form-action 'none'",
        style=style,
        parts=[(heading, rows, chart(heading, rows)) for heading, rows in parts],
        difference=difference,
        versions=lambda versions: "、".join(f"v{each['version']}" for each in versions),
    )
    return html


def chart(title: str, rows: list[Named]) -> str:
    """The largest differences as bars: green where more is paid, red where less."""
    moved = [(name, _fen(difference(row))) for name, row in rows]
    largest = sorted((row for row in moved if row[1]), key=lambda row: -abs(row[1]))[:BARS_MAX]
    return str(bars(title, [Bar(n, fen, _signed(fen), "good" if fen > 0 else "bad") for n, fen in largest]))


def difference(row: dict[str, Any]) -> str:
    """What is paid more, in yuan."""
    return print_fen(_fen(row["after"]) - _fen(row["before"]))


def _fen(text: str) -> int:
    return parse_fen(text, printed=True)


def _signed(fen: int) -> str:
    return f"+{printed(fen)}" if fen > 0 else printed(fen)


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
    environment.filters["money"] = lambda text: printed(_fen(text))
    return environment.get_template("reform.html")
