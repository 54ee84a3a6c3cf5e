"""One door to the database, SQLite or PostgreSQL: rows in, rows out, in transactions.

SQL is written once, in the part of the language that both speak, with ``?`` for values.
Connections, pooling and durability are the eventsourcing library's datastore; the stored
events go through its recorder (``ledger.recorders``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = Sequence[Any]

CHUNK = 500
"""Values in one ``IN (…)`` list, below what every SQLite build allows."""


class Conflict(Exception):
    """Another writer came first; the transaction changed nothing and may be tried again."""


class StoreUnavailable(Exception):
    """The database cannot be reached or is locked for longer than we wait."""


class Rows(Protocol):
    """One transaction."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement."""

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each row of values."""

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a small answer."""

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of an answer of any size, in bounded memory."""

    def last_position(self) -> int:
        """The position of the last stored event, 0 when there is none."""

    def append(self, first_position: int, events: Sequence[tuple[str, int, str, bytes]]) -> None:
        """Store events (originator, version, topic, state) at consecutive positions.

        Raises:
            Conflict: where an originator's version is taken.
        """


class Store(Protocol):
    """A database."""

    def reading(self) -> AbstractContextManager[Rows]:
        """A transaction that sees one moment of the database."""

    def writing(self) -> AbstractContextManager[Rows]:
        """A transaction that no other writer shares; it commits on leaving, durably."""

    def close(self) -> None:
        """Give back every connection."""


def one(rows: Rows, sql: str, values: Sequence[Any] = ()) -> Row | None:
    """The only row of an answer, or ``None``."""
    found = rows.all(sql, values)
    return found[0] if found else None


def all_in(rows: Rows, sql: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Row]:
    """Rows for many values: ``{}`` in the SQL stands for the list, filled a chunk at a time."""
    wanted, found = list(values), []
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        found += rows.all(sql.format(",".join("?" * len(chunk))), [*before, *chunk])
    return found
