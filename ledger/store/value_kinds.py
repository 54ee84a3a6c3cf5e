"""Values of another kind than the ledger writes: SQLite lets a column hold any (flexible typing).

PostgreSQL refuses them itself. Whoever rewrites a BLOB as text, or a number as a word, would
otherwise end an audit with an error in place of a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ledger.store.rows import Rows
from ledger.store.sqlite import SQLiteRows
from ledger.store.tables import TABLES


class Finding(NamedTuple):
    """Something that does not match: at which position (0: the ledger as a whole), and what."""

    position: int
    what: str


FINDINGS_MAX = 100
"""Most findings of one table."""
EVENTS = "stored_events"
_EVENTS = "rowid {int}, originator_id TEXT, originator_version {int}, topic TEXT, state {blob}"
_COLUMN = re.compile(r"(\w+) (TEXT|\{int\}|\{blob\})(.*)")
_KINDS = {"TEXT": "text", "{int}": "integer", "{blob}": "blob"}


def columns_of(table: str) -> dict[str, tuple[str, bool]]:
    """A table's columns: what each holds, and whether it may hold nothing."""
    defined = _EVENTS if table == EVENTS else re.sub(r",\s*PRIMARY KEY \(.*", "", TABLES[table])
    found = {}
    for part in defined.split(","):
        column = _COLUMN.match(part.strip())
        assert column, f"{table}: {part}"
        bound = "NOT NULL" in column[3] or "PRIMARY KEY" in column[3] or table == EVENTS
        found[column[1]] = (_KINDS[column[2]], not bound)
    return found


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
        at = next((name for name in ("rowid", "position", "last_position", "first") if name in columns), "0")
        sql = f"SELECT {at}, {', '.join(wrong)} FROM {table} WHERE {' OR '.join(wrong)} LIMIT ?"
        for position, *flags in rows.all(sql, [FINDINGS_MAX]):
            names = ", ".join(name for name, flag in zip(columns, flags, strict=True) if flag)
            place = position if isinstance(position, int) else 0
            yield Finding(place, f"{table}.{names} holds a value of another kind: restore it from a backup")
