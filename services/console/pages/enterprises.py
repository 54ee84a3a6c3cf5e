"""Enterprises: the list with its search, one enterprise with every reason, and its statement on paper."""

from __future__ import annotations

from typing import Any

from flask import Response

from domain.events import account_id
from domain.money.amounts import yuan
from domain.policy.rulebook import Rulebook
from ledger.claims import casework
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.reading import explanations, queries, standing
from ledger.reading.changes import HistoryStep, steps_of
from ledger.reading.search import Search
from ledger.settlement.adjusting import pending
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of
from services.console import asking, forms, language, telling
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import known_policy
from services.console.pages.year import fen, less, short
from services.console.rendering import choices, money, page
from services.web.amounts import printed
from services.web.charts import Bar, Step

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
    known_policy(policy, year)
    ledger = forms.opened()
    search = Search(asking.text("q"), asking.text("town"))
    (after,) = asking.cursor("enterprises", str) or ("",)
    with ledger.store.reading() as rows:
        place = rows.last_position()
        found = queries.enterprises(rows, policy, year, after, ROWS + 1, search)
        shown = found[:ROWS]
        sums = standing.sums_of(ledger, rows, policy, year, [each["enterprise"] for each in shown])
        towns = standing.towns(rows)
    return page(
        "enterprises.html",
        policy=policy,
        year=year,
        place=place,
        choices=choices(),
        search=search,
        towns=towns,
        found=[{**each, **sums[each["enterprise"]]} for each in shown],
        more=len(found) > ROWS,
        next=asking.further("enterprises", shown[-1]["enterprise"]) if len(found) > ROWS else "",
        first=asking.beginning(),
    )


@console.get("/<policy>/<int:year>/enterprises/<code>")
def enterprise_page(policy: str, year: int, code: str) -> Response:
    """Show one enterprise: its awards with every reason, what is left to earn, its history."""
    known_policy(policy, year)
    ledger = forms.opened()
    before = asking.cursor("history", int, at="before")
    with ledger.store.reading() as rows:
        found = _standing(rows, policy, year, code)
        outlook = explanations.outlook(ledger, rows, code, policy, year)
        claims = casework.of_enterprise(rows, policy, code, CLAIMS)
        closed = found["settlement"].stage == "closed"
        missing = pending(rows, policy, year, code) if closed else []
        steps, more = _history(rows, code, before[0] if before else None)
    titles = titles_of(found["book"])
    return page(
        "enterprise.html",
        section=SECTION,
        years=choices().get(policy, []),
        near=[each for each in outlook["hints"] if each["hint"] in NEAR],
        far=[each for each in outlook["hints"] if each["hint"] not in NEAR],
        claims=claims,
        titles=titles,
        closed=closed,
        pending=[(titles.get(each.measure, each.measure), yuan(each.amount)) for each in missing],
        bars=bars(found["balance"]["awards"]),
        steps=waterfall(found["balance"]),
        history=[_step_in_words(each, policy, year, titles) for each in steps],
        next=asking.further("history", steps[-1].event.position, at="before", place="#history")
        if more
        else "",
        first=asking.beginning("before"),
        **found,
    )


@console.get("/<policy>/<int:year>/enterprises/<code>/statement")
def enterprise_statement(policy: str, year: int, code: str) -> Response:
    """Show the sheet for the enterprise itself: what, why, when, and whom to ask."""
    known_policy(policy, year)
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        found = _standing(rows, policy, year, code)
        budget = queries.budget(ledger, rows, policy, year)
        events = events_of(rows, account_id(policy, year, code))
        published = settlement_of(rows, policy, year).publication
        proved = events and published is not None and published.list_root
    payments = [event.fact.content for event in events if event.fact.name == "PaymentMade"]
    explained = {each["measure"]: each for each in found["explained"].values()}
    leads: dict[str, list[str]] = {}
    for each in explained.values():
        articles = leads.setdefault(each["lead"], [])
        if each["article"] not in articles:
            articles.append(each["article"])
    return page(
        "statement.html",
        section=SECTION,
        today=forms.opened().clock().isoformat(),
        budget=budget,
        reduced={each.get("pot") for each in found["balance"]["awards"] if each["reduction"] != "0.00"},
        payments=[(each["on"], yuan(each["amount_fen"]), each["reference"]) for each in payments],
        leads=leads,
        receipt=f"/v1/enterprises/{code}/receipts/{policy}/{year}" if proved else "",
        **found,
    )


def _standing(rows: Rows, policy: str, year: int, code: str) -> dict[str, Any]:
    """What the page and the sheet of an enterprise both need.

    Raises:
        UnknownEnterprise.
    """
    ledger = forms.opened()
    book = rulebook(rows, policy)
    row = queries.enterprise_row(rows, code)
    explained = explanations.explain(ledger, rows, code, policy, year)
    return {
        "policy": policy,
        "year": year,
        "code": code,
        "place": rows.last_position(),
        "name": row.name or code,
        "town": row.town,
        "book": book,
        "settlement": settlement_of(rows, policy, year),
        "balance": queries.balance(ledger, rows, code, policy, year),
        "document": explained,
        "explained": {each["measure"]: _told_sources(each, book) for each in explained["awards"]},
    }


def _told_sources(award: dict[str, Any], book: Rulebook) -> dict[str, Any]:
    """An explained award with its sources in words; a sealed name stays sealed."""
    titles = titles_of(book)
    sources = [
        {
            "position": each["position"],
            "time": each["time"],
            "source": each["source"],
            "title": telling.kind(each["event"]),
            "content": telling.content_in_words(each["event"], _in_fen(each["content"]), titles),
        }
        for each in award["sources"]
    ]
    return {**award, "sources": sources}


def _in_fen(content: dict[str, Any]) -> dict[str, Any]:
    """The content of an explanation's source, with amounts as events hold them."""
    named = {key: value for key, value in content.items() if key != "amount"}
    if "amount" in content:
        named["amount_fen"] = fen(content["amount"])
    if isinstance(content.get("changes"), dict):
        named["changes"] = _in_fen(content["changes"])
    return named


def titles_of(book: Rulebook) -> dict[str, str]:
    """The titles of a policy's measures, in the reader's language."""
    return {measure: language.of(dict(found[-1].measure.title)) for measure, found in book.segments.items()}


def bars(awards: list[dict[str, Any]]) -> list[Bar]:
    """What each award pays."""
    return [
        Bar(language.of(each["title"]), fen(each["payable"]), money(each["payable"]), "good")
        for each in awards
        if fen(each["gross"])
    ]


def waterfall(balance: dict[str, Any]) -> list[Step]:
    """From what was earned to what is paid."""
    said = language.said
    gross, withheld, payable = (fen(balance[name]) for name in ("gross", "withheld", "payable"))
    after = gross - withheld
    return [
        Step(said("gross"), 0, gross, short(gross), "main"),
        Step(said("withheld"), gross, after, less(withheld), "cut"),
        Step(said("reduction"), after, payable, less(after - payable), "warn"),
        Step(said("payable"), 0, payable, short(payable), "good"),
    ]


def _history(rows: Rows, code: str, before: int | None) -> tuple[list[HistoryStep], bool]:
    """The newest steps from before a position, and whether older ones follow."""
    steps = list(steps_of(rows, code, rows.last_position()))
    found = [each for each in reversed(steps) if before is None or each.event.position < before]
    return found[:ROWS], len(found) > ROWS


def _step_in_words(step: HistoryStep, policy: str, year: int, titles: dict[str, str]) -> dict[str, Any]:
    """One step: the event, what it changed, and the sum of the year after it."""
    changed = [
        {
            "title": titles.get(each.measure, each.measure),
            "year": each.year,
            "before": each.gross_before - each.withheld_before,
            "after": each.gross_after - each.withheld_after,
        }
        for each in step.changes
        if each.policy == policy
    ]
    awards = step.awards.get(policy, {}).get(year, {}).values()
    moved = step.movement
    return {
        "event": telling.told(step.event, titles),
        "changed": changed,
        "after": printed(sum(each.gross - each.withheld for each in awards), policy),
        "paid": printed(moved.after.paid, moved.policy) if moved is not None else None,
        "outstanding": printed(moved.after.outstanding, moved.policy) if moved is not None else None,
    }
