"""What a database's schema has and ``migrate`` would not have made, in plain words."""

from __future__ import annotations

from typing import NamedTuple


class SchemaFault(NamedTuple):
    """One thing about the schema that ``migrate`` would not have made, in zh-CN and English."""

    name: str
    """The table, index, trigger … that it is about."""
    zh: str
    en: str
    is_lacking: bool = False
    """Whether something that every reading needs is not there at all."""


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
    "operator": "运算符",
    "collation": "排序规则",
    "type": "类型",
    "cast": "类型转换",
    "subscription": "订阅",
}


def foreign_fault(kind: str, name: str, table: str) -> SchemaFault:
    """Something that stands there and the ledger did not make, perhaps on a table."""
    on_zh, on_en = (f"（在 {table} 上）", f" on {table}") if table and table != name else ("", "")
    article = "an" if kind[0] in "aeio" else "a"
    kind_zh = _KINDS_ZH.get(kind, kind)
    zh = f"多出{kind_zh} {name}{on_zh}，不是账本建的"
    return SchemaFault(
        table or name, zh, f"{article} {kind} {name}{on_en} stands there that the ledger did not make"
    )
