"""The part of docs/architecture.md that says what each table holds, from the registry of tables."""

from __future__ import annotations

from pathlib import Path

from docs.generate.tables import table
from ledger.store.schema.tables import LIBRARY_TABLES, TABLES

PAGE = Path(__file__).parents[1] / "architecture.md"
BEGIN = "<!-- 由程序生成，请勿手改：python -m docs.generate.pages · Generated: do not edit by hand -->\n"
END = "<!-- 生成内容至此 · End of what is generated -->\n"


def architecture_page() -> str:
    """The page with its list of tables as it would be generated now."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables_list()}\n\n{END}{after}"


def tables_list() -> str:
    """Every table with what it holds and whether it can be rebuilt, as Markdown."""
    rows = [
        (f"`{name}`", f"{held.holds_zh} · {held.holds_en}", " · ".join(held.rebuilding.value))
        for name, held in {**LIBRARY_TABLES, **TABLES}.items()
    ]
    return table(("表 · table", "内容 · holds", "可重建 · can be rebuilt"), rows)
