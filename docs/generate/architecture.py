"""The part of docs/architecture.md that says what each table holds, from the registry of tables."""

from __future__ import annotations

from pathlib import Path

from docs.generate.languages import MADE, file_name
from docs.generate.tables import table_in
from domain.vocabulary.kinds import Words
from ledger.store.schema.tables import LIBRARY_TABLES, TABLES

DOCS = Path(__file__).parents[1]
END = Words("<!-- 生成内容至此 -->", "<!-- End of what is generated -->")


def architecture_page(language: str) -> str:
    """The page with its list of tables as it would be generated now."""
    begin, end = (f"{mark.in_language(language)}\n" for mark in (MADE, END))
    page = (DOCS / file_name("architecture", language)).read_text("utf-8")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{tables_list(language)}\n\n{end}{after}"


def tables_list(language: str) -> str:
    """Every table with what it holds and whether it can be rebuilt, as Markdown."""
    rows = [
        (
            f"`{name}`",
            Words(held.holds_zh, held.holds_en).in_language(language),
            Words(*held.rebuilding.value).in_language(language),
        )
        for name, held in {**LIBRARY_TABLES, **TABLES}.items()
    ]
    heads = (Words("表", "Table"), Words("内容", "Holds"), Words("可重建", "Can be rebuilt"))
    return table_in(language, heads, rows)
