"""Stored events, written and read in bulk in the very form that the library's mapper uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from domain.events import CATALOGUE, is_enterprise
from domain.facts import Fact
from domain.states import fact_from
from ledger.store import Row, Rows

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Stored(NamedTuple):
    """One event as it stands in the ledger."""

    position: int
    originator: str
    version: int
    recorded_at: str
    """UTC instant, fixed width."""
    fact: Fact


def state_of(fact: Fact, recorded_at: str) -> bytes:
    """The stored state: envelope and content side by side, the recorded time as the library's timestamp."""
    state: dict[str, Any] = {
        "timestamp": {"_type_": "datetime_iso", "_data_": recorded_at[:-1] + "+00:00"},
        "source": fact.source,
        "event_id": fact.event_id,
        "time": fact.time,
        **fact.content,
    }
    version = CATALOGUE[fact.name].class_version
    if version > 1:
        state["class_version"] = version
    return _encode(state)


def fact_of(topic: str, state: bytes) -> tuple[Fact, str]:
    """Read a stored state, brought up to today's version of its class; with its recorded time."""
    return fact_from(topic, _decode(state))


def stored(row: Row) -> Stored:
    """A row of (position, originator, version, topic, state) as an event."""
    fact, recorded_at = fact_of(row[3], bytes(row[4]))
    return Stored(row[0], row[1], row[2], recorded_at, fact)


SELECT = "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events"
"""The columns that ``stored`` reads."""


def events_of(rows: Rows, originator: str, until: int | None = None) -> list[Stored]:
    """The events of one originator in order, up to a position."""
    sql = f"{SELECT} WHERE originator_id=?"
    values: list[Any] = [originator]
    if until is not None:
        sql += " AND rowid<=?"
        values.append(until)
    return [stored(row) for row in rows.all(sql + " ORDER BY originator_version", values)]


def by_originator(
    rows: Rows, until: int, first: str = "", before: str | None = None
) -> Iterator[tuple[str, list[Stored]]]:
    """Every enterprise with its events up to a position, streamed in order of credit code.

    Args:
        first: the first code that is wanted.
        before: the code before which to end; ``None`` to go on to the last.
    """
    some, values = (" AND originator_id>=?", [first]) if first else ("", list[Any]())
    some, values = (f"{some} AND originator_id<?", [*values, before]) if before else (some, values)
    sql = f"{SELECT} WHERE rowid<=?{some} ORDER BY originator_id, originator_version"
    code, events = "", list[Stored]()
    for row in rows.stream(sql, [until, *values]):
        if row[1] != code:
            if events:
                yield code, events
            code, events = row[1], []
        if is_enterprise(row[1]):
            events.append(stored(row))
    if events:
        yield code, events
