"""Digests of rows that are no events: how they are worked out, and how the log holds them.

Of looks, refused messages and certificates the log states, period after period, how many rows there are
and their digest (``RowsDigested``). Only columns that never change once a row is written are in it; whatever
writes rows leaves those alone that are stated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from domain.events import RowsDigested, digests_id
from domain.events.event import NOBODY, Attribution
from ledger.store.append import append_ours
from ledger.store.rows import Row, Rows, read_row
from ledger.store.stored_events import SELECT, stored

ROWS_MAX = 100_000
"""Most rows of one event, and so of one transaction."""

RowValue = str | int | None

STATED: dict[str, tuple[str, ...]] = {
    "looks": (
        *("number", "at", "actor", "address", "method", "path", "code", "times"),
        *("issuer", "subject"),
    ),
    "refused": (
        *("number", "digest", "first_at", "channel", "source", "event_id", "subject", "type"),
        "origin",
    ),
    "certificates": (
        *("number", "made_at", "position", "reached", "live", "rebuilt", "swapped"),
        "differences",
    ),
}
"""The tables whose rows the log states by digest, with the columns that are in it, a row's number first.

The bytes of a refused message are in it by their own digest. How often it came, and what was wrong with it
when it came last, are not: they change.
"""


class RunningDigest:
    """A digest of rows that come one after the other."""

    def __init__(self, before: str = "") -> None:
        self._sha256 = hashlib.sha256(before.encode() + b"\n")
        self.rows = 0

    def add(self, row: Sequence[RowValue]) -> None:
        """Take the next row in: an array of JSON on a line, in ASCII, without blanks."""
        self._sha256.update(json.dumps(tuple(row), separators=(",", ":")).encode() + b"\n")
        self.rows += 1

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over a first line, the digest before, and the rows so far."""
        return self._sha256.hexdigest()


def digest_of_rows(rows: Iterable[Sequence[RowValue]], before: str = "") -> str:
    """The digest of rows, see ``RunningDigest``."""
    running = RunningDigest(before)
    for row in rows:
        running.add(row)
    return running.digest


class Stating(NamedTuple):
    """How far the log states the rows of a table: up to a number, by its event of a version."""

    last: int = 0
    digest: str = ""
    version: int = 0


def read_stating(rows: Rows, table: str) -> Stating:
    """How far the rows of a table are stated, from the last event about them."""
    sql = f"{SELECT} WHERE originator_id=? ORDER BY originator_version DESC LIMIT 1"
    row = read_row(rows, sql, [digests_id(table)])
    content = stored(row).fact.content if row else None
    if row is None or not isinstance(content, RowsDigested):
        return Stating()
    return Stating(content.last, content.digest, int(row[2]))


def read_stated_at(rows: Rows) -> str | None:
    """When rows were stated last, a UTC instant of fixed width; none before the first time."""
    last = f"{SELECT} WHERE originator_id=? ORDER BY originator_version DESC LIMIT 1"
    event_rows = [row for table in STATED if (row := read_row(rows, last, [digests_id(table)]))]
    return stored(max(event_rows, key=lambda row: int(row[0]))).recorded_at if event_rows else None


def state_rows(rows: Rows, table: str, now: datetime, attribution: Attribution = NOBODY) -> bool:
    """State the next rows of a table in the log, at most ``ROWS_MAX``; whether there were any."""
    before = read_stating(rows, table)
    running, last = RunningDigest(before.digest), before.last
    for row in islice(read_rows_after(rows, table, before.last), ROWS_MAX):
        running.add(row)
        last = int(row[0])
    if not running.rows:
        return False
    content = RowsDigested(
        table=table, first=before.last + 1, last=last, rows=running.rows, digest=running.digest
    )
    append_ours(rows, now, [(digests_id(table), before.version + 1, content)], attribution)
    return True


def read_rows_after(rows: Rows, table: str, number: int) -> Iterable[Row]:
    """The rows of a table after a number, in order, with the columns that are stated; streamed."""
    columns = ", ".join(STATED[table])
    return rows.stream(f"SELECT {columns} FROM {table} WHERE number>? ORDER BY number", [number])


def count_unstated(rows: Rows) -> dict[str, int]:
    """How many rows of each table the log does not state yet."""
    counts = {}
    for table in STATED:
        sql = f"SELECT COUNT(*) FROM {table} WHERE number>?"
        counts[table] = int(rows.all(sql, [read_stating(rows, table).last])[0][0])
    return counts
