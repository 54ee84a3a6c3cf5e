"""Open a bundle: verify it in one pass, and keep every event, readable, in the workbench's file.

Memory grows as the verifier's does, by awards and not by events: rows leave in batches.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from domain.events.event import Event
from domain.events.instants import instant
from domain.log.notes import Checkpoint, VerifierKey
from services.verify import verify
from services.verify.award_lines import read_award_rows
from services.verify.reading import BLOCK_BYTES, Broken, LoggedEvent, Verdict
from services.workbench.rows import Row, rows_of
from services.workbench.tables import COLUMNS, FILE, INDEXES, UNFINISHED, AboutBundle, create_file

BATCH_ROWS = 5_000
FAULTS_KEPT = 50
"""Most faults that a paper repeats; the verifier tells all of them."""


class RowBatches:
    """Rows on their way into the file, table by table, a batch at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.waiting: dict[str, list[tuple[object, ...]]] = {table: [] for table in COLUMNS}

    def add(self, row: Row) -> None:
        """Take a row; a full batch is written."""
        waiting = self.waiting[row.table]
        waiting.append(row.values)
        if len(waiting) >= BATCH_ROWS:
            self._write(row.table)

    def finish(self) -> None:
        """Write what still waits."""
        for table in self.waiting:
            self._write(table)

    def _write(self, table: str) -> None:
        rows = self.waiting[table]
        if rows:
            places = ",".join("?" * len(rows[0]))
            self.connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", rows)
            rows.clear()


def open_bundle(
    bundle: Path,
    folder: Path,
    keys: list[VerifierKey],
    *,
    witnesses: int = 0,
    kept: Sequence[Checkpoint] = (),
    progress: bool = False,
) -> tuple[AboutBundle, Verdict]:
    """Verify a year's bundle and write its events into the folder's file.

    The file takes the place of one that was there once all is verified and written, never before.
    What does not verify is opened all the same: the papers name the faults, and the verdict stands on
    each of them.

    Raises:
        Broken: for what is no year's bundle.
    """
    if not zipfile.is_zipfile(bundle):
        raise Broken(f"{bundle} 不是审计包 · {bundle} is no audit bundle")
    path = folder / UNFINISHED
    connection = create_file(path)
    try:
        batches = RowBatches(connection)
        connection.execute("BEGIN")

        def keep(logged: LoggedEvent, event: Event, recorded_at: str) -> None:
            for row in rows_of(logged, event, recorded_at):
                batches.add(row)

        head, verdict = verify(bundle, keys, witnesses, progress, kept, keep)
        if head.get("kind") != "year":
            raise Broken("请用全年的审计包 · take the year's bundle, not one enterprise's")
        with zipfile.ZipFile(bundle) as archive:
            for row in read_award_rows(archive):
                batches.add(Row("list_lines", (*row.key, *row.payable)))
            root = archive.read("checkpoint").decode().split("\n")[2]
        batches.finish()
        for index in INDEXES:
            connection.execute(index)
        count = verdict.counted.total()
        origin = AboutBundle(
            bundle=bundle.name,
            sha256=digest_of_file(bundle),
            policy=head["policy"],
            year=head["year"],
            size=head["size"],
            root=root,
            signed_by=", ".join(verdict.vouching),
            verdict="VERIFIED" if not count else f"NOT VERIFIED: {count:,} faults",
            faults="\n".join(verdict.faults[:FAULTS_KEPT]),
            closed=str(verdict.closed or ""),
            opened_at=instant(datetime.now(UTC)),
            program=program_version(),
        )
        connection.executemany("INSERT INTO about VALUES (?,?)", origin._asdict().items())
        connection.execute("COMMIT")
        connection.close()
        path.replace(folder / FILE)
    finally:
        connection.close()
        path.unlink(missing_ok=True)
    return origin, verdict


def digest_of_file(path: Path) -> str:
    """A file's SHA-256, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def program_version() -> str:
    """The version of the verifier and the workbench, which come together."""
    try:
        return f"subsidy-ledger {version('subsidy-ledger')}"
    except PackageNotFoundError:
        return "subsidy-ledger (source)"
