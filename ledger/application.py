"""The event-sourced application: the eventsourcing library, joined to one database.

The library's repository, notification log and mapper read every event that the ledger ever
wrote; the ledger itself writes in batches (``ledger.inbox``) and reads in streams
(``ledger.replay``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from eventsourcing.application import Application
from eventsourcing.sqlite import SQLiteProcessRecorder

from ledger.recorders.sqlite import SQLiteStore
from ledger.store import Store
from ledger.tables import create_tables

Clock = Callable[[], datetime]
"""Gives the present as an aware moment."""


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class EventStoreApplication(Application[str]):
    """The library's view of the ledger: aggregates by id, notifications by position."""

    name = "subsidy_ledger"


class Ledger:
    """One ledger: a store, the library's application over it, and a clock."""

    def __init__(self, store: Store, application: EventStoreApplication, dialect: str, clock: Clock) -> None:
        self.store = store
        self.application = application
        self.dialect = dialect
        self.clock = clock
        self.kept: dict[Any, Any] = {}
        """Worked-out pools by the state they hold for; bounded by ``ledger.pools``."""

    def close(self) -> None:
        """Give back every connection."""
        self.application.close()


def open_ledger(database: str, clock: Clock = utc_now, create: bool = True) -> Ledger:
    """Open a ledger, by default creating the tables that are missing.

    Args:
        database: a file's path for SQLite.
        clock: gives recorded times.
    """
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "SQLITE_DBNAME": database,
        "SQLITE_LOCK_TIMEOUT": "30",
        "ORIGINATOR_ID_TYPE": "text",
        "APPLICATION_RECORDER_TOPIC": "ledger.recorders.sqlite:LedgerSQLiteRecorder",
        "CREATE_TABLE": "y" if create else "n",
    }
    application = EventStoreApplication(env=env)
    recorder = cast(SQLiteProcessRecorder, application.recorder)
    store = SQLiteStore(recorder.datastore)
    if create:
        with store.writing() as rows:
            create_tables(rows, store.dialect)
    return Ledger(store, application, store.dialect, clock)
