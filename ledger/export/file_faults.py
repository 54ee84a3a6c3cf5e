"""What is wrong with a file that came back, all of it at once, and the reading of CSV beneath it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from domain.faults.fault import Fault
from domain.faults.registry import FILE_AREAS

FAULTS_MAX = 1_000
"""Most faults that are kept of one file; the others are counted."""
SHOWN_MAX = 50
"""Most faults that an error's text lists."""
ROWS_MAX = 2_000_000
"""Most rows that are read of one file."""
LOOKED_LINES = 10
"""Lines in which the headings are looked for."""
SEPARATORS = (",", "\t", ";", "，")
ENCODINGS = ("utf-8-sig", "gb18030")
"""Of text, in the order in which they are tried: UTF-8, and what Chinese programs save."""
_QUOTED = re.compile(r'="([^"]*)"')
"""How spreadsheet programs are told to keep a text of digits: ``="0012"``."""
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
"""What spreadsheet programs take for the start of a formula."""


class FileFault(NamedTuple):
    """One thing that is wrong: its line (0 where it concerns the whole file), field and code."""

    line: int
    field: str
    code: str
    args: Mapping[str, str] = {}

    @property
    def rule(self) -> str:
        """What must hold, in Chinese."""
        return str(self.words("zh")["rule"])

    @property
    def mend(self) -> str:
        """What to do about it, in Chinese."""
        return str(self.words("zh")["mend"])

    def words(self, language: str) -> dict[str, str | int]:
        """The fault for a reader: line, field, code, rule and mend in ``zh`` or ``en``."""
        return {"line": self.line, **Fault(self.code, self.field, self.args).words(language, FILE_AREAS)}

    def describe(self, language: str) -> str:
        """The fault as one line in ``zh`` or ``en``."""
        words = self.words(language)
        if language == "en":
            place = f"line {self.line}, " if self.line else ""
            return f"{place}{self.field}: {words['rule']} — {words['mend']}"
        place = f"第 {self.line} 行，" if self.line else ""
        return f"{place}{self.field}：{words['rule']} — {words['mend']}"

    def __str__(self) -> str:
        return self.describe("zh")


class FileError(ValueError):
    """A file that cannot be used; ``faults`` holds what was found, ``total`` how much there is."""

    def __init__(self, faults: list[FileFault], total: int) -> None:
        self.faults = faults
        self.total = total
        super().__init__(self.describe("zh"))

    def describe(self, language: str) -> str:
        """What is wrong, a line each."""
        lines = [fault.describe(language) for fault in self.faults[:SHOWN_MAX]]
        more = self.total - len(lines)
        if more > 0:
            lines.append(f"… and {more} more" if language == "en" else f"…… 另有 {more} 处")
        return "\n".join(lines)


class Faults:
    """Collects faults; a broken file of a million lines takes no more memory than one of a thousand."""

    def __init__(self) -> None:
        self.kept: list[FileFault] = []
        self.total = 0

    def add(self, line: int, field: str, code: str, **args: str) -> None:
        """Keep a fault, or count it where enough are kept."""
        self.total += 1
        if len(self.kept) < FAULTS_MAX:
            self.kept.append(FileFault(line, field, code, args))

    def raise_any(self) -> None:
        """Raise everything that was found, where anything was.

        Raises:
            FileError.
        """
        if self.total:
            raise FileError(self.kept, self.total)


def text_lines(data: bytes) -> list[str]:
    """The lines of a text file: UTF-8, UTF-16 with its mark, or GB18030 as Chinese programs save it.

    Raises:
        FileError: for bytes that are none of them.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ENCODINGS:
        try:
            return list(io.StringIO(data.decode(encoding), newline=""))
        except UnicodeDecodeError:
            continue
    raise FileError([FileFault(0, "file", "file.encoding")], 1)


def unquote_cell(text: str) -> str:
    """A cell's text, where a spreadsheet program was told to keep it as it is (``="0012"``), or the same."""
    quoted = _QUOTED.fullmatch(text)
    return quoted[1] if quoted else text


Columns = Mapping[str, tuple[str, ...]]
"""The headings that each field may have."""


def records(
    lines: Iterable[str], columns: Columns, faults: Faults, optional: Columns | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with headings: line number, and the value of every field.

    Fields that are ``optional`` may have no column; they are empty then.

    Columns of other names are passed over, so that a bank may answer within the file it was sent;
    so are blank lines, and titles above the headings. Byte order marks before the first line are taken
    off; the separator is the one by which headings are found.
    """
    rest = _bare(lines)
    head = list(islice(rest, LOOKED_LINES))
    separator = max(SEPARATORS, key=lambda each: _headings_found(head, each, columns))
    reader = csv.reader(chain(head, rest), delimiter=separator, strict=True)
    try:
        places = _find_headings(reader, columns, faults, optional or {})
        for number, row in enumerate(reader if places else (), 1):
            if number > ROWS_MAX:
                faults.add(reader.line_num, "file", "file.rows", most=str(ROWS_MAX))
                return
            if any(value.strip() for value in row):
                absent = dict.fromkeys(optional or (), "")
                values = {name: _value(row, place) for name, place in places.items()}
                yield reader.line_num, {**absent, **values}
    except csv.Error as error:
        faults.add(reader.line_num, "row", "row.shape", reason=str(error))


def _bare(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.lstrip("\ufeff")


def _headings_found(head: list[str], separator: str, columns: Columns) -> int:
    """How many fields the best of the first lines names, divided by a separator."""
    try:
        return max((len(_places(row, columns)) for row in csv.reader(head, delimiter=separator)), default=0)
    except csv.Error:
        return 0


def _find_headings(
    reader: Iterator[list[str]], columns: Columns, faults: Faults, optional: Columns
) -> dict[str, int]:
    """Where each field stands by the first row that names all but optional ones; nothing where none does."""
    best = dict[str, int]()
    is_empty = True
    for row in islice(reader, LOOKED_LINES):
        is_empty = False
        places = _places(row, columns)
        if len(places) == len(columns):
            return {**places, **_places(row, optional)}
        best = max(best, places, key=len)
    if is_empty:
        faults.add(0, "file", "file.empty")
        return {}
    missing = [headings[-1] for name, headings in columns.items() if name not in best]
    faults.add(1, "headings", "file.headings", columns="、".join(missing))
    return {}


def _places(head: list[str], columns: Columns) -> dict[str, int]:
    """Where the fields stand that a row names."""
    place_of = {heading.strip().casefold(): place for place, heading in reversed(list(enumerate(head)))}
    return {
        name: next(place_of[heading] for heading in headings if heading in place_of)
        for name, headings in columns.items()
        if any(heading in place_of for heading in headings)
    }


def _value(row: list[str], place: int) -> str:
    """A cell as it was meant: without blanks around it, and without the mark that keeps it text."""
    value = row[place].strip() if place < len(row) else ""
    if (quoted := unquote_cell(value)) != value:
        return quoted.strip()
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULA_STARTS) else value
