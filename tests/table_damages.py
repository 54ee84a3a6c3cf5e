"""What hands do to a ledger's tables on a PostgreSQL server behind its back, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg

from ledger.store.schema.indexes import INDEXES
from tests.damages import Damage


class _Table(NamedTuple):
    """A table with rows, and its columns by their types."""

    name: str
    columns: dict[str, str]

    def column(self, chooser: random.Random, *kinds: str) -> str:
        """One of its columns, of one of these types where it has any."""
        fitting = [name for name, kind in self.columns.items() if not kinds or kind in kinds]
        return chooser.choice(fitting or list(self.columns))


def damage_tables(url: str, number: int) -> Damage:
    """Alter a ledger's tables by the kind and at the places that a number draws."""
    names = list(TABLE_KINDS)
    chooser = random.Random(number)
    name = names[number % len(names)]
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [each for each in _read_tables(connection) if _has_rows(connection, each.name)]
        statements = TABLE_KINDS[name](chooser.choice(tables), chooser)
        for sql in statements:
            connection.execute(sql.encode())
    return Damage(name, "; ".join(statements))


def _read_tables(connection: psycopg.Connection[tuple[str, str, str]]) -> list[_Table]:
    sql = (
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema='public' ORDER BY table_name, ordinal_position"
    )
    tables: dict[str, _Table] = {}
    for table, column, kind in connection.execute(sql.encode()).fetchall():
        tables.setdefault(table, _Table(table, {})).columns[column] = kind
    return list(tables.values())


def _has_rows(connection: psycopg.Connection[tuple[str, str, str]], table: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {table} LIMIT 1".encode()).fetchone())


def _delete_some(table: _Table, chooser: random.Random) -> Sequence[str]:
    some = f"SELECT ctid FROM {table.name} ORDER BY md5({table.name}::text || '{chooser.random()}') LIMIT 2"
    return [f"DELETE FROM {table.name} WHERE ctid IN ({some})"]


def _delete_all(table: _Table, _: random.Random) -> Sequence[str]:
    return [f"TRUNCATE {table.name}"]


_OTHER_TYPES = {
    "text": (
        "bytea USING convert_to({0}, 'UTF8')",
        "varchar(40) USING left({0}, 40)",
        'text COLLATE "zh-x-icu"',
    ),
    "bigint": ("text USING {0}::text", "numeric", "double precision"),
    "bytea": ("text USING encode({0}, 'hex')", "text USING encode({0}, 'escape')"),
}


def _change_type(table: _Table, chooser: random.Random) -> Sequence[str]:
    column = table.column(chooser, *_OTHER_TYPES)
    kind = chooser.choice(_OTHER_TYPES[table.columns[column]]).format(column)
    return [
        f"ALTER TABLE {table.name} ALTER COLUMN {column} DROP DEFAULT",
        f"ALTER TABLE {table.name} ALTER COLUMN {column} TYPE {kind}",
    ]


def _rename_column(table: _Table, chooser: random.Random) -> Sequence[str]:
    column = table.column(chooser)
    return [f"ALTER TABLE {table.name} RENAME COLUMN {column} TO {column}_old"]


def _drop_column(table: _Table, chooser: random.Random) -> Sequence[str]:
    return [f"ALTER TABLE {table.name} DROP COLUMN {table.column(chooser)} CASCADE"]


def _drop_table(table: _Table, _: random.Random) -> Sequence[str]:
    return [f"DROP TABLE {table.name} CASCADE"]


def _rename_table(table: _Table, _: random.Random) -> Sequence[str]:
    return [f"ALTER TABLE {table.name} RENAME TO {table.name}_old"]


def _view_for_table(table: _Table, _: random.Random) -> Sequence[str]:
    old = f"{table.name}_old"
    return [
        f"ALTER TABLE {table.name} RENAME TO {old}",
        f"CREATE VIEW {table.name} AS SELECT * FROM {old}",
    ]


def _drop_index(_: _Table, chooser: random.Random) -> Sequence[str]:
    return [f"DROP INDEX {chooser.choice(sorted(INDEXES))}"]


def _drop_key(table: _Table, _: random.Random) -> Sequence[str]:
    return [f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {table.name}_pkey CASCADE"]


def _repeat_rows(table: _Table, chooser: random.Random) -> Sequence[str]:
    repeated = f"INSERT INTO {table.name} SELECT * FROM {table.name} LIMIT {chooser.randrange(1, 4)}"
    unique = "DROP INDEX IF EXISTS stored_events_notification_id_idx"
    return [*_drop_key(table, chooser), unique, repeated]


def _empty_values(table: _Table, chooser: random.Random) -> Sequence[str]:
    column = table.column(chooser)
    return [
        *_drop_key(table, chooser),
        f"ALTER TABLE {table.name} ALTER COLUMN {column} DROP NOT NULL",
        f"UPDATE {table.name} SET {column}=NULL",
    ]


def _garble(table: _Table, chooser: random.Random) -> Sequence[str]:
    column = table.column(chooser, "bytea")
    other = {"bytea": "'\\x80ff'", "text": "chr(1)", "bigint": "-9223372036854775808"}[table.columns[column]]
    one = f"(SELECT min(ctid) FROM {table.name})"
    return [f"UPDATE {table.name} SET {column}={other} WHERE ctid={one}"]


def _swallow(table: _Table, _: random.Random) -> Sequence[str]:
    return [
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"CREATE TRIGGER swallow BEFORE INSERT OR UPDATE ON {table.name} "
        "FOR EACH ROW EXECUTE FUNCTION swallow()",
    ]


def _lose_sequence(_: _Table, chooser: random.Random) -> Sequence[str]:
    name = "stored_events_notification_id_seq"
    return [
        chooser.choice(
            (
                f"DROP SEQUENCE {name} CASCADE",
                f"ALTER SEQUENCE {name} RENAME TO lost",
                f"ALTER SEQUENCE {name} OWNED BY NONE",
                f"SELECT setval('{name}', 1)",
                f"ALTER SEQUENCE {name} MAXVALUE 10000 CYCLE",
            )
        )
    ]


def _move_schema(_: _Table, __: random.Random) -> Sequence[str]:
    return ["ALTER SCHEMA public RENAME TO elsewhere", "CREATE SCHEMA public"]


TABLE_KINDS: dict[str, Callable[[_Table, random.Random], Sequence[str]]] = {
    "delete": _delete_some,
    "type": _change_type,
    "column": _rename_column,
    "table": _drop_table,
    "index": _drop_index,
    "key": _drop_key,
    "sequence": _lose_sequence,
    "trigger": _swallow,
    "garble": _garble,
    "empty": _empty_values,
    "repeat": _repeat_rows,
    "truncate": _delete_all,
    "column-gone": _drop_column,
    "renamed": _rename_table,
    "view": _view_for_table,
    "schema": _move_schema,
}
"""Every kind, those of most variety first."""
