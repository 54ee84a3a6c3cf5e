"""History for readers: steps as plain values, and what changed between two moments and why."""

from __future__ import annotations

from typing import Any

from domain.money import yuan
from domain.settlement import payable_of
from ledger.application import Ledger
from ledger.changes import HistoryStep
from ledger.messages.schemas import TYPE_OF
from ledger.moments import Moment, moment
from ledger.policies import rulebook
from ledger.pools import lines_shared, pool
from ledger.store import Rows
from ledger.stored import SELECT, stored

EVENTS_MAX = 1_000


def step_document(step: HistoryStep) -> dict[str, Any]:
    """One step: the event, what it changed, and the balances after it."""
    event = step.event
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "event": TYPE_OF.get(event.fact.name, event.fact.name),
        "source": event.fact.source,
        "id": event.fact.event_id,
        "subject": event.originator,
        "changes": [
            {
                "policy": each.policy,
                "year": each.year,
                "measure": each.measure,
                "gross_before": yuan(each.gross_before),
                "gross_after": yuan(each.gross_after),
                "withheld_before": yuan(each.withheld_before),
                "withheld_after": yuan(each.withheld_after),
            }
            for each in step.changes
        ],
        "balances": [
            {
                "policy": policy,
                "year": year,
                "gross": yuan(sum(a.gross for a in awards.values())),
                "withheld": yuan(sum(a.withheld for a in awards.values())),
                "eligible": yuan(sum(a.gross - a.withheld for a in awards.values())),
            }
            for policy, years in sorted(step.awards.items())
            for year, awards in sorted(years.items())
            if any(a.gross for a in awards.values())
        ],
    }


def difference(
    ledger: Ledger, rows: Rows, code: str | None, policy: str, year: int, first: str, second: str | None
) -> dict[str, Any]:
    """What of a year's payments changed between two moments of knowledge, and the events between.

    Raises:
        Unanswerable: for moments that the ledger cannot answer for.
    """
    now = ledger.clock()
    was, became = moment(rows, as_known=first, now=now), moment(rows, as_known=second, now=now)
    end = rows.last_position() if became.until is None else became.until
    begin = was.until or 0
    became = Moment(until=end)
    before, said_before = _payable(ledger, rows, policy, year, was)
    after, said_after = _payable(ledger, rows, policy, year, became)
    awards = [
        {
            "enterprise": key[0],
            "measure": key[1],
            "before": yuan(before.get(key, 0)),
            "after": yuan(after.get(key, 0)),
        }
        for key in sorted(before.keys() | after.keys())
        if before.get(key, 0) != after.get(key, 0) and (code is None or key[0] == code)
    ]
    return {
        "policy": policy,
        "year": year,
        "from": begin,
        "to": end,
        "events": _between(rows, code, policy, begin, end),
        "awards": awards,
        "budget_before": said_before,
        "budget_after": said_after,
    }


def _payable(
    ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment
) -> tuple[dict[tuple[str, str], int], dict[str, str]]:
    book = rulebook(rows, policy, at.until)
    found = pool(ledger, rows, book, year, at)
    payable: dict[tuple[str, str], int] = {}
    for line in lines_shared(rows, book, year, at):
        key, paid = (line.code, line.measure), payable_of(line, book, found.shares).payable
        if line.year == year or found.closing or found.budget.period != "life":
            payable[key] = payable.get(key, 0) + paid
    factor = f"{found.factor.numerator}/{found.factor.denominator}"
    return payable, {"budget": yuan(found.budget.amount), "sharing": yuan(found.total), "factor": factor}


def _between(rows: Rows, code: str | None, policy: str, begin: int, end: int) -> list[dict[str, Any]]:
    """The events that came in between; of one enterprise, its own and the policy's."""
    sql, values = f"{SELECT} WHERE rowid>? AND rowid<=?", [begin, end]
    chosen: list[Any] = list(values)
    if code is not None:
        sql += " AND originator_id IN (?,?)"
        chosen += [code, f"policy:{policy}"]
    found = []
    for row in rows.all(f"{sql} ORDER BY rowid LIMIT {EVENTS_MAX}", chosen):
        event = stored(row)
        found.append(
            {
                "position": event.position,
                "recorded_at": event.recorded_at,
                "event": TYPE_OF.get(event.fact.name, event.fact.name),
                "subject": event.originator,
                "source": event.fact.source,
                "id": event.fact.event_id,
            }
        )
    return found
