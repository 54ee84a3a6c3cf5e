"""What SQLite refuses, or cannot do at the moment, as the store's own errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from eventsourcing.persistence import PersistenceError

from ledger.store.rows import (
    LOCK_SECONDS_MAX,
    Conflict,
    DamagedStore,
    StoreError,
    StoreUnavailable,
    UnsuitableStore,
    WriteRefused,
)

_PRIMARY_CODE = 0xFF
"""Of an extended code of SQLite: the part that says what kind of error it is."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_FORMAT)
_CLOSED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


@contextmanager
def errors_mapped(path: str) -> Iterator[None]:
    """Errors of SQLite, or of the library for SQLite, on the file at a path as the store's own."""
    try:
        yield
    except (sqlite3.Error, PersistenceError) as error:
        cause = error if isinstance(error, sqlite3.Error) else error.__cause__
        if not isinstance(cause, sqlite3.Error):
            raise
        mapped = _store_error(cause, path)
        if mapped is None:
            raise
        raise mapped from error


def _store_error(error: sqlite3.Error, path: str) -> StoreError | None:
    """The store's own error; ``None`` for a use of SQLite that only a defect of ours can cause."""
    # Python has no code for text that is not UTF-8, which only a damaged file holds.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY_CODE
    reason = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(reason)
    if code in _DAMAGED or (not code and isinstance(error, sqlite3.OperationalError | sqlite3.DataError)):
        return DamagedStore("database.damaged", path=path, reason=reason)
    if code in _BUSY:
        return StoreUnavailable("database.busy", seconds=LOCK_SECONDS_MAX)
    if code == sqlite3.SQLITE_READONLY:
        return WriteRefused("database.read-only", reason=f"{path}: {reason}")
    if code == sqlite3.SQLITE_FULL:
        return WriteRefused("database.full", reason=f"{path}: {reason}")
    if code in _CLOSED:
        return StoreUnavailable("database.unreadable", path=path, reason=reason)
    if code == sqlite3.SQLITE_IOERR:
        return StoreUnavailable("database.disk", reason=f"{path}: {reason}")
    if code == sqlite3.SQLITE_ERROR and isinstance(error, sqlite3.OperationalError):
        return UnsuitableStore("database.other-tables", reason=reason)
    return StoreUnavailable("database.other", reason=reason) if code else None
