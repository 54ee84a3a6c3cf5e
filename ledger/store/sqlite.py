"""The embedded default: one SQLite file, through the eventsourcing library's datastore.

Unlike the library's own recorder, positions are explicit and never reused (AUTOINCREMENT),
and durability is asked for (``synchronous=FULL``) and read back, never assumed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakSet

from eventsourcing.persistence import IntegrityError, OperationalError
from eventsourcing.sqlite import SQLiteConnection, SQLiteDatastore, SQLiteProcessRecorder

from ledger.store.repeats.joining import joined_rows, part_of
from ledger.store.rows import Conflict, Row, StoreUnavailable, UnsuitableStore, storable

STREAM_ROWS = 1_000
CHUNK = 500
"""Values in one ``IN (…)`` list, below what every SQLite build allows."""
FULL = 2
CHECKPOINT_PAGES = 16_000
"""Pages (4 KiB) in the write-ahead log before it is copied into the file: a page that many
batches touch is then copied once. Commits are synced to the log as ever."""
CACHE_KIB = 65_536
"""Pages that a connection keeps in memory."""


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
        "SQLITE_LOCK_TIMEOUT": "30",
        "APPLICATION_RECORDER_TOPIC": "ledger.store.sqlite:LedgerSQLiteRecorder",
    }


class SQLiteRows:
    """One SQLite transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement."""
        self._cursor(sql, values)

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each row of values."""
        self.connection.executemany(sql, rows)

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

    def has_table(self, name: str) -> bool:
        """Whether a table exists."""
        sql = "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?"
        return self._cursor(sql, [name]).fetchone() is not None

    def last_position(self) -> int:
        """The last position ever given out, also when its event was deleted behind our back."""
        row = self._cursor("SELECT seq FROM sqlite_sequence WHERE name='stored_events'", ()).fetchone()
        return int(row[0]) if row else 0

    def append(self, first_position: int, events: Sequence[tuple[str, int, str, bytes]]) -> None:
        """Store events at consecutive positions."""
        rows = [(first_position + i, *event) for i, event in enumerate(events)]
        self.connection.executemany("INSERT INTO stored_events VALUES (?,?,?,?,?)", rows)


class SQLiteStore:
    """A SQLite file."""

    dialect = "sqlite"

    def __init__(self, recorder: SQLiteProcessRecorder) -> None:
        self.recorder = recorder
        self.datastore: SQLiteDatastore = recorder.datastore
        self.ready: WeakSet[SQLiteConnection] = WeakSet()
        """Connections whose settings are in place."""
        with self.datastore.get_connection(commit=True) as connection:
            raw = self._prepared(connection)
            if raw.execute("PRAGMA synchronous").fetchone()[0] != FULL:
                raise UnsuitableStore(
                    "SQLite does not keep synchronous=FULL, so a power cut could undo what was "
                    "confirmed — use a SQLite build that keeps it"
                )

    def _prepared(self, connection: SQLiteConnection) -> sqlite3.Connection:
        raw = connection._sqlite_conn
        raw.execute("PRAGMA secure_delete=FAST")  # no copy of a row stays behind in a page that was split
        if connection in self.ready:
            return raw
        raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        raw.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        raw.execute("PRAGMA synchronous=FULL")
        self.ready.add(connection)
        return raw

    @contextmanager
    def _transaction(self, begin: str, commit: bool) -> Iterator[SQLiteRows]:
        try:
            with self.datastore.get_connection(commit=commit) as connection:
                raw = self._prepared(connection)
                raw.execute(begin)
                try:
                    yield SQLiteRows(raw)
                    raw.execute("COMMIT" if commit else "ROLLBACK")
                except BaseException:
                    if raw.in_transaction:
                        raw.execute("ROLLBACK")
                    raise
        except (sqlite3.IntegrityError, IntegrityError) as error:
            raise Conflict(str(error)) from error
        except (sqlite3.OperationalError, OperationalError) as error:
            raise StoreUnavailable(str(error)) from error

    def reading(self) -> Any:
        """A transaction that sees one moment of the file."""
        joined = joined_rows(self)
        return self._transaction("BEGIN", commit=False) if joined is None else nullcontext(joined)

    def writing(self) -> Any:
        """The file's only writer, from the start of the transaction."""
        joined = joined_rows(self)
        return self._transaction("BEGIN IMMEDIATE", commit=True) if joined is None else part_of(joined)

    @contextmanager
    def erasing(self) -> Iterator[SQLiteRows]:
        """A writing transaction that overwrites what it deletes; then the write-ahead log is emptied."""
        with self.writing() as rows:
            rows.all("PRAGMA secure_delete=ON")
            yield rows
        try:
            with self.datastore.get_connection(commit=True) as connection:
                checkpoint = connection._sqlite_conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (sqlite3.OperationalError, OperationalError) as error:
            raise StoreUnavailable(str(error)) from error
        if checkpoint[0]:
            raise StoreUnavailable(
                "the key is deleted, but readers keep the write-ahead log from being emptied — run this again"
            )

    @contextmanager
    def migrating(self) -> Iterator[SQLiteRows]:
        """The file's only writer, with the library's tables in place."""
        try:
            self.recorder.create_table()
        except (sqlite3.OperationalError, OperationalError) as error:
            raise StoreUnavailable(str(error)) from error
        with self.writing() as rows:
            yield rows

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
