"""Events stored before there were canonical spellings, by the spelling that they would have today.

What is read in now is canonical, so that the table only names old events, and never grows. Nothing
stored is rewritten: a message that names such an event is led to it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from domain.events import STATES, is_enterprise
from domain.events.claims import ClaimApproved, ClaimEvent
from domain.events.content import DatedThing
from domain.events.event import SEP, Event
from domain.events.stored import UnreadableState
from domain.facts.canonical import canonical_event, identity_of
from ledger.store.rows import Rows

KEY, THING, CLAIM, ITEM = "key", "thing", "claim", "item"
"""What of an event is spelt otherwise: its identity, the thing, the claim's number, what is claimed for."""
WRITTEN_AT_ONCE = 1_000


class OldSpelling(NamedTuple):
    """One old spelling in an event; parts are joined by ``SEP``."""

    position: int
    field: str
    code: str
    event: str
    written: str
    canonical: str
    key: str


def note_spellings(rows: Rows) -> None:
    """Find the events whose spellings are not canonical, and note them; safe to run again."""
    rows.run("DELETE FROM spellings")
    sql = "SELECT rowid, originator_id, topic, state FROM stored_events ORDER BY rowid"
    spelling_rows = [
        spelling
        for position, code, topic, state in rows.stream(sql, [])
        if is_enterprise(code)
        for spelling in _spellings_in(position, code, topic, bytes(state))
    ]
    for start in range(0, len(spelling_rows), WRITTEN_AT_ONCE):
        chunk = [tuple(each) for each in spelling_rows[start : start + WRITTEN_AT_ONCE]]
        rows.run_many("INSERT INTO spellings VALUES (?,?,?,?,?,?,?)", chunk)


def _spellings_in(position: int, code: str, topic: str, state: bytes) -> Iterator[OldSpelling]:
    try:
        event = STATES.read_event(topic, state)
    except UnreadableState:
        return  # an audit names it
    canonical = canonical_event(event)
    before, after = dict(_identities(event)), dict(_identities(canonical))
    for field, written in before.items():
        if after[field] != written:
            yield OldSpelling(position, field, code, event.name, written, after[field], event.key)


def _identities(event: Event) -> Iterator[tuple[str, str]]:
    content = event.content
    yield KEY, event.key
    if isinstance(content, DatedThing):
        yield THING, identity_of(content)
    if isinstance(content, ClaimEvent):
        yield CLAIM, SEP.join((content.policy, content.claim))
    if isinstance(content, ClaimApproved):
        yield ITEM, SEP.join((content.policy, content.measure, content.item))


_SELECT = "SELECT position, field, code, event, written, canonical, key FROM spellings"


def has_spellings(rows: Rows) -> bool:
    """Whether any old event has a spelling of its own."""
    return bool(rows.all("SELECT 1 FROM spellings LIMIT 1"))


def spellings_of_enterprises(rows: Rows, codes: set[str] | None = None) -> list[OldSpelling]:
    """Old spellings in the events of these enterprises, or of all, in order of recording."""
    if codes is None:
        return [OldSpelling(*row) for row in rows.all(f"{_SELECT} ORDER BY position, field")]
    spelling_rows = rows.all_in(f"{_SELECT} WHERE code IN ({{}})", codes)
    return sorted(OldSpelling(*row) for row in spelling_rows)


def old_keys(rows: Rows, keys: set[str]) -> dict[str, str]:
    """The stored key of the earliest old event by the canonical key that it would have today."""
    spelling_rows = rows.all_in(f"{_SELECT} WHERE field='{KEY}' AND canonical IN ({{}})", keys)
    return {
        each.canonical: each.key
        for each in sorted((OldSpelling(*row) for row in spelling_rows), reverse=True)
    }
