"""One door to the database, SQLite or PostgreSQL: rows in, rows out, in transactions.

SQL is written once, in the part of the language that both speak, with ``?`` for values and
``rowid`` for the position of a stored event. Text is compared and sorted byte by byte.
Connections, pooling and durability are the eventsourcing library's datastore; the stored
events go through its recorder (``ledger.store``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from domain.faults.fault import Fault, FaultValue
from domain.faults.registry import STORE_AREAS

Row = Sequence[Any]

LOCK_SECONDS_MAX = 30
"""Longest wait for the turn to write; then the store counts as unavailable."""


class StoreError(Exception):
    """What a database did not do: a code of ``domain/faults/codes/stores.yaml``, and what fills its words."""

    def __init__(self, code: str, **args: FaultValue) -> None:
        super().__init__(code)
        self.fault = Fault(code, "database", args)

    def words(self, language: str) -> FaultText:
        """What is wrong and its mend, in ``zh`` or ``en``."""
        words = self.fault.words(language, STORE_AREAS)
        return FaultText(words["rule"], words["mend"])

    def describe(self, language: str) -> str:
        """Both as one sentence."""
        return " — ".join(self.words(language))

    def __str__(self) -> str:
        return self.describe("en")


class FaultText(NamedTuple):
    """A fault in the words of one language."""

    rule: str
    mend: str


class Conflict(StoreError):
    """Another writer came first; the transaction changed nothing and may be tried again."""

    def __init__(self, reason: str) -> None:
        super().__init__("database.conflict", reason=reason)


class StoreUnavailable(StoreError):
    """The database cannot be reached or is locked for longer than we wait.

    When it is raised on leaving a writing transaction, the commit may have happened; doing the
    same again is safe, since the inbox knows what it has taken.
    """


class WriteRefused(StoreUnavailable):
    """The database can be read and not written: a full disk, a read-only file, a standby, a reader's role."""


class UnsuitableStore(StoreUnavailable):
    """The ledger must not run on this database as it stands; the text says the mend."""


class DamagedStore(UnsuitableStore):
    """What the database holds cannot be read."""


class StaleStore(UnsuitableStore):
    """The database is not the one that was last signed for: a copy that lags behind, or an older one."""


class Rows(Protocol):
    """One transaction."""

    append_check: Callable[[Rows], None] | None
    """Asked after an append whether the log continues what its key signed last; raises ``StaleStore``."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement."""

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each row of values; rows of one upsert have different keys."""

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a small answer."""

    def all_in(self, sql: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Row]:
        """Rows for any number of values of one type; ``IN ({})`` at the end of the SQL stands for them.

        ``before`` are the values of the marks that stand before it.
        """

    def rows_by_key(
        self, table: str, columns: Sequence[str], key: Sequence[str], values: Sequence[Sequence[Any]]
    ) -> list[Row]:
        """Rows of a table by their keys, each of which is looked up, however many others there are."""

    def for_each(self, expression: str, values: Iterable[str]) -> list[Row]:
        """(value, result) of each text; ``expression`` is evaluated for ``asked.value``."""

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of an answer of any size, in bounded memory."""

    def has_table(self, name: str) -> bool:
        """Whether a table exists."""

    def table_names(self) -> list[str]:
        """The tables that stand where the ledger's do, without those that an extension made."""

    def last_position(self) -> int:
        """The position of the last stored event, 0 when there is none."""

    def append(self, first_position: int, events: Sequence[tuple[str, int, str, bytes]]) -> None:
        """Store events (originator, version, topic, state) at consecutive positions.

        Raises:
            Conflict: where an originator's version is taken.
        """


AppendCheck = Callable[[Rows], None]
"""Looks at a log that was appended to, within the transaction; raises ``StaleStore``."""


class Store(Protocol):
    """A database."""

    append_check: AppendCheck | None
    """Asked after every append; ``None`` where nothing was ever signed for the ledger."""

    def reading(self) -> AbstractContextManager[Rows]:
        """A transaction that sees one moment of the database."""

    def writing(self) -> AbstractContextManager[Rows]:
        """A transaction that no other writer shares; it commits on leaving, durably."""

    def erasing(self) -> AbstractContextManager[Rows]:
        """A writing transaction after which what it deleted is not left in the database's files.

        PostgreSQL keeps dead rows until it vacuums the table.
        """

    def migrating(self) -> AbstractContextManager[Rows]:
        """A transaction that no other migration shares, with the library's tables in place."""

    def count_other_sessions(self) -> int:
        """How many sessions of other processes of this program the database has; SQLite knows of none."""

    def close(self) -> None:
        """Give back every connection."""


_NOWHERE_STORED = re.compile("[\x00\ud800-\udfff]")


def storable(values: Iterable[Any]) -> list[Any]:
    """Values with U+FFFD in place of the characters that no database text holds."""
    listing = list(values)
    texts = [value for value in listing if isinstance(value, str)]
    if not texts or not _NOWHERE_STORED.search("".join(texts)):
        return listing
    return [_NOWHERE_STORED.sub("\ufffd", value) if isinstance(value, str) else value for value in listing]


def read_row(rows: Rows, sql: str, values: Sequence[Any] = ()) -> Row | None:
    """The first row of an answer, for queries that give one at most; ``None`` where there is none."""
    answer = rows.all(sql, values)
    return answer[0] if answer else None
