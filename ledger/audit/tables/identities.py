"""Identities and decisions in the audit: recomputed from each event, and held against the tables both ways.

Both are followed in the order of positions, in bounded memory: the table's rows are streamed beside the
events, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from domain.events import is_enterprise
from domain.events.amendments import FactDecided
from domain.events.event import Event, digest_of, digest_of_values
from ledger.store.persons import NamingClaim, erased_digest, name_of
from ledger.store.rows import Row, Rows, read_row
from ledger.store.stored_events import SELECT, stored
from ledger.store.value_kinds import Finding


class Identities:
    """The kept identities (``event_keys``), followed beside the events in order of position."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._kept = iter(rows.stream("SELECT position, key, digest FROM event_keys ORDER BY position, key"))
        self._next: Row | None = next(self._kept, None)

    def check(self, position: int, originator: str, event: Event) -> Iterator[Finding]:
        """Hold the event at the next position against the identity that is kept for it."""
        yield from self.finish(position)
        if self._next is None or self._next[0] != position:
            if is_enterprise(originator):
                yield Finding(position, self._missing(position, event))
            return
        _, key, digest = self._next
        self._next = next(self._kept, None)
        if key != event.key:
            yield Finding(position, f"event_keys holds another identity for it: {key!r}")
        elif bytes(digest) not in self._digests(originator, event):
            yield Finding(position, "event_keys holds a digest that is not the one of what it says")

    def finish(self, before: int | None = None) -> Iterator[Finding]:
        """Identities that are kept for positions at which no event stands, up to a position or to the end."""
        while self._next is not None and (before is None or self._next[0] < before):
            position, key = int(self._next[0]), self._next[1]
            self._next = next(self._kept, None)
            yield Finding(position, f"event_keys holds an identity that no event there has: {key!r}")

    def _missing(self, position: int, event: Event) -> str:
        row = read_row(self.rows, "SELECT position FROM event_keys WHERE key=?", [event.key])
        if row is None:
            return "its identity is not kept in event_keys: the same message would be taken again"
        return f"the events #{position} and #{row[0]} have one identity: the same message was taken twice"

    def _digests(self, code: str, event: Event) -> set[bytes | None]:
        """The digests that may be kept: of what it says, and, of a name that was erased, without it."""
        content = event.content
        if not isinstance(content, NamingClaim):
            return {digest_of(code, event)}
        if content.person is None:
            return _of_claim(code, event)
        name = name_of(self.rows, code, event)
        digests = {erased_digest(code, event)}
        if name is not None:
            digests |= _of_claim(code, replace(event, content=replace(content, person=name)))
        return digests


def _of_claim(code: str, event: Event) -> set[bytes | None]:
    """The digest of a step of a claim; before version 6 of the schema the desk also told empty fields."""
    return {digest_of(code, event), digest_of_values(code, event, event.content.fields_by_name())}


def check_decision(rows: Rows, position: int, event: Event) -> Iterator[Finding]:
    """Hold an officer's decision about facts that disagree against what the tables say of it."""
    decision = event.content
    if not isinstance(decision, FactDecided) or not decision.actor:
        return
    sql = "SELECT decided, actor, reason FROM disputes WHERE disagreement=?"
    row = read_row(rows, sql, [decision.disagreement])
    if row is None or row[0] is None or row[0] < position:
        yield Finding(position, f"the decision about {decision.disagreement} is missing from disputes")
    elif row[0] == position and tuple(row[1:]) != (decision.actor, decision.reason):
        yield Finding(position, f"disputes says otherwise who decided {decision.disagreement}, or why")


def check_versions(rows: Rows) -> Iterator[Finding]:
    """Streams in which a version is missing, or stands twice."""
    sql = (
        "SELECT originator_id, MIN(originator_version), MAX(originator_version), COUNT(*), MAX(rowid) "
        "FROM stored_events GROUP BY originator_id "
        "HAVING MIN(originator_version)<>1 OR MAX(originator_version)<>COUNT(*) ORDER BY originator_id"
    )
    for originator, first, last, count, position in rows.stream(sql):
        yield Finding(
            int(position), f"the versions of {originator} run from {first} to {last}, in {count} events"
        )


def check_decided(rows: Rows) -> Iterator[Finding]:
    """Decisions that the tables tell of, and no event does."""
    sql = "SELECT disagreement, decided FROM disputes WHERE decided IS NOT NULL ORDER BY disagreement"
    for disagreement, position in rows.stream(sql):
        row = read_row(rows, f"{SELECT} WHERE rowid=?", [position])
        decision = None if row is None else _content(row)
        if not isinstance(decision, FactDecided) or decision.disagreement != disagreement:
            yield Finding(
                int(position), f"disputes tells of a decision about {disagreement} that no event makes"
            )


def _content(row: Row) -> object:
    try:
        return stored(row).fact.content
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
