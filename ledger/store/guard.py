"""What a writing transaction watches over: that every row sent was stored, and the sums of tables.

A trigger or a rule may drop a row that was sent, or write another beside it: each INSERT's count is held
against what was sent, and nothing is committed where they differ. Of tables that do not follow from the
events a count and a sum of their rows are kept (``table_sums``), written in the same transaction as the
rows: whoever changes the table by any other way leaves a sum that no longer fits (``check_sums``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from ledger.store.rows import Row, Rows, UnsuitableStore
from ledger.store.schema.audited import SUMMED
from ledger.store.schema.tables import ALL_TABLES

SUM_BYTES = 64
_MODULUS = 1 << (8 * SUM_BYTES)
_encode = msgspec.msgpack.Encoder().encode


class TableSum(NamedTuple):
    """How many rows a table holds, and the sum of their hashes modulo 2^512, in whatever order."""

    rows: int = 0
    total: int = 0

    def plus(self, rows: Iterable[Sequence[Any]], sign: int = 1) -> TableSum:
        """With these rows more, or (``sign`` -1) fewer."""
        count = total = 0
        for row in rows:
            count += 1
            total += int.from_bytes(blake2b(_encode(row), digest_size=SUM_BYTES).digest(), "big")
        return TableSum(self.rows + sign * count, (self.total + sign * total) % _MODULUS)


@lru_cache(maxsize=256)
def columns_of(table: str) -> tuple[str, ...]:
    """The columns of a table in the order of its declaration, which a sum takes them in."""
    return tuple(column.name for column in ALL_TABLES[table].columns)


def sum_of(rows: Rows, table: str, columns: Sequence[str] = ()) -> TableSum:
    """The sum of a table's rows as they stand, streamed; of some columns, or of all."""
    return TableSum().plus(rows.stream(f"SELECT {', '.join(columns or columns_of(table))} FROM {table}"))


def kept_sums(rows: Rows) -> dict[str, TableSum]:
    """The sums that were written with the rows, by table."""
    return {
        name: TableSum(count, int.from_bytes(bytes(total), "big"))
        for name, count, total in rows.all("SELECT name, row_count, total FROM table_sums")
    }


def begin_sums(rows: Rows) -> None:
    """Begin to keep the sums of tables that have none yet, from their rows as they stand."""
    begun = kept_sums(rows)
    for table in SUMMED:
        if table not in begun:
            _keep(rows, table, sum_of(rows, table))


@contextmanager
def widen_sum(rows: Rows, table: str, column: str) -> Iterator[None]:
    """Add a column to a table: its sum is of the wider rows then, and differs from them as it did before."""
    kept = kept_sums(rows).get(table) if rows.has_table("table_sums") else None
    if kept is None:
        yield
        return
    before = sum_of(rows, table, [name for name in columns_of(table) if name != column])
    yield
    after = sum_of(rows, table)
    total = (after.total + kept.total - before.total) % _MODULUS
    _keep(rows, table, TableSum(after.rows + kept.rows - before.rows, total))


def _keep(rows: Rows, table: str, table_sum: TableSum) -> None:
    rows.run(
        "INSERT INTO table_sums (name, row_count, total) VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET "
        "row_count=excluded.row_count, total=excluded.total",
        [table, table_sum.rows, table_sum.total.to_bytes(SUM_BYTES, "big")],
    )


# --- reading a statement --------------------------------------------------------------------------


class _Statement(NamedTuple):
    """What a statement of the ledger's own writes."""

    verb: str
    table: str
    columns: tuple[str, ...] = ()
    """Of an INSERT, those that it gives a mark for."""
    literals: tuple[tuple[str, int], ...] = ()
    """Of an INSERT, columns with a whole number in place of a mark."""
    conflict: str = ""
    """``nothing``, ``replace`` (every given column is the new one's) or ``update``."""
    where: str = ""
    marks_before: int = 0
    """Marks of an UPDATE that stand before its condition."""
    where_columns: tuple[str, ...] = ()
    """The columns of a condition that is ``a=? AND b=?``; empty for any other."""


_INSERT = re.compile(r"INSERT INTO (\w+) (?:\(([^()]*)\) )?VALUES \(([^()]*)\)(.*)", re.DOTALL)
_UPDATE = re.compile(r"UPDATE (\w+) SET ((?:[^()]|\((?:[^()]|\([^()]*\))*\))*?) WHERE (.*)", re.DOTALL)
"""A condition within parentheses, as of a subquery, is none of the statement's own."""
_DELETE = re.compile(r"DELETE FROM (\w+)(?: WHERE (.*))?", re.DOTALL)
_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


@lru_cache(maxsize=512)
def _statement(sql: str) -> _Statement | None:
    """What a statement writes; ``None`` for one that only reads."""
    named = _WRITES.match(sql)
    if named is None:
        return None
    if match := _INSERT.fullmatch(sql):
        return _insert(match)
    if match := _DELETE.fullmatch(sql):
        return _Statement("delete", match[1], where=match[2] or "", where_columns=_equal(match[2]))
    match = _UPDATE.fullmatch(sql)
    if match and match[1] in SUMMED and not _sets_key(match):
        condition = match[3]
        return _Statement(
            "update",
            match[1],
            where=condition,
            marks_before=match[2].count("?"),
            where_columns=_equal(condition),
        )
    return _Statement("other", named[1])


def _insert(match: re.Match[str]) -> _Statement:
    table, values = match[1], [each.strip() for each in match[3].split(",")]
    if table not in SUMMED:
        return _Statement("insert", table, conflict="nothing" if "DO NOTHING" in match[4] else "")
    names = match[2].replace(" ", "").split(",") if match[2] else list(columns_of(table))
    if any(value != "?" and not value.isdigit() for value in values):
        return _Statement("other", table)
    pairs = list(zip(names, values, strict=False))
    given = tuple(name for name, value in pairs if value == "?")
    literals = tuple((name, int(value)) for name, value in pairs if value.isdigit())
    rest, conflict = match[4].strip(), ""
    if "DO NOTHING" in rest:
        conflict = "nothing"
    elif rest:
        key = set(ALL_TABLES[table].key)
        renewed = {name for name, new in re.findall(r"(\w+)=excluded\.(\w+)", rest) if name == new}
        whole = set(columns_of(table)) == key | renewed and set(given) == set(columns_of(table))
        conflict = "replace" if whole else "update"
    return _Statement("insert", table, given, literals, conflict)


def _equal(condition: str | None) -> tuple[str, ...]:
    parts = (condition or "").split(" AND ")
    columns = [part[:-2].strip() for part in parts if re.fullmatch(r"\s*\w+=\?\s*", part)]
    return tuple(columns) if len(columns) == len(parts) else ()


def _sets_key(match: re.Match[str]) -> bool:
    changed = re.sub(r"\(.*\)", "", match[2], flags=re.DOTALL)
    return any(re.search(rf"\b{column}=", changed) for column in ALL_TABLES[match[1]].key)


# --- watching a transaction -----------------------------------------------------------------------


Written = Callable[[], int]
"""Says how many rows a statement stored, once the database has answered."""


class _Part(NamedTuple):
    moves: dict[str, TableSum]
    recounted: set[str]
    counts: int
    lenient: int


class Guard:
    """Watches over one writing transaction."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.moves: dict[str, TableSum] = {}
        self.recounted: set[str] = set()
        self.counts: list[tuple[str, int, Written]] = []
        self.lenient: list[tuple[str, Sequence[Row], Written]] = []
        """Inserts that pass over what is there: (table, rows, stored)."""
        self.busy = False
        self.parts: list[_Part] = []
        """What stood when each part of the transaction began that is still open."""

    def run(self, sql: str, many: Sequence[Sequence[Any]], execute: Callable[[], Written]) -> None:
        """Execute a statement for rows of values, and take note of what it changes."""
        statement = None if self.busy else _statement(sql)
        if statement is None:
            execute()
            self._nest(sql)
            return
        table = statement.table
        if table not in SUMMED:
            stored = execute()
            if statement.verb == "insert" and statement.conflict != "nothing":
                self.counts.append((table, len(many), stored))
            return
        self.busy = True
        try:
            getattr(self, f"_{statement.verb}")(statement, many, execute)
        finally:
            self.busy = False

    def finish(self) -> None:
        """Write the sums; the last statements of the transaction.

        Raises:
            UnsuitableStore: where the database stored other rows than were sent.
        """
        self.busy = True
        try:
            self._write_sums()
        finally:
            self.busy = False

    def check_counts(self) -> None:
        """Hold every count against what was sent; called when the database has answered everything.

        Raises:
            UnsuitableStore: naming the table.
        """
        for table, sent, stored in self.counts:
            count = stored()
            if count != sent:
                raise UnsuitableStore("database.rows-stored", sent=sent, table=table, stored=count)

    def _nest(self, sql: str) -> None:
        """Begin a part of the transaction, end it, or forget what it wrote."""
        if sql.startswith("SAVEPOINT"):
            part = _Part(dict(self.moves), set(self.recounted), len(self.counts), len(self.lenient))
            self.parts.append(part)
        elif sql.startswith("ROLLBACK TO"):
            part = self.parts[-1]
            self.moves, self.recounted = dict(part.moves), set(part.recounted)
            del self.counts[part.counts :], self.lenient[part.lenient :]
        elif sql.startswith("RELEASE"):
            self.parts.pop()

    def _write_sums(self) -> None:
        tables = {*self.moves, *self.recounted, *(table for table, _, _ in self.lenient)}
        if not tables:
            return
        before = {name: kept for name, kept in kept_sums(self.rows).items() if name in tables}
        for table, rows, stored in self.lenient:
            if stored() == len(rows):
                self._move(table, rows)
                continue
            self.recounted.add(table)
            keys = {_key_of(table, row) for row in rows}
            there = len(self._by_key(table, list(keys)))
            if there != len(keys):
                raise UnsuitableStore("database.rows-stored", sent=len(keys), table=table, stored=there)
        for table in sorted(tables):
            if table in self.recounted or table not in before:
                _keep(self.rows, table, sum_of(self.rows, table))
            elif table in self.moves:
                move, kept = self.moves[table], before[table]
                if move != TableSum():
                    total = (kept.total + move.total) % _MODULUS
                    _keep(self.rows, table, TableSum(kept.rows + move.rows, total))

    def _move(self, table: str, rows: Iterable[Row], sign: int = 1) -> None:
        self.moves[table] = self.moves.get(table, TableSum()).plus(rows, sign)

    def _insert(self, statement: _Statement, many: Sequence[Row], execute: Callable[[], Written]) -> None:
        table = statement.table
        sent = _whole_rows(statement, many)
        if statement.conflict == "nothing":
            self.lenient.append((table, sent, execute()))
            return
        if statement.conflict:
            self._move(table, self._again(table, sent), -1)
        self.counts.append((table, len(many), execute()))
        self._move(table, sent if statement.conflict != "update" else self._again(table, sent))

    def _update(self, statement: _Statement, many: Sequence[Row], execute: Callable[[], Written]) -> None:
        table, before = statement.table, self._matching(statement, many)
        execute()
        self._move(table, before, -1)
        self._move(table, self._again(table, before))

    def _delete(self, statement: _Statement, many: Sequence[Row], execute: Callable[[], Written]) -> None:
        if statement.where:
            self._move(statement.table, self._matching(statement, many), -1)
        else:
            self.recounted.add(statement.table)
        execute()

    def _other(self, statement: _Statement, many: Sequence[Row], execute: Callable[[], Written]) -> None:
        self.recounted.add(statement.table)
        execute()

    def _again(self, table: str, rows: Sequence[Row]) -> list[Row]:
        """The rows of the same keys, as they now stand."""
        return self._by_key(table, [_key_of(table, row) for row in rows])

    def _by_key(self, table: str, keys: Sequence[Sequence[Any]]) -> list[Row]:
        distinct = list({tuple(key): None for key in keys})
        return self.rows.rows_by_key(table, columns_of(table), ALL_TABLES[table].key, distinct)

    def _matching(self, statement: _Statement, many: Sequence[Row]) -> list[Row]:
        """The rows that an UPDATE or DELETE is about, each once."""
        table, key = statement.table, ALL_TABLES[statement.table].key
        values = [row[statement.marks_before :] for row in many]
        if set(statement.where_columns) == set(key):
            places = [statement.where_columns.index(column) for column in key]
            return self._by_key(table, [[row[place] for place in places] for row in values])
        sql = f"SELECT {', '.join(columns_of(table))} FROM {table} WHERE {statement.where}"
        return list({tuple(row): None for each in values for row in self.rows.all(sql, each)})


@lru_cache(maxsize=256)
def _key_places(table: str) -> tuple[int, ...]:
    return tuple(map(columns_of(table).index, ALL_TABLES[table].key))


def _key_of(table: str, row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([row[place] for place in _key_places(table)])


def _whole_rows(statement: _Statement, many: Sequence[Row]) -> list[Row]:
    """The rows that an INSERT sends, each with every column of its table in the order of its declaration."""
    columns = columns_of(statement.table)
    if statement.columns == columns:
        return list(many)
    given = (*statement.columns, *(name for name, _ in statement.literals))
    constants = (*(value for _, value in statement.literals), None)
    places = [given.index(column) if column in given else len(given) for column in columns]
    wholes = ((*values, *constants) for values in many)
    return [tuple([whole[place] for place in places]) for whole in wholes]


def sum_faults(rows: Rows) -> Iterator[str]:
    """What does not fit the sums that were kept, table by table, as sentences."""
    kept = kept_sums(rows)
    for table in sorted(kept.keys() - ALL_TABLES.keys()):
        yield f"table_sums: it has a sum of {table}, which is no table of the ledger"
    for table in SUMMED:
        present, expected = sum_of(rows, table), kept.get(table)
        if expected is None:
            yield f"{table}: the sum of its rows is missing: it was deleted"
        elif present.rows != expected.rows:
            yield (
                f"{table}: it holds {present.rows} rows, the ledger wrote {expected.rows}: "
                f"rows were {'deleted' if present.rows < expected.rows else 'added'} behind its back"
            )
        elif present.total != expected.total:
            yield f"{table}: its rows are not those that the ledger wrote: something was changed"
