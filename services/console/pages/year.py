"""The year at a glance: the budget and what becomes of it, articles, targets, the factor over time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import Response

from domain.money.amounts import parse_fen
from ledger.reading import queries
from ledger.reading.overview import factor_over_time
from services.console import forms, language
from services.console.blueprint import console
from services.console.pages.home import known_policy
from services.console.rendering import choices, money, page
from services.web.amounts import print_short, printed
from services.web.charts import Bar, Step

LARGEST = 10


@console.get("/<policy>/<int:year>/")
def year_page(policy: str, year: int) -> Response:
    """Show the year."""
    known_policy(policy, year)
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        budget = queries.budget(ledger, rows, policy, year)
        targets = queries.targets(ledger, rows, policy, year)
        largest = queries.largest(ledger, rows, policy, year, LARGEST)
        factors = factor_over_time(rows, policy, year)
        accounts = queries.accounts_sums(rows, policy, year)
        names = queries.names_of(rows, [each["enterprise"] for each in largest])
    return page(
        "year.html",
        policy=policy,
        year=year,
        place=budget["position"],
        choices=choices(),
        budget=budget,
        accounts=accounts,
        steps=waterfall(budget),
        used=used(budget, accounts),
        articles=[each for each in budget["articles"] if fen(each["gross"])],
        article_bars=articles(budget),
        targets=targets["targets"],
        target_bars=target_bars(targets["targets"]),
        largest=largest,
        names=names,
        factors=[(day, queries.percent(value)) for day, value in factors],
        factor_points=[(day[5:], scaled(value)) for day, value in factors],
    )


def fen(amount: str) -> int:
    """Yuan text of an answer as fen."""
    return parse_fen(amount, printed=True)


def scaled(value: Fraction) -> int:
    """A share of one, for a chart."""
    return int(value * 1_000_000)


def waterfall(budget: dict[str, Any]) -> list[Step]:
    """From what was earned to what is paid: what is withheld, what is reduced."""
    said = language.said
    gross, withheld = fen(budget["gross"]), fen(budget["withheld"])
    payable = fen(budget["payable"])
    after = gross - withheld
    return [
        Step(said("gross"), 0, gross, short(gross), "main"),
        Step(said("withheld"), gross, after, less(withheld), "cut"),
        Step(said("reduction"), after, payable, less(after - payable), "warn"),
        Step(said("payable"), 0, payable, short(payable), "good"),
        Step(said("budget"), 0, fen(budget["available"]), short(fen(budget["available"])), "rest"),
    ]


def short(value: int) -> str:
    """A sum as a chart shows it: 万元 in Chinese, thousands of yuan in English."""
    return print_short(value, language.chosen())


def less(value: int) -> str:
    """A sum that is taken off, as a chart shows it."""
    return f"−{short(value)}" if value else "0"


def used(budget: dict[str, Any], accounts: dict[str, str]) -> tuple[list[Bar], int, int]:
    """The budget as one bar: paid, still to be paid; the whole, and what is left of it."""
    inside = fen(budget["payable"]) - fen(budget["outside_budget"])
    paid = min(fen(accounts["paid"]), inside)
    whole = max(fen(budget["available"]), 1)
    said = language.said
    return (
        [
            Bar(said("paid"), paid, printed(paid), "good"),
            Bar(said("payable"), inside - paid, printed(inside - paid), "main"),
        ],
        whole,
        max(fen(budget["available"]) - inside, 0),
    )


def articles(budget: dict[str, Any]) -> list[Bar]:
    """What each article pays."""
    return [
        Bar(
            language.said("year-articles-of", article=each["article"]),
            fen(each["payable"]),
            money(each["payable"]),
            "main",
        )
        for each in budget["articles"]
        if fen(each["gross"])
    ]


def target_bars(targets: list[dict[str, Any]]) -> list[Bar]:
    """How far each target is reached, at most as far as it goes."""
    rows = []
    for each in targets:
        tenths = int(each["percent"].rstrip("%").replace(".", ""))
        kind = "good" if tenths >= 1_000_000 else "main"
        rows.append(Bar(language.of(each["title"]), min(tenths, 1_000_000), each["percent"][:-3] + "%", kind))
    return rows
