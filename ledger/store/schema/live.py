"""The live database's own schema: its shape, and everything that stands in it beside tables and indexes.

It is read from the catalogue of the database alone, in the reader's transaction; nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ledger.store.rows import Rows
from ledger.store.schema.shape import ColumnShape, IndexShape, Shape, TableShape, spelling_of
from ledger.store.sqlite import SQLiteRows


class SchemaFault(NamedTuple):
    """One thing about the schema that ``migrate`` would not have made, in zh-CN and English."""

    name: str
    """The table, index, trigger … that it is about."""
    zh: str
    en: str
    is_lacking: bool = False
    """Whether something that every reading needs is not there at all."""


class LiveSchema(NamedTuple):
    """The shape, and what no ledger has: triggers, rules, views, tables of others …"""

    shape: Shape
    foreign: list[SchemaFault]


def read_schema(rows: Rows, known: frozenset[str]) -> LiveSchema:
    """The schema of the database that a transaction reads; ``known`` are the ledger's own tables."""
    return _sqlite_schema(rows, known) if isinstance(rows, SQLiteRows) else _postgres_schema(rows, known)


# --- SQLite ---------------------------------------------------------------------------------------

_SQLITE_WORDS = re.compile(r"(?i)\b(CHECK|COLLATE|GENERATED|REFERENCES|FOREIGN|STRICT|ON CONFLICT)\b")


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
            foreign.append(_foreign(kind, name, table))
    for _, name, file in rows.all("PRAGMA database_list"):
        if name not in ("main", "temp"):
            zh = f"连着另一个数据库文件 {file}（{name}）"
            foreign.append(SchemaFault(name, zh, f"another database file is attached: {file} ({name})"))
    for pragma, wanted in (("encoding", "UTF-8"), ("ignore_check_constraints", 0), ("writable_schema", 0)):
        value = rows.all(f"PRAGMA {pragma}")[0][0]
        if value != wanted:
            foreign.append(SchemaFault(pragma, f"{pragma} 为 {value}", f"{pragma} is {value}"))
    return LiveSchema(Shape(tables, indexes), foreign)


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


_KINDS_ZH = {
    "table": "表",
    "view": "视图",
    "trigger": "触发器",
    "rule": "规则",
    "policy": "行级安全策略",
    "function": "函数",
    "event trigger": "事件触发器",
    "materialized view": "物化视图",
    "foreign table": "外部表",
    "partitioned table": "分区表",
    "sequence": "序列",
    "constraint": "约束",
    "child table": "子表",
}


def _foreign(kind: str, name: str, table: str) -> SchemaFault:
    on_zh, on_en = (f"（在 {table} 上）", f" on {table}") if table and table != name else ("", "")
    kind_zh = _KINDS_ZH.get(kind, kind)
    zh = f"多出{kind_zh} {name}{on_zh}，不是账本建的"
    return SchemaFault(table or name, zh, f"a {kind} {name}{on_en} stands there that the ledger did not make")


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
            foreign.append(_foreign(_RELATION_KINDS.get(str(kind), str(kind)), name, ""))
    indexes = _postgres_indexes(rows)
    foreign += _postgres_beside(rows)
    foreign += _postgres_elsewhere(rows, known)
    return LiveSchema(Shape(tables, indexes), foreign)


def _postgres_table(rows: Rows, oid: int) -> TableShape:
    columns = {}
    for name, kind, bound, collation, default, generated in rows.all(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname::text, "
        "pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text || a.attidentity::text "
        "FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid=a.attrelid AND d.adnum=a.attnum "
        "LEFT JOIN pg_collation l ON l.oid=a.attcollation "
        "WHERE a.attrelid=? AND a.attnum>0 AND NOT a.attisdropped ORDER BY a.attnum",
        [oid],
    ):
        value = re.sub(r"::text$", "", default or "")
        columns[name] = ColumnShape(kind + (generated or ""), bound, value, collation or "")
    key = rows.all(
        "SELECT a.attname::text FROM pg_constraint c CROSS JOIN LATERAL "
        "unnest(c.conkey) WITH ORDINALITY AS k(number, place) "
        "JOIN pg_attribute a ON a.attrelid=c.conrelid AND a.attnum=k.number "
        "WHERE c.conrelid=? AND c.contype::text='p' ORDER BY k.place",
        [oid],
    )
    return TableShape(columns, tuple(name for (name,) in key))


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
        "SELECT c.relname::text, t.relname::text, i.indisunique, i.indisvalid AND i.indisready, "
        "pg_get_indexdef(i.indexrelid), pg_get_expr(i.indpred, i.indrelid), "
        "(SELECT string_agg(DISTINCT l.collname::text, ',') FROM unnest(i.indcollation) AS o "
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


_BESIDE = (
    "SELECT 'trigger', g.tgname::text, c.relname::text FROM pg_trigger g JOIN pg_class c ON c.oid=g.tgrelid "
    "WHERE NOT g.tgisinternal AND c.relnamespace=current_schema()::regnamespace "
    "UNION ALL SELECT 'rule', r.rulename::text, c.relname::text FROM pg_rewrite r JOIN pg_class c "
    "ON c.oid=r.ev_class WHERE r.rulename<>'_RETURN' AND c.relnamespace=current_schema()::regnamespace "
    "UNION ALL SELECT 'policy', p.polname::text, c.relname::text FROM pg_policy p JOIN pg_class c "
    "ON c.oid=p.polrelid WHERE c.relnamespace=current_schema()::regnamespace "
    "UNION ALL SELECT 'constraint', k.conname::text, c.relname::text FROM pg_constraint k JOIN pg_class c "
    "ON c.oid=k.conrelid WHERE k.contype::text NOT IN ('p','n') "
    "AND c.relnamespace=current_schema()::regnamespace "
    "UNION ALL SELECT 'child table', h.oid::regclass::text, c.relname::text FROM pg_inherits i "
    "JOIN pg_class c ON c.oid=i.inhparent JOIN pg_class h ON h.oid=i.inhrelid "
    "WHERE c.relnamespace=current_schema()::regnamespace AND c.relkind::text='r' "
    "UNION ALL SELECT 'function', p.oid::regprocedure::text, '' FROM pg_proc p "
    "WHERE p.pronamespace=current_schema()::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "WHERE d.classid='pg_proc'::regclass AND d.objid=p.oid AND d.deptype='e') "
    "UNION ALL SELECT 'event trigger', e.evtname::text, '' FROM pg_event_trigger e "
    "WHERE e.evtenabled::text<>'D' AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "WHERE d.classid='pg_event_trigger'::regclass AND d.objid=e.oid AND d.deptype='e')"
)
"""Whatever changes what a statement does, or keeps rows where the ledger does not look for them."""


def _postgres_beside(rows: Rows) -> Iterator[SchemaFault]:
    for kind, name, table in rows.all(_BESIDE):
        yield _foreign(kind, name, table)


def _postgres_elsewhere(rows: Rows, known: frozenset[str]) -> Iterator[SchemaFault]:
    """Tables of the ledger's names in other schemas, and a search path that looks into them first."""
    own = str(rows.all("SELECT current_schema()::text")[0][0])
    sql = (
        "SELECT n.nspname::text, count(*), min(c.relname::text) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid=c.relnamespace WHERE c.relkind::text IN ('r','v','m','f','p') "
        "AND n.nspname::text NOT IN ('pg_catalog','information_schema') AND n.nspname<>current_schema() "
        "AND c.relname::text = ANY(?) GROUP BY n.nspname ORDER BY n.nspname"
    )
    for schema, count, first in rows.all(sql, [sorted(known)]):
        zh = f"模式 {schema} 中也有账本的表（{count} 个，如 {first}），账本用的是 {own}"
        en = f"the schema {schema}, too, has tables of the ledger's names ({first} …); the ledger uses {own}"
        yield SchemaFault(schema, zh, en)
    path = str(rows.all("SELECT current_setting('search_path')")[0][0])
    if "pg_catalog" in path:
        zh, en = (
            f"search_path 是 {path}：先于系统函数",
            f"the search path is {path}: ahead of the system's own",
        )
        yield SchemaFault("search_path", zh, en)
    for (table,) in rows.all(
        "SELECT name FROM unnest(?::text[]) AS name WHERE to_regclass(quote_ident(name)) IS NOT NULL "
        "AND to_regclass(quote_ident(name)) IS DISTINCT FROM "
        "to_regclass(quote_ident(?) || '.' || quote_ident(name))",
        [sorted(known), own],
    ):
        zh = f"不写模式名时，表 {table} 指的不是 {own} 中的那个"
        en = f"the table {table}, named without its schema, is not the one in {own}"
        yield SchemaFault(table, zh, en)
