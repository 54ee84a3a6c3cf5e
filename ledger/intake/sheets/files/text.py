"""CSV as Chinese offices save it: UTF-8 with or without its mark, or GB18030; streamed.

Big5 cannot be told from GB18030 by its form: what is saved in Taiwan or Hong Kong decodes as GB18030 into
other characters. It is told by which characters would be common ones. GB 2312 has its 3755 common
characters in rows B0 to D7, with second bytes from A1 (GB 2312-1980); Big5 its 5401 in A4 to C6, with
second bytes from 40 as well (CNS 11643-1986, plane 1).
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TextIO

from ledger.export.file_faults import ENCODINGS, unquote_cell
from ledger.intake.sheets.faults import SheetError, refused
from ledger.intake.sheets.files.cells import COLUMNS_MAX, LOOKED_ROWS, ROWS_MAX, TEXT_MAX, Cell, Row

PIECE_BYTES = 256 * 1024
SEPARATORS = (",", "\t", ";", "，")
_PAIR = re.compile(
    rb"(?P<only_gb>[\x81-\xfe][\x30-\x39][\x81-\xfe][\x30-\x39]|[\x81-\xfe][\x80-\xa0])"
    rb"|(?P<pair>[\x81-\xfe][\x40-\x7e\xa1-\xfe])|[\x00-\x80]"
)
"""A character of GB18030 that no text in Big5 has, one of two bytes that either may have, or ASCII."""


def encoding_of(path: Path) -> str:
    """The encoding of a text.

    Raises:
        SheetError: where it is neither, or no text at all.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if b"\x00" in head or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise refused("sheet.encoding")
    encoding = next((name for name in ENCODINGS if _decodes(path, name)), "") or _no_text()
    if encoding == "gb18030":
        with path.open("rb") as file:
            check_not_big5(iter(lambda: file.read(PIECE_BYTES), b""))
    return encoding


def check_not_big5(pieces: Iterable[bytes]) -> None:
    """Refuse a text, not in UTF-8, that is likelier Big5 than GB18030.

    Raises:
        SheetError.
    """
    counts, remaining = [0, 0], b""
    for piece in pieces:
        data = remaining + piece
        last = 0
        for match in _PAIR.finditer(data):
            last = match.end()
            if match["only_gb"]:
                return
            if match["pair"]:
                lead, trail = match["pair"]
                counts[0] += 0xB0 <= lead <= 0xD7 and trail >= 0xA1
                counts[1] += 0xA4 <= lead <= 0xC5 or (lead == 0xC6 and trail <= 0x7E)
        remaining = data[last:]
    of_gb, of_big5 = counts
    if of_big5 > of_gb:
        raise refused("sheet.big5")


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
        reader = csv.reader(_without_mark(file), delimiter=separator, strict=True)
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
                column: Cell("text", unquote_cell(text)[:TEXT_MAX])
                for column, text in enumerate(record[:COLUMNS_MAX], 1)
                if text.strip()
            }
            yield number, cells


def _without_mark(file: TextIO) -> Iterator[str]:
    """The lines of a text without marks of its encoding, of which programs leave several."""
    yield next(file, "").lstrip("\ufeff")
    yield from file
