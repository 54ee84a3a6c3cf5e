"""Indexes held against their tables: a row that its index lacks is found by no look-up, and taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.store.rows import Rows
from ledger.store.sqlite import SQLiteRows

READ_MAX, SHOWN_MAX = 1_000, 5
"""Most sentences of SQLite about a damaged file that are read, and told."""


def index_faults(rows: Rows) -> Iterator[str]:
    """What indexes do not hold of their tables, as sentences; every index is read once."""
    yield from _sqlite(rows) if isinstance(rows, SQLiteRows) else _postgres(rows)


def _sqlite(rows: Rows) -> Iterator[str]:
    sentences = [str(sentence) for (sentence,) in rows.all(f"PRAGMA integrity_check({READ_MAX})")]
    # SQLite 3.40 takes values of tables without row ids for NULL; kinds of values are checked by themselves.
    told = [each for each in sentences if each != "ok" and not each.startswith("NULL value in ")]
    for sentence in told[:SHOWN_MAX]:
        yield f"the file is damaged: {' '.join(sentence.split())}"


_WAYS = (
    "enable_seqscan",
    "enable_indexscan",
    "enable_indexonlyscan",
    "enable_bitmapscan",
    "enable_sort",
    "jit",
)
_BY_TABLE = ("on", "off", "off", "off", "on", "off")
_BY_INDEX = ("off", "on", "on", "off", "off", "off")
_BY_KEY = ("off", "on", "off", "off", "on", "off")
"""An index scan that goes to the row, which says whether the index led to the right one."""
_INDEXES = (
    "SELECT c.relname::text, t.relname::text, "
    "(SELECT array_agg(pg_get_indexdef(i.indexrelid, k, true) ORDER BY k) "
    "FROM generate_series(1, i.indnkeyatts) AS k), pg_get_expr(i.indpred, i.indrelid) "
    "FROM pg_index i JOIN pg_class c ON c.oid=i.indexrelid JOIN pg_class t ON t.oid=i.indrelid "
    "JOIN pg_am m ON m.oid=c.relam WHERE t.relnamespace=current_schema()::regnamespace "
    "AND t.relkind::text='r' AND m.amname='btree' AND i.indisvalid ORDER BY t.relname, c.relname"
)
_SEQUENCES = "SELECT last_value FROM pg_sequences WHERE schemaname=current_schema()"


class _Index(NamedTuple):
    name: str
    table: str
    columns: list[str]
    condition: str | None

    @property
    def rows(self) -> str:
        """The rows of the table that the index is of, as one reads from them."""
        return f"SELECT 1 FROM {self.table}" + (f" WHERE {self.condition}" if self.condition else "")

    @property
    def rows_in_order(self) -> str:
        """The same, one after the other as the index leads to them."""
        return f"{self.rows} ORDER BY {', '.join(self.columns)} OFFSET 0"

    @property
    def lost_keys(self) -> str:
        """The keys of the table by which the index does not lead to as many rows as have them."""
        key = ", ".join(self.columns)
        conditions = [f"({self.condition})"] if self.condition else []
        indexed = [*conditions, *(f"{column} IS NOT NULL" for column in self.columns)]
        same = " AND ".join(f"found.{column}=asked.{column}" for column in self.columns)
        condition = " AND ".join([*conditions, same])
        # By their places: from the table itself, though reading it from its start is out of favour.
        return (
            f"SELECT 1 FROM (SELECT {key}, count(*) AS rows_held FROM {self.table} "
            f"WHERE ctid>='(0,0)'::tid AND {' AND '.join(indexed)} GROUP BY {key}) AS asked WHERE rows_held<>"
            f"(SELECT count(*) FILTER (WHERE {same}) FROM {self.table} AS found WHERE {condition})"
        )


def _postgres(rows: Rows) -> Iterator[str]:
    """An index may hold every row and lead to none: each key is looked up, as whoever takes facts in does."""
    rows.all(_SEQUENCES)
    indexes = [_Index(*row) for row in rows.all(_INDEXES)]
    _go_by(rows, _BY_TABLE)
    row_counts = [_count(rows, index.rows) for index in indexes]
    _go_by(rows, _BY_INDEX)
    index_counts = [_count(rows, index.rows_in_order) for index in indexes]
    _go_by(rows, _BY_KEY)
    lost = [_count(rows, index.lost_keys) for index in indexes]
    # Not where a statement failed: its transaction is over, and with it the settings.
    rows.all("SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name=ANY(?)", [list(_WAYS)])
    for (name, table, _, _), row_count, part, keys in zip(
        indexes, row_counts, index_counts, lost, strict=True
    ):
        if part != row_count:
            yield f"the index {name} finds {part} of the {row_count} rows of {table}: REINDEX TABLE {table}"
        elif keys:
            yield f"the index {name} leads astray by {keys} keys of {table}: REINDEX TABLE {table}"


def _go_by(rows: Rows, ways: tuple[str, ...]) -> None:
    """Let the server's planner read by these ways alone, to the end of the transaction."""
    settings = ", ".join("set_config(?, ?, true)" for _ in _WAYS)
    rows.all(f"SELECT {settings}", [word for pair in zip(_WAYS, ways, strict=True) for word in pair])


def _count(rows: Rows, query: str) -> int:
    return int(rows.all(f"SELECT count(*) FROM ({query}) AS counted")[0][0])
