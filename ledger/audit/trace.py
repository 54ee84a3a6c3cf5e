"""From what was sent to what was paid, and back: everything that came under one correlation id.

Events are named with the awards that they bear on, those with the lines of the published list and
the payments that they ended in; each payment says under which ids it was ordered and answered.
"""

from __future__ import annotations

from typing import Any

from domain.events import account_id, is_enterprise
from domain.events.event import key_of
from domain.facts.folding import fold
from domain.money.amounts import yuan
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.refusals import find
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import load
from ledger.reading.sources import list_sources
from ledger.store import correlation
from ledger.store.rows import Rows, one
from ledger.store.stored_events import SELECT, Stored, events_of, stored

EVENTS_MAX = 1_000
"""Most events, and most refusals, that one answer names."""
ENTERPRISES_MAX = 50
"""Of how many enterprises one answer follows the awards."""

Document = dict[str, Any]


class UnknownTrace(LookupError):
    """Nothing came under this id, or no such event is known."""


def follow(rows: Rows, id_: str) -> Document:
    """Everything that came under a correlation id.

    Raises:
        UnknownTrace: where nothing did.
    """
    events = _events(rows, correlation.spans_of(rows, id_, EVENTS_MAX))
    refused = correlation.refused_under(rows, id_, EVENTS_MAX)
    if not events and not refused:
        raise UnknownTrace(id_)
    return _document(rows, id_, events, refused)


def follow_event(rows: Rows, source: str, event_id: str) -> Document:
    """One event by what its upstream calls it, and what it ended in.

    Raises:
        UnknownTrace: where the ledger neither took nor refused such an event.
    """
    row = one(rows, "SELECT position FROM event_keys WHERE key=?", [key_of(source, event_id)])
    events = _events(rows, [correlation.Span(row[0], row[0])]) if row else []
    sql = "SELECT digest FROM refused WHERE source=? AND event_id=? ORDER BY number LIMIT ?"
    refused = [each[0] for each in rows.all(sql, [source, event_id, EVENTS_MAX])]
    if not events and not refused:
        raise UnknownTrace(f"{source} {event_id}")
    return _document(rows, correlation.of_position(rows, row[0]) if row else None, events, refused)


def _events(rows: Rows, spans: list[correlation.Span]) -> list[Stored]:
    found: list[Stored] = []
    for first, last in spans:
        room = EVENTS_MAX - len(found)
        if room <= 0:
            break
        sql = f"{SELECT} WHERE rowid>=? AND rowid<=? ORDER BY rowid LIMIT ?"
        found += map(stored, rows.all(sql, [first, last, room]))
    return found


def _document(rows: Rows, id_: str | None, events: list[Stored], refused: list[str]) -> Document:
    mine = {event.position for event in events}
    codes = sorted({event.originator for event in events if is_enterprise(event.originator)})
    named = sorted({event.fact.content["payment"] for event in events if "payment" in event.fact.content})
    awards = [award for code in codes[:ENTERPRISES_MAX] for award in _awards(rows, code, mine)]
    return {
        "correlation": id_,
        "events": [_event(event) for event in events],
        "refused": [_refused(rows, digest) for digest in refused],
        "awards": awards,
        "payments": _payments(rows, awards, named),
        "whole": len(events) < EVENTS_MAX and len(refused) < EVENTS_MAX and len(codes) <= ENTERPRISES_MAX,
    }


def _event(event: Stored) -> Document:
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "event": TYPE_OF.get(event.fact.name, event.fact.name),
        "source": event.fact.source,
        "id": event.fact.event_id,
        "subject": event.originator,
    }


def _refused(rows: Rows, digest: str) -> Document:
    found = find(rows, digest)
    assert found is not None, "what was refused is never deleted"
    return {
        "digest": digest,
        "source": found.source,
        "id": found.event_id,
        "codes": [fault.code for fault in found.faults],
        "resolved": found.resolved,
    }


def _awards(rows: Rows, code: str, mine: set[int]) -> list[Document]:
    """The awards of an enterprise on which some of these events bear, with their lines of the list."""
    events = events_of(rows, code)
    facts = fold([event.fact for event in events])
    row, books = load(rows, [code]).get(code), rulebooks(rows)
    found = []
    for policy, outcome in row.outcomes.items() if row else ():
        for year, awards in sorted(outcome.awards.items()):
            for measure, award in sorted(awards.items()):
                rule = books[policy].measure_of_year(measure, year)
                if rule and any(each.position in mine for each in list_sources(events, rule, facts)):
                    named = {"enterprise": code, "policy": policy, "year": year, "measure": measure}
                    eligible = yuan(award.gross - award.withheld)
                    found.append(
                        {**named, "eligible": eligible, **_listed(rows, code, policy, year, measure)}
                    )
    return found


def _listed(rows: Rows, code: str, policy: str, year: int, measure: str) -> Document:
    sql = (
        "SELECT SUM(payable) FROM settlement_lines "
        "WHERE policy=? AND year=? AND code=? AND measure=? AND award_year=?"
    )
    row = one(rows, sql, [policy, year, code, measure, year])
    return {"listed": None if row is None or row[0] is None else yuan(int(row[0]))}


def _payments(rows: Rows, awards: list[Document], named: list[str]) -> list[Document]:
    """The payments of the awards' years, and those that events name."""
    columns = "policy, year, payment, code, amount, status, day"
    years = sorted({(each["policy"], each["year"], each["enterprise"]) for each in awards})
    found = [
        row
        for of in years
        for row in rows.all(
            f"SELECT {columns} FROM payments WHERE policy=? AND year=? AND code=? ORDER BY payment", of
        )
    ]
    found += rows.all_in(f"SELECT {columns} FROM payments WHERE payment IN ({{}})", named)
    return [_payment(rows, row) for row in sorted({tuple(row) for row in found})]


def _payment(rows: Rows, row: tuple[Any, ...]) -> Document:
    policy, year, payment, code, amount, status, day = row
    steps = [
        {
            "event": event.fact.name,
            "position": event.position,
            "recorded_at": event.recorded_at,
            "correlation": correlation.of_position(rows, event.position),
        }
        for event in events_of(rows, account_id(policy, year, code))
        if event.fact.content.get("payment") == payment
    ]
    return {
        "policy": policy,
        "year": year,
        "payment": payment,
        "enterprise": code,
        "amount": yuan(amount),
        "status": status,
        "day": day,
        "steps": steps,
    }
