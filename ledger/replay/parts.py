"""A replay shared by several processes: each takes ranges of credit codes, one writer merges them.

A process writes its range into a file of its own, so none waits for another; what is merged is
rows of another file, and totals, which add up. The outcome is the same as that of one process.
"""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, cast

from domain.policy.rulebook import Rulebook
from ledger.projections.enterprises import Progress, TotalKey, TotalSums, Writer, rebuild
from ledger.projections.registry import OF_ENTERPRISE
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import Rows
from ledger.store.sqlite import SQLiteStore

PROCESSES_MAX = 64
RANGES_PER_PROCESS = 4
"""Ranges are shared out as processes become free, so that one with many events holds up nobody."""


class ReplayWorkers(NamedTuple):
    """The processes that share a replay: how they reach the ledger, and where their files may stand."""

    database: str
    processes: int
    folder: str


class _Part(NamedTuple):
    workers: ReplayWorkers
    books: dict[str, Rulebook]
    until: int
    between: tuple[str, str | None]
    path: str


def rebuild_in_parts(
    source: Rows,
    replica: Ledger,
    books: dict[str, Rulebook],
    until: int,
    workers: ReplayWorkers,
    progress: Progress | None = None,
) -> None:
    """Fill a file's empty read models from the events up to a position, as ``rebuild`` does."""
    parts = [
        _Part(workers, books, until, between, str(Path(workers.folder, f"part{number}.db")))
        for number, between in enumerate(ranges(source, workers.processes * RANGES_PER_PROCESS))
    ]
    enterprises = source.all("SELECT COUNT(*) FROM enterprises")[0][0] if progress else 0
    totals: dict[TotalKey, TotalSums] = {}
    finished = 0
    # Started anew rather than forked: a fork would share the parent's connections and threads.
    with multiprocessing.get_context("spawn").Pool(workers.processes) as pool:
        for path, count in pool.imap_unordered(_build, parts):
            _take(replica, path, totals)
            Path(path).unlink()
            finished += count
            if progress:
                progress(finished, enterprises)
    with replica.store.writing() as target:
        writer = Writer(target, books, until)
        writer.totals = totals
        writer.finish()


def ranges(rows: Rows, count: int) -> list[tuple[str, str | None]]:
    """About as many ranges of credit codes, together all there can be; (first, before which)."""
    enterprises = rows.all("SELECT COUNT(*) FROM enterprises")[0][0]
    sql = "SELECT code FROM enterprises ORDER BY code LIMIT 1 OFFSET ?"
    cuts = sorted(
        {rows.all(sql, [enterprises * part // count])[0][0] for part in range(1, count)}
        if enterprises
        else ()
    )
    return list(zip(["", *cuts], [*cuts, None], strict=True))


def _build(part: _Part) -> tuple[str, int]:
    """Build one range's read models into a file; runs in a process of its own."""
    with (
        closing(open_ledger(part.workers.database, create=False)) as ledger,
        closing(open_ledger(part.path)) as replica,
        ledger.store.reading() as rows,
        replica.store.writing() as target,
    ):
        count = rebuild(rows, target, part.books, part.until, between=part.between)
    return part.path, count


def _take(replica: Ledger, path: str, totals: dict[TotalKey, TotalSums]) -> None:
    """Take over a range's rows, and add up its totals."""
    cast(SQLiteStore, replica.store).take(path, tuple(OF_ENTERPRISE))
    with closing(open_ledger(path)) as part, part.store.reading() as rows:
        for policy, year, kind, name, *sums in rows.all(
            "SELECT policy, year, kind, name, gross, withheld, number FROM totals"
        ):
            key = (policy, year, kind, name)
            totals[key] = totals.get(key, TotalSums()).plus(TotalSums(*map(int, sums)))
