"""The live database's own schema: its shape, and everything that stands in it beside tables and indexes.

It is read from the catalogue of the database alone, in the reader's transaction; nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ledger.store.rows import Rows
from ledger.store.schema.faults import SchemaFault, foreign_fault
from ledger.store.schema.shape import ColumnShape, IndexShape, Shape, TableShape, spelling_of
from ledger.store.schema.surroundings import read_surroundings
from ledger.store.sqlite import SQLiteRows


class LiveSchema(NamedTuple):
    """The shape, and what no ledger has: triggers, rules, views, tables of others …"""

    shape: Shape
    foreign: list[SchemaFault]


def read_schema(rows: Rows, known: frozenset[str]) -> LiveSchema:
    """The schema of the database that a transaction reads; ``known`` are the ledger's own tables."""
    return _sqlite_schema(rows, known) if isinstance(rows, SQLiteRows) else _postgres_schema(rows, known)


# --- SQLite ---------------------------------------------------------------------------------------

_SQLITE_WORDS = re.compile(r"(?i)\b(CHECK|COLLATE|GENERATED|REFERENCES|FOREIGN|STRICT|ON CONFLICT)\b")


_PRAGMAS = {
    "encoding": "UTF-8",
    "ignore_check_constraints": 0,
    "writable_schema": 0,
    "user_version": 0,
    "application_id": 0,
}
"""What stands in the head of a ledger's file, and how a connection to it is set."""


def _sqlite_schema(rows: Rows, known: frozenset[str]) -> LiveSchema:
    tables: dict[str, TableShape] = {}
    indexes: dict[str, IndexShape] = {}
    foreign: list[SchemaFault] = []
    for kind, name, table, sql in rows.all("SELECT type, name, tbl_name, sql FROM sqlite_master"):
        if kind == "table" and name in known:
            tables[name] = _sqlite_table(rows, name)
            foreign += _sqlite_clauses(name, sql or "")
        elif kind == "index":
            index = _sqlite_index(rows, name, table, sql)
            if index is not None:
                indexes[name] = index
        elif not name.startswith("sqlite_"):
            foreign.append(foreign_fault(kind, name, table))
    foreign += _sqlite_settings(rows)
    return LiveSchema(Shape(tables, indexes), foreign)


def _sqlite_settings(rows: Rows) -> Iterator[SchemaFault]:
    """What stands in the file beside its tables, and what is attached to it."""
    for (sequence,) in rows.all("SELECT name FROM sqlite_sequence WHERE name<>'stored_events'"):
        yield foreign_fault("sequence", str(sequence), "")
    for _, name, file in rows.all("PRAGMA database_list"):
        if name not in ("main", "temp"):
            zh = f"连着另一个数据库文件 {file}（{name}）"
            yield SchemaFault(name, zh, f"another database file is attached: {file} ({name})")
    for pragma, wanted in _PRAGMAS.items():
        value = rows.all(f"PRAGMA {pragma}")[0][0]
        if value != wanted:
            yield SchemaFault(pragma, f"{pragma} 为 {value}", f"{pragma} is {value}")


def _sqlite_table(rows: Rows, name: str) -> TableShape:
    columns, key = {}, dict[int, str]()
    for column, kind, bound, default, place, hidden in rows.all(
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)', [name]
    ):
        written = f"{kind.lower()}{' hidden' if hidden else ''}"
        columns[column] = ColumnShape(written, bool(bound), default or "")
        if place:
            key[place] = column
    clustered = rows.all("SELECT wr FROM pragma_table_list(?) WHERE schema='main'", [name])[0][0]
    return TableShape(columns, tuple(key[place] for place in sorted(key)), bool(clustered))


def _sqlite_clauses(table: str, sql: str) -> Iterator[SchemaFault]:
    if table == "stored_events" and "AUTOINCREMENT" not in sql.upper():
        zh = "表 stored_events 可能把序号给出两次（没有 AUTOINCREMENT）"
        yield SchemaFault(table, zh, "the table stored_events gives positions twice: it lacks AUTOINCREMENT")
    for word in sorted({match.upper() for match in _SQLITE_WORDS.findall(sql)}):
        yield SchemaFault(table, f"表 {table} 的定义带有 {word}", f"the table {table} is defined with {word}")


def _sqlite_index(rows: Rows, name: str, table: str, sql: str | None) -> IndexShape | None:
    row = rows.all('SELECT "unique", origin FROM pragma_index_list(?) WHERE name=?', [table, name])
    unique, origin = row[0]
    if origin == "pk":
        return None
    columns = rows.all(
        "SELECT name, coll, desc FROM pragma_index_xinfo(?) WHERE key=1 ORDER BY seqno", [name]
    )
    if any(column is None for column, _, _ in columns):
        return IndexShape(spelling_of((sql or "").partition(" ON ")[2]), bool(unique))
    named = ",".join(
        column + ("" if coll == "BINARY" else f" collate {coll}") + (" desc" if desc else "")
        for column, coll, desc in columns
    )
    condition = re.search(r"(?is)\)\s*(WHERE .*)$", sql or "")
    return IndexShape(spelling_of(f"{table} ({named}) {condition[1] if condition else ''}"), bool(unique))


# --- PostgreSQL -----------------------------------------------------------------------------------

_RELATIONS = (
    "SELECT c.oid, c.relname::text, c.relkind::text, c.relpersistence::text, c.relrowsecurity, "
    "c.relispartition, EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid=c.oid), "
    "EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid='pg_class'::regclass AND d.objid=c.oid "
    "AND d.deptype='e') "
    "FROM pg_class c WHERE c.relnamespace=current_schema()::regnamespace AND c.relkind::text<>'i' "
    "AND c.relkind::text<>'I' AND c.relkind::text<>'t' AND c.relkind::text<>'c' ORDER BY c.relname"
)
_RELATION_KINDS = {
    "r": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "p": "partitioned table",
    "S": "sequence",
}
_OWN_SEQUENCES = frozenset({"stored_events_notification_id_seq"})


def _postgres_schema(rows: Rows, known: frozenset[str]) -> LiveSchema:
    tables: dict[str, TableShape] = {}
    foreign: list[SchemaFault] = []
    for oid, name, kind, persistence, secured, partition, child, extension in rows.all(_RELATIONS):
        if name in known and kind == "r":
            tables[name] = _postgres_table(rows, oid)
            foreign += _postgres_table_faults(name, persistence, secured, partition or child)
        elif not extension and name not in _OWN_SEQUENCES:
            foreign.append(foreign_fault(_RELATION_KINDS.get(str(kind), str(kind)), name, ""))
    indexes = _postgres_indexes(rows)
    foreign += read_surroundings(rows, known)
    return LiveSchema(Shape(tables, indexes), foreign)


_COLLATION = (
    "CASE WHEN l.collnamespace='pg_catalog'::regnamespace THEN l.collname::text "
    "ELSE l.collnamespace::regnamespace::text || '.' || l.collname END"
)
"""A collation by its name; one that is not the system's, with its schema."""


def _postgres_table(rows: Rows, oid: int) -> TableShape:
    columns = {}
    for name, kind, bound, collation, default, generated in rows.all(
        f"SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, {_COLLATION}, "
        "pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text || a.attidentity::text "
        "FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid=a.attrelid AND d.adnum=a.attnum "
        "LEFT JOIN pg_collation l ON l.oid=a.attcollation "
        "WHERE a.attrelid=? AND a.attnum>0 AND NOT a.attisdropped ORDER BY a.attnum",
        [oid],
    ):
        value = re.sub(r"::text$", "", default or "")
        columns[name] = ColumnShape(kind + (generated or ""), bound, value, collation or "")
    key = rows.all(
        "SELECT a.attname::text, c.condeferrable OR NOT i.indimmediate, "
        "NOT (i.indisunique AND i.indisvalid AND i.indisready), i.indnkeyatts<>i.indnatts "
        "FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(number, place) "
        "JOIN pg_attribute a ON a.attrelid=c.conrelid AND a.attnum=k.number "
        "JOIN pg_index i ON i.indexrelid=c.conindid "
        "WHERE c.conrelid=? AND c.contype::text='p' ORDER BY k.place",
        [oid],
    )
    marks = [word for place, word in enumerate(_KEY_MARKS, 1) if any(row[place] for row in key)]
    return TableShape(columns, (*(str(row[0]) for row in key), *marks))


_KEY_MARKS = ("DEFERRABLE", "NOT ENFORCED", "WITH MORE COLUMNS")
"""What no primary key of the ledger is: checked late, not kept by its index, or beside other columns."""


def _postgres_table_faults(
    name: str, persistence: str, secured: bool, inherits: bool
) -> Iterator[SchemaFault]:
    if persistence != "p":
        kind = "UNLOGGED" if persistence == "u" else "TEMPORARY"
        zh = f"表 {name} 是 {kind}：服务器崩溃后其内容全部丢失"
        yield SchemaFault(name, zh, f"the table {name} is {kind}: after a crash all of it is gone")
    if secured:
        zh = f"表 {name} 开了行级安全，读者可能看不到全部"
        yield SchemaFault(name, zh, f"row security is on for {name}: readers may not see all of it")
    if inherits:
        zh = f"表 {name} 继承自别的表"
        yield SchemaFault(name, zh, f"the table {name} inherits from another")


def _postgres_indexes(rows: Rows) -> dict[str, IndexShape]:
    indexes = {}
    for name, table, unique, valid, definition, condition, collations in rows.all(
        "SELECT c.relname::text, t.relname::text, i.indisunique, "
        "i.indisvalid AND i.indisready AND i.indimmediate, "
        "pg_get_indexdef(i.indexrelid), pg_get_expr(i.indpred, i.indrelid), "
        f"(SELECT string_agg(DISTINCT {_COLLATION}, ',') FROM unnest(i.indcollation) AS o "
        "JOIN pg_collation l ON l.oid=o) "
        "FROM pg_index i JOIN pg_class c ON c.oid=i.indexrelid JOIN pg_class t ON t.oid=i.indrelid "
        "WHERE t.relnamespace=current_schema()::regnamespace AND t.relkind::text='r' AND NOT i.indisprimary"
    ):
        method = re.search(r" USING (\w+) \((.*?)\)(?: WHERE|$)", definition)
        target = f"{table} ({method[2] if method else definition})"
        if condition:
            target += f" WHERE {condition}"
        words = spelling_of(target)
        if method and method[1] != "btree":
            words += f" using {method[1]}"
        if collations not in (None, "C"):
            words += f" collate {collations}"
        indexes[name] = IndexShape(words if valid else f"{words} invalid", unique)
    return indexes
