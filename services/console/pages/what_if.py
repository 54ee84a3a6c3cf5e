"""What if: another budget, other readings or figures on the real facts; nothing is recorded."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response, request

from domain.money.amounts import MoneyError, parse_fen, print_fen
from domain.policy.faults import PolicyError
from domain.policy.model import Fixed, Policy
from ledger.reading.budgets import read_budget
from ledger.reading.records import read_names
from ledger.simulation.what_if import WhatIf, simulate_year
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.console import forms, language
from services.console.background import Work, ask, pinned
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.rendering import choices, page
from services.console.shown import fragment_wanted, here
from services.web.charts import Bar

add_to_menu("what_if_page", "nav-what-if", 80)
NAMED = 20
"""How many of those that gain or lose most are named."""
DRAWN = 8
STEP_FEN = 10_000_000
READING, FIGURE = "r.", "f."


@console.get("/<policy>/<int:year>/what-if")
def what_if_page(policy: str, year: int) -> Response:
    """Ask, and show what would be; a fragment of the answer where only that is wanted."""
    rules = open_policy(policy, year).of_year(year)
    with forms.opened().store.reading() as rows:
        budget = read_budget(forms.opened(), rows, policy, year)
        place = rows.last_position()
    asked, wrong = question(rules, budget.available_fen)
    work = None
    if asked and not wrong:
        work, wrong = _worked(policy, year, pinned(place), asked)
    named = work.value() if work is not None and work.done.is_set() and not wrong else None
    values = {
        "policy": policy,
        "year": year,
        "place": place,
        "currency": budget.currency,
        "budget": budget,
        "asked": asked,
        "wrong": wrong,
        "work": work,
        "answer": named.answer if named else None,
        "names": named.names if named else {},
        "again": here(at=pinned(place)),
        "bars": _draw(named) if named else [],
    }
    if fragment_wanted():
        return page("what-if-answer.html", **values)
    high = max(2 * budget.sharing_fen, 2 * budget.available_fen, STEP_FEN)
    return page(
        "what-if.html",
        422 if wrong else 200,
        choices=choices(),
        readings=list(rules.readings.values()),
        figures=amounts(rules),
        given=request.args,
        most=print_fen(-(-high // STEP_FEN) * STEP_FEN).removesuffix(".00"),
        step=print_fen(STEP_FEN).removesuffix(".00"),
        **values,
    )


def amounts(rules: Policy) -> list[tuple[str, str, int]]:
    """(path, title, fen) of the figures that the page offers to change."""
    lang = language.chosen()
    return [
        (f"{measure.id}/amount", f"{measure.title[lang]}", measure.amount)
        for measure in rules.measures.values()
        if isinstance(measure, Fixed)
    ]


Question = dict[str, Any]


def question(rules: Policy, available: int) -> tuple[Question, list[dict[str, str]]]:
    """What differs from what holds, and what is wrong with it."""
    asked: Question = {}
    wrong = []
    readings = {
        name: value
        for name, known in rules.readings.items()
        if (value := request.args.get(READING + name, known.value)) != known.value
    }
    figures: dict[str, str] = {}
    for path, title, now in amounts(rules):
        text = request.args.get(FIGURE + path, "").strip()
        amount = _fen(text) if text else now
        if amount is None:
            wrong.append(_amount_fault(title))
        elif amount != now:
            figures[path] = print_fen(amount)
    text = request.args.get("budget", "").strip()
    budget = _fen(text) if text else available
    if budget is None:
        wrong.append(_amount_fault(language.words_for("budget")))
    if budget is not None and budget != available:
        asked["budget"] = budget
    if readings:
        asked["readings"] = readings
    if figures:
        asked["figures"] = figures
    return asked, wrong


def _fen(text: str) -> int | None:
    try:
        return parse_fen(text.replace(",", ""))
    except MoneyError:
        return None


def _amount_fault(field: str) -> dict[str, str]:
    said = language.words_for
    return {"field": field, "rule": said("what-if-amount"), "mend": said("what-if-amount-mend")}


class NamedAnswer(NamedTuple):
    """What would be, with the names of those who gain and lose most."""

    answer: WhatIf
    names: dict[str, tuple[str, str]]
    """Names and towns by credit code."""


def _worked(policy: str, year: int, place: int, asked: Question) -> tuple[Work | None, list[dict[str, str]]]:
    changes = tuple(sorted({**asked.get("readings", {}), **asked.get("figures", {})}.items()))
    key = ("what-if", policy, year, place, asked.get("budget"), changes)

    def read(ledger: Ledger, rows: Rows) -> NamedAnswer:
        answer = simulate_year(ledger, rows, policy, year, limit=NAMED, **asked)
        codes = [move.enterprise for move in (*answer.winners, *answer.losers)]
        return NamedAnswer(answer, read_names(rows, codes))

    with forms.opened().store.reading() as rows:
        enterprises = int(rows.all("SELECT COUNT(*) FROM enterprises")[0][0])
    work = ask(key, enterprises, read)
    if isinstance(work.error, PolicyError):
        said = [(each.field, *each.words(language.chosen())) for each in work.error.faults]
        return None, [{"field": field, "rule": rule, "mend": mend} for field, rule, mend in said]
    if work.error is not None:
        raise work.error
    return work, []


def _draw(named: NamedAnswer) -> list[Bar]:
    """Bars of who gains and who loses most."""
    bars = []
    for moves, kind in ((named.answer.winners, "good"), (named.answer.losers, "bad")):
        for move in moves[:DRAWN]:
            fen, sign = move.difference_fen, "+" if move.difference_fen > 0 else "−"
            name = named.names.get(move.enterprise, ("",))[0] or move.enterprise
            bars.append(Bar(name, fen, f"{sign}{print_fen(abs(fen), named.answer.currency)}", kind))
    return bars
