"""A sheet of any length: read back as it was written, by another reader, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl import Workbook

from ledger.export.books import NotExportable
from ledger.export.cells import CELL_CHARACTERS_MAX, YUAN_FORMAT, LongSheet
from ledger.export.official import ROWS_MAX
from ledger.export.public_list import write_xlsx
from tests.lengths import length_of
from tests.settled import public_head
from tests.unit.test_public_list import payable

TEXTS = (
    "=1+1",
    "+1",
    "-1",
    "@x",
    "a <b> & \"c\" 'd'",
    " space ",
    "two\nlines",
    "a\rb",
    "",
    "慈溪",
    "x" * 40_000,
)


def test_cells_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    book = Workbook(write_only=True)
    sheet = LongSheet(book, "长表", (20, 30), frozen="B2")
    sheet.append([sheet.heading("名称"), sheet.heading("=not a formula")])
    for text in TEXTS:
        sheet.append([sheet.text(text, wrap=True), sheet.text(text)])
    sheet.append(
        [sheet.yuan(123_456_789), sheet.whole_number(2024), sheet.formula('IF("<"="<",1,2)', "0.0000%")]
    )
    sheet.append([sheet.yuan(260_000), sheet.yuan(0), sheet.yuan(10)])
    book.save(tmp_path / "long.xlsx")

    read = openpyxl.load_workbook(tmp_path / "long.xlsx")["长表"]

    assert read.freeze_panes == "B2"
    assert (read["A1"].font.b, read["B1"].quotePrefix, read["B1"].data_type) == (True, True, "s")
    for row, text in enumerate(TEXTS, 2):
        whole = text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 1] + "…"
        for letter in "AB":
            cell = read[f"{letter}{row}"]
            assert (cell.value or "") == whole
            assert cell.data_type != "f"
            assert cell.quotePrefix == (text[:1] in ("=", "+", "-", "@") and text != "")
    last = len(TEXTS) + 2
    assert Decimal(str(read[f"A{last}"].value)) == Decimal("1234567.89")
    assert [type(read.cell(last + 1, column).value) for column in (1, 2)] == [int, int], "whole yuan as ever"
    assert [read.cell(last + 1, column).value for column in (1, 2, 3)] == [2600, 0, 0.1]
    assert read[f"A{last}"].number_format == YUAN_FORMAT
    assert (read[f"B{last}"].value, read[f"C{last}"].value) == (2024, '=IF("<"="<",1,2)')


def peak(path: Path, rows: int) -> int:
    """The most bytes that are held while so many rows are written."""
    tracemalloc.start()
    try:
        book = Workbook(write_only=True)
        sheet = LongSheet(book, "长表", (20, 20, 20))
        for number in range(rows):
            sheet.append(
                [sheet.text(f"text {number}"), sheet.yuan(number), sheet.formula(f"B{number + 1}*2")]
            )
        book.save(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_sheet_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    peak(path, 10)
    assert peak(path, length_of("SUBSIDY_TEST_LINES")) < 1.5 * peak(path, 400) + 200_000


def test_a_list_with_more_lines_than_a_sheet_has_rows_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"

    with pytest.raises(NotExportable, match="export CSV"):
        write_xlsx(path, public_head(ROWS_MAX, payable(1)), iter(()), ())
    assert not path.exists()
