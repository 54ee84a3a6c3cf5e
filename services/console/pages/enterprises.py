"""Enterprises: the list with its search, one enterprise with every reason, and its statement on paper."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response

from domain.events import account_id
from domain.events.accounts import PaymentMade
from domain.money.amounts import print_fen
from domain.settlement.year import Settlement
from ledger.claims import casework
from ledger.projections.closings import settlement_of
from ledger.reading.balances import Balance, read_balance, read_payables
from ledger.reading.budgets import read_budget
from ledger.reading.changes import HistoryStep, steps_of
from ledger.reading.enterprises import list_enterprises, list_towns
from ledger.reading.explained import ExplainedAward, Explanation
from ledger.reading.explanations import explain_awards, read_outlook
from ledger.reading.records import read_enterprise
from ledger.reading.search import Search
from ledger.settlement.adjusting import pending
from ledger.settlement.overpaid import list_overpayments
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of
from services.console import asking, forms, language, telling
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.pages.year import waterfall
from services.console.rendering import choices, page
from services.console.shown import overpayment_in_words
from services.web.charts import Bar

add_to_menu("enterprises_page", "nav-enterprises", 20)
SECTION = "enterprises_page"
ROWS = 50
CLAIMS = 200
NEAR = frozenset(
    ("missing-condition", "next-unit", "next-tier", "next-share", "threshold", "unused-cap", "awaiting")
)
"""Hints that rest on what the enterprise has done; the others are open to everybody."""


@console.get("/<policy>/<int:year>/enterprises")
def enterprises_page(policy: str, year: int) -> Response:
    """List enterprises, or those that a search finds."""
    book = open_policy(policy, year)
    ledger = forms.opened()
    search = Search(asking.text("q"), asking.text("town"))
    (after,) = asking.cursor("enterprises", str) or ("",)
    with ledger.store.reading() as rows:
        place = rows.last_position()
        lines = list_enterprises(rows, policy, year, after, ROWS + 1, search)
        page_lines, more = lines[:ROWS], len(lines) > ROWS
        sums = read_payables(ledger, rows, policy, year, [line.enterprise for line in page_lines])
        towns = list_towns(rows)
    return page(
        "enterprises.html",
        policy=policy,
        year=year,
        place=place,
        currency=book.latest.currency,
        choices=choices(),
        search=search,
        towns=towns,
        lines=[(line, sums[line.enterprise]) for line in page_lines],
        more=more,
        next=asking.further("enterprises", page_lines[-1].enterprise) if more else "",
        first=asking.beginning(),
    )


class SourceInWords(NamedTuple):
    """An event that an award rests on, for a reader."""

    position: int
    time: str
    source: str
    title: str
    content: list[tuple[str, str]]
    """Labels and values."""


class EnterpriseView(NamedTuple):
    """What the page and the sheet of an enterprise both show."""

    policy: str
    year: int
    code: str
    place: int
    name: str
    town: str
    currency: str
    settlement: Settlement
    balance: Balance
    document: Explanation
    explained: dict[str, ExplainedAward]
    """Its awards by measure."""
    sources: dict[str, list[SourceInWords]]
    """What they rest on, by measure."""
    overpaid: list[str]
    """What was paid too much of them, a sentence each."""


@console.get("/<policy>/<int:year>/enterprises/<code>")
def enterprise_page(policy: str, year: int, code: str) -> Response:
    """Show one enterprise: its awards with every reason, what is left to earn, its history."""
    open_policy(policy, year)
    ledger = forms.opened()
    before = asking.cursor("history", int, at="before")
    with ledger.store.reading() as rows:
        wording = telling.read_wording(rows, policy)
        view = _view(rows, policy, year, code, wording)
        outlook = read_outlook(ledger, rows, code, policy, year)
        claims = casework.of_enterprise(rows, policy, code, CLAIMS)
        closed = view.settlement.stage == "closed"
        missing = pending(rows, policy, year, code) if closed else []
        steps, more = _history(rows, code, before[0] if before else None)
    titles = wording.titles
    return page(
        "enterprise.html",
        section=SECTION,
        years=choices().get(policy, []),
        near=[hint for hint in outlook.hints if hint.finding.code in NEAR],
        far=[hint for hint in outlook.hints if hint.finding.code not in NEAR],
        claims=claims,
        titles=titles,
        closed=closed,
        pending=[(titles.get(each.measure, each.measure), each.amount) for each in missing],
        bars=bars(view.balance),
        steps=waterfall(view.balance),
        history=[_step_in_words(step, policy, year, wording) for step in steps],
        next=asking.further("history", steps[-1].event.position, at="before", place="#history")
        if more
        else "",
        first=asking.beginning("before"),
        **view._asdict(),
    )


@console.get("/<policy>/<int:year>/enterprises/<code>/statement")
def enterprise_statement(policy: str, year: int, code: str) -> Response:
    """Show the sheet for the enterprise itself: what, why, when, and whom to ask."""
    open_policy(policy, year)
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        view = _view(rows, policy, year, code, telling.read_wording(rows, policy))
        budget = read_budget(ledger, rows, policy, year)
        events = events_of(rows, account_id(policy, year, code))
        published = settlement_of(rows, policy, year).publication
        proved = events and published is not None and published.list_root
    payments = [event.fact.content for event in events if isinstance(event.fact.content, PaymentMade)]
    leads: dict[str, list[str]] = {}
    for award in view.explained.values():
        articles = leads.setdefault(award.lead, [])
        if award.article not in articles:
            articles.append(award.article)
    return page(
        "statement.html",
        section=SECTION,
        today=forms.opened().clock().isoformat(),
        budget=budget,
        reduced={award.pot for award in view.balance.awards if award.reduction_fen},
        payments=payments,
        leads=leads,
        receipt=f"/v1/enterprises/{code}/receipts/{policy}/{year}" if proved else "",
        **view._asdict(),
    )


def _view(rows: Rows, policy: str, year: int, code: str, wording: telling.Wording) -> EnterpriseView:
    """Read what the page and the sheet of an enterprise both show.

    Raises:
        UnknownEnterprise.
    """
    ledger = forms.opened()
    row = read_enterprise(rows, code)
    explanation = explain_awards(ledger, rows, code, policy, year)
    state = settlement_of(rows, policy, year)
    overpaid = list_overpayments(rows, policy, year, code) if state.stage == "closed" else []
    return EnterpriseView(
        policy=policy,
        year=year,
        code=code,
        place=rows.last_position(),
        name=row.name or code,
        town=row.town,
        currency=wording.currency,
        settlement=state,
        balance=read_balance(ledger, rows, code, policy, year),
        document=explanation,
        explained={award.measure: award for award in explanation.awards},
        sources={award.measure: _sources_in_words(award, wording) for award in explanation.awards},
        overpaid=[overpayment_in_words(each, wording.titles, wording.currency) for each in overpaid],
    )


def _sources_in_words(award: ExplainedAward, wording: telling.Wording) -> list[SourceInWords]:
    """What an award rests on, in words; a sealed name stays sealed."""
    return [
        SourceInWords(
            source.position,
            source.time,
            source.source,
            telling.kind_in_words(source.event),
            telling.content_in_words(source.event, source.content, wording),
        )
        for source in award.sources
    ]


def bars(balance: Balance) -> list[Bar]:
    """What each award pays."""
    return [
        Bar(
            language.chosen_words(award.title),
            award.payable_fen,
            print_fen(award.payable_fen, balance.currency),
            "good",
        )
        for award in balance.awards
        if award.gross_fen
    ]


def _history(rows: Rows, code: str, before: int | None) -> tuple[list[HistoryStep], bool]:
    """The newest steps from before a position, and whether older ones follow."""
    steps = list(steps_of(rows, code, rows.last_position()))
    newest = [step for step in reversed(steps) if before is None or step.event.position < before]
    return newest[:ROWS], len(newest) > ROWS


def _step_in_words(step: HistoryStep, policy: str, year: int, wording: telling.Wording) -> dict[str, Any]:
    """One step: the event, what it changed, and the sum of the year after it."""
    changes = [
        {
            "title": wording.titles.get(change.measure, change.measure),
            "year": change.year,
            "before": change.gross_before - change.withheld_before,
            "after": change.gross_after - change.withheld_after,
        }
        for change in step.changes
        if change.policy == policy
    ]
    awards = step.awards.get(policy, {}).get(year, {}).values()
    account, account_currency = None, ""
    if step.movement is not None:
        account, account_currency = step.movement.after, wording.currencies[step.movement.policy]
    return {
        "event": telling.describe_event(step.event, wording),
        "changed": changes,
        "after": print_fen(sum(award.gross - award.withheld for award in awards), wording.currency),
        "paid": None if account is None else print_fen(account.paid_fen, account_currency),
        "outstanding": None if account is None else print_fen(account.outstanding_fen, account_currency),
    }
