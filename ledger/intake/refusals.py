"""What was refused: kept as it came, with every reason, to be seen, corrected and sent again.

A message refused again and again is kept once, with how often and when; so the list is
bounded by what is wrong, not by how often it is sent. Of one sender whom a door bounds it holds no
more than the quota (``domain.intake.quotas``): what is over it is not kept, and the sender is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.events.instants import instant
from domain.faults.fault import Fault
from domain.intake.quotas import COUNTED_DAYS, KeptRefusals, RefusalQuota
from ledger.intake.messages.decode import Refusal
from ledger.store.rows import Row, Rows, read_row, storable


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused message as it is kept."""

    number: int
    digest: str
    first_at: str
    last_at: str
    times: int
    channel: str
    source: str | None
    event_id: str | None
    subject: str | None
    type: str | None
    raw: bytes
    faults: tuple[Fault, ...]
    resolved: str | None
    """How it was settled: ``resubmitted`` or ``dismissed``; ``None`` while it is open."""
    origin: str | None
    """Where in a stream it stood: ``topic/partition@offset``."""
    sender: str
    """Who sent it, as ``Actor.identity`` names them; empty where nobody is known, as of older ones."""


RESUBMITTED, DISMISSED = "resubmitted", "dismissed"
"""How a refused message was settled."""
STREAM = "kafka"
"""The channel whose refusals go to a topic of dead letters too."""

_COLUMNS = (
    "number, digest, first_at, last_at, times, channel, source, event_id, subject, type, "
    "raw, faults, resolved, origin, sender"
)


def digest_of(raw: bytes) -> str:
    """Under which digest (SHA-256) a refused message is kept."""
    return hashlib.sha256(raw).hexdigest()


class Keeping:
    """Keeps the refusals of one batch, as far as the quotas of their senders go.

    ``unkept`` has, by digest, the fault of what was not kept: its sender is told, and has it still.
    """

    def __init__(self, rows: Rows, channel: str, now: str) -> None:
        self.rows, self.channel, self.now = rows, channel, now
        self.new: set[str] = set()
        """Digests of what was not kept before."""
        self.unkept: dict[str, Fault] = {}
        self._counted: dict[str, KeptRefusals] = {}

    def keep(self, refusals: Sequence[Refusal], quotas: Mapping[str, RefusalQuota]) -> None:
        """Keep refused messages; one that is kept already is counted again, and open again.

        Args:
            refusals: as they are to be kept.
            quotas: of the senders whose refusals are bounded.
        """
        if not refusals:
            return
        rows, now = self.rows, self.now
        row = read_row(rows, "SELECT MAX(number) FROM refused")
        number = (row[0] if row else None) or 0
        digests = [digest_of(refusal.raw) for refusal in refusals]
        sql = "SELECT digest FROM refused WHERE digest IN ({})"
        known_digests = {digest for (digest,) in rows.all_in(sql, set(digests))}
        new_rows, repetitions = [], []
        for digest, refusal in zip(digests, refusals, strict=True):
            faults = json.dumps([[f.code, f.field, f.args] for f in refusal.faults], ensure_ascii=True)
            if digest in known_digests:
                repetitions.append((now, faults, digest))
                continue
            if not self._fits(digest, refusal, len(faults), quotas.get(refusal.sender)):
                continue
            known_digests.add(digest)
            self.new.add(digest)
            number += 1
            dead_lettered = 0 if self.channel == STREAM else None
            arrival = [digest, number, now, now, 1, self.channel]
            envelope = [refusal.source, refusal.event_id, refusal.subject, refusal.type]
            settling = [None, refusal.origin, dead_lettered, refusal.sender]
            new_rows.append(storable([*arrival, *envelope, refusal.raw, faults, *settling]))
        if new_rows:
            rows.run_many(f"INSERT INTO refused VALUES ({','.join('?' * len(new_rows[0]))})", new_rows)
        rows.run_many(
            "UPDATE refused SET times=times+1, last_at=?, faults=?, resolved=NULL WHERE digest=?", repetitions
        )

    def _fits(self, digest: str, refusal: Refusal, faults_bytes: int, quota: RefusalQuota | None) -> bool:
        """Whether a sender's quota has place for a message; it is then counted."""
        if quota is None:
            return True
        kept = self._counted.get(refusal.sender)
        if kept is None:
            kept = count_kept(self.rows, refusal.sender, self.now)
        more_bytes = len(refusal.raw) + faults_bytes
        fault = quota.find_fault(kept, more_bytes)
        if fault is not None:
            self.unkept[digest] = fault
        else:
            kept = KeptRefusals(kept.messages + 1, kept.size_bytes + more_bytes)
        self._counted[refusal.sender] = kept
        return fault is None


def count_kept(rows: Rows, sender: str, now: str) -> KeptRefusals:
    """What counts for a sender: what waits, and what came within a day before an instant."""
    size = "SELECT COUNT(*), COALESCE(SUM(LENGTH(raw) + LENGTH(faults)), 0) FROM refused WHERE sender=?"
    since = instant(datetime.fromisoformat(now) - timedelta(days=COUNTED_DAYS))
    waiting = rows.all(f"{size} AND resolved IS NULL", [sender])[0]
    until = instant(datetime.fromisoformat(now) + timedelta(days=COUNTED_DAYS))  # a clock may have run ahead
    lately = "resolved IS NOT NULL AND first_at>=? AND first_at<?"
    settled = rows.all(f"{size} AND {lately}", [sender, since, until])[0]
    return KeptRefusals(int(waiting[0] + settled[0]), int(waiting[1] + settled[1]))


def dead_letters_waiting(rows: Rows, limit: int, streams: Sequence[str]) -> list[Refused]:
    """Refusals from these streams (``topic/partition``) that were not sent to the dead letters yet."""
    if not streams:
        return []
    starts = [f"{stream}@" for stream in streams]
    of_streams = " OR ".join("substr(origin, 1, ?) = ?" for _ in starts)
    sql = f"SELECT {_COLUMNS} FROM refused WHERE dead_lettered = 0 AND ({of_streams}) ORDER BY number LIMIT ?"
    values = [value for start in starts for value in (len(start), start)]
    return [_refused(row) for row in rows.all(sql, [*values, limit])]


def dead_lettered(rows: Rows, digests: Sequence[str]) -> None:
    """Note that the dead letters have these refusals."""
    rows.run_many("UPDATE refused SET dead_lettered=1 WHERE digest=?", [(digest,) for digest in digests])


def settle_accepted(rows: Rows, accepted: Sequence[tuple[str, str]]) -> None:
    """Close the open refusals of events (source, id) that have now been accepted."""
    if not rows.all("SELECT 1 FROM refused WHERE resolved IS NULL LIMIT 1"):
        return
    accepted_ids = set(accepted)
    sql = "SELECT digest, source, event_id FROM refused WHERE resolved IS NULL AND event_id IN ({})"
    for digest, source, event_id in rows.all_in(sql, {event_id for _, event_id in accepted}):
        if (source, event_id) in accepted_ids:
            resolve(rows, digest, RESUBMITTED)


def newest(rows: Rows, limit: int, open_only: bool = False) -> list[Refused]:
    """The refused messages that first came last, newest first."""
    condition = "WHERE resolved IS NULL" if open_only else ""
    sql = f"SELECT {_COLUMNS} FROM refused {condition} ORDER BY number DESC LIMIT ?"
    return [_refused(row) for row in rows.all(sql, [limit])]


def list_refused(rows: Rows, after: int = 0, limit: int = 100, open_only: bool = False) -> list[Refused]:
    """Refused messages in the order in which they first came."""
    condition = " AND resolved IS NULL" if open_only else ""
    sql = f"SELECT {_COLUMNS} FROM refused WHERE number>?{condition} ORDER BY number LIMIT ?"
    return [_refused(row) for row in rows.all(sql, [after, limit])]


def heads(rows: Rows, below: int | None, limit: int, open_only: bool = True) -> list[Refused]:
    """Refused messages without their text, the newest first, from below a number."""
    condition = " AND resolved IS NULL" if open_only else ""
    columns = _COLUMNS.replace("raw", "SUBSTR(raw, 1, 0)")
    sql = f"SELECT {columns} FROM refused WHERE number<?{condition} ORDER BY number DESC LIMIT ?"
    return [_refused(row) for row in rows.all(sql, [2**62 if below is None else below, limit])]


def find(rows: Rows, digest: str) -> Refused | None:
    """One refused message."""
    row = read_row(rows, f"SELECT {_COLUMNS} FROM refused WHERE digest=?", [digest])
    return _refused(row) if row else None


def resolve(rows: Rows, digest: str, how: str) -> None:
    """Note how a refused message was settled; it is never deleted."""
    rows.run("UPDATE refused SET resolved=? WHERE digest=?", [how, digest])


def count_open(rows: Rows) -> int:
    """How many refused messages wait to be settled."""
    row = read_row(rows, "SELECT COUNT(*) FROM refused WHERE resolved IS NULL")
    return int(row[0]) if row else 0


def _refused(row: Row) -> Refused:
    number, digest, first_at, last_at, times, channel, source, event_id, subject, type_ = row[:10]
    raw, faults, resolved, origin, sender = row[10:]
    decoded_faults = tuple(Fault(code, field, args) for code, field, args in json.loads(faults))
    return Refused(
        number,
        digest,
        first_at,
        last_at,
        times,
        channel,
        source,
        event_id,
        subject,
        type_,
        bytes(raw),
        decoded_faults,
        resolved,
        origin,
        sender,
    )
