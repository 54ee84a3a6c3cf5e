"""The parts of an xlsx workbook (ECMA-376): opened without trust, read in pieces, never unpacked.

Sizes are bounded before anything is inflated, no part may declare a document type (so that no
entity is ever expanded or fetched), and links to other files are never followed.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from ledger.intake.sheets.faults import refused
from ledger.intake.sheets.files.number_formats import NumberFormat, number_format

FILE_BYTES_MAX = 64 * 1024 * 1024
PARTS_MAX = 2_000
PART_BYTES_MAX = 512 * 1024 * 1024
"""Largest part, inflated: a sheet of a million rows."""
SMALL_PART_BYTES_MAX = 16 * 1024 * 1024
"""Largest part that is not a sheet or its texts."""
TEXTS_MAX = 2_000_000
TEXT_CHARACTERS_MAX = 64_000_000
"""Most shared texts of a workbook, and most characters in them; they are held in memory."""
MERGES_MAX = 50_000
SHEETS_MAX = 100
PIECE_BYTES = 256 * 1024
OLE = b"\xd0\xcf\x11\xe0"

Handler = Callable[[str, dict[str, str]], None]
Range = tuple[int, int, int, int]
"""(first row, first column, last row, last column), from 1."""


class Sheet(NamedTuple):
    """One sheet of a workbook."""

    name: str
    part: str
    hidden: bool


@dataclass(slots=True)
class Package:
    """An opened workbook."""

    archive: zipfile.ZipFile
    sheets: list[Sheet] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    formats: list[NumberFormat] = field(default_factory=list)
    """How the cells of each style show a number."""
    since_1904: bool = False

    def pieces(self, part: str) -> Iterator[bytes]:
        """The bytes of a part, inflated piece by piece."""
        try:
            with self.archive.open(part) as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise refused("sheet.broken", detail=f"{part}: {error}"[:200]) from None
        except RuntimeError:
            raise refused("sheet.old") from None

    def merges(self, sheet: Sheet) -> list[Range]:
        """The merged ranges of a sheet, which stand behind its cells."""
        ranges: list[Range] = []
        remaining = b""
        for piece in self.pieces(sheet.part):
            text = remaining + piece
            for match in _MERGE.finditer(text):
                ranges.append(range_of(match.group(1).decode("ascii")))
            if len(ranges) > MERGES_MAX:
                raise refused("sheet.large", sheet.name, what="合并单元格 · merged cells", limit=MERGES_MAX)
            start = text.rfind(b"<")
            remaining = text[start:][:512] if start >= 0 else b""
        return sorted(set(ranges))


_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=[\"']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})[\"']")
_CELL = re.compile("([A-Z]{1,3})([0-9]{1,7})")


def column_number(letters: str) -> int:
    """``A`` → 1, ``AA`` → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def range_of(text: str) -> Range:
    """``B2:C9`` → (2, 2, 9, 3)."""
    (c1, r1), (c2, r2) = (_CELL.fullmatch(end).groups() for end in text.split(":"))  # type: ignore[union-attr]
    return int(r1), column_number(c1), int(r2), column_number(c2)


def open_package(path: Path) -> Package:
    """Open a workbook; ``close`` its archive when done.

    Raises:
        SheetError: for anything but a sound xlsx workbook without macros.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise refused("sheet.broken", detail=str(error)[:200]) from None
    try:
        _check_parts(archive)
        package = Package(archive)
        _read_workbook(package)
        _read_styles(package)
        _read_texts(package)
    except BaseException:
        archive.close()
        raise
    return package


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if len(parts) > PARTS_MAX:
        raise refused("sheet.large", what="工作簿内的部件 · parts of the workbook", limit=PARTS_MAX)
    if len(set(names)) != len(names):
        raise refused("sheet.broken", detail="a part stands twice")
    if any(part.flag_bits & 1 for part in parts):
        raise refused("sheet.old")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise refused("sheet.macros")
    if "xl/workbook.xml" not in names:
        raise refused("sheet.kind")
    for part in parts:
        large = part.filename.startswith("xl/worksheets/") or part.filename == "xl/sharedStrings.xml"
        limit = PART_BYTES_MAX if large else SMALL_PART_BYTES_MAX
        read = part.filename.startswith(("xl/worksheets/sheet", "xl/work", "xl/s", "xl/_rels"))
        if part.file_size > (limit if read else PART_BYTES_MAX):
            raise refused("sheet.large", what=f"{part.filename} (bytes)", limit=limit)
    if sum(part.file_size for part in parts) > 2 * PART_BYTES_MAX:
        raise refused("sheet.large", what="解压后的字节 · bytes once inflated", limit=2 * PART_BYTES_MAX)


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def parser_of(part: str) -> Any:
    """A parser with namespaces that refuses document types."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def doctype(*_: object) -> None:
        raise refused("sheet.dtd", part=part)

    parser.StartDoctypeDeclHandler = doctype
    return parser


def fed(package: Package, part: str, parser: Any) -> Iterator[None]:
    """Feed a part to a parser, piece by piece."""
    try:
        for piece in package.pieces(part):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise refused("sheet.broken", detail=f"{part}: {error}"[:200]) from None


def _elements(package: Package, part: str, start: Handler, end: Callable[[str], None] | None = None) -> None:
    parser = parser_of(part)
    parser.StartElementHandler = lambda name, attributes: start(
        local(name), {local(key): value for key, value in attributes.items()}
    )
    if end is not None:
        parser.EndElementHandler = lambda name: end(local(name))
    for _ in fed(package, part, parser):
        pass


def _read_workbook(package: Package) -> None:
    targets: dict[str, str] = {}
    named_sheets: list[tuple[str, str, bool]] = []

    def relation(name: str, attributes: dict[str, str]) -> None:
        external = attributes.get("TargetMode") == "External"
        if name == "Relationship" and not external and attributes.get("Type", "").endswith("/worksheet"):
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def element(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            hidden = attributes.get("state", "visible") != "visible"
            named_sheets.append((attributes.get("name", ""), attributes.get("id", ""), hidden))
        if name == "workbookPr":
            package.since_1904 = attributes.get("date1904", "0").lower() in ("1", "true", "on")

    _elements(package, "xl/_rels/workbook.xml.rels", relation)
    _elements(package, "xl/workbook.xml", element)
    if len(named_sheets) > SHEETS_MAX:
        raise refused("sheet.large", what="工作表 · sheets", limit=SHEETS_MAX)
    for name, relation_id, hidden in named_sheets:
        target = targets.get(relation_id)
        if target:
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            package.sheets.append(Sheet(name[:100], part, hidden))


def _read_styles(package: Package) -> None:
    if "xl/styles.xml" not in package.archive.namelist():
        return
    formats: dict[int, str] = {}
    inside = [False]

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            formats[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        if name == "cellXfs":
            inside[0] = True
        if name == "xf" and inside[0]:
            package.formats.append(number_format(_number(attributes.get("numFmtId")), formats))

    def end(name: str) -> None:
        if name == "cellXfs":
            inside[0] = False

    _elements(package, "xl/styles.xml", start, end)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def _read_texts(package: Package) -> None:
    if "xl/sharedStrings.xml" not in package.archive.namelist():
        return
    pieces: list[str] = []
    state = {"text": False, "sounds": 0, "characters": 0}

    def start(name: str, _: dict[str, str]) -> None:
        if name == "rPh":
            state["sounds"] += 1
        state["text"] = name == "t" and not state["sounds"]

    def end(name: str) -> None:
        state["text"] = False
        if name == "rPh":
            state["sounds"] -= 1
        if name == "si":
            package.texts.append("".join(pieces))
            state["characters"] += len(package.texts[-1])
            pieces.clear()
            if len(package.texts) > TEXTS_MAX or state["characters"] > TEXT_CHARACTERS_MAX:
                raise refused("sheet.large", what="单元格文字 · texts", limit=TEXTS_MAX)

    parser = parser_of("xl/sharedStrings.xml")
    parser.StartElementHandler = lambda name, attributes: start(local(name), attributes)
    parser.EndElementHandler = lambda name: end(local(name))
    parser.CharacterDataHandler = lambda text: pieces.append(text) if state["text"] else None
    for _ in fed(package, "xl/sharedStrings.xml", parser):
        pass


def check_every_part(package: Package) -> None:
    """Refuse a workbook with a document type in any of its parts, before another program reads them.

    Raises:
        SheetError.
    """
    for name in package.archive.namelist():
        if name.endswith((".xml", ".rels", ".vml")):
            parser = parser_of(name)
            for _ in fed(package, name, parser):
                pass
