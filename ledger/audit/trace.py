"""From what was sent to what was paid, and back: everything that came under one correlation id.

Events are named with the awards that they bear on, those with the lines of the published list and
the payments that they ended in; each payment says under which ids it was ordered and answered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from domain.events import account_id, is_enterprise
from domain.events.accounts import PaymentStep
from domain.events.event import key_of
from domain.facts.folding import fold
from domain.money.amounts import print_fen
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.refusals import find
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import load
from ledger.reading.records import list_sources
from ledger.store import correlation
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import SELECT, Stored, events_of, stored

EVENTS_MAX = 1_000
"""Most events, and most refusals, that one answer names."""
ENTERPRISES_MAX = 50
"""Of how many enterprises one answer follows the awards."""

Document = dict[str, Any]


class TracedAward(NamedTuple):
    """An award on which an event bears, and what of it stands in a list; in fen."""

    enterprise: str
    policy: str
    year: int
    measure: str
    eligible_fen: int
    listed_fen: int | None

    def document(self) -> Document:
        """As JSON."""
        return {
            "enterprise": self.enterprise,
            "policy": self.policy,
            "year": self.year,
            "measure": self.measure,
            "eligible": print_fen(self.eligible_fen),
            "listed": None if self.listed_fen is None else print_fen(self.listed_fen),
        }


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
    row = read_row(rows, "SELECT position FROM event_keys WHERE key=?", [key_of(source, event_id)])
    events = _events(rows, [correlation.Span(row[0], row[0])]) if row else []
    sql = "SELECT digest FROM refused WHERE source=? AND event_id=? ORDER BY number LIMIT ?"
    refused = [each[0] for each in rows.all(sql, [source, event_id, EVENTS_MAX])]
    if not events and not refused:
        raise UnknownTrace(f"{source} {event_id}")
    return _document(rows, correlation.of_position(rows, row[0]) if row else None, events, refused)


def _events(rows: Rows, spans: list[correlation.Span]) -> list[Stored]:
    events: list[Stored] = []
    for first, last in spans:
        room = EVENTS_MAX - len(events)
        if room <= 0:
            break
        sql = f"{SELECT} WHERE rowid>=? AND rowid<=? ORDER BY rowid LIMIT ?"
        events += map(stored, rows.all(sql, [first, last, room]))
    return events


def _document(rows: Rows, id_: str | None, events: list[Stored], refused: list[str]) -> Document:
    positions = {event.position for event in events}
    codes = sorted({event.originator for event in events if is_enterprise(event.originator)})
    payment_ids = sorted(
        {event.fact.content.payment for event in events if isinstance(event.fact.content, PaymentStep)}
    )
    awards = [award for code in codes[:ENTERPRISES_MAX] for award in _awards(rows, code, positions)]
    return {
        "correlation": id_,
        "events": [_event(event) for event in events],
        "refused": [_refused(rows, digest) for digest in refused],
        "awards": [award.document() for award in awards],
        "payments": _payments(rows, awards, payment_ids),
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
    refused = find(rows, digest)
    assert refused is not None, "what was refused is never deleted"
    return {
        "digest": digest,
        "source": refused.source,
        "id": refused.event_id,
        "codes": [fault.code for fault in refused.faults],
        "resolved": refused.resolved,
    }


def _awards(rows: Rows, code: str, positions: set[int]) -> list[TracedAward]:
    """The awards of an enterprise on which some of these events bear, with their lines of the list."""
    events = events_of(rows, code)
    facts = fold([event.fact for event in events])
    row, books = load(rows, [code]).get(code), rulebooks(rows)
    traced = []
    for policy, outcome in row.outcomes.items() if row else ():
        for year, awards in sorted(outcome.awards.items()):
            for measure, award in sorted(awards.items()):
                rule = books[policy].measure_of_year(measure, year)
                if rule and any(each.position in positions for each in list_sources(events, rule, facts)):
                    listed_fen = _listed_fen(rows, code, policy, year, measure)
                    eligible_fen = award.gross - award.withheld
                    traced.append(TracedAward(code, policy, year, measure, eligible_fen, listed_fen))
    return traced


def _listed_fen(rows: Rows, code: str, policy: str, year: int, measure: str) -> int | None:
    sql = (
        "SELECT SUM(payable) FROM settlement_lines "
        "WHERE policy=? AND year=? AND code=? AND measure=? AND award_year=?"
    )
    row = read_row(rows, sql, [policy, year, code, measure, year])
    return None if row is None or row[0] is None else int(row[0])


def _payments(rows: Rows, awards: list[TracedAward], payment_ids: list[str]) -> list[Document]:
    """The payments of the awards' years, and those that events name."""
    columns = "policy, year, payment, code, amount, status, day"
    years = sorted({(award.policy, award.year, award.enterprise) for award in awards})
    payment_rows = [
        row
        for key in years
        for row in rows.all(
            f"SELECT {columns} FROM payments WHERE policy=? AND year=? AND code=? ORDER BY payment", key
        )
    ]
    payment_rows += rows.all_in(f"SELECT {columns} FROM payments WHERE payment IN ({{}})", payment_ids)
    return [_payment(rows, row) for row in sorted({tuple(row) for row in payment_rows})]


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
        if isinstance(event.fact.content, PaymentStep) and event.fact.content.payment == payment
    ]
    return {
        "policy": policy,
        "year": year,
        "payment": payment,
        "enterprise": code,
        "amount": print_fen(amount),
        "status": status,
        "day": day,
        "steps": steps,
    }
