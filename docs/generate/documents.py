"""The page about documents: how a template is edited, and every place that it may have."""

from __future__ import annotations

from importlib.resources import files

from ledger.documents.catalogue import Column, Place, Table, read_catalogue


def documents_page() -> tuple[str, ...]:
    """The parts of the page, beside its title."""
    about = files("docs.generate").joinpath("about_documents.txt").read_text("utf-8")
    parts = [about, "## 可填的位置 · Places", _table("位置 · place", _values())]
    for name, table in read_catalogue().tables.items():
        documents = "、".join(read_catalogue().documents[name].zh for name in table.documents)
        head = f"### {{{{{name}.…}}}} · {{{{{table.en}.…}}}}"
        parts.append(f"{head}\n\n{documents}：{_meaning(table)}")
        rows = [
            (f"`{{{{{name}.{key}}}}}` `{{{{{table.en}.{column.en}}}}}`", _meaning(column), "")
            for key, column in table.columns.items()
        ]
        parts.append(_table("位置 · place", rows, among=False))
    return tuple(parts)


def _values() -> list[tuple[str, str, str]]:
    return [
        (_place(name, place.en), _meaning(place), _documents(place.documents))
        for name, place in read_catalogue().values.items()
    ]


def _place(zh: str, en: str) -> str:
    return f"`{{{{{zh}}}}}` `{{{{{en}}}}}`"


def _meaning(place: Place | Table | Column) -> str:
    return f"{place.zh} · {place.means}"


def _documents(named: tuple[str, ...]) -> str:
    kinds = read_catalogue().documents
    return "全部 · all" if len(named) == len(kinds) else "、".join(kinds[name].zh for name in named)


def _table(head: str, rows: list[tuple[str, str, str]], among: bool = True) -> str:
    heads = [head, "含义 · meaning", *(["文件 · document"] if among else [])]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(row[: len(heads)])} |" for row in rows]
    return "\n".join(lines)
