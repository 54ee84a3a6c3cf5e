"""The keys of publishers in the audit: what the events say of each, held against the table both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from domain.events.upkeep.publisher_keys import KEYS, EarlierKeysFound, PublisherKeyEnded, PublisherKeyMade
from ledger.intake.machine_keys import SELECT_KEYS, KeyRow, read_earlier_keys, row_of_key
from ledger.log.digests import digest_of_rows
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, stored
from ledger.store.value_kinds import Finding


class RecordedKey(NamedTuple):
    """What the events say of one key; ``row`` is none of one that was made before keys were recorded."""

    position: int
    row: KeyRow | None
    ended_at: str | None


def check_publisher_keys(rows: Rows) -> Iterator[Finding]:
    """Keys that no event made, that are not as their events say, or that are gone."""
    recorded, earlier = read_recorded_keys(rows), list[KeyRow]()
    for row in rows.stream(SELECT_KEYS):
        key = KeyRow(*row)
        events = recorded.pop(key.key_id, None)
        if events is None or events.row is None:
            earlier.append(key if events is None else key._replace(revoked_at=None))
        if events is not None:
            yield from _compare(key, events)
    for key_id, events in recorded.items():
        yield Finding(events.position, f"machine_keys: the key {key_id} is missing: it was deleted")
    yield from _check_earlier(rows, earlier)


def read_recorded_keys(rows: Rows) -> dict[str, RecordedKey]:
    """What the events say of each key, by its number."""
    recorded: dict[str, RecordedKey] = {}
    sql = f"{SELECT} WHERE originator_id>? AND originator_id<? ORDER BY originator_id, originator_version"
    for row in rows.stream(sql, [f"{KEYS}:", f"{KEYS};"]):
        event = stored(row)
        content = event.fact.content
        if isinstance(content, PublisherKeyMade):
            recorded[content.key] = RecordedKey(event.position, row_of_key(event.fact), None)
        elif isinstance(content, PublisherKeyEnded):
            made = recorded.get(content.key, RecordedKey(event.position, None, None))
            recorded[content.key] = made._replace(ended_at=event.fact.time)
    return recorded


def list_earlier_keys(rows: Rows) -> list[KeyRow]:
    """Keys that were made before keys were recorded: nobody knows by whom."""
    recorded = read_recorded_keys(rows)
    keys = [KeyRow(*row) for row in rows.stream(SELECT_KEYS)]
    return [key for key in keys if key.key_id not in recorded or recorded[key.key_id].row is None]


def _compare(key: KeyRow, events: RecordedKey) -> Iterator[Finding]:
    """A row against what its events say."""
    expected = (events.row or key)._replace(revoked_at=events.ended_at)
    wrong = [name for name in KeyRow._fields if getattr(key, name) != getattr(expected, name)]
    if wrong:
        columns = ", ".join(wrong)
        yield Finding(
            events.position, f"machine_keys: of the key {key.key_id} the log says otherwise: {columns}"
        )


def _check_earlier(rows: Rows, earlier: list[KeyRow]) -> Iterator[Finding]:
    """Keys that no event makes, against what the log says stood there before keys were recorded."""
    event = read_earlier_keys(rows)
    if event is None:
        return
    statement = event.fact.content
    if not isinstance(statement, EarlierKeysFound):
        yield Finding(event.position, "machine_keys: the log does not say which keys are older than it")
    elif statement.keys != len(earlier):
        numbers = ", ".join(key.key_id for key in earlier[:5]) or "none"
        yield Finding(
            event.position,
            f"machine_keys: {statement.keys} keys were made before keys were recorded, {len(earlier)} stand "
            f"there without an event that makes them ({numbers}): rows were added or deleted",
        )
    elif statement.digest != digest_of_rows(earlier):
        yield Finding(
            event.position,
            "machine_keys: a key that is older than its record is not as it was: it was changed",
        )
