"""Values of another kind than the ledger writes: SQLite lets a column hold any (flexible typing).

PostgreSQL refuses them itself. Whoever rewrites a BLOB as text, or a number as a word, would
otherwise end an audit with an error in place of a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.store.rows import Rows
from ledger.store.schema.tables import EVENTS, LIBRARY_TABLES, TABLES
from ledger.store.sqlite import SQLiteRows


class Finding(NamedTuple):
    """What does not match: the position (0: the ledger as a whole), and a sentence about it."""

    position: int
    description: str


FINDINGS_MAX = 100
"""Most findings of one table."""


def columns_of(table: str) -> dict[str, tuple[str, bool]]:
    """A table's columns: what each holds, and whether it may hold nothing."""
    declared = LIBRARY_TABLES[EVENTS] if table == EVENTS else TABLES[table]
    return {column.name: (column.kind, column.nullable) for column in declared.columns}


def wrong_kinds(rows: Rows) -> Iterator[Finding]:
    """Every value of another kind than its column's, table by table, the first ones of each."""
    if not isinstance(rows, SQLiteRows):
        return
    for table in (EVENTS, *TABLES):
        columns = columns_of(table)
        wrong = [
            f"typeof({name}) NOT IN ('{kind}'{', ' + repr('null') if empty else ''})"
            for name, (kind, empty) in columns.items()
        ]
        position_column = next(
            (name for name in ("rowid", "position", "last_position", "first") if name in columns), "0"
        )
        sql = f"SELECT {position_column}, {', '.join(wrong)} FROM {table} WHERE {' OR '.join(wrong)} LIMIT ?"
        for position, *flags in rows.all(sql, [FINDINGS_MAX]):
            names = ", ".join(name for name, flag in zip(columns, flags, strict=True) if flag)
            place = position if isinstance(position, int) else 0
            yield Finding(place, f"{table}.{names} holds a value of another kind: restore it from a backup")
