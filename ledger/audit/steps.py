"""History for readers: steps as plain values, and what changed between two moments and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from domain.events import settlement_id
from domain.events.accounts import AccountEvent, amount_of
from domain.events.settlements import BankStatementRecorded, ObjectionRaised, ObjectionStep
from domain.money.amounts import print_fen
from domain.money.wire import wire_form
from domain.settlement.payables import payable_of
from ledger.budget.pools import lines_shared, pool
from ledger.intake.messages.schemas import TYPE_OF
from ledger.policies.versions import rulebook_at
from ledger.projections.closings import settlement_of
from ledger.reading.changes import HistoryStep, Movement, account_events
from ledger.store.application import Ledger
from ledger.store.moments import Moment, moment
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, events_of, stored

EVENTS_MAX = 1_000
Document = dict[str, Any]
"""What answers and pages show, as JSON has it."""


def step_document(step: HistoryStep) -> Document:
    """One step: the event, what it changed, and the balances after it."""
    event, content = step.event, step.event.fact.content
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "event": TYPE_OF.get(event.fact.name, event.fact.name),
        "source": event.fact.source,
        "id": event.fact.event_id,
        "subject": event.originator,
        **({"based_on": msgspec.to_builtins(event.fact.based_on)} if event.fact.based_on else {}),
        "changes": [
            {
                "policy": each.policy,
                "year": each.year,
                "measure": each.measure,
                "gross_before": print_fen(each.gross_before),
                "gross_after": print_fen(each.gross_after),
                "withheld_before": print_fen(each.withheld_before),
                "withheld_after": print_fen(each.withheld_after),
            }
            for each in step.changes
        ],
        "balances": [
            {
                "policy": policy,
                "year": year,
                "gross": print_fen(sum(a.gross for a in awards.values())),
                "withheld": print_fen(sum(a.withheld for a in awards.values())),
                "eligible": print_fen(sum(a.gross - a.withheld for a in awards.values())),
            }
            for policy, years in sorted(step.awards.items())
            for year, awards in sorted(years.items())
            if any(a.gross for a in awards.values())
        ],
        "account": account_document(step.movement, content)
        if step.movement and isinstance(content, AccountEvent)
        else None,
    }


def account_document(movement: Movement, content: AccountEvent) -> Document:
    """What an event moved in an account, the account after it, and what else the event says."""
    before, after = wire_form(movement.before), wire_form(movement.after)
    return {
        "policy": movement.policy,
        "year": movement.year,
        "amount": print_fen(amount_of(content)),
        "said": {name: value for name, value in content.values_by_name().items() if name in TOLD_FIELDS},
        "changes": [
            {"sum": name, "before": before[name], "after": after[name]}
            for name in before
            if before[name] != after[name]
        ],
        **after,
    }


TOLD_FIELDS = (
    *("payment", "batch", "clawback", "adjustment", "measure", "into_year", "on", "reference"),
    *("reason", "actor"),
)
"""What events of accounts say beside amounts."""


def difference(
    ledger: Ledger,
    rows: Rows,
    code: str | None,
    policy: str,
    year: int,
    first: str,
    second: str | None,
    rules_as_of: str | None = None,
    rules: str | None = None,
) -> Document:
    """What of a year's payments changed between two moments of knowledge, and the events between.

    Raises:
        Unanswerable: for moments that the ledger cannot answer for.
    """
    now = ledger.clock()
    was, became = (moment(rows, None, each, rules_as_of, now, rules) for each in (first, second))
    end = rows.last_position() if became.until is None else became.until
    begin = was.until or 0
    became = replace(became, until=end)
    before, budget_before = _payable_at(ledger, rows, policy, year, was)
    after, budget_after = _payable_at(ledger, rows, policy, year, became)
    awards = [
        {
            "enterprise": key[0],
            "measure": key[1],
            "before": print_fen(before.get(key, 0)),
            "after": print_fen(after.get(key, 0)),
        }
        for key in sorted(before.keys() | after.keys())
        if before.get(key, 0) != after.get(key, 0) and (code is None or key[0] == code)
    ]
    return {
        "policy": policy,
        "year": year,
        "from": begin,
        "to": end,
        "events": _between(rows, code, policy, year, begin, end),
        "awards": awards,
        "budget_before": budget_before,
        "budget_after": budget_after,
    }


def _payable_at(
    ledger: Ledger, rows: Rows, policy: str, year: int, moment: Moment
) -> tuple[dict[tuple[str, str], int], dict[str, str]]:
    book = rulebook_at(rows, policy, moment)
    year_pool = pool(ledger, rows, book, year, moment)
    payable: dict[tuple[str, str], int] = {}
    for line in lines_shared(rows, book, year, moment):
        key, paid = (line.code, line.measure), payable_of(line, book, year_pool.shares).payable
        if line.year == year or year_pool.closing or year_pool.budget.period != "life":
            payable[key] = payable.get(key, 0) + paid
    factor = f"{year_pool.factor.numerator}/{year_pool.factor.denominator}"
    document = {
        "budget": print_fen(year_pool.budget.amount),
        "sharing": print_fen(year_pool.total),
        "factor": factor,
    }
    return payable, {**document, "stage": settlement_of(rows, policy, year, moment.until).stage}


def _between(rows: Rows, code: str | None, policy: str, year: int, begin: int, end: int) -> list[Document]:
    """The events that came in between; of one enterprise, its own, its accounts' and the policy's."""
    if code is None:
        sql = f"{SELECT} WHERE rowid>? AND rowid<=? ORDER BY rowid LIMIT {EVENTS_MAX}"
        events = [stored(row) for row in rows.all(sql, [begin, end])]
    else:
        candidates = events_of(rows, code, end) + events_of(rows, f"policy:{policy}", end)
        candidates += account_events(rows, code, end, policy) + _steps_told(rows, code, policy, year, end)
        since = [event for event in candidates if event.position > begin]
        events = sorted(since, key=lambda event: event.position)
    return [
        {
            "position": event.position,
            "recorded_at": event.recorded_at,
            "event": TYPE_OF.get(event.fact.name, event.fact.name),
            "subject": event.originator,
            "source": event.fact.source,
            "id": event.fact.event_id,
        }
        for event in events[:EVENTS_MAX]
    ]


def _steps_told(rows: Rows, code: str, policy: str, year: int, end: int) -> list[Stored]:
    """The steps of a year's settlement that one enterprise is told of, and closings of other years.

    Objections of others and bank statements are not: only the year's audit bundle has them.
    """
    events = events_of(rows, settlement_id(policy, year), end)
    closings = (
        "SELECT position FROM settlements WHERE policy=? AND year<>? AND stage='closed' AND position<=?"
    )
    for (position,) in rows.all(closings, [policy, year, end]):
        events += [stored(row) for row in rows.all(f"{SELECT} WHERE rowid=?", [position])]
    contents = [event.fact.content for event in events]
    raised = {
        content.objection
        for content in contents
        if isinstance(content, ObjectionRaised) and content.enterprise == code
    }
    return [
        event
        for event, content in zip(events, contents, strict=True)
        if not isinstance(content, BankStatementRecorded)
        and (not isinstance(content, ObjectionStep) or content.objection in raised)
    ]
