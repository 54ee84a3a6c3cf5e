"""Fills an .xlsx template: a cell that is one place becomes a number or text; rows are repeated."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from copy import copy
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from domain.money.amounts import decimal_of
from ledger.documents.places import Fen, Filling, TemplateError, Value, filled, single, table_of, unknown
from ledger.export.books import NotExportable
from ledger.export.cells import YUAN_FORMAT
from ledger.export.file_faults import FORMULA_STARTS
from ledger.export.official import width_of

DEFAULT_POINTS, LINE_HEIGHT, HEIGHT_MAX = 11, Fraction(7, 5), 409
"""Points of the font that column widths are told in; height of a line by its points; most of a row."""
ROWS_MAX = 50_000
"""Most records of a table; a template is filled in memory."""


def fill(template: Path | BinaryIO, out: BinaryIO, filling: Filling, aliases: Mapping[str, str]) -> None:
    """Fill a template.

    Raises:
        TemplateError: for places that there are not; NotExportable: for a file that is no .xlsx, or
            a table of too many records.
    """
    try:
        book = load_workbook(template)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise NotExportable(f"{template}: not an .xlsx workbook ({error})") from None
    names = set(filling.names())
    faults = list(unknown(_texts(book), names, aliases))
    if faults:
        raise TemplateError(faults, sorted(names))
    filling.check_rows(
        [table_of(text, aliases) for _, text in _texts(book)],
        ROWS_MAX,
        "改用 settle list 写 .xlsx 或 .csv · write it as .xlsx or .csv by settle list",
    )
    for sheet in book.worksheets:
        for row in range(sheet.max_row, 0, -1):
            table = table_of("\n".join(text for _, text in _row_texts(sheet, row)), aliases)
            if table is None:
                _fill_row(sheet, row, filling.values, aliases)
            else:
                _repeat(sheet, row, table, filling, aliases)
        headers: list[Any] = [sheet.oddHeader, sheet.oddFooter]
        for header in headers:
            for part in (header.left, header.center, header.right):
                if part.text:
                    part.text = filled(part.text, filling.values, aliases)
    book.save(out)


def _texts(book: Any) -> Iterator[tuple[str, str]]:
    for sheet in book.worksheets:
        for row in range(1, sheet.max_row + 1):
            for cell, text in _row_texts(sheet, row):
                yield f"{sheet.title}!{cell}", text


def _row_texts(sheet: Worksheet, row: int) -> Iterator[tuple[str, str]]:
    for cell in sheet[row]:
        if isinstance(cell.value, str):
            yield cell.coordinate, cell.value


def _repeat(sheet: Worksheet, row: int, table: str, filling: Filling, aliases: Mapping[str, str]) -> None:
    """Put a row for each record in place of a row; everything below moves down."""
    records = []
    for record in filling.tables[table]():
        records.append({f"{table}.{name}": value for name, value in record.items()})
        if len(records) > ROWS_MAX:
            raise NotExportable(f"more than {ROWS_MAX:,} rows — export the list instead")
    template_cells: list[Any] = [cell for cell in sheet[row] if not isinstance(cell, MergedCell)]
    cells = [(cell.column, cell.value, cell) for cell in template_cells]
    joined = [merged for merged in sheet.merged_cells.ranges if merged.min_row == merged.max_row == row]
    _shift(sheet, row, max(len(records), 1) - 1)
    for offset, record in enumerate(records or [dict[str, Value]()]):
        for column, text, like in cells:
            cell: Any = sheet.cell(row + offset, column)
            if offset:
                cell._style = copy(like._style)
            _put(cell, text if records else None, {**filling.values, **record}, aliases)
        for merged in joined if offset else ():
            sheet.merge_cells(None, row + offset, merged.min_col, row + offset, merged.max_col)
        _fit(sheet, row + offset, joined)


def _shift(sheet: Worksheet, row: int, by: int) -> None:
    """Make room below a row: cells, joined cells and heights move down."""
    if not by:
        return
    heights = {
        row_number: merged.height
        for row_number, merged in sheet.row_dimensions.items()
        if row_number > row and merged.height
    }
    below = [merged for merged in sheet.merged_cells.ranges if merged.min_row > row]
    for merged in below:
        sheet.unmerge_cells(str(merged))
    sheet.insert_rows(row + 1, by)
    for merged in below:
        merged.shift(0, by)
        sheet.merge_cells(str(merged))
    for row_number in heights:
        sheet.row_dimensions[row_number].height = None
    for row_number, height in heights.items():
        sheet.row_dimensions[row_number + by].height = height


def _fill_row(sheet: Worksheet, row: int, values: Mapping[str, Value], aliases: Mapping[str, str]) -> None:
    touched = False
    for cell in sheet[row]:
        if isinstance(cell.value, str) and "{{" in cell.value:
            _put(cell, cell.value, values, aliases)
            touched = True
    if touched:
        _fit(sheet, row, [merged for merged in sheet.merged_cells.ranges if merged.min_row == row])


def _fit(sheet: Worksheet, row: int, joined: list[Any]) -> None:
    """Make a row as high as its wrapped texts need, and no lower than it was."""
    needed = Fraction(sheet.row_dimensions[row].height or 0)
    across = {found.min_col: range(found.min_col, found.max_col + 1) for found in joined}
    for cell in sheet[row]:
        if isinstance(cell.value, str) and cell.alignment and cell.alignment.wrap_text:
            columns = across.get(cell.column, (cell.column,))
            widths = (sheet.column_dimensions[get_column_letter(at)].width for at in columns)
            width = sum(map(Fraction, widths))
            points = Fraction(cell.font.sz or DEFAULT_POINTS)
            letters = max(int(width * DEFAULT_POINTS / points) - 1, 1)
            lines = sum(max(1, -(-width_of(line) // letters)) for line in cell.value.split("\n"))
            needed = max(needed, lines * points * LINE_HEIGHT + 4)
    sheet.row_dimensions[row].height = min(int(needed) + 1, HEIGHT_MAX) if needed else None


def _put(cell: Any, text: Any, values: Mapping[str, Value], aliases: Mapping[str, str]) -> None:
    """A value in a cell; text never becomes a formula, whatever it begins with."""
    if not isinstance(text, str) or "{{" not in text:
        cell.value = text
        return
    value = single(text, values, aliases)
    if isinstance(value, Fen):
        cell.value = decimal_of(int(value))
        if cell.number_format == "General":
            cell.number_format = YUAN_FORMAT
    elif isinstance(value, int):
        cell.value = value
    else:
        content = ILLEGAL_CHARACTERS_RE.sub("", filled(text, values, aliases))
        cell.value = content
        cell.data_type = "s"
        if content.startswith(FORMULA_STARTS):
            cell.quotePrefix = True
