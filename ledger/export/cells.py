"""Cells of a spreadsheet: text that can never become a formula, exact amounts, headings.

``LongSheet`` is for tables of any length: openpyxl makes an object of each cell and writes it element by
element, which takes some 40 µs; markup that is put together of text, and parsed a row at a time, a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.xml.functions import fromstring

from domain.money.amounts import decimal_of
from ledger.export.file_faults import FORMULA_STARTS

Sheet = WriteOnlyWorksheet
CELL_CHARACTERS_MAX = 32_767
"""Most that the format allows in one cell."""
YUAN_FORMAT = "#,##0.00"
WHOLE_FORMAT = "0"


def fit_text(value: str) -> str:
    """A text as a cell can hold it."""
    content = ILLEGAL_CHARACTERS_RE.sub("", value)
    fits = len(content) <= CELL_CHARACTERS_MAX
    return content if fits else content[: CELL_CHARACTERS_MAX - 1] + "…"


def text_cell(sheet: Sheet, value: str, *, wrap: bool = False) -> Cell:
    """A cell of text, whatever the text begins with."""
    content = fit_text(value)
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


Markup = tuple[int, str, str]
"""A cell of a long sheet: its style, its type as an attribute, and what stands in it."""


class LongSheet:
    """A sheet of any length: each row leaves for the disk at once, its cells as markup."""

    def __init__(self, book: Workbook, title: str, widths: Sequence[int], frozen: str = "") -> None:
        sheet: Any = book.create_sheet(title)
        for column, width in enumerate(widths, 1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        if frozen:
            sheet.freeze_panes = frozen
        self._letters = [get_column_letter(column) for column in range(1, max(len(widths), 30) + 1)]
        self._styles = dict[tuple[str, bool], int]()
        sheet._writer = _MarkupWriter(sheet)
        sheet._writer.write_top()
        sheet._values_to_row = lambda row, _: row  # the writer takes them as they are
        self._sheet = sheet

    def append(self, row: Sequence[Markup]) -> None:
        """Write the next row."""
        self._sheet.append([(letter, *cell) for letter, cell in zip(self._letters, row, strict=False)])

    def text(self, value: str, *, wrap: bool = False) -> Markup:
        """A cell of text, whatever the text begins with."""
        return self._text("wrapped" if wrap else "text", value)

    def heading(self, value: str) -> Markup:
        """A bold cell of text."""
        return self._text("heading", value)

    def yuan(self, fen: int) -> Markup:
        """An amount of fen, shown in yuan."""
        number = f"{decimal_of(fen):f}"
        shortest = number.rstrip("0").rstrip(".") if "." in number else number
        return self._style(YUAN_FORMAT), "", f"<v>{shortest}</v>"

    def whole_number(self, value: int) -> Markup:
        """A whole number, shown with every digit."""
        return self._style(WHOLE_FORMAT), "", f"<v>{value}</v>"

    def formula(self, expression: str, number_format: str = WHOLE_FORMAT) -> Markup:
        """A live formula; ``expression`` comes from this program only."""
        return self._style(number_format), "", f"<f>{escape(expression)}</f><v></v>"

    def _text(self, style: str, value: str) -> Markup:
        content = fit_text(value)
        quoted = content.startswith(FORMULA_STARTS)
        space = ' xml:space="preserve"' if content != content.strip() else ""
        markup = f"<is><t{space}>{escape(content, _CARRIAGE_RETURN)}</t></is>" if content else ""
        return self._style(style, quoted), ' t="inlineStr"', markup

    def _style(self, name: str, quoted: bool = False) -> int:
        """The number of a style in the workbook, as a cell of that look has it."""
        number = self._styles.get((name, quoted))
        if number is None:
            looks = {"wrapped": {"wrap": True}, "text": {}}
            if name == "heading":
                cell = heading_cell(self._sheet, "=" if quoted else "")
            elif name in looks:
                cell = text_cell(self._sheet, "=" if quoted else "", **looks[name])
            else:
                cell = formula_cell(self._sheet, "0", name)
            number = self._styles[name, quoted] = int(cell.style_id)
        return number


_CARRIAGE_RETURN = {"\r": "&#13;"}  # a bare one would be read as the end of a line


class _MarkupWriter(WorksheetWriter):
    """Writes rows of cells that are markup already."""

    def write_row(  # type: ignore[override]
        self, xf: Any, row: Iterable[tuple[str, int, str, str]], row_idx: int
    ) -> None:
        """Parse a row's markup and write it."""
        cells = "".join(
            f'<c r="{letter}{row_idx}" s="{style}"{kind}>{inner}</c>' for letter, style, kind, inner in row
        )
        xf.write(fromstring(f'<row r="{row_idx}">{cells}</row>'))
