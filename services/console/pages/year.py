"""The year at a glance: the budget and what becomes of it, articles, targets, the factor over time."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from flask import Response

from domain.money.amounts import print_fen
from domain.money.wire import print_percent
from ledger.reading.accounts import AccountSums, sum_accounts
from ledger.reading.balances import Balance, list_largest
from ledger.reading.budgets import YearBudget, read_budget
from ledger.reading.overview import factor_over_time
from ledger.reading.records import read_names
from ledger.reading.targets import TargetProgress, read_targets
from services.console import forms, language
from services.console.blueprint import console
from services.console.pages.home import open_policy
from services.console.rendering import choices, page
from services.web.amounts import print_short
from services.web.charts import Bar, Step

LARGEST = 10


@console.get("/<policy>/<int:year>/")
def year_page(policy: str, year: int) -> Response:
    """Show the year."""
    open_policy(policy, year)
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        budget = read_budget(ledger, rows, policy, year)
        targets = read_targets(ledger, rows, policy, year).targets
        largest = list_largest(ledger, rows, policy, year, LARGEST)
        factors = factor_over_time(rows, policy, year)
        accounts = sum_accounts(rows, policy, year)
        names = read_names(rows, [balance.enterprise for balance in largest])
    return page(
        "year.html",
        policy=policy,
        year=year,
        place=budget.position,
        currency=budget.currency,
        choices=choices(),
        budget=budget,
        accounts=accounts,
        steps=waterfall(budget),
        used=used_bars(budget, accounts),
        articles=[article for article in budget.articles if article.gross_fen],
        article_bars=article_bars(budget),
        targets=targets,
        target_bars=target_bars(targets),
        largest=largest,
        names=names,
        factors=[(day, print_percent(value)) for day, value in factors],
        factor_points=[(day[5:], scaled(value)) for day, value in factors],
    )


def scaled(value: Fraction) -> int:
    """A share of one in parts of a million, for a chart."""
    return int(value * 1_000_000)


def waterfall(sums: YearBudget | Balance) -> list[Step]:
    """From what was earned to what is paid: what is withheld, what is reduced; and a year's budget."""
    said = language.words_for
    gross, payable = sums.gross_fen, sums.payable_fen
    eligible = gross - sums.withheld_fen
    steps = [
        Step(said("gross"), 0, gross, short(gross, sums.currency), "main"),
        Step(said("withheld"), gross, eligible, less(sums.withheld_fen, sums.currency), "cut"),
        Step(said("reduction"), eligible, payable, less(eligible - payable, sums.currency), "warn"),
        Step(said("payable"), 0, payable, short(payable, sums.currency), "good"),
    ]
    if isinstance(sums, YearBudget):
        available = sums.available_fen
        steps.append(Step(said("budget"), 0, available, short(available, sums.currency), "rest"))
    return steps


def short(fen: int, currency: str) -> str:
    """A sum as a chart shows it: 万元 in Chinese, thousands in English."""
    return print_short(fen, currency, language.chosen())


def less(fen: int, currency: str) -> str:
    """A sum that is taken off, as a chart shows it."""
    return f"−{short(fen, currency)}" if fen else "0"


def used_bars(budget: YearBudget, accounts: AccountSums) -> tuple[list[Bar], int, int]:
    """The budget as one bar: paid, still to be paid; the whole, and what is left of it."""
    inside = budget.payable_fen - budget.outside_budget_fen
    paid = min(accounts.paid_fen, inside)
    said = language.words_for
    return (
        [
            Bar(said("paid"), paid, print_fen(paid, budget.currency), "good"),
            Bar(said("payable"), inside - paid, print_fen(inside - paid, budget.currency), "main"),
        ],
        max(budget.available_fen, 1),
        max(budget.available_fen - inside, 0),
    )


def article_bars(budget: YearBudget) -> list[Bar]:
    """What each article pays."""
    return [
        Bar(
            language.words_for("year-articles-of", article=article.article),
            article.payable_fen,
            print_fen(article.payable_fen, budget.currency),
            "main",
        )
        for article in budget.articles
        if article.gross_fen
    ]


def target_bars(targets: Iterable[TargetProgress]) -> list[Bar]:
    """How far each target is reached, at most as far as it goes."""
    rows = []
    for target in targets:
        reached = scaled(target.percent)
        kind = "good" if reached >= 1_000_000 else "main"
        percent = print_percent(target.percent)[:-3] + "%"
        rows.append(Bar(language.chosen_words(target.title), min(reached, 1_000_000), percent, kind))
    return rows
