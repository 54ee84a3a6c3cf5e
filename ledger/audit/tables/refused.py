"""Refused messages in the audit: each is the message of its digest, and was settled as the events say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from domain.events import RefusalDismissed, RefusalResubmitted, RowsDigested, digests_id, refusal_id
from domain.events.event import key_of
from ledger.intake.refusals import DISMISSED, RESUBMITTED
from ledger.store.moments import known_since
from ledger.store.persons import WIPED
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import SELECT, Stored, stored
from ledger.store.value_kinds import Finding

_COLUMNS = "number, digest, raw, source, event_id, last_at, resolved"


class _Kept(NamedTuple):
    """A refused message as the table has it."""

    number: int
    digest: str
    raw: bytes
    source: str | None
    event_id: str | None
    last_at: str
    resolved: str | None


def check_refused(rows: Rows) -> Iterator[Finding]:
    """Refused messages that are not what they were, or were settled otherwise than the events say."""
    first = _first_stated(rows)
    for row in rows.stream(f"SELECT {_COLUMNS} FROM refused ORDER BY number"):
        message = _Kept(*row)
        yield from _check_bytes(rows, message)
        yield from _check_settling(rows, message, _last_event(rows, message.digest), first)
    yield from _check_present(rows)


def _check_bytes(rows: Rows, message: _Kept) -> Iterator[Finding]:
    """The bytes are those of the digest, or were erased with a name that the ledger had taken in."""
    raw = bytes(message.raw)
    if hashlib.sha256(raw).hexdigest() == message.digest:
        return
    if raw != WIPED or not _is_recorded(rows, message):
        yield Finding(
            0, f"refused: the message {message.number} is not the one of its digest: it was changed"
        )


def _check_settling(rows: Rows, message: _Kept, event: Stored | None, first: int | None) -> Iterator[Finding]:
    """How it was settled, against the last event about it.

    Programs of before wrote none: of messages up to the end of the first period none need tell.
    """
    settling = event.fact.content if event else None
    is_older = first is None or message.number <= first
    if message.resolved == DISMISSED and not isinstance(settling, RefusalDismissed) and not is_older:
        yield Finding(0, f"refused: no event says that the message {message.number} was dismissed")
    elif message.resolved == RESUBMITTED and not (
        isinstance(settling, RefusalResubmitted) or _is_recorded(rows, message) or is_older
    ):
        yield Finding(0, f"refused: no event says that the message {message.number} was sent again")
    elif message.resolved is None and event is not None and _came_before(rows, message, event):
        yield Finding(
            event.position, f"refused: the message {message.number} is open, though it was settled since"
        )


def _came_before(rows: Rows, message: _Kept, event: Stored) -> bool:
    """Whether a message last came before it was settled; not to be told of an event stamped ahead of time."""
    time = event.fact.time
    return message.last_at < time <= (known_since(rows, event.position) or event.recorded_at)


def _check_present(rows: Rows) -> Iterator[Finding]:
    """Messages that were settled, and are gone."""
    sql = (
        "SELECT originator_id, MIN(rowid) FROM stored_events WHERE originator_id>? AND originator_id<? "
        "GROUP BY originator_id ORDER BY originator_id"
    )
    start = refusal_id("")
    for originator, position in rows.stream(sql, [start, start[:-1] + ";"]):
        digest = originator.removeprefix(start)
        if not rows.all("SELECT 1 FROM refused WHERE digest=?", [digest]):
            yield Finding(int(position), f"refused: the message {digest} was settled, and is missing")


def _last_event(rows: Rows, digest: str) -> Stored | None:
    sql = f"{SELECT} WHERE originator_id=? ORDER BY originator_version DESC LIMIT 1"
    row = read_row(rows, sql, [refusal_id(digest)])
    return stored(row) if row else None


def _is_recorded(rows: Rows, message: _Kept) -> bool:
    """Whether an event of the message's source and id was recorded."""
    if message.source is None or message.event_id is None:
        return False
    key = key_of(message.source, message.event_id)
    return bool(rows.all("SELECT 1 FROM event_keys WHERE key=?", [key]))


def _first_stated(rows: Rows) -> int | None:
    """The last number of the first period that the log states; none before that."""
    row = read_row(rows, f"{SELECT} WHERE originator_id=? AND originator_version=1", [digests_id("refused")])
    content = stored(row).fact.content if row else None
    return content.last if isinstance(content, RowsDigested) else None
