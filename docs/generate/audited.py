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
    "别的模式中的同名表、运算符、类型、类型转换、订阅、属主、人人可写的权限。"
    "每个索引读一遍，与表的行数相比（SQLite 为 integrity_check）。\n"
    "The schema itself is compared with that of a new database: columns, types, keys, indexes, triggers, "
    "rules, UNLOGGED, inheritance, row security, collations, tables of the same names in other schemas, "
    "operators, types, casts, subscriptions, owners, rights that everybody has. Each index is read once and "
    "held against the number of its table's rows (SQLite: integrity_check).\n\n"
    "密钥旁的 `.last` 须是本密钥签的，并且不早于账本所存的最后一份检查点；缺了它，`doctor` 提示。\n"
    "What stands beside the key in `.last` must be signed by it, and be no older than the last checkpoint "
    "that the ledger keeps; where it is missing, the doctor says so."
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
