"""The rows that were not taken, back to whoever sent them: in the same workbook, marked in their cells.

A workbook of ordinary size comes back as it was, with marks. Of a very large one, and of CSV, the
rows that are wrong come back alone, in a workbook made anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.worksheet import Worksheet

from ledger.export.cells import heading_cell, text_cell
from ledger.intake.sheets.faults import SheetError
from ledger.intake.sheets.files.package import Package, check_every_part, open_package
from ledger.intake.sheets.holding import MARKED, HeldRow, Holding
from ledger.intake.sheets.rows import MarkedFault
from ledger.intake.sheets.tables import BACK, SHIPPED_TABLES, Column
from ledger.intake.sheets.template import sheet_title

WHOLE_BYTES_MAX = 24 * 1024 * 1024
"""Largest workbook, its sheets inflated, that is opened as a whole to be marked."""
COMMENTED_ROWS = 5_000
"""Rows of a workbook made anew whose cells carry comments, which stay in memory; all say what is wrong."""
MERGED_CELLS_MAX = 100_000
"""Most merged cells of a workbook that is opened as a whole: each is held in memory, an empty one too."""
AUTHOR = "subsidy-ledger"
Merges = dict[tuple[int, int], CellRange]
"""The merged range that each cell of a sheet belongs to, by (row, column)."""
_WRONG = PatternFill("solid", fgColor="FFC7CE")
_TOP = Alignment(wrap_text=True, vertical="top")
_ROW = PatternFill("solid", fgColor="FFEB9C")


def mark(path: Path, is_text: bool, holding: Holding, out: Path) -> None:
    """Write the workbook that goes back; a file that is not kept comes back by its wrong rows alone."""
    if not is_text and path.exists() and _is_ordinary(path):
        try:
            with path.open("rb") as file:
                workbook = load_workbook(file, keep_links=False)
        except Exception:  # a part that our reader passes over, and openpyxl can't read
            _made_anew(holding, out)
            return
        _mark_whole(workbook, holding)
        workbook.save(out)
        return
    _made_anew(holding, out)


def _is_ordinary(path: Path) -> bool:
    try:
        package = open_package(path)
    except SheetError:
        return False
    try:
        check_every_part(package)
        inflated = sum(part.file_size for part in package.archive.infolist())
        return inflated <= WHOLE_BYTES_MAX and _merged_cells(package) <= MERGED_CELLS_MAX
    except SheetError:
        return False
    finally:
        package.archive.close()


def _merged_cells(package: Package) -> int:
    ranges = chain.from_iterable(package.merges(sheet) for sheet in package.sheets)
    return sum((bottom - top + 1) * (right - left + 1) for top, left, bottom, right in ranges)


def said_of(marked: Iterable[MarkedFault]) -> str:
    """What is wrong, in both languages, with code, rule and mend."""
    lines = []
    for marked_fault in marked:
        zh, en = marked_fault.fault.words("zh"), marked_fault.fault.words("en")
        lines.append(f"[{zh['code']}] {zh['rule']}。处理：{zh['mend']}\n{en['rule']} — {en['mend']}")
    return ILLEGAL_CHARACTERS_RE.sub("", "\n\n".join(lines))


def _mark_whole(workbook: Any, holding: Holding) -> None:
    layouts = holding.layouts()
    places: dict[str, dict[str, int]] = {}
    merges: dict[str, Merges] = {}
    for held_row in holding.rows_in(MARKED):
        sheet: Worksheet = workbook[held_row.sheet]
        if held_row.sheet not in places:
            keys = layouts[held_row.sheet, held_row.name]
            places[held_row.sheet] = _room(sheet, holding, held_row, keys)
            merges[held_row.sheet] = _merges(sheet)
        _mark_row(sheet, held_row, places[held_row.sheet], merges[held_row.sheet])


def _room(sheet: Worksheet, holding: Holding, held_row: HeldRow, keys: dict[int, str]) -> dict[str, int]:
    """Where row ids and faults go: their columns, added on the right where the sheet has none."""
    head = int(holding.read_note(f"head:{held_row.sheet}", 1))
    columns = SHIPPED_TABLES.by_name[held_row.name].by_key
    places = {key: column for column, key in keys.items() if key in BACK}
    column = max(sheet.max_column, *keys)
    for key in BACK:
        if key not in places:
            column += 1
            places[key] = column
            sheet.cell(head, column, columns[key].headings.zh)
            sheet.column_dimensions[get_column_letter(column)].width = 34 if key == "id" else 80
    return places


def _mark_row(sheet: Worksheet, held_row: HeldRow, places: dict[str, int], merges: Merges) -> None:
    _written(sheet, held_row.row, places["id"], held_row.event_id, merges)
    cell = _written(sheet, held_row.row, places["faults"], said_of(held_row.marked), merges)
    cell.fill, cell.alignment = _ROW, _TOP
    for column, marked in _by_column(held_row.marked).items():
        target = sheet.cell(held_row.row, column)
        if isinstance(target, MergedCell):
            merged = merges[held_row.row, column]
            target = sheet.cell(merged.min_row, merged.min_col)
        target.fill = _WRONG
        target.comment = _comment(marked)


def _written(sheet: Any, row: int, column: int, text: str, merges: Merges) -> Any:
    """The cell, holding a text that can never become a formula; taken out of any range it is merged into."""
    if isinstance(sheet.cell(row, column), MergedCell):
        sheet.unmerge_cells(merges[row, column].coord)
    cell, safe = sheet.cell(row, column), text_cell(sheet, text)
    cell.value, cell.data_type, cell.quotePrefix = safe.value, "s", safe.quotePrefix
    return cell


def _merges(sheet: Worksheet) -> Merges:
    return {at: merged for merged in sheet.merged_cells.ranges for at in merged.cells}


def _by_column(marked: Iterable[MarkedFault]) -> dict[int, list[MarkedFault]]:
    """What is wrong by column; what concerns the row as a whole stands in its first cell."""
    by_column: dict[int, list[MarkedFault]] = {}
    for marked_fault in marked:
        by_column.setdefault(max(marked_fault.column, 1), []).append(marked_fault)
    return by_column


def _comment(marked: list[MarkedFault]) -> Comment:
    return Comment(said_of(marked), AUTHOR, height=140, width=360)


def _made_anew(holding: Holding, out: Path) -> None:
    """The wrong rows alone, row by row."""
    workbook = Workbook(write_only=True)
    sheets: dict[tuple[str, str], Any] = {}
    layouts = holding.layouts()
    for number, held_row in enumerate(holding.rows_in(MARKED)):
        key = (held_row.sheet, held_row.name)
        if key not in sheets:
            sheets[key] = _sheet(workbook, held_row)
        by_key = {
            layouts[key][place]: text for place, text in held_row.cells.items() if place in layouts[key]
        }
        sheets[key].append(_cells(sheets[key], held_row, by_key, layouts[key], number < COMMENTED_ROWS))
    if not sheets:
        workbook.create_sheet("OK")
    workbook.save(out)


def _sheet(workbook: Workbook, held_row: HeldRow) -> Any:
    table = SHIPPED_TABLES.by_name[held_row.name]
    sheet = workbook.create_sheet(sheet_title(table))
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = 80 if column.key == "faults" else 24
    sheet.append([heading_cell(sheet, column.headings.zh) for column in table.columns])
    return sheet


def _cells(
    sheet: Any, held_row: HeldRow, texts: dict[str, str], places: dict[int, str], commented: bool
) -> list[Any]:
    wrong: dict[str, list[MarkedFault]] = {}
    for marked_fault in held_row.marked:
        wrong.setdefault(places.get(marked_fault.column, _key_of(marked_fault)), []).append(marked_fault)
    cells = []
    for column in SHIPPED_TABLES.by_name[held_row.name].columns:
        cell = text_cell(sheet, _value(column, held_row, texts))
        cell.number_format = "@"
        if column.key in wrong:
            cell.fill = _WRONG
            if commented:
                cell.comment = _comment(wrong[column.key])
        cells.append(cell)
    return cells


def _key_of(marked: MarkedFault) -> str:
    return marked.fault.field.removeprefix("data.") or "subject"


def _value(column: Column, held_row: HeldRow, texts: dict[str, str]) -> str:
    if column.key == "id":
        return held_row.event_id
    if column.key == "faults":
        return said_of(held_row.marked)
    return texts.get(column.key, "")
