"""Appending events: recorded times that never run backwards, positions without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.events import topic_of
from domain.events.instants import instant
from domain.facts.folding import Fact
from ledger.store.correlation import current, note_events
from ledger.store.log_tree import append_events
from ledger.store.rows import Conflict, Rows, one
from ledger.store.stored_events import state_of


def recorded_time(rows: Rows, now: datetime) -> str:
    """When the batch being written is recorded: now, or the last batch's time if that is later."""
    row = one(rows, "SELECT recorded_at FROM batches ORDER BY last_position DESC LIMIT 1")
    return max(instant(now), row[0]) if row else instant(now)


def tracked(rows: Rows, name: str) -> int | None:
    """How far a named reader has come, as the library's tracking table holds it."""
    row = one(rows, "SELECT notification_id FROM tracking WHERE application_name=?", [name])
    return None if row is None else int(row[0])


def track(rows: Rows, name: str, reached: int) -> None:
    """Note how far a named reader has come.

    Raises:
        Conflict: where another has noted that place, or a later one.
    """
    before = tracked(rows, name)
    if before is not None and before >= reached:
        raise Conflict(f"{name} has come to {before} already, not {reached}")
    rows.run(
        "INSERT INTO tracking (application_name, notification_id) VALUES (?,?) "
        "ON CONFLICT (application_name) DO UPDATE SET notification_id=excluded.notification_id",
        [name, reached],
    )


def append(
    rows: Rows,
    events: Sequence[tuple[str, int, Fact]],
    recorded_at: str,
    correlations: Sequence[str] | None = None,
) -> int:
    """Store events (originator, version, fact) as one batch; the last one's position comes back.

    Args:
        correlations: the id that each came under; by default that of what is being worked on.

    Raises:
        Conflict: where another writer has stored one of these versions.
    """
    first = rows.last_position() + 1
    states = [
        (originator, version, topic_of(fact.name), state_of(fact, recorded_at))
        for originator, version, fact in events
    ]
    rows.append(first, states)
    append_events(rows, first, states)
    last = first + len(states) - 1
    rows.run("INSERT INTO batches VALUES (?,?)", [last, recorded_at])
    note_events(rows, first, correlations or [current.get()] * len(states))
    return last


OUR_SOURCE = "urn:subsidy-ledger"
"""The source of events that the ledger makes itself; no upstream may use it."""


def append_ours(rows: Rows, now: datetime, events: Sequence[tuple[str, int, str, dict[str, Any]]]) -> int:
    """Store events that the ledger makes itself: (originator, version, class name, content).

    An event's id is its originator and version. The first one's position comes back.
    """
    time = instant(now)
    facts = [
        (originator, version, Fact(name, OUR_SOURCE, f"{originator}:{version}", time, content))
        for originator, version, name, content in events
    ]
    return append(rows, facts, recorded_time(rows, now)) - len(facts) + 1
