"""The live schema held against the one that ``migrate`` makes on a fresh database of the same store.

Every difference is named in plain words, in zh-CN and English. Columns are compared by name: a ledger that
was upgraded has some in another order.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store.rows import Rows
from ledger.store.schema.faults import SchemaFault
from ledger.store.schema.live import LiveSchema, read_schema
from ledger.store.schema.shape import ColumnShape, Shape, TableShape, shape_of
from ledger.store.sqlite import SQLiteRows


def check_schema(rows: Rows) -> list[SchemaFault]:
    """Everything about the live schema that a fresh database of the same store would not have."""
    dialect = "sqlite" if isinstance(rows, SQLiteRows) else "postgres"
    expected = shape_of(dialect)
    live = read_schema(rows, frozenset(expected.tables))
    return sorted({*live.foreign, *_tables(expected, live), *_indexes(expected, live.shape)})


def _tables(expected: Shape, live: LiveSchema) -> Iterator[SchemaFault]:
    for name, table in expected.tables.items():
        present = live.shape.tables.get(name)
        if present is None:
            yield SchemaFault(name, f"缺少表 {name}", f"the table {name} is missing", True)
        else:
            yield from _columns(name, table, present)


def _columns(name: str, expected: TableShape, present: TableShape) -> Iterator[SchemaFault]:
    for column in expected.columns.keys() | present.columns.keys():
        wanted, has = expected.columns.get(column), present.columns.get(column)
        if wanted is None:
            yield SchemaFault(
                name, f"表 {name} 多出列 {column}", f"the table {name} has a column more: {column}"
            )
        elif has is None:
            yield SchemaFault(
                name, f"表 {name} 缺少列 {column}", f"the table {name} lacks the column {column}", True
            )
        elif has != wanted:
            zh, en = f"表 {name} 的列 {column} 是", f"the column {column} of the table {name} is"
            yield SchemaFault(
                name, f"{zh} {_text(has)}，应为 {_text(wanted)}", f"{en} {_text(has)}, not {_text(wanted)}"
            )
    if present.key != expected.key:
        key = ", ".join(present.key)
        zh = (
            f"表 {name} 的主键是（{key}），应为（{', '.join(expected.key)}）"
            if key
            else f"表 {name} 没有主键"
        )
        en = f"the primary key of {name} is ({key}), not ({', '.join(expected.key)})"
        yield SchemaFault(name, zh, en if key else f"the table {name} has lost its primary key")
    if present.clustered != expected.clustered:
        word = "WITHOUT ROWID" if present.clustered else "with row ids"
        yield SchemaFault(name, f"表 {name} 的存放方式变成 {word}", f"the table {name} is now {word}")


def _indexes(expected: Shape, live: Shape) -> Iterator[SchemaFault]:
    for name in expected.indexes.keys() | live.indexes.keys():
        wanted, has = expected.indexes.get(name), live.indexes.get(name)
        if wanted is None and has is not None:
            zh, en = (
                f"多出索引 {name}（{has.target}）",
                "an index stands there that the ledger did not make: ",
            )
            yield SchemaFault(name, zh, f"{en}{name} ({has.target})")
        elif has is None:
            yield SchemaFault(name, f"缺少索引 {name}", f"the index {name} is missing")
        elif has != wanted and wanted is not None:
            zh, en = f"索引 {name} 是 {has.target}，应为 {wanted.target}", f"the index {name} is {has.target}"
            yield SchemaFault(name, zh, f"{en}, not {wanted.target}")


def _text(column: ColumnShape) -> str:
    words = [column.kind, "NOT NULL" if column.bound else ""]
    words.append(f"DEFAULT {column.default}" if column.default else "")
    words.append(f"COLLATE {column.collation}" if column.collation else "")
    return " ".join(word for word in words if word)
