"""The exported workbook: LibreOffice recomputes it to the same fen, and no text in it is a formula."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest

from domain.money.amounts import apportion
from ledger.export import cells, pro_rata_sheet, spreadsheet
from ledger.export.books import Books, NotExportable, books_of
from ledger.export.file_faults import FORMULA_STARTS
from ledger.policies.versions import adopt_policy, set_budget
from ledger.store.application import Ledger
from tests import programs
from tests.events import CIXI, CIXI_TEXT, Feed, take

SHARES = "按比例分配"


def payable_of_sheet(sheet: list[list[str]]) -> dict[tuple[str, str, int], int]:
    """What the sheet says is payable of each award."""
    head = sheet[pro_rata_sheet.HEAD_ROW - 1]
    column = next(i for i, name in enumerate(head) if "Payable" in name)
    return {
        (row[0], row[1], int(row[2])): int(row[column]) for row in sheet[pro_rata_sheet.HEAD_ROW :] if row[0]
    }


def cell(sheet: list[list[str]], label: str) -> str:
    """The figure beside a label."""
    return next(row[1] for row in sheet if label in row[0])


def test_libreoffice_recomputes_the_same_payable_for_every_award(books: Books, tmp_path: Path) -> None:
    path = tmp_path / "books.xlsx"
    spreadsheet.write(path, books)

    sheets = programs.recomputed(path, tmp_path / "out")

    ours = {line[:3]: paid.payable for line, paid in books.awards() if pro_rata_sheet.shared_by(books, line)}
    assert payable_of_sheet(sheets[SHARES]) == ours
    assert cell(sheets[SHARES], "Sum of shares") == str(books.pool.budget.amount)
    assert cell(sheets[SHARES], "Computed exactly") == cell(sheets[SHARES], "Same as the ledger") == "YES"
    inside = programs.fen(cell(sheets["汇总"], "recomputed here"))
    assert inside == sum(ours.values())


@pytest.mark.parametrize("budget", [1, 999_999_999, 1_414_675_456, 5_000_000_000])
def test_another_budget_in_its_cell_is_divided_anew(town: Books, tmp_path: Path, budget: int) -> None:
    path = tmp_path / "books.xlsx"
    spreadsheet.write(path, town)
    workbook = openpyxl.load_workbook(path)
    workbook[pro_rata_sheet.SHEET]["B1"] = budget
    workbook.save(path)

    sheet = programs.recomputed(path, tmp_path / "out")[SHARES]

    amounts = [(line.key, pro_rata_sheet.shared_by(town, line)) for line in town.lines()]
    shares = apportion(amounts, budget)
    assert payable_of_sheet(sheet) == {
        (key[0], key[1], int(key[2])): shares.share(fen, key) for key, fen in amounts if fen
    }
    assert cell(sheet, "Sum of shares") == str(min(budget, town.pool.total))


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("largest", "base"), [(8_000_000_000, 1_000), (80_000_000_000, 100), (800_000_000_000, 10)]
)
def test_sums_up_to_the_largest_are_divided_exactly(
    open_at: Callable[..., Ledger], tmp_path: Path, largest: int, base: int
) -> None:
    """``largest`` fen is about the most that a sheet divides with this base."""
    ledger, draw, total = open_at(), Random(largest), 0
    for number in range(60):
        amount = draw.randrange(1, largest // 30) if number % 3 else largest // 60
        take(ledger, Feed(number).approved("climate.event", "x", 2024, f"{amount // 100}.{amount % 100:02d}"))
        total += amount
    set_budget(ledger, CIXI, "2024", total * 7 // 11)
    path = tmp_path / "books.xlsx"

    with ledger.store.reading() as rows:
        books = books_of(ledger, rows, CIXI, 2024)
        assert (pro_rata_sheet.plan(books).base, books.pool.shares.reduces) == (base, True)
        spreadsheet.write(path, books)
        ours = {line[:3]: paid.payable for line, paid in books.awards()}

    sheet = programs.recomputed(path, tmp_path / "out")[SHARES]
    assert payable_of_sheet(sheet) == ours
    assert cell(sheet, "Computed exactly") == cell(sheet, "Same as the ledger") == "YES"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_sum_too_large_for_a_spreadsheet_is_refused(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = open_at()
    take(ledger, Feed(1).approved("climate.event", "x", 2024, "9000000000.00"))

    with (
        ledger.store.reading() as rows,
        pytest.raises(NotExportable, match="export parquet instead"),
    ):
        spreadsheet.write(tmp_path / "books.xlsx", books_of(ledger, rows, CIXI, 2024))


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    said = [f'{start}HYPERLINK("http://x","y")' for start in FORMULA_STARTS if start != "\r"]
    path = tmp_path / "texts.xlsx"
    workbook = openpyxl.Workbook(write_only=True)
    sheet: Any = workbook.create_sheet("x")
    for text in said:
        sheet.append([cells.text_cell(sheet, text)])
    workbook.save(path)

    read = [row[0] for row in openpyxl.load_workbook(path)["x"].iter_rows()]

    assert [(each.value, each.data_type, each.quotePrefix) for each in read] == [(t, "s", True) for t in said]
    assert programs.recomputed(path, tmp_path / "out")["x"] == [[text] for text in said]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_policy_cannot_put_a_formula_into_the_workbook(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(policy=False)
    said = '=HYPERLINK("http://x","y")'
    adopt_policy(ledger, CIXI_TEXT.replace("zh: 新注册京东店铺", f"zh: {json.dumps(said)}"))
    take(ledger, Feed(1).shop("jd", "s1", "2024-05-05"))
    path = tmp_path / "books.xlsx"

    with ledger.store.reading() as rows:
        spreadsheet.write(path, books_of(ledger, rows, CIXI, 2024))

    workbook = openpyxl.load_workbook(path)
    title = workbook[spreadsheet.AWARDS]["D2"]
    others = [sheet for sheet in workbook if sheet.title != pro_rata_sheet.SHEET]
    formulas = [
        each.value for sheet in others for row in sheet.iter_rows() for each in row if each.data_type == "f"
    ]
    assert (title.value, title.data_type) == (said, "s")
    assert formulas == [f"='{pro_rata_sheet.SHEET}'!$B$11/100"]


def test_the_awards_are_explained_in_words(town: Books, tmp_path: Path) -> None:
    path = tmp_path / "books.xlsx"
    spreadsheet.write(path, town)
    workbook = openpyxl.load_workbook(path, read_only=True)

    rows = list(workbook[spreadsheet.AWARDS].iter_rows(min_row=2, values_only=True))

    assert workbook.sheetnames == [
        *(spreadsheet.SUMMARY, spreadsheet.ENTERPRISES, spreadsheet.AWARDS),
        pro_rata_sheet.SHEET,
    ]
    assert [row[:2] for row in rows] == [(line.code, line.measure) for line in town.lines()]
    assert all("超过预算" in str(row[-1]) for row in rows)
    assert all("从高不重复" in str(row[-1]) or "两者取高" in str(row[-1]) for row in rows)
