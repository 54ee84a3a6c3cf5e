"""The rows of a sheet, streamed: each cell with its kind and the very digits that the file holds.

A number's text is never turned into a binary float here: what follows reads it as a decimal.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ledger.intake.sheets.faults import refused
from ledger.intake.sheets.files.number_formats import NumberFormat
from ledger.intake.sheets.files.package import Package, Range, Sheet, column_number, fed, local, parser_of

ROWS_MAX = 1_048_576
LOOKED_ROWS = 20
"""In how many rows from the top the headings may stand."""
COLUMNS_MAX = 256
"""Columns beyond it are not read."""
TEXT_MAX = 4_096
"""Characters that are kept of one cell: more than any field holds."""


class Cell(NamedTuple):
    """A cell: ``kind`` is text, number, date, truth, error, merged, formula or external.

    ``text`` is what it holds; of a date, the serial number; ``more`` is the range of merged cells,
    or the format of a number where it is not shown as it was typed.
    """

    kind: str
    text: str
    more: str = ""


Row = tuple[int, dict[int, Cell]]
"""(row number, cells by column, both from 1); cells that hold nothing are left out."""

_REF = re.compile("([A-Z]{1,3})([0-9]{1,7})")
_OUTSIDE = re.compile(r"\[[0-9]+\]|\[[^\]]+\.xl")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def rows_of(package: Package, sheet: Sheet) -> Iterator[Row]:
    """Every row of a sheet that holds something, merged cells resolved.

    A cell merged downwards stands in each of its rows; one merged sideways is of kind ``merged``.

    Raises:
        SheetError: where the sheet cannot be read, or merged ranges overlap.
    """
    waiting = deque(package.merges(sheet))
    active: dict[int, tuple[Range, Cell | None]] = {}
    for number, cells in _raw_rows(package, sheet):
        while waiting and waiting[0][0] <= number:
            merged = waiting.popleft()
            _begin(active, merged, cells.get(merged[1]) if merged[0] == number else None, sheet.name)
        if active and cells:
            for column, (merged, cell) in list(active.items()):
                if merged[2] < number:
                    del active[column]
                elif column == merged[1]:
                    _merge(cells, merged, cell, number)
        yield number, cells


def _begin(
    active: dict[int, tuple[Range, Cell | None]], merged: Range, cell: Cell | None, sheet: str
) -> None:
    """Note a merged range by each of its columns, of which only one range at a time has a cell."""
    first_row, first, _, last = merged
    for column in range(first, min(last, COLUMNS_MAX) + 1):
        if column in active and active[column][0][2] >= first_row:
            ranges = f"{_named(active[column][0])}, {_named(merged)}"
            raise refused("sheet.broken", sheet, detail=f"merged cells overlap: {ranges}")
        active[column] = merged, cell


def _merge(cells: dict[int, Cell], merged: Range, cell: Cell | None, number: int) -> None:
    first_row, first, _, last = merged
    if first == last:
        if cell is not None and number > first_row:
            cells[first] = cell
        return
    text, named = cells[first].text if first in cells else "", _named(merged)
    for column in range(first, min(last, COLUMNS_MAX) + 1):
        cells[column] = Cell("merged", text if column == first else "", named)


def _named(merged: Range) -> str:
    return f"{_letters(merged[1])}{merged[0]}:{_letters(merged[3])}{merged[2]}"


def _letters(number: int) -> str:
    text = ""
    while number:
        number, remainder = divmod(number - 1, 26)
        text = chr(65 + remainder) + text
    return text


letters = _letters


class _Reader:
    """Collects finished rows while the parser goes through a sheet."""

    def __init__(self, package: Package, name: str) -> None:
        self.package, self.name = package, name
        self.ready: list[Row] = []
        self.row = self.column = 0
        self.cells: dict[int, Cell] = {}
        self.kind, self.style, self.formula, self.has_formula = "", 0, "", False
        self.value: list[str] = []
        self.inside, self.sounds = "", 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = local(name)
        if name == "c":
            self._open_cell(attributes)
        elif name == "v" or (name == "t" and not self.sounds):
            self.inside = "v"
        elif name == "f":
            self.inside, self.has_formula = "f", True
        elif name == "rPh":
            self.sounds += 1
        elif name == "row":
            number = attributes.get("r", "")
            self.row = int(number) if number.isdecimal() and len(number) <= 7 else self.row + 1
            if self.row > ROWS_MAX:
                raise refused("sheet.large", self.name, what="行 · rows", limit=ROWS_MAX)
            self.column, self.cells = 0, {}

    def _open_cell(self, attributes: dict[str, str]) -> None:
        reference = _REF.fullmatch(attributes.get("r", ""))
        self.column = column_number(reference[1]) if reference else self.column + 1
        self.kind = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self.style = int(style) if style.isdecimal() and len(style) < 8 else 0
        self.value, self.formula, self.has_formula = [], "", False

    def characters(self, text: str) -> None:
        if self.inside == "v":
            self.value.append(text)
        elif self.inside == "f":
            self.formula += text

    def end(self, name: str) -> None:
        name = local(name)
        if name in ("v", "t", "f"):
            self.inside = ""
        elif name == "rPh":
            self.sounds -= 1
        elif name == "c" and self.column <= COLUMNS_MAX:
            cell = self._cell("".join(self.value)[:TEXT_MAX])
            if cell is not None:
                self.cells[self.column] = cell
        elif name == "row":
            self.ready.append((self.row, self.cells))

    def _cell(self, text: str) -> Cell | None:
        if self.has_formula and _OUTSIDE.search(self.formula):
            return Cell("external", text)
        if self.kind == "s":
            texts = self.package.texts
            if not (text.isdecimal() and len(text) < 10 and int(text) < len(texts)):
                raise refused("sheet.broken", self.name, detail=f"text {text[:20]}")
            return _text(texts[int(text)][:TEXT_MAX])
        if self.kind in ("str", "inlineStr", "d"):
            if self.has_formula and not self.value:
                return Cell("formula", "")
            return _text(text)
        if self.kind == "b":
            return Cell("truth", text)
        if self.kind == "e":
            return Cell("error", text)
        if text == "":
            return Cell("formula", "") if self.has_formula else None
        formats = self.package.formats
        number_format = formats[self.style] if self.style < len(formats) else NumberFormat()
        return Cell("date", text) if number_format.shows_date else Cell("number", text, number_format.code)


def _text(text: str) -> Cell | None:
    plain = _unescaped(text) if "_x" in text else text
    return Cell("text", plain) if plain.strip() else None


def _unescaped(text: str) -> str:
    """A text with its escaped characters (UTF-16); as it is written where they make none."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    try:
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text


def _raw_rows(package: Package, sheet: Sheet) -> Iterator[Row]:
    reader = _Reader(package, sheet.name)
    parser = parser_of(sheet.part)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    for _ in fed(package, sheet.part, parser):
        yield from reader.ready
        reader.ready.clear()
