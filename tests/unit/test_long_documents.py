"""A document longer than its form allows is refused from counts alone, before a record is read."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from ledger.documents import excel, word
from ledger.documents.catalogue import aliases, columns_of, values_of
from ledger.documents.layouts import template
from ledger.documents.places import Filling, Record
from ledger.export.books import NotExportable


def filling(document: str, table: str, count: int) -> Filling:
    def unread() -> Iterator[Record]:
        raise AssertionError("a record was read")
        yield {}

    return Filling(
        dict.fromkeys(values_of(document), ""), {table: unread}, columns_of(document), {table: count}
    )


@pytest.mark.parametrize(("document", "table"), [("list", "名单"), ("payments", "付款")])
@pytest.mark.parametrize(("form", "rows_max"), [(".docx", word.ROWS_MAX), (".xlsx", excel.ROWS_MAX)])
def test_it_is_refused_at_once(document: str, table: str, form: str, rows_max: int) -> None:
    fill = word.fill if form == ".docx" else excel.fill
    out = io.BytesIO()

    with pytest.raises(NotExportable, match=f"{table}: {rows_max + 1:,} 行"):
        fill(template(document, "zh", form), out, filling(document, table, rows_max + 1), aliases(document))
    assert out.getvalue() == b""
