"""CSV as Chinese offices save it: UTF-8 with or without its mark, or GB18030; streamed."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from ledger.intake.sheets.faults import SheetError, refused
from ledger.intake.sheets.files.cells import COLUMNS_MAX, LOOKED_ROWS, ROWS_MAX, TEXT_MAX, Cell, Row

PIECE_BYTES = 256 * 1024
SEPARATORS = (",", "\t", ";", "，")
_QUOTED = re.compile(r'="([^"]*)"')
"""How spreadsheet programs are told to keep a text of digits: ``="0012"``."""


def encoding_of(path: Path) -> str:
    """The encoding of a text.

    Raises:
        SheetError: where it is neither, or no text at all.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if b"\x00" in head or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise refused("sheet.encoding")
    return next((name for name in ("utf-8-sig", "gb18030") if _decodes(path, name)), "") or _no_text()


def _no_text() -> str:
    raise refused("sheet.encoding")


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                if "\x00" in decoder.decode(piece):
                    return False
            decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def rows_of_text(path: Path, likeness: Callable[[list[Row]], int]) -> Iterator[Row]:
    """Every record that holds something, numbered as a spreadsheet program numbers rows.

    Args:
        likeness: how much the first rows look like a table, by which the separator is found.
    """
    encoding = encoding_of(path)
    heads = {separator: _head(path, encoding, separator) for separator in SEPARATORS}
    yield from _rows(path, encoding, max(SEPARATORS, key=lambda separator: likeness(heads[separator])))


def _head(path: Path, encoding: str, separator: str) -> list[Row]:
    """The first rows, as far as they can be read."""
    head: list[Row] = []
    with suppress(SheetError):
        head.extend(islice(_rows(path, encoding, separator), LOOKED_ROWS))
    return head


def _rows(path: Path, encoding: str, separator: str) -> Iterator[Row]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        number = 0
        while True:
            number += 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise refused("sheet.csv", f"row {number}", detail=str(error)[:200]) from None
            if number > ROWS_MAX:
                raise refused("sheet.large", what="行 · rows", limit=ROWS_MAX)
            cells = {
                column: Cell("text", _plain(text)[:TEXT_MAX])
                for column, text in enumerate(record[:COLUMNS_MAX], 1)
                if text.strip()
            }
            yield number, cells


def _plain(text: str) -> str:
    match = _QUOTED.fullmatch(text)
    return match[1] if match else text
