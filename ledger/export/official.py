"""A sheet that looks as official lists do: centred title, bordered table, A4, numbered pages.

Written row by row. The named fonts are those of the national format of official documents (GB/T
9704): 小标宋 for the title, 黑体 for heads, 仿宋 for the rest; where one is not installed, the program
that opens the sheet takes another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from ledger.export.books import NotExportable
from ledger.export.file_faults import FORMULA_STARTS

if TYPE_CHECKING:  # openpyxl is imported with the first sheet: what else stands here needs none of it
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell

ROWS_MAX = 1_048_500
"""Most rows of a sheet's table: what the format allows, less the head and the foot."""
LINE_POINTS, PADDING_POINTS, HEIGHT_POINTS_MAX = 15, 7, 400
TOTAL_POINTS, TITLE_POINTS = 24, 32
MARGIN = 4
"""Of a column's width, in characters, what its border, indent and the font's roundness take."""
TITLE, NOTE, RIGHT, FOOTNOTE = "公文标题", "公文说明", "公文靠右", "公文附注"
HEAD, CENTRED, WORDS, MONEY, TOTAL, TOTAL_MONEY = (
    "表头",
    "表体居中",
    "表体文字",
    "表体金额",
    "合计",
    "合计金额",
)
ANNEX = "附件"
_A4 = 9
_ALIGNED: dict[str, dict[str, Any]] = {
    "centre": {"horizontal": "center", "wrap_text": True},
    "flush": {"horizontal": "left", "wrap_text": True},
    "left": {"horizontal": "left", "wrap_text": True, "indent": 1},
    "right": {"horizontal": "right", "wrap_text": True},
    # a sum too wide for its column is shown smaller, never as #####
    "fit": {"horizontal": "right", "shrink_to_fit": True, "indent": 1},
}
_STYLES = (
    # name, font, points, bold, aligned, boxed
    (ANNEX, "黑体", 16, False, "flush", False),
    (TITLE, "方正小标宋简体", 22, False, "centre", False),
    (NOTE, "仿宋", 12, False, "centre", False),
    (FOOTNOTE, "仿宋", 11, False, "flush", False),
    (RIGHT, "仿宋", 12, False, "right", False),
    (HEAD, "黑体", 11, False, "centre", True),
    (CENTRED, "仿宋", 11, False, "centre", True),
    (WORDS, "仿宋", 11, False, "left", True),
    (MONEY, "仿宋", 11, False, "fit", True),
    (TOTAL, "黑体", 11, False, "centre", True),
    (TOTAL_MONEY, "仿宋", 11, True, "fit", True),
)


@contextmanager
def workbook(path: Path) -> Iterator[Workbook]:
    """A workbook that is written row by row, with the styles above.

    It is saved at the end; where something is raised, nothing is left of it.
    """
    book = _styled()
    try:
        yield book
    except BaseException:
        for sheet in book.worksheets:
            _dropped(sheet)
        raise
    book.save(path)


def _dropped(sheet: Any) -> None:
    """Remove the temporary file that rows were written to; saving would have done so."""
    sheet.close()
    sheet._writer.cleanup()


def _styled() -> Workbook:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, Side

    from ledger.export.cells import YUAN_FORMAT

    thin = Side(style="thin", color="000000")
    box = Border(left=thin, right=thin, top=thin, bottom=thin)
    book = Workbook(write_only=True)
    book.calculation.fullCalcOnLoad = True
    for name, font, points, bold, aligned, boxed in _STYLES:
        style = NamedStyle(name=name, font=Font(name=font, size=points, bold=bold))
        style.alignment = Alignment(vertical="center", **_ALIGNED[aligned])
        style.number_format = YUAN_FORMAT if aligned == "fit" else "General"
        if boxed:
            style.border = box
        book.add_named_style(style)
    return book


class Form:
    """A sheet with its widths (in characters), and the row that is written next."""

    def __init__(
        self, book: Workbook, name: str, widths: Sequence[int], *, landscape: bool, footer: str = ""
    ) -> None:
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.properties import PageSetupProperties

        from ledger.export import cells

        self.cells = cells
        self.last = get_column_letter(len(widths))
        """The letter of the last column."""
        sheet: Any = book.create_sheet(name)
        for index, width in enumerate(widths, 1):
            sheet.column_dimensions[get_column_letter(index)].width = width
        sheet.page_setup.orientation = "landscape" if landscape else "portrait"
        sheet.page_setup.paperSize = _A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.print_options.horizontalCentered = True
        margins = sheet.page_margins
        margins.left = margins.right = 1 / 2
        margins.top = margins.bottom = 7 / 10
        sheet.oddFooter.center.text = f"{footer}第 &P 页，共 &N 页"
        self.sheet = sheet
        self.widths = widths
        self.row = 1

    def freeze(self, first: int, until: int) -> None:
        """Keep rows in sight up to ``until``, and print those from ``first`` on every page.

        Has to be called before the first row is written.
        """
        self.sheet.freeze_panes = f"A{until + 1}"
        self.sheet.print_title_rows = f"{first}:{until}"

    def text(self, value: str, style: str) -> Cell:
        """A cell of text in a style, whatever the text begins with."""
        cell = self.cells.text_cell(self.sheet, value)
        cell.style = style
        if str(cell.value).startswith(FORMULA_STARTS):
            cell.quotePrefix = True
        return cell

    def money(self, fen: int, style: str = MONEY) -> Cell:
        """A cell of fen, shown in yuan."""
        cell = self.cells.yuan_cell(self.sheet, fen)
        cell.style = style
        return cell

    def number(self, value: int, style: str = CENTRED) -> Cell:
        """A cell of a whole number."""
        cell = self.cells.whole_cell(self.sheet, value)
        cell.style = style
        return cell

    def sum(self, expression: str, style: str = MONEY) -> Cell:
        """A live formula of yuan; ``expression`` comes from this program only."""
        cell = self.cells.formula_cell(self.sheet, expression, self.cells.YUAN_FORMAT)
        cell.style = style
        return cell

    def add(self, row: Iterable[Cell | None], height: int = 0) -> None:
        """Write a row; of a height in points, or as high as its texts need."""
        cells = list(row)
        # heights are written with their row and dropped, so that a long table takes no memory
        self.sheet.row_dimensions[self.row].height = height or self._height(cells)
        self.sheet.append(cells)
        del self.sheet.row_dimensions[self.row]
        self.row += 1

    def spread(self, value: str, style: str, height: int = 0) -> None:
        """One text across the whole width."""
        width = sum(self.widths)
        cells = [self.text(value if not index else "", style) for index in range(len(self.widths))]
        self.merge(f"A{self.row}:{self.last}{self.row}")
        self.add(cells, height or LINE_POINTS * _lines(value, width) + PADDING_POINTS)

    def title(self, value: str) -> None:
        """The title, as high as it needs: its letters are twice as wide as a table's."""
        lines = 1 + width_of(value) * 21 // (10 * sum(self.widths))
        self.spread(value, TITLE, TITLE_POINTS * lines + PADDING_POINTS)

    def heads(self, names: Sequence[str]) -> None:
        """The heads of a table's columns."""
        self.add(self.text(name, HEAD) for name in names)

    def merge(self, cells: str) -> None:
        """Join cells; for heads and feet, since joined cells are held in memory."""
        self.sheet.merged_cells.add(cells)

    def signed(self, authority: str, day: str) -> None:
        """Who signs and when, at the right; without a day there is room to write one."""
        self.spread("", FOOTNOTE, 24)
        for line in (authority, zh_day(day) if day else "　　　　年　　月　　日"):
            if line:
                self.spread(f"{line}　　", RIGHT, 22)

    def _height(self, cells: Sequence[Cell | None]) -> int:
        columns = zip(cells, self.widths, strict=False)
        lines = max(
            (
                _lines(cell.value, width)
                for cell, width in columns
                if cell is not None and cell.data_type == "s" and isinstance(cell.value, str)
            ),
            default=1,
        )
        return min(LINE_POINTS * lines + PADDING_POINTS, HEIGHT_POINTS_MAX)


def _lines(value: str, width: int) -> int:
    """How many lines a text takes in a column; a Chinese character is as wide as two others."""
    return sum(max(1, -(-width_of(line) // max(width - MARGIN, 1))) for line in value.split("\n"))


def width_of(line: str) -> int:
    """How wide a line is; a Chinese character is as wide as two others."""
    return len(line) if line.isascii() else sum(1 + (east_asian_width(each) in "WFA") for each in line)


def zh_day(day: str) -> str:
    """A day in Chinese, ``2025-03-01`` → ``2025年3月1日``."""
    year, month, of_month = day.split("-")
    return f"{int(year)}年{int(month)}月{int(of_month)}日"


def room_for(row: int) -> None:
    """Whether a sheet has a row left.

    Raises:
        NotExportable.
    """
    if row > ROWS_MAX:
        raise NotExportable("more rows than a sheet holds — export CSV instead")
