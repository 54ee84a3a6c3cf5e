"""What stands around the tables of a PostgreSQL ledger: what changes a statement, and who may write.

It is read from the catalogue alone. What an extension brought is its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store.rows import Rows
from ledger.store.schema.faults import SchemaFault, foreign_fault


def _not_of_extension(catalogue: str, alias: str) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid='{catalogue}'::regclass "
        f"AND d.objid={alias}.oid AND d.deptype='e')"
    )


_OURS = "current_schema()::regnamespace"
_LIBRARY_TYPE = "stored_event_text"
"""The eventsourcing library makes it beside its tables."""
_FIRST_OF_USERS = 16_384
"""Objects of the system have smaller numbers."""
_BESIDE = " UNION ALL ".join(
    (
        "SELECT 'trigger', g.tgname::text, c.relname::text FROM pg_trigger g JOIN pg_class c "
        f"ON c.oid=g.tgrelid WHERE NOT g.tgisinternal AND c.relnamespace={_OURS}",
        "SELECT 'rule', r.rulename::text, c.relname::text FROM pg_rewrite r JOIN pg_class c "
        f"ON c.oid=r.ev_class WHERE r.rulename<>'_RETURN' AND c.relnamespace={_OURS}",
        "SELECT 'policy', p.polname::text, c.relname::text FROM pg_policy p JOIN pg_class c "
        f"ON c.oid=p.polrelid WHERE c.relnamespace={_OURS}",
        "SELECT 'constraint', k.conname::text, c.relname::text FROM pg_constraint k JOIN pg_class c "
        f"ON c.oid=k.conrelid WHERE k.contype::text NOT IN ('p','n') AND c.relnamespace={_OURS}",
        "SELECT 'child table', h.oid::regclass::text, c.relname::text FROM pg_inherits i "
        "JOIN pg_class c ON c.oid=i.inhparent JOIN pg_class h ON h.oid=i.inhrelid "
        f"WHERE c.relnamespace={_OURS} AND c.relkind::text='r'",
        "SELECT 'function', p.oid::regprocedure::text, '' FROM pg_proc p "
        f"WHERE p.pronamespace={_OURS} AND {_not_of_extension('pg_proc', 'p')}",
        "SELECT 'operator', o.oid::regoperator::text, '' FROM pg_operator o "
        f"WHERE o.oprnamespace={_OURS} AND {_not_of_extension('pg_operator', 'o')}",
        "SELECT 'collation', l.collname::text, '' FROM pg_collation l "
        f"WHERE l.collnamespace={_OURS} AND {_not_of_extension('pg_collation', 'l')}",
        "SELECT 'type', t.typname::text, '' FROM pg_type t LEFT JOIN pg_class c ON c.oid=t.typrelid "
        f"WHERE t.typnamespace={_OURS} AND t.typelem=0 AND (t.typrelid=0 OR c.relkind::text='c') "
        f"AND t.typtype::text<>'m' AND t.typname::text<>'{_LIBRARY_TYPE}' "
        f"AND {_not_of_extension('pg_type', 't')}",
        "SELECT 'cast', k.castsource::regtype::text || ' AS ' || k.casttarget::regtype::text, '' "
        "FROM pg_cast k "
        f"WHERE k.oid>={_FIRST_OF_USERS} AND {_not_of_extension('pg_cast', 'k')}",
        "SELECT 'subscription', s.subname::text, '' FROM pg_subscription s "
        "WHERE s.subdbid=(SELECT oid FROM pg_database WHERE datname=current_database())",
        "SELECT 'event trigger', e.evtname::text, '' FROM pg_event_trigger e "
        f"WHERE e.evtenabled::text<>'D' AND {_not_of_extension('pg_event_trigger', 'e')}",
    )
)
"""Whatever changes what a statement does, writes rows, or keeps them where the ledger does not look."""


def read_surroundings(rows: Rows, known: frozenset[str]) -> Iterator[SchemaFault]:
    """What stands around the ledger's tables and no ledger made; ``known`` are these tables."""
    for kind, name, table in rows.all(_BESIDE):
        yield foreign_fault(kind, name, table)
    yield from _elsewhere(rows, known)
    yield from _rights(rows, known)


def _elsewhere(rows: Rows, known: frozenset[str]) -> Iterator[SchemaFault]:
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


_WRITES = "('INSERT','UPDATE','DELETE','TRUNCATE','TRIGGER')"


def _rights(rows: Rows, known: frozenset[str]) -> Iterator[SchemaFault]:
    """Tables that anybody may write to, or that belong to another role than the rest."""
    owners = rows.all(
        "SELECT c.relname::text, pg_get_userbyid(c.relowner)::text FROM pg_class c "
        f"WHERE c.relnamespace={_OURS} AND c.relkind::text='r' AND c.relname::text = ANY(?) ORDER BY 1",
        [sorted(known)],
    )
    names = [owner for _, owner in owners]
    usual = max(sorted(set(names)), key=names.count, default="")
    for table, owner in owners:
        if owner != usual:
            zh = f"表 {table} 的属主是 {owner}，其余各表的是 {usual}"
            yield SchemaFault(
                table, zh, f"the table {table} belongs to the role {owner}, the others to {usual}"
            )
    for table, rights in rows.all(
        "SELECT g.name, string_agg(DISTINCT g.privilege, ', ') FROM ("
        "SELECT c.relname::text AS name, a.privilege_type AS privilege FROM pg_class c "
        f"CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE c.relnamespace={_OURS} AND a.grantee=0 "
        "UNION SELECT c.relname::text, a.privilege_type FROM pg_attribute t "
        "JOIN pg_class c ON c.oid=t.attrelid "
        f"CROSS JOIN LATERAL aclexplode(t.attacl) a WHERE c.relnamespace={_OURS} AND a.grantee=0) AS g "
        f"WHERE g.privilege IN {_WRITES} AND g.name = ANY(?) GROUP BY g.name ORDER BY g.name",
        [sorted(known)],
    ):
        zh = f"任何用户都可以改动表 {table}（{rights}）"
        yield SchemaFault(table, zh, f"every role may write to the table {table} ({rights})")
