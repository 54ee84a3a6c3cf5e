"""The event-sourced application: the eventsourcing library, joined to one database.

The library's repository, notification log and mapper read every event that the ledger ever
wrote; the ledger itself writes in batches (``ledger.intake.inbox``) and reads in streams
(``ledger.replay.comparison``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from eventsourcing.application import Application
from eventsourcing.persistence import Mapper

from ledger.store import sqlite
from ledger.store.errors.sqlite import errors_mapped
from ledger.store.rows import Rows, Store
from ledger.store.schema.migrations import (
    begin_tables,
    check_begun,
    check_unclaimed,
    check_version,
    check_version_of,
    upgrade_tables,
)
from ledger.store.streams import EventMapper
from ledger.store.turns.company import Company
from ledger.store.turns.queues import Lanes
from ledger.store.turns.table import TurnTable

SCHEMES = ("postgresql://", "postgres://")
"""How the address of a PostgreSQL database begins; every other one is a SQLite file's path."""

Clock = Callable[[], datetime]
"""Gives the present as an aware moment."""


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class EventStoreApplication(Application[str]):
    """The library's view of the ledger: aggregates by id, notifications by position."""

    name = "subsidy_ledger"

    def construct_mapper(self) -> Mapper[str]:
        """The ledger's own mapper."""
        return EventMapper()


class Ledger:
    """One ledger: a store, the library's application over it, and a clock."""

    def __init__(self, store: Store, application: EventStoreApplication, dialect: str, clock: Clock) -> None:
        self.store = store
        self.application = application
        self.dialect = dialect
        self.clock = clock
        self.keeping = threading.Lock()
        self.kept: dict[Any, Any] = {}
        """Worked-out pools by the state they hold for; bounded by ``ledger.budget.pools``."""
        self.count_turns(TurnTable())
        self.before_close: list[Callable[[], None]] = []
        """What still has something to write."""

    def count_turns(self, table: TurnTable) -> None:
        """Count the turns of senders in a table, which several processes may share."""
        self.lanes, self.company = Lanes(table), Company(table)

    def close(self) -> None:
        """Finish what is under way, and give back every connection."""
        while self.before_close:
            self.before_close.pop()()
        self.application.close()


def open_ledger(database: str, clock: Clock = utc_now, create: bool = True) -> Ledger:
    """Open a ledger, by default creating it where there is none; what only reads passes ``create=False``.

    Tables of another version are left as they are and refused: ``migrate_ledger`` alone changes them.

    Args:
        database: ``postgresql://user:password@host:port/dbname``, or a file's path for SQLite.
        clock: gives recorded times.
        create: ``False`` refuses a database that holds no ledger.

    Raises:
        StoreUnavailable: where the database cannot be reached.
        UnsuitableStore: where the ledger must not run on it; the text says the mend.
    """
    if create:
        return _open(database, clock, check_begun, begin_tables)
    return _open(database, clock, check_version_of, lambda store, _: check_version(store), is_there=True)


def migrate_ledger(database: str) -> Ledger:
    """Open a ledger whose tables are brought up to date first, or created.

    Raises:
        StoreUnavailable: where the database cannot be reached.
        UnsuitableStore: where the ledger must not run on it, or where there is something to bring up to date
            while others have it open; the text says the mend.
    """
    return _open(database, utc_now, check_unclaimed, upgrade_tables)


def _open(
    database: str,
    clock: Clock,
    check: Callable[[Rows], None],
    prepare: Callable[[Store, str], object],
    is_there: bool = False,
) -> Ledger:
    opened = _postgres(database) if database.startswith(SCHEMES) else _sqlite(database, check, is_there)
    application, store, dialect = opened
    try:
        prepare(store, dialect)
    except BaseException:
        application.close()
        raise
    return Ledger(store, application, dialect, clock)


_COMMON = {"ORIGINATOR_ID_TYPE": "text", "CREATE_TABLE": "n"}
"""Tables are created by ``ledger.store.schema.migrations``, never by the library on its own."""


def _sqlite(
    path: str, check: Callable[[Rows], None], is_there: bool
) -> tuple[EventStoreApplication, Store, str]:
    if path != sqlite.IN_MEMORY and (is_there or Path(path).exists()):
        sqlite.look_into(path, check)
    elif path != sqlite.IN_MEMORY:
        sqlite.check_place(path)
    with errors_mapped(path):
        application = EventStoreApplication(env={**_COMMON, **sqlite.settings(path)})
    store = sqlite.SQLiteStore(cast(sqlite.LedgerSQLiteRecorder, application.recorder), path)
    return application, store, store.dialect


def _postgres(url: str) -> tuple[EventStoreApplication, Store, str]:
    from ledger.store import postgres  # an embedded ledger must not need PostgreSQL's client library
    from ledger.store.errors import postgres as errors

    with errors.errors_mapped():
        application = EventStoreApplication(env={**_COMMON, **postgres.settings(url)})
    store = postgres.PostgresStore(cast(postgres.LedgerPostgresRecorder, application.recorder))
    return application, store, store.dialect
