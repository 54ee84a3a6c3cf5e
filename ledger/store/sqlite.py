"""The embedded default: one SQLite file, through the eventsourcing library's datastore.

Unlike the library's own recorder, positions are explicit and never reused (AUTOINCREMENT),
and durability is asked for (``synchronous=FULL``) and read back, never assumed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from eventsourcing.sqlite import SQLiteConnection, SQLiteDatastore, SQLiteProcessRecorder

from ledger.store.errors.sqlite import errors_mapped
from ledger.store.guard import Guard, Written
from ledger.store.repeats.joining import joined_rows, part_of
from ledger.store.rows import (
    LOCK_SECONDS_MAX,
    AppendCheck,
    DamagedStore,
    Row,
    StoreUnavailable,
    UnsuitableStore,
    storable,
)
from ledger.store.turns.queues import Turns

STREAM_ROWS = 1_000
CHUNK = 500
"""Values in one ``IN (…)`` list, below what every SQLite build allows."""
FULL = 2
CHECKPOINT_PAGES = 16_000
"""Pages (4 KiB) in the write-ahead log before it is copied into the file: a page that many
batches touch is then copied once. Commits are synced to the log as ever."""
CACHE_KIB = 65_536
"""Pages that a connection keeps in memory."""
RETRY_SECONDS = 1 / 1000
"""How soon a writer asks again for a file that another process writes to.

SQLite itself waits longer with each try, to 0.1 s, and by then whoever writes on and on holds it again.
"""
KEEPS_NO_COPIES = "PRAGMA secure_delete=FAST"
"""No copy of a row stays behind in a page that was split."""


class LedgerSQLiteRecorder(SQLiteProcessRecorder):
    """The library's recorder on a table with an explicit position."""

    def __init__(self, datastore: SQLiteDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.insert_events_statement = (
            f"INSERT INTO {self.events_table_name} "
            "(originator_id, originator_version, topic, state) VALUES (?,?,?,?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        """The events table of ours in place of the library's; its tracking table as it is."""
        ours = (
            f"CREATE TABLE IF NOT EXISTS {self.events_table_name} ("
            "rowid INTEGER PRIMARY KEY AUTOINCREMENT, "
            "originator_id TEXT NOT NULL, "
            "originator_version INTEGER NOT NULL, "
            "topic TEXT NOT NULL, "
            "state BLOB NOT NULL, "
            "UNIQUE (originator_id, originator_version))"
        )
        theirs = super().construct_create_table_statements()
        return [ours if self.events_table_name in sql else sql for sql in theirs]


def settings(path: str) -> dict[str, str]:
    """What the library's factory must know to open a file."""
    return {
        "PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "SQLITE_DBNAME": path,
        "SQLITE_LOCK_TIMEOUT": str(LOCK_SECONDS_MAX),
        "APPLICATION_RECORDER_TOPIC": "ledger.store.sqlite:LedgerSQLiteRecorder",
    }


IN_MEMORY = ":memory:"


def look_into(path: str, check: Callable[[SQLiteRows], None]) -> None:
    """Have what a file holds checked before it is opened for good: it is read, and not touched.

    Raises:
        UnsuitableStore: where it is none, or no database; and what ``check`` raises.
    """
    if Path(path).is_dir():
        raise UnsuitableStore("database.folder", path=path)
    if not Path(path).is_file():
        raise UnsuitableStore("database.no-file", path=path)
    with errors_mapped(path), closing(_opened_to_read(path)) as connection:
        check(SQLiteRows(connection))


def _opened_to_read(path: str) -> sqlite3.Connection:
    """A connection that changes nothing of a file, not even by copying its write-ahead log into it."""
    return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)


def check_place(path: str) -> None:
    """See that a file can be made where there is none yet.

    Raises:
        UnsuitableStore: where there is no folder for it, or nobody may write there.
    """
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise UnsuitableStore("database.no-folder", folder=str(folder))
    if not os.access(folder, os.W_OK):
        raise UnsuitableStore("database.no-rights", folder=str(folder))


class SQLiteRows:
    """One SQLite transaction."""

    def __init__(
        self, connection: sqlite3.Connection, writes: bool = False, append_check: AppendCheck | None = None
    ) -> None:
        self.connection = connection
        self.append_check = append_check
        self.guard = Guard(self) if writes else None
        self.changed = 0
        """Rows that our own statements wrote or deleted."""
        self._seen_position: int | None = None
        """Of a transaction that only reads, the last position, once it was asked for."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement."""
        if self.guard is None:
            self._cursor(sql, values)
        else:
            self.guard.run(sql, [values], lambda: self._counted(self._cursor(sql, values)))

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each row of values."""
        if self.guard is None:
            self.connection.executemany(sql, rows)
        elif rows:
            self.guard.run(sql, rows, lambda: self._counted(self.connection.executemany(sql, rows)))

    def _counted(self, cursor: sqlite3.Cursor) -> Written:
        count = max(0, cursor.rowcount)
        self.changed += count
        return lambda: count

    def rows_by_key(
        self, table: str, columns: Sequence[str], key: Sequence[str], values: Sequence[Sequence[Any]]
    ) -> list[Row]:
        """Rows of a table by their keys, a chunk at a time."""
        # A join in this order: of a key of several columns IN (VALUES …) goes through the whole table.
        rows = list[Row]()
        one, asked = f"({','.join('?' * len(key))})", ", ".join(f"asked_{column}" for column in key)
        on = " AND ".join(f"{column}=asked_{column}" for column in key)
        for start in range(0, len(values), CHUNK // len(key)):
            chunk = values[start : start + CHUNK // len(key)]
            sql = f"WITH asked({asked}) AS (VALUES {','.join([one] * len(chunk))}) "
            sql += f"SELECT {', '.join(columns)} FROM asked CROSS JOIN {table} ON {on}"
            rows += self.all(sql, [value for row in chunk for value in row])
        return rows

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a small answer."""
        return self._cursor(sql, values).fetchall()

    def all_in(self, sql: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Row]:
        """Rows for any number of values; ``IN ({})`` is filled a chunk at a time."""
        listing, rows = list(values), list[Row]()
        for start in range(0, len(listing), CHUNK):
            chunk = listing[start : start + CHUNK]
            rows += self.all(sql.format(",".join("?" * len(chunk))), [*before, *chunk])
        return rows

    def for_each(self, expression: str, values: Iterable[str]) -> list[Row]:
        """(value, result) of each text; ``expression`` is evaluated for ``asked.value``."""
        texts, rows = list(values), list[Row]()
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            common_table = f"WITH asked(value) AS (VALUES {','.join(['(?)'] * len(chunk))})"
            rows += self.all(f"{common_table} SELECT value, {expression} FROM asked", chunk)
        return rows

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of an answer of any size, in bounded memory."""
        cursor = self._cursor(sql, values)
        while rows := cursor.fetchmany(STREAM_ROWS):
            yield from rows

    def _cursor(self, sql: str, values: Sequence[Any]) -> sqlite3.Cursor:
        cursor = self.connection.cursor()
        cursor.row_factory = None
        try:
            return cursor.execute(sql, values)
        except UnicodeEncodeError:
            return cursor.execute(sql, storable(values))
        except UnicodeDecodeError as error:  # SQLite repeats what it cannot make sense of in its catalogue
            raise DamagedStore("database.unreadable-row", reason=str(error)) from error

    def has_table(self, name: str) -> bool:
        """Whether a table exists."""
        sql = "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?"
        return self._cursor(sql, [name]).fetchone() is not None

    def table_names(self) -> list[str]:
        """The tables of the file, without SQLite's own."""
        sql = "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        return [str(name) for (name,) in self._cursor(sql, ())]

    def last_position(self) -> int:
        """The last position ever given out, also when its event was deleted behind our back."""
        if self._seen_position is not None:
            return self._seen_position
        row = self._cursor("SELECT seq FROM sqlite_sequence WHERE name='stored_events'", ()).fetchone()
        position = int(row[0]) if row else 0
        if self.connection.in_transaction and self.guard is None:
            self._seen_position = position
        return position

    def append(self, first_position: int, events: Sequence[tuple[str, int, str, bytes]]) -> None:
        """Store events at consecutive positions."""
        rows = [(first_position + i, *event) for i, event in enumerate(events)]
        self.run_many("INSERT INTO stored_events VALUES (?,?,?,?,?)", rows)


def _begin_writing(connection: sqlite3.Connection) -> None:
    """Become the file's only writer, as soon as no other process is.

    Raises:
        sqlite3.OperationalError: where it does not come in ``LOCK_SECONDS_MAX``.
    """
    end = time.monotonic() + LOCK_SECONDS_MAX
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
            time.sleep(RETRY_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout={LOCK_SECONDS_MAX * 1_000}")


def _finish(rows: SQLiteRows, guard: Guard, changes_before: int) -> None:
    """Write the sums, and refuse where rows were dropped, or others written beside ours."""
    guard.finish()
    guard.check_counts()
    beside = rows.connection.total_changes - changes_before - rows.changed
    if beside:
        raise UnsuitableStore("database.rows-beside", count=abs(beside))


class _OpenFile(NamedTuple):
    """The file that a connection opened, which it goes on writing to whatever its name comes to mean."""

    path: str
    identity: tuple[int, int] | None

    def check_in_place(self) -> None:
        """Refuse to work on a file that has no name any more: what is written to it is gone with the process.

        Raises:
            UnsuitableStore: saying so.
        """
        if self.path and _identity_of(self.path) != self.identity:
            raise UnsuitableStore("database.replaced", path=self.path)


def _identity_of(path: str) -> tuple[int, int] | None:
    """The file that a path names now; ``None`` where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class SQLiteStore:
    """A SQLite file."""

    dialect = "sqlite"

    def __init__(self, recorder: SQLiteProcessRecorder, path: str) -> None:
        self.recorder, self.path = recorder, path
        self.datastore: SQLiteDatastore = recorder.datastore
        self.append_check: AppendCheck | None = None
        self.turns = Turns()
        self.ready: WeakKeyDictionary[SQLiteConnection, _OpenFile] = WeakKeyDictionary()
        """Connections whose settings are in place, each with the file that it opened."""
        with errors_mapped(path), self.datastore.get_connection(commit=True) as connection:
            raw = self._prepared(connection)
            if raw.execute("PRAGMA synchronous").fetchone()[0] != FULL:
                raise UnsuitableStore("database.synchronous")

    def _prepared(self, connection: SQLiteConnection) -> sqlite3.Connection:
        raw = connection._sqlite_conn
        if connection in self.ready:
            return raw
        raw.execute(KEEPS_NO_COPIES)
        raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        raw.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        raw.execute("PRAGMA synchronous=FULL")
        path = str(raw.execute("PRAGMA database_list").fetchone()[2])
        self.ready[connection] = _OpenFile(path, _identity_of(path))
        return raw

    @contextmanager
    def _transaction(self, commit: bool) -> Iterator[SQLiteRows]:
        turn = self.turns.take() if commit else nullcontext()
        with turn, errors_mapped(self.path), self.datastore.get_connection(commit=commit) as connection:
            raw = self._prepared(connection)
            if commit:
                _begin_writing(raw)
            else:
                raw.execute("BEGIN")
            file = self.ready[connection]
            file.check_in_place()
            rows, before = SQLiteRows(raw, commit, self.append_check), raw.total_changes
            try:
                yield rows
                if rows.guard is not None:
                    _finish(rows, rows.guard, before)
                    file.check_in_place()
                raw.execute("COMMIT" if commit else "ROLLBACK")
            except BaseException:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise

    def reading(self) -> Any:
        """A transaction that sees one moment of the file."""
        joined = joined_rows(self)
        return self._transaction(commit=False) if joined is None else nullcontext(joined)

    def writing(self) -> Any:
        """The file's only writer, from the start of the transaction."""
        joined = joined_rows(self)
        return self._transaction(commit=True) if joined is None else part_of(joined)

    @contextmanager
    def erasing(self) -> Iterator[SQLiteRows]:
        """A writing transaction that overwrites what it deletes; then the write-ahead log is emptied."""
        with self.writing() as rows:
            rows.all("PRAGMA secure_delete=ON")
            try:
                yield rows
            finally:
                rows.all(KEEPS_NO_COPIES)
        with errors_mapped(self.path), self.datastore.get_connection(commit=True) as connection:
            checkpoint = connection._sqlite_conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if checkpoint[0]:
            raise StoreUnavailable("database.log-kept")

    @contextmanager
    def migrating(self) -> Iterator[SQLiteRows]:
        """The file's only writer, with the library's tables in place."""
        with errors_mapped(self.path):
            self.recorder.create_table()
        with self.writing() as rows:
            yield rows

    def count_other_sessions(self) -> int:
        """Always 0: who else has the file open is not known."""
        return 0

    def take(self, path: str, tables: Sequence[str]) -> None:
        """Take over the rows of another file's tables, which have the same columns."""
        with self.datastore.get_connection(commit=True) as connection:
            raw = self._prepared(connection)
            raw.execute("ATTACH ? AS other", [path])
            try:
                raw.execute("BEGIN IMMEDIATE")
                for table in tables:
                    raw.execute(f"INSERT INTO main.{table} SELECT * FROM other.{table}")
                raw.execute("COMMIT")
            finally:
                raw.execute("DETACH other")

    def close(self) -> None:
        """Close every connection."""
        self.datastore.close()
