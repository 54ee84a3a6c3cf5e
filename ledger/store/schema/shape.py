"""The shape of a database: its tables, columns, keys and indexes, as ``migrate`` makes them on a fresh one.

``shape_of`` says it from the registry of tables, without a database; the live one is read by
``ledger.store.schema.live`` into the same form, so that both can be held against each other.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger.store.schema.tables import EVENTS, INDEXES, TABLES, Table


class ColumnShape(NamedTuple):
    """What the database keeps in a column."""

    kind: str
    """The database's own word for its type, in lower case."""
    bound: bool
    """Whether it must hold a value."""
    default: str = ""
    collation: str = ""
    """The order of its text: ``C`` for that of bytes; empty for what is no text."""


class TableShape(NamedTuple):
    """One table as the database knows it."""

    columns: dict[str, ColumnShape]
    key: tuple[str, ...]
    """The columns of its primary key, in order."""
    clustered: bool = False
    """Whether SQLite keeps its rows in the order of the key (WITHOUT ROWID)."""


class IndexShape(NamedTuple):
    """One index that is not a primary key's."""

    target: str
    """Table, columns and condition in one spelling: ``payments(policy,year) where …``."""
    unique: bool = False


class Shape(NamedTuple):
    """Tables and indexes by name."""

    tables: dict[str, TableShape]
    indexes: dict[str, IndexShape]


def spelling_of(target: str) -> str:
    """An index's table, columns and condition in one spelling, whichever way a database prints it."""
    table, _, rest = target.partition("(")
    columns, _, condition = rest.partition(")")
    condition = re.sub(r"(?i)^\s*WHERE", "", condition)
    text = f"{table}({columns})"
    if condition.strip():
        text += f" where {re.sub(r'[()]', '', condition)}"
    return re.sub(r"[\s\"]+", "", text).lower()


def shape_of(dialect: str) -> Shape:
    """What ``migrate`` makes on a fresh database of a store (``sqlite`` or ``postgres``)."""
    tables = {name: _declared(table, dialect) for name, table in TABLES.items()}
    indexes = {name: IndexShape(spelling_of(target)) for name, target in INDEXES.items()}
    return Shape({**tables, **_LIBRARY[dialect]}, {**indexes, **_LIBRARY_INDEXES[dialect]})


_TYPES = {
    "sqlite": {"text": "text", "integer": "integer", "blob": "blob"},
    "postgres": {"text": "text", "integer": "bigint", "blob": "bytea"},
}
_DEFAULT = re.compile(r"(\w+) TEXT NOT NULL DEFAULT ('[^']*')")


def _declared(table: Table, dialect: str) -> TableShape:
    own = "PRIMARY KEY (" not in table.definition and table.key
    defaults = dict(_DEFAULT.findall(table.definition))
    clustered = dialect == "sqlite" and table.clustered
    columns = {}
    for column in table.columns:
        bound = not column.nullable
        if dialect == "sqlite" and own and column.name in own:
            # SQLite lets the key of a table with row ids be empty, unless it says otherwise.
            bound = table.clustered or f"{column.name} TEXT NOT NULL" in table.definition
        collation = "C" if dialect == "postgres" and column.kind == "text" else ""
        columns[column.name] = ColumnShape(
            _TYPES[dialect][column.kind], bound, defaults.get(column.name, ""), collation
        )
    return TableShape(columns, table.key, clustered)


_LIBRARY = {
    "sqlite": {
        EVENTS: TableShape(
            {
                "rowid": ColumnShape("integer", False),
                "originator_id": ColumnShape("text", True),
                "originator_version": ColumnShape("integer", True),
                "topic": ColumnShape("text", True),
                "state": ColumnShape("blob", True),
            },
            ("rowid",),
        ),
        "tracking": TableShape(
            {
                "application_name": ColumnShape("text", True),
                "notification_id": ColumnShape("integer", False),
            },
            ("application_name",),
            clustered=True,
        ),
    },
    "postgres": {
        EVENTS: TableShape(
            {
                "originator_id": ColumnShape("text", True, "", "C"),
                "originator_version": ColumnShape("bigint", True),
                "topic": ColumnShape("text", True, "", "default"),
                "state": ColumnShape("bytea", True),
                "notification_id": ColumnShape(
                    "bigint", True, "nextval('stored_events_notification_id_seq'::regclass)"
                ),
            },
            ("originator_id", "originator_version"),
        ),
        "tracking": TableShape(
            {
                "application_name": ColumnShape("text", True, "", "default"),
                "notification_id": ColumnShape("bigint", False),
            },
            ("application_name",),
        ),
    },
}
"""What the eventsourcing library's recorders make (``ledger.store.sqlite``, ``ledger.store.postgres``)."""
_LIBRARY_INDEXES = {
    "sqlite": {
        "sqlite_autoindex_stored_events_1": IndexShape(
            "stored_events(originator_id,originator_version)", unique=True
        )
    },
    "postgres": {"stored_events_notification_id_idx": IndexShape("stored_events(notification_id)", True)},
}
