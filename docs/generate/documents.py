"""The page about documents: how a template is edited, and every place that it may have."""

from __future__ import annotations

from importlib.resources import files

from ledger.documents.catalogue import catalogue

DOCUMENTS = {
    "list": ("公示文稿和名单", "publication and list"),
    "payments": ("资金拨付表", "table of payments"),
    "letter": ("兑现决定书", "decision letter"),
    "report": ("年度报告", "report of the year"),
}


def documents_page() -> tuple[str, ...]:
    """The parts of the page, beside its title."""
    about = files("docs.generate").joinpath("about_documents.txt").read_text("utf-8")
    parts = [about, "## 可填的位置 · Places", _table("位置 · place", _values())]
    for name, said in catalogue()["tables"].items():
        of = "、".join(DOCUMENTS[each][0] for each in said["in"])
        parts.append(f"### {{{{{name}.…}}}} · {{{{{said['en']}.…}}}}\n\n{of}：{said['zh']} · {said['means']}")
        rows = [
            (
                f"`{{{{{name}.{column}}}}}` `{{{{{said['en']}.{each['en']}}}}}`",
                f"{each['zh']} · {each['means']}",
                "",
            )
            for column, each in said["columns"].items()
        ]
        parts.append(_table("位置 · place", rows, among=False))
    return tuple(parts)


def _values() -> list[tuple[str, str, str]]:
    return [
        (_place(name, said["en"]), _means(said), _documents(said["in"]))
        for name, said in catalogue()["values"].items()
    ]


def _place(zh: str, en: str) -> str:
    return f"`{{{{{zh}}}}}` `{{{{{en}}}}}`"


def _means(said: dict[str, str]) -> str:
    return f"{said['zh']} · {said['means']}"


def _documents(named: list[str]) -> str:
    if len(named) == len(DOCUMENTS):
        return "全部 · all"
    return "、".join(DOCUMENTS[each][0] for each in named)


def _table(head: str, rows: list[tuple[str, str, str]], among: bool = True) -> str:
    heads = [head, "含义 · meaning", *(["文件 · document"] if among else [])]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(row[: len(heads)])} |" for row in rows]
    return "\n".join(lines)
