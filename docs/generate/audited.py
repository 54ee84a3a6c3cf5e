"""docs/audited.md and its English side: how an audit guards each table, from the one registry."""

from __future__ import annotations

from docs.generate.languages import list_items
from docs.generate.tables import table_in
from docs.generate.tampering import AUDIT, OUTSIDE, REPLAY, UNSEEN
from docs.generate.tamperings import TAMPERINGS
from domain.vocabulary.kinds import Words
from ledger.store.schema.audited import AUDITED, Guarding
from ledger.store.schema.tables import ALL_TABLES

INTRODUCTION = Words(
    "`subsidy-ledger audit` 核对每一张表。每张表属于下列四种之一；没有说明属于哪一种的表，测试不予通过。\n\n"
    "结构本身也逐项与新建的数据库比对：列、类型、键、索引、触发器、规则、UNLOGGED、继承、行级安全、排序规则、"
    "别的模式中的同名表、运算符、类型、类型转换、订阅、属主、人人可写的权限。"
    "每个索引读一遍，与表的行数相比（SQLite 为 integrity_check）。\n\n"
    "密钥旁的 `.last` 须是本密钥签的，并且不早于账本所存的最后一份检查点；缺了它，`doctor` 提示。",
    "`subsidy-ledger audit` checks every table. Each is of one of four kinds; a table that does not say "
    "which fails a test.\n\n"
    "The schema itself is compared with that of a new database: columns, types, keys, indexes, triggers, "
    "rules, UNLOGGED, inheritance, row security, collations, tables of the same names in other schemas, "
    "operators, types, casts, subscriptions, owners, rights that everybody has. Each index is read once and "
    "held against the number of its table's rows (SQLite: integrity_check).\n\n"
    "What stands beside the key in `.last` must be signed by it, and be no older than the last checkpoint "
    "that the ledger keeps; where it is missing, the doctor says so.",
)

_SEEN_BY = {
    AUDIT: Words("核对", "audit"),
    REPLAY: Words("核对中的重放", "the audit's replay"),
    OUTSIDE: Words("只有外部检查点", "an outside checkpoint alone"),
    UNSEEN: Words("看不到", "cannot be seen"),
}
_TAMPERING, _NAMED_BY = Words("篡改", "Tampering"), Words("由谁发现", "Named by")


def audited_page(language: str) -> list[str]:
    """The parts of the page, one table for each kind of guarding."""
    heads = (Words("表", "Table"), Words("内容", "Content"), Words("怎样核对", "How"))
    parts = [INTRODUCTION.in_language(language)]
    for guarding in Guarding:
        rows = [
            (
                f"`{name}`",
                Words(ALL_TABLES[name].holds_zh, ALL_TABLES[name].holds_en).in_language(language),
                Words(audited.zh, audited.en).in_language(language),
            )
            for name, audited in AUDITED.items()
            if audited.guarding is guarding
        ]
        title = Words(*guarding.value).in_language(language)
        parts += [f"## {title[:1].upper()}{title[1:]}", table_in(language, heads, rows)]
    return [*parts, *_tampering_tables(language)]


def _tampering_tables(language: str) -> list[str]:
    """The parts of the page about tampering: what is named and by what, then what cannot be seen and why."""
    named = [
        (
            Words(each.zh, each.en).in_language(language),
            list_items(each.stores, language),
            _SEEN_BY[each.seen_by].in_language(language),
        )
        for each in TAMPERINGS
        if each.seen_by in (AUDIT, REPLAY)
    ]
    unseen = [
        (
            Words(each.zh, each.en).in_language(language),
            _SEEN_BY[each.seen_by].in_language(language),
            Words(each.why_zh, each.why_en).in_language(language),
        )
        for each in TAMPERINGS
        if each.seen_by not in (AUDIT, REPLAY)
    ]
    return [
        f"## {Words('试过的篡改', 'Tampering that was tried').in_language(language)}",
        Words(
            "每一种都由测试直接在数据库上做过。", "Each was done by a test, straight on the database."
        ).in_language(language),
        table_in(language, (_TAMPERING, Words("数据库", "Database"), _NAMED_BY), named),
        f"## {Words('看不到的', 'What cannot be seen').in_language(language)}",
        table_in(language, (_TAMPERING, _NAMED_BY, Words("原因", "Why")), unseen),
    ]
