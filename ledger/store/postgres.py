"""Production: one PostgreSQL database, through the eventsourcing library's datastore.

Writers take turns from the first statement of a transaction to its commit, by an advisory lock of
the table's own that VACUUM and ANALYZE do not take. So positions are given out in the order of
commits, and a reader that has seen one has seen every position before it. The lock of an insert is
taken with it: it keeps turns with the library's own recorder, and with programs from before there was
the advisory lock, which lock the whole table against all but readers.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any

import psycopg
from eventsourcing.postgres import PostgresDatastore, PostgresFactory, PostgresProcessRecorder
from psycopg import Connection, Cursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row, tuple_row
from psycopg.sql import SQL, Identifier

from ledger.store.errors.postgres import errors_mapped, first_line
from ledger.store.guard import Guard, Written
from ledger.store.repeats.joining import joined_rows, part_of
from ledger.store.rows import (
    LOCK_SECONDS_MAX,
    AppendCheck,
    Row,
    Rows,
    StoreUnavailable,
    UnsuitableStore,
    storable,
)
from ledger.store.turns.queues import Turns

STREAM_ROWS = 1_000
CONNECT_SECONDS_MAX = 5
POOL_SECONDS_MAX = 10
"""Longest wait for a connection of the pool, also when the server is away."""
CONNECTIONS_MAX = 20
"""Most connections of one process: one for each of a worker's 17 threads, and for what goes on behind."""
IDLE_WRITER_SECONDS_MAX = 60
"""A writer that is silent for longer loses its turn, and its transaction."""
IDLE_READER_SECONDS_MAX = 1_800

_URL_KEY = "LEDGER_POSTGRES_URL"
_MIGRATION_LOCK = 0x7375627369647931
_WRITER_LOCK = 0x73756273
"""The upper half of the key of the writers' lock; the lower half is the table's number."""
_PROGRAM = "subsidy-ledger"
_CONNECTION_DEFAULTS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS_MAX,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def _connection_settings(parameters: dict[str, Any]) -> dict[str, Any]:
    """How to connect: the server is told which process asks, unless the operator names it."""
    process = f"{_PROGRAM} {os.getpid()} {socket.gethostname()}"
    return {"application_name": process, **_CONNECTION_DEFAULTS, **parameters}


def settings(url: str) -> dict[str, str]:
    """What the library's factory must know to open a database, once the server has been looked at.

    Raises:
        StoreUnavailable: where it cannot be reached.
        UnsuitableStore: where it would lose what was confirmed.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise UnsuitableStore("database.url", reason=first_line(error)) from None
    return {
        "PERSISTENCE_MODULE": "ledger.store.postgres:LedgerPostgresFactory",
        "POSTGRES_DBNAME": str(parameters.get("dbname", "")),
        "POSTGRES_HOST": str(parameters.get("host", "")),
        "POSTGRES_PORT": str(parameters.get("port", "")),
        "POSTGRES_USER": str(parameters.get("user", "")),
        "POSTGRES_PASSWORD": str(parameters.get("password", "")),
        "POSTGRES_SCHEMA": _inspected(parameters),
        "POSTGRES_CONNECT_TIMEOUT": str(POOL_SECONDS_MAX),
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_MAX_OVERFLOW": str(CONNECTIONS_MAX - 1),
        "POSTGRES_PRE_PING": "y",
        "POSTGRES_LOCK_TIMEOUT": str(LOCK_SECONDS_MAX),
        "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": str(IDLE_READER_SECONDS_MAX),
        _URL_KEY: url,
    }


def _inspected(parameters: dict[str, Any]) -> str:
    """Look at the server before anything is opened; the schema that tables are made in comes back."""
    conninfo = make_conninfo("", **_connection_settings(parameters))
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for name in _DURABLE:
                if connection.execute(f"SHOW {name}").fetchone() == ("off",):
                    raise UnsuitableStore("database.setting-off", name=name)
            encoding = connection.execute("SHOW server_encoding").fetchone()
            if encoding != ("UTF8",):
                raise UnsuitableStore("database.encoding", encoding=str(encoding and encoding[0]))
            schema = connection.execute("SELECT current_schema()").fetchone()
            return str(schema[0]) if schema and schema[0] else "public"
    except psycopg.Error as error:
        host, port = parameters.get("host", "this machine"), parameters.get("port", 5432)
        place = f"{host}:{port}/{parameters.get('dbname', '')}"
        raise StoreUnavailable("database.away", place=place, reason=first_line(error)) from error


class LedgerPostgresFactory(PostgresFactory):
    """The library's factory, with every parameter of the URL and with our names of tables."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        parameters = conninfo_to_dict(self.env[_URL_KEY])
        pool = self.datastore.pool
        pool.kwargs = {**_connection_settings(parameters), "row_factory": dict_row}
        # Whoever asks next then tries at once, instead of waiting on minutes of the pool's back-off.
        pool.reconnect_timeout = POOL_SECONDS_MAX

    def application_recorder(self) -> LedgerPostgresRecorder:
        """The recorder on the tables that SQLite has too."""
        return LedgerPostgresRecorder(self.datastore)


class LedgerPostgresRecorder(PostgresProcessRecorder):
    """The library's recorder on a table whose ids sort byte by byte, without database functions."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        if datastore.enable_db_functions:
            raise UnsuitableStore("database.functions")
        super().__init__(datastore, events_table_name="stored_events", tracking_table_name="tracking")
        events = SQL(
            "CREATE TABLE IF NOT EXISTS {schema}.{table} ("
            'originator_id text COLLATE "C" NOT NULL, '
            "originator_version bigint NOT NULL, "
            "topic text NOT NULL, "
            "state bytea NOT NULL, "
            "notification_id bigserial NOT NULL, "
            "PRIMARY KEY (originator_id, originator_version))"
        )
        names = {"schema": Identifier(datastore.schema), "table": Identifier(self.events_table_name)}
        self.sql_create_statements[self.create_table_statement_index] = events.format(**names)
        del self.sql_create_statements[self.create_insert_function_statement_index]


@lru_cache(maxsize=2_048)
def _translated(sql: str) -> str:
    """The ledger's SQL as psycopg takes it."""
    return re.sub(r"\browid\b", "notification_id", sql.replace("%", "%%").replace("?", "%s"))


_ARRAYS = {str: "text[]", int: "int8[]", bytes: "bytea[]"}
_INSERT = re.compile(r"(INSERT INTO \w+ (?:\([^()]*\) )?)VALUES \((?:\?,? ?)+\)(.*)")


def _array_type(column: list[Any]) -> str:
    """The type of array that a column of values is sent as; empty where there is none."""
    types = {type(value) for value in column} - {type(None)}
    return _ARRAYS.get(types.pop(), "") if len(types) == 1 else ""


@lru_cache(maxsize=256)
def _insert_of_columns(sql: str, types: tuple[str, ...]) -> str:
    """An insert of a row as an insert of whole columns, three to five times as fast; empty if neither."""
    match = _INSERT.fullmatch(sql)
    if not match or not all(types):
        return ""
    arrays = ",".join(f"%b::{kind}" for kind in types)
    return f"{_translated(match[1])}SELECT * FROM unnest({arrays}){_translated(match[2])}"


def _counted(cursor: Cursor[Any]) -> Written:
    """How many rows a statement stored; asked when the pipeline has brought the server's answers."""
    return lambda: cursor.rowcount


class PostgresRows:
    """One PostgreSQL transaction."""

    def __init__(
        self, connection: Connection[Any], append_check: AppendCheck | None = None, is_snapshot: bool = False
    ) -> None:
        self.connection = connection
        self.append_check = append_check
        self.streams = 0
        self.guard: Guard | None = None
        self._is_snapshot = is_snapshot
        """Whether all of the transaction sees one moment, and writes nothing."""
        self._seen_position: int | None = None
        """Of a snapshot, the last position, once it was asked for."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement."""
        if self.guard is None:
            self._execute(_translated(sql), values)
        else:
            self.guard.run(sql, [values], lambda: _counted(self._execute(_translated(sql), values)))

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each row of values; an insert takes them all at once."""
        if not rows:
            return
        if self.guard is None:
            self._execute_many(sql, rows)
        else:
            self.guard.run(sql, rows, lambda: _counted(self._execute_many(sql, rows)))

    def _execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> Cursor[Any]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        insert = _insert_of_columns(sql, tuple(_array_type(column) for column in columns))
        if insert:
            return self._execute(insert, columns)
        cursor = self.connection.cursor()
        cursor.executemany(_translated(sql), rows)
        return cursor

    def rows_by_key(
        self, table: str, columns: Sequence[str], key: Sequence[str], values: Sequence[Sequence[Any]]
    ) -> list[Row]:
        """Rows of a table by their keys, sent as arrays."""
        if not values:
            return []
        arrays = [list(column) for column in zip(*values, strict=True)]
        marks = ", ".join(f"%b::{_array_type(column)}" for column in arrays)
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE ({', '.join(key)}) IN "
        return list(self._execute(f"{sql}(SELECT * FROM unnest({marks}))", arrays, binary=True).fetchall())

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a small answer."""
        return list(self._execute(_translated(sql), values, binary=True).fetchall())

    def all_in(self, sql: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Row]:
        """Rows for any number of values of one type, sent as one array."""
        array = storable(values)
        if not array:
            return []
        any_of = _translated(sql).replace("IN ({})", "= ANY(%b)")
        return list(self._execute(any_of, [*before, array], binary=True).fetchall())

    def for_each(self, expression: str, values: Iterable[str]) -> list[Row]:
        """(value, result) of each text; ``expression`` is evaluated for ``asked.value``."""
        texts = list(values)
        if not texts:
            return []
        common_table = "WITH asked AS (SELECT unnest(%b::text[]) AS value)"
        sql = f"{common_table} SELECT value, {_translated(expression)} FROM asked"
        return list(self._execute(sql, [texts], binary=True).fetchall())

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of an answer of any size, in bounded memory; closed with the transaction."""
        self.streams += 1
        name = f"stream_{self.streams}"
        self._execute(f"DECLARE {name} NO SCROLL CURSOR FOR {_translated(sql)}", values, prepare=False)
        fetch = f"FETCH {STREAM_ROWS} FROM {name}"
        while rows := self._execute(fetch, binary=True, prepare=False).fetchall():
            yield from rows
        self._execute(f"CLOSE {name}", prepare=False)

    def _execute(self, sql: str, values: Sequence[Any] = (), **how: Any) -> Cursor[tuple[Any, ...]]:
        cursor = self.connection.cursor(row_factory=tuple_row)
        return cursor.execute(sql, storable(values) or None, **how)

    def has_table(self, name: str) -> bool:
        """Whether a table exists."""
        # Not to_regclass: it may answer from what this connection knew before it waited for a lock.
        return bool(
            self.all("SELECT 1 FROM pg_tables WHERE schemaname=current_schema() AND tablename=?", [name])
        )

    def table_names(self) -> list[str]:
        """The tables of the schema, without those that an extension made."""
        sql = (
            "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace=current_schema()::regnamespace "
            "AND c.relkind::text IN ('r','p','f') AND NOT EXISTS (SELECT 1 FROM pg_depend d "
            "WHERE d.classid='pg_class'::regclass AND d.objid=c.oid AND d.deptype='e')"
        )
        return [str(name) for (name,) in self.all(sql)]

    def last_position(self) -> int:
        """The last position ever given out, also when its event was deleted behind our back."""
        if self._seen_position is not None:
            return self._seen_position
        sql = (
            "SELECT GREATEST((SELECT MAX(rowid) FROM stored_events), "
            "(SELECT MAX(last_position) FROM batches), 0)"
        )
        position = int(self.all(sql)[0][0])
        if self._is_snapshot:
            self._seen_position = position
        return position

    def append(self, first_position: int, events: Sequence[tuple[str, int, str, bytes]]) -> None:
        """Store events at consecutive positions, and have the library's own follow after them."""
        columns = "notification_id, originator_id, originator_version, topic, state"
        numbered = [(first_position + place, *event) for place, event in enumerate(events)]
        self.run_many(f"INSERT INTO stored_events ({columns}) VALUES (?,?,?,?,?)", numbered)
        last = first_position + len(events) - 1
        self.run("SELECT setval(pg_get_serial_sequence('stored_events', 'notification_id'), ?)", [last])
        self.run("NOTIFY stored_events")


_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_ALTER = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
    f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'; "
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_WRITER_SECONDS_MAX}s'; "
)
_WRITE = _ALTER + (
    f"SELECT pg_advisory_xact_lock({_WRITER_LOCK}::bigint << 32 | 'stored_events'::regclass::oid::bigint); "
    "LOCK TABLE stored_events IN ROW EXCLUSIVE MODE"
)


class PostgresStore:
    """A PostgreSQL database."""

    dialect = "postgres"

    def __init__(self, recorder: PostgresProcessRecorder) -> None:
        self.recorder = recorder
        self.datastore: PostgresDatastore = recorder.datastore
        self.append_check: AppendCheck | None = None
        self.turns = Turns()

    @contextmanager
    def _transaction(self, begin: str, end: str) -> Iterator[PostgresRows]:
        # Leaving the library's connection by an exception rolls back.
        with errors_mapped(), self.datastore.get_connection() as connection:
            try:
                connection.execute(begin, prepare=False)
                yield PostgresRows(connection, self.append_check, is_snapshot=begin is _READ)
                ended = connection.execute(end, prepare=False).statusmessage
            finally:
                if connection.closed:  # where one is lost, so are most; the pool would find out one by one
                    self.datastore.pool.check()
            if ended != end:
                raise StoreUnavailable("database.not-committed", end=end, answer=ended)

    def reading(self) -> AbstractContextManager[Rows]:
        """A transaction that sees one moment of the database."""
        joined = joined_rows(self)
        return self._transaction(_READ, "ROLLBACK") if joined is None else nullcontext(joined)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """The database's only writer, from the start of the transaction.

        What is written is sent ahead, and the server works on it while the next is worked out: an
        error may surface at a later statement, or at the end, and undoes the whole transaction.
        """
        joined = joined_rows(self)
        if joined is not None:
            with part_of(joined):
                yield joined
            return
        with self.turns.take(), self._transaction(_WRITE, "COMMIT") as rows:
            guard = rows.guard = Guard(rows)
            with rows.connection.pipeline():
                yield rows
                guard.finish()
            guard.check_counts()

    def erasing(self) -> AbstractContextManager[Rows]:
        """As ``writing``: the dead rows go when PostgreSQL vacuums the table."""
        return self.writing()

    @contextmanager
    def migrating(self) -> Iterator[PostgresRows]:
        """The only migration at work, with the library's tables in place; readers and writers go on."""
        with self._transaction(_ALTER, "COMMIT") as rows:
            rows.run("SELECT pg_advisory_xact_lock(?)", [_MIGRATION_LOCK])
            self.recorder.create_table()
            yield rows

    def count_other_sessions(self) -> int:
        """How many sessions other processes of this program have in the database."""
        sql = (
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname=current_database() "
            f"AND application_name LIKE '{_PROGRAM}%' "
            "AND application_name<>current_setting('application_name')"
        )
        with self.reading() as rows:
            return int(rows.all(sql)[0][0])

    def close(self) -> None:
        """Close every connection."""
        self.datastore.close()
