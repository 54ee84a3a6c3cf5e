"""docs/audited.md: how an audit guards each table, from the one registry."""

from __future__ import annotations

from docs.generate.tables import table
from docs.generate.tamperings import tampering_tables
from ledger.store.schema.audited import AUDITED, Guarding
from ledger.store.schema.tables import ALL_TABLES

INTRODUCTION = (
    "`subsidy-ledger audit` 核对每一张表。每张表属于下列四种之一；没有说明属于哪一种的表，测试不予通过。\n"
    "`subsidy-ledger audit` checks every table. Each is of one of four kinds; a table that does not say "
    "which fails a test.\n\n"
    "结构本身也逐项与新建的数据库比对：列、类型、键、索引、触发器、规则、UNLOGGED、继承、行级安全、排序规则、"
    "别的模式中的同名表。\n"
    "The schema itself is compared with that of a new database: columns, types, keys, indexes, triggers, "
    "rules, UNLOGGED, inheritance, row security, collations, tables of the same names in other schemas."
)


def audited_page() -> list[str]:
    """The parts of the page, one table for each kind of guarding."""
    parts = [INTRODUCTION]
    for guarding in Guarding:
        zh, en = guarding.value
        rows = [
            (
                f"`{name}`",
                f"{ALL_TABLES[name].holds_zh} · {ALL_TABLES[name].holds_en}",
                f"{each.zh} · {each.en}",
            )
            for name, each in AUDITED.items()
            if each.guarding is guarding
        ]
        parts += [f"## {zh} · {en}", table(("表 · table", "内容 · content", "怎样核对 · how"), rows)]
    return [*parts, *tampering_tables()]
