"""What was refused: kept as it came, with every reason, to be seen, corrected and sent again.

A message refused again and again is kept once, with how often and when; so the list is
bounded by what is wrong, not by how often it is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from domain.faults.fault import Fault
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


RESUBMITTED, DISMISSED = "resubmitted", "dismissed"
"""How a refused message was settled."""
STREAM = "kafka"
"""The channel whose refusals go to a topic of dead letters too."""

_COLUMNS = (
    "number, digest, first_at, last_at, times, channel, source, event_id, subject, type, "
    "raw, faults, resolved, origin"
)


def digest_of(raw: bytes) -> str:
    """Under which digest (SHA-256) a refused message is kept."""
    return hashlib.sha256(raw).hexdigest()


def keep(rows: Rows, refusals: Sequence[Refusal], channel: str, now: str) -> None:
    """Keep refused messages; one that is kept already is counted again, and open again."""
    if not refusals:
        return
    row = read_row(rows, "SELECT MAX(number) FROM refused")
    number = (row[0] if row else None) or 0
    digests = [digest_of(refusal.raw) for refusal in refusals]
    known_digests = {
        digest for (digest,) in rows.all_in("SELECT digest FROM refused WHERE digest IN ({})", set(digests))
    }
    new_rows, repetitions = [], []
    for digest, refusal in zip(digests, refusals, strict=True):
        faults = json.dumps([[f.code, f.field, f.args] for f in refusal.faults], ensure_ascii=True)
        if digest in known_digests:
            repetitions.append((now, faults, digest))
            continue
        known_digests.add(digest)
        number += 1
        dead_lettered = 0 if channel == STREAM else None
        arrival = [digest, number, now, now, 1, channel]
        envelope = [refusal.source, refusal.event_id, refusal.subject, refusal.type]
        settling = [None, refusal.origin, dead_lettered]
        new_rows.append(storable([*arrival, *envelope, refusal.raw, faults, *settling]))
    if new_rows:
        rows.run_many(f"INSERT INTO refused VALUES ({','.join('?' * len(new_rows[0]))})", new_rows)
    rows.run_many(
        "UPDATE refused SET times=times+1, last_at=?, faults=?, resolved=NULL WHERE digest=?", repetitions
    )


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
    raw, faults, resolved, origin = row[10:]
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
    )
