"""The templates that come with the ledger, built from layouts in YAML: the same one as .docx and as .xlsx.

The form is that of official documents (GB/T 9704-2012): red heading and rule, the number, a
centred title, 仿宋 of size 三号 (16 points) with lines of 28 points, the office and the day at the
right, annexes on a page of their own, page numbers at the foot.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec
import yaml
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Length, Mm, Pt, RGBColor
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

RED = "C00000"
BODY, HEAD_FONT, TITLE_FONT, LATIN = "仿宋", "黑体", "方正小标宋简体", "Times New Roman"
BODY_POINTS, LINE_POINTS, TITLE_POINTS, RED_POINTS, TABLE_POINTS = 16, 28, 22, 36, Fraction(19, 2)
Points = int | Fraction
EMU_A_POINT = 12_700
A4 = (210, 297)
MARGINS = {"top": 37, "bottom": 35, "left": 28, "right": 26}
ACROSS = {"top": 28, "bottom": 26, "left": 20, "right": 20}
"""Margins of a sheet that lies across, in millimetres."""
FILL_IN = "　" * 8
"""Between texts of one line that people write after."""
ALIGNED = {"left": ALIGN.LEFT, "centre": ALIGN.CENTER, "right": ALIGN.RIGHT, "both": ALIGN.JUSTIFY}


class Column(NamedTuple):
    """A column of a table in a layout."""

    heading: str
    content: str
    millimetres: int
    align: str


class TableLayout(msgspec.Struct, frozen=True):
    """A table: its columns, and the row of sums where it has one."""

    columns: tuple[Column, ...]
    total: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, ...]]:
        """The texts of its rows: headings, contents, sums."""
        headings = tuple(column.heading for column in self.columns)
        contents = tuple(column.content for column in self.columns)
        return [headings, contents, *([self.total] if self.total else [])]


class Block(NamedTuple):
    """A part of a document: of its kind, a text, several texts, or a table."""

    kind: str
    text: str = ""
    texts: tuple[str, ...] = ()
    table: TableLayout | None = None


class Layout(NamedTuple):
    """A document's layout: the name of its sheet, whether it lies across, and its blocks in order."""

    sheet: str
    across: bool
    blocks: tuple[Block, ...]


@cache
def read_layout(document: str, lang: str) -> Layout:
    """The layout of a document in ``zh`` or ``en``."""
    text = files(__package__).joinpath("layouts", f"{document}.yaml").read_text("utf-8")
    fields = yaml.safe_load(text)[lang]
    blocks = tuple(_block(kind, content) for block in fields["blocks"] for kind, content in block.items())
    return Layout(fields["sheet"], fields.get("across", False), blocks)


def _block(kind: str, content: object) -> Block:
    if isinstance(content, str):
        return Block(kind, text=content)
    if isinstance(content, list):
        return Block(kind, texts=tuple(content))
    return Block(kind, table=msgspec.convert(content, TableLayout))


def template(document: str, lang: str, suffix: str) -> BytesIO:
    """A template as a file: ``.docx`` or ``.xlsx``."""
    file = BytesIO()
    (_word if suffix == ".docx" else _excel)(read_layout(document, lang)).save(file)
    file.seek(0)
    return file


# --- Word ------------------------------------------------------------------------------------------


def _word(layout: Layout) -> Any:
    document = Document()
    section, across = document.sections[0], layout.across
    width, height = reversed(A4) if across else A4
    section.orientation = WD_ORIENT.LANDSCAPE if across else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(width), Mm(height)
    for side, millimetres in (ACROSS if across else MARGINS).items():
        setattr(section, f"{side}_margin", Mm(millimetres))
    _font(document.styles["Normal"], BODY, BODY_POINTS)
    _page_number(section.footer.paragraphs[0])
    for block in layout.blocks:
        if block.table is not None:
            _table(document, block.table)
        elif block.kind == "signed":
            _signed(document, block.texts)
        elif block.kind == "cells":
            _paragraph(document, FILL_IN.join(block.texts), "left", points=12, line=40)
        else:
            _WORD[block.kind](document, block.text)
    return document


def _size(points: Points) -> Length:
    return Emu(int(points * EMU_A_POINT))


def _font(styled: Any, name: str, points: Points, bold: bool = False, colour: str = "") -> None:
    styled.font.name, styled.font.size, styled.font.bold = LATIN, _size(points), bold
    styled.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)
    if colour:
        styled.font.color.rgb = RGBColor.from_string(colour)


def _paragraph(
    parent: Any, text: str, align: str = "both", font: str = BODY, points: Points = BODY_POINTS, **look: Any
) -> Any:
    paragraph = parent.add_paragraph()
    _font(paragraph.add_run(text), font, points, look.get("bold", False), look.get("colour", ""))
    paragraph.alignment = ALIGNED[align]
    form = paragraph.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing = Pt(look.get("line", LINE_POINTS))
    if look.get("indent"):
        form.first_line_indent = _size(2 * points)
    form.right_indent = Pt(look.get("right", 0))
    form.keep_with_next = look.get("keep", False)
    return paragraph


def _red(document: Any, text: str) -> None:
    _paragraph(document, text, "centre", TITLE_FONT, RED_POINTS, colour=RED, line=48, keep=True)


def _number(document: Any, text: str) -> None:
    paragraph = _paragraph(document, text, "centre", keep=True)
    _rule(paragraph)
    _paragraph(document, "", line=16)


def _rule(paragraph: Any) -> None:
    """A red rule below a paragraph."""
    borders, bottom = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "12"), ("space", "6"), ("color", RED)):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().append(borders)


def _title(document: Any, text: str) -> None:
    _paragraph(document, text, "centre", TITLE_FONT, TITLE_POINTS, line=32, keep=True)
    _paragraph(document, "", line=12)


def _to(document: Any, text: str) -> None:
    _paragraph(document, text, "left")


def _text(document: Any, text: str) -> None:
    _paragraph(document, text, indent=True)


def _heading(document: Any, text: str) -> None:
    _paragraph(document, text, indent=True, font=HEAD_FONT, keep=True)


def _note(document: Any, text: str) -> None:
    _paragraph(document, text, "left", points=12, line=20)


def _right(document: Any, text: str) -> None:
    _paragraph(document, text, "right", points=12, line=20, keep=True)


def _signed(document: Any, lines: tuple[str, ...]) -> None:
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    _paragraph(document, "", keep=True)
    for line in lines:
        _paragraph(document, line, "right", right=2 * BODY_POINTS, keep=line != lines[-1])


def _annex(document: Any, text: str) -> None:
    _paragraph(document, text, "left", HEAD_FONT, keep=True).paragraph_format.page_break_before = True


def _table(document: Any, layout: TableLayout) -> None:
    columns, rows = layout.columns, layout.rows()
    table = document.add_table(len(rows), len(columns))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    _narrow_margins(table)
    for index, column in enumerate(columns):
        table.columns[index].width = Mm(column.millimetres)
    for number, texts in enumerate(rows):
        for index, (column, text) in enumerate(zip(columns, texts, strict=True)):
            cell = table.cell(number, index)
            cell.width = Mm(column.millimetres)
            cell._element.remove(cell.paragraphs[0]._p)
            head = number == 0
            font = HEAD_FONT if head or number == 2 else BODY
            _paragraph(cell, text, "centre" if head else column.align, font, TABLE_POINTS, line=15)
        _keep_whole(table.rows[number], repeated=number == 0)
    _paragraph(document, "", line=10)


def _narrow_margins(table: Any) -> None:
    """Little room beside the text of a cell, so that amounts stand in one line."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "45")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.append(margins)


def _keep_whole(row: Any, repeated: bool) -> None:
    """A row is not split over pages; the head stands on every page."""
    properties = row._tr.get_or_add_trPr()
    for name in ("w:cantSplit", *(("w:tblHeader",) if repeated else ())):
        properties.append(OxmlElement(name))


def _page_number(paragraph: Any) -> None:
    paragraph.alignment = ALIGN.CENTER
    run = paragraph.add_run("— ")
    _font(run, BODY, 14)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)
    _font(paragraph.add_run(" —"), BODY, 14)


_WORD: dict[str, Callable[[Any, str], None]] = {
    "red": _red,
    "number": _number,
    "title": _title,
    "to": _to,
    "text": _text,
    "heading": _heading,
    "note": _note,
    "right": _right,
    "annex": _annex,
}
"""What writes each kind of text."""

# --- Excel -----------------------------------------------------------------------------------------

_THIN = Side(style="thin", color="000000")
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)


class Look(NamedTuple):
    """How a text looks; ``line_points`` is the height of a line."""

    font: str
    points: int
    align: str
    line_points: int


_LOOKS = {
    "red": Look(TITLE_FONT, 26, "centre", 44),
    "number": Look(BODY, 12, "centre", 22),
    "title": Look(TITLE_FONT, 20, "centre", 36),
    "to": Look(BODY, 12, "left", 20),
    "text": Look(BODY, 12, "left", 20),
    "heading": Look(HEAD_FONT, 12, "left", 22),
    "note": Look(BODY, 11, "left", 18),
    "right": Look(BODY, 11, "right", 18),
    "annex": Look(HEAD_FONT, 12, "left", 22),
}
_ACROSS_CELLS = {"left": "left", "centre": "center", "right": "right", "both": "left"}
MM_A_CHARACTER = Fraction(41, 20)
"""Millimetres of a column's unit of width, about."""
MM_A_POINT = Fraction(3528, 10_000)


def _excel(layout: Layout) -> Workbook:
    book = Workbook()
    sheet: Any = book.active
    sheet.title = layout.sheet
    widths = _widths([block.table for block in layout.blocks if block.table is not None])
    for number, millimetres in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = round(millimetres / MM_A_CHARACTER)
    sheet.page_setup.paperSize = 9
    sheet.page_setup.orientation = "landscape" if layout.across else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "— &P —"
    row = 1
    for block in layout.blocks:
        if block.table is not None:
            row = _excel_table(sheet, row, block.table)
        elif block.kind == "signed":
            for line in ("", *block.texts):
                row = _excel_text(sheet, row, line, "right", widths)
        elif block.kind == "cells":
            row = _excel_text(sheet, row, FILL_IN.join(block.texts), "note", widths)
        else:
            row = _excel_text(sheet, row, block.text, block.kind, widths)
    return book


def _widths(tables: list[TableLayout]) -> list[int]:
    """Of each column the widest that a table asks for, in millimetres."""
    by_table = ([column.millimetres for column in table.columns] for table in tables)
    return [max(widths) for widths in zip_longest(*by_table, fillvalue=0)]


def _excel_text(sheet: Any, row: int, text: str, kind: str, widths: list[int]) -> int:
    look = _LOOKS[kind]
    cell = sheet.cell(row, 1, ("　　" if kind == "text" else "") + text)
    cell.font = Font(name=look.font, size=look.points, color=RED if kind == "red" else "000000")
    cell.alignment = Alignment(horizontal=_ACROSS_CELLS[look.align], vertical="center", wrap_text=True)
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(widths))
    letters = int(sum(widths) / (look.points * MM_A_POINT))
    lines = max(1, -(-len(text) // max(letters, 1)))
    sheet.row_dimensions[row].height = look.line_points * lines
    return row + 1


def _excel_table(sheet: Any, row: int, layout: TableLayout) -> int:
    rows = layout.rows()
    for number, texts in enumerate(rows):
        for index, (column, text) in enumerate(zip(layout.columns, texts, strict=True), 1):
            cell = sheet.cell(row + number, index, text)
            cell.font = Font(name=BODY if number == 1 else HEAD_FONT, size=11)
            align = "center" if number == 0 else _ACROSS_CELLS[column.align]
            cell.alignment = Alignment(horizontal=align, vertical="center", wrap_text=align != "right")
            cell.border = _BOX
        if number != 1:
            sheet.row_dimensions[row + number].height = 24
    return row + len(rows)
