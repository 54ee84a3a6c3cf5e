"""Cells of a spreadsheet: text that can never become a formula, exact amounts, headings."""

from __future__ import annotations

from typing import Any

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from domain.money.amounts import decimal_of
from ledger.export.file_faults import FORMULA_STARTS

Sheet = WriteOnlyWorksheet
CELL_CHARACTERS_MAX = 32_767
"""Most that the format allows in one cell."""
YUAN_FORMAT = "#,##0.00"
WHOLE_FORMAT = "0"


def text_cell(sheet: Sheet, value: str, *, wrap: bool = False) -> Cell:
    """A cell of text, whatever the text begins with."""
    content = ILLEGAL_CHARACTERS_RE.sub("", value)
    if len(content) > CELL_CHARACTERS_MAX:
        content = content[: CELL_CHARACTERS_MAX - 1] + "…"
    cell = WriteOnlyCell(sheet, content)
    cell.data_type = "s"
    if content.startswith(FORMULA_STARTS):
        cell.quotePrefix = True
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def heading_cell(sheet: Sheet, value: str) -> Cell:
    """A bold cell of text."""
    cell = text_cell(sheet, value, wrap=True)
    cell.font = Font(bold=True)
    return cell


def yuan_cell(sheet: Sheet, fen: int) -> Cell:
    """An amount of fen, shown in yuan."""
    amount: Any = decimal_of(fen)
    cell = WriteOnlyCell(sheet, amount)
    cell.number_format = YUAN_FORMAT
    return cell


def whole_cell(sheet: Sheet, value: int) -> Cell:
    """A whole number, shown with every digit."""
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = WHOLE_FORMAT
    return cell


def formula_cell(sheet: Sheet, expression: str, number_format: str = WHOLE_FORMAT) -> Cell:
    """A live formula; ``expression`` comes from this program only."""
    cell = WriteOnlyCell(sheet, f"={expression}")
    cell.number_format = number_format
    return cell
