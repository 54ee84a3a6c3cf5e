"""CSV as Chinese offices save it: UTF-8 with or without its mark, or GB18030; streamed."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from ledger.sheets.cells import COLUMNS_MAX, ROWS_MAX, TEXT_MAX, Cell, Row
from ledger.sheets.faults import refused

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


def rows_of_text(path: Path) -> Iterator[Row]:
    """Every record that holds something, numbered as a spreadsheet program numbers rows."""
    with path.open(encoding=encoding_of(path), newline="") as file:
        separator = _separator(file.readline(65_536))
        file.seek(0)
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
                column: Cell("text", _plain(said)[:TEXT_MAX])
                for column, said in enumerate(record[:COLUMNS_MAX], 1)
                if said.strip()
            }
            yield number, cells


def _separator(head: str) -> str:
    return max(SEPARATORS, key=head.count)


def _plain(said: str) -> str:
    found = _QUOTED.fullmatch(said)
    return found[1] if found else said
