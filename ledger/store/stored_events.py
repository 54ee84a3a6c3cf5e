"""Stored events, written and read in bulk in the very form that the library's mapper uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from domain.events import STATES, is_enterprise
from domain.events.event import Event
from ledger.store.rows import Row, Rows


class Stored(NamedTuple):
    """One event as it stands in the ledger."""

    position: int
    originator: str
    version: int
    recorded_at: str
    """UTC instant, fixed width."""
    fact: Event


def stored(row: Row) -> Stored:
    """A row of (position, originator, version, topic, state) as an event."""
    fact, recorded_at = STATES.read_state(row[3], bytes(row[4]))
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


def events_by_key(rows: Rows, keys: Iterable[str]) -> list[Stored]:
    """The events of these keys in order of recording; keys that none has are left out."""
    key_rows = rows.all_in("SELECT position FROM event_keys WHERE key IN ({})", keys)
    positions = [position for (position,) in key_rows]
    return sorted(map(stored, rows.all_in(f"{SELECT} WHERE rowid IN ({{}})", positions)))


class History(NamedTuple):
    """An enterprise and its facts in the order in which they were recorded."""

    code: str
    version: int
    """Of its last event."""
    facts: list[Event]


def histories(rows: Rows, until: int, first: str = "", before: str | None = None) -> Iterator[History]:
    """Every enterprise with its facts up to a position, streamed in order of credit code.

    Args:
        first: the first code that is wanted.
        before: the code before which to end; ``None`` to go on to the last.
    """
    condition, values = (" AND originator_id>=?", [first]) if first else ("", list[Any]())
    condition, values = (
        (f"{condition} AND originator_id<?", [*values, before]) if before else (condition, values)
    )
    read_event = STATES.read_event
    sql = (
        "SELECT originator_id, originator_version, topic, state FROM stored_events "
        f"WHERE rowid<=?{condition} ORDER BY originator_id, originator_version"
    )
    for code, events in groupby(rows.stream(sql, [until, *values]), key=itemgetter(0)):
        if not is_enterprise(code):
            continue
        last, facts = 0, []
        for _, version, topic, state in events:
            facts.append(read_event(topic, state))
            last = version
        yield History(code, last, facts)
