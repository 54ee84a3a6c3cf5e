"""What PostgreSQL refuses, or cannot do at the moment, as the store's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg import errors

from ledger.store.rows import (
    LOCK_SECONDS_MAX,
    Conflict,
    DamagedStore,
    StoreUnavailable,
    UnsuitableStore,
    WriteRefused,
)


@contextmanager
def errors_mapped() -> Iterator[None]:
    """Errors of psycopg, or of the library for psycopg, as the store's own."""
    try:
        yield
    except (psycopg.Error, PersistenceError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
        if isinstance(cause, _TRIED_AGAIN):
            raise Conflict(first_line(cause)) from error
        if isinstance(cause, errors.LockNotAvailable):
            raise StoreUnavailable("database.busy", seconds=LOCK_SECONDS_MAX) from error
        if isinstance(cause, _READ_ONLY):
            raise WriteRefused("database.read-only", reason=first_line(cause)) from error
        if isinstance(cause, _FULL):
            raise WriteRefused("database.full", reason=first_line(cause)) from error
        if isinstance(cause, _DAMAGED):
            raise DamagedStore("database.damaged-pages", reason=first_line(cause)) from error
        if isinstance(cause, _OTHER_TABLES):
            raise UnsuitableStore("database.other-tables", reason=first_line(cause)) from error
        if isinstance(cause, _AWAY):
            raise StoreUnavailable("database.cut-off", reason=first_line(cause)) from error
        raise


_TRIED_AGAIN = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
)
_READ_ONLY = (errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege, errors.FeatureNotSupported)
"""What a database or role that can only be read says to a writer; the last is a standby's."""

_FULL = (errors.DiskFull,)
_DAMAGED = (
    errors.DataCorrupted,
    errors.IndexCorrupted,
    errors.UndefinedFile,
    errors.IoError,
    errors.InternalError_,
    errors.CharacterNotInRepertoire,
    errors.UndefinedFunction,
    errors.UndefinedObject,
)
"""What it says of a page that does not fit its checksum, of a table whose file is gone, of lengths and
texts that nobody stored, and of a catalogue that lacks what every server has."""
_OTHER_TABLES = (errors.UndefinedTable, errors.UndefinedColumn)


def first_line(error: BaseException) -> str:
    """The first line of what a driver says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
