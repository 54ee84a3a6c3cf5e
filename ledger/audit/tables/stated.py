"""Rows that the log states by digest, in the audit: each period is worked out again, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events import RowsDigested, digests_id
from ledger.log.digests import STATED, RunningDigest, read_rows_after
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored
from ledger.store.value_kinds import Finding


def check_stated(rows: Rows) -> Iterator[Finding]:
    """Periods of looks, refused messages and certificates that do not hold what the log states of them."""
    for table in STATED:
        yield from _check_table(rows, table)


def _check_table(rows: Rows, table: str) -> Iterator[Finding]:
    present = iter(read_rows_after(rows, table, -(2**62)))
    row, last, digest = next(present, None), 0, ""
    for event in _statings(rows, table):
        stated = event.fact.content
        if not isinstance(stated, RowsDigested) or (stated.table, stated.first) != (table, last + 1):
            yield Finding(event.position, f"{table}: this event does not follow the digest before it")
            return
        running = RunningDigest(digest)
        while row is not None and row[0] <= stated.last:
            running.add(row)
            row = next(present, None)
        yield from _compare(event, stated, running)
        last, digest = stated.last, stated.digest


def _statings(rows: Rows, table: str) -> Iterator[Stored]:
    sql = f"{SELECT} WHERE originator_id=? ORDER BY originator_version"
    return map(stored, rows.stream(sql, [digests_id(table)]))


def _compare(event: Stored, stated: RowsDigested, running: RunningDigest) -> Iterator[Finding]:
    period = f"{stated.table}: the rows {stated.first} to {stated.last}"
    if running.rows != stated.rows:
        what = "deleted" if running.rows < stated.rows else "added"
        yield Finding(
            event.position,
            f"{period}: the log states {stated.rows}, {running.rows} stand there: rows were {what}",
        )
    elif running.digest != stated.digest:
        yield Finding(event.position, f"{period} are not those that the log states: something was changed")
