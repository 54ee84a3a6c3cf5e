"""Appending events: positions without gaps; recorded times run back at a corrected clock alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.events.aggregate import OUR_SOURCE
from domain.events.content import Content
from domain.events.event import NOBODY, Attribution, Event
from domain.events.instants import instant
from domain.events.stored import state_of, topic_of
from ledger.store.correlation import current, note_events
from ledger.store.log_tree import append_events
from ledger.store.rows import Conflict, Rows, read_row
from ledger.store.stored_events import Stored


def last_recorded(rows: Rows) -> str | None:
    """When the last batch was recorded, as it is stamped: a UTC instant; ``None`` of an empty ledger."""
    row = read_row(rows, "SELECT recorded_at FROM batches ORDER BY last_position DESC LIMIT 1")
    return str(row[0]) if row else None


def recorded_time(rows: Rows, now: datetime) -> str:
    """When the batch being written is recorded: now, or the last batch's time if that is later.

    So a clock that is set back a little leaves no gap in the order. One that stood far ahead is corrected
    by ``ledger.audit.clock``, whose event is the only one that is recorded before the one before it.
    """
    return max(instant(now), last_recorded(rows) or "")


def tracked(rows: Rows, name: str) -> int | None:
    """The last position that a named reader has processed, ``None`` before its first."""
    row = read_row(rows, "SELECT notification_id FROM tracking WHERE application_name=?", [name])
    return None if row is None else int(row[0])


def track(rows: Rows, name: str, position: int) -> None:
    """Store the last position that a named reader has processed.

    Raises:
        Conflict: where that position, or a later one, is stored already.
    """
    before = tracked(rows, name)
    if before is not None and before >= position:
        raise Conflict(f"{name} has come to {before} already, not {position}")
    rows.run(
        "INSERT INTO tracking (application_name, notification_id) VALUES (?,?) "
        "ON CONFLICT (application_name) DO UPDATE SET notification_id=excluded.notification_id",
        [name, position],
    )


State = tuple[str, int, str, bytes]
"""A stored event without its position: originator, version, topic, state."""


def append(
    rows: Rows,
    events: Sequence[tuple[str, int, Event]],
    recorded_at: str,
    correlations: Sequence[str] | None = None,
) -> int:
    """Store events (originator, version, event) as one batch; the last one's position comes back.

    Args:
        correlations: the id that each came under; by default that of what is being worked on.

    Raises:
        Conflict: where another writer has stored one of these versions.
    """
    states = [
        (originator, version, topic_of(event.name), state_of(event, recorded_at))
        for originator, version, event in events
    ]
    return append_states(rows, states, recorded_at, correlations)


def append_states(
    rows: Rows, states: Sequence[State], recorded_at: str, correlations: Sequence[str] | None = None
) -> int:
    """``append`` for events in their stored form: the one place where events enter the ledger.

    Raises:
        StaleStore: where the log does not continue what its key signed last.
    """
    first = rows.last_position() + 1
    rows.append(first, states)
    append_events(rows, first, states)
    last = first + len(states) - 1
    rows.run("INSERT INTO batches VALUES (?,?)", [last, recorded_at])
    note_events(rows, first, correlations or [current.get()] * len(states))
    if rows.append_check is not None:
        rows.append_check(rows)
    return last


def append_ours(
    rows: Rows,
    now: datetime,
    events: Sequence[tuple[str, int, Content]],
    attribution: Attribution = NOBODY,
) -> list[Stored]:
    """Store events that the ledger makes itself: (originator, version, content); as they were stored.

    An event's id is its originator and version.
    """
    time, recorded_at = instant(now), recorded_time(rows, now)
    facts = [
        (originator, version, Event(content, OUR_SOURCE, f"{originator}:{version}", time, *attribution))
        for originator, version, content in events
    ]
    first = append(rows, facts, recorded_at) - len(facts) + 1
    return [
        Stored(position, originator, version, recorded_at, event)
        for position, (originator, version, event) in enumerate(facts, first)
    ]
