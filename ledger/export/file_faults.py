"""What is wrong with a file that came back, all of it at once, and the reading of CSV beneath it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from domain.faults.fault import Fault
from domain.faults.registry import FILE_AREAS

FAULTS_MAX = 1_000
"""Most faults that are kept of one file; the others are counted."""
SHOWN_MAX = 50
"""Most faults that an error's text lists."""
ROWS_MAX = 2_000_000
"""Most rows that are read of one file."""
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

    def __str__(self) -> str:
        place = f"第 {self.line} 行，" if self.line else ""
        return f"{place}{self.field}：{self.rule} — {self.mend}"


class FileError(ValueError):
    """A file that cannot be used; ``faults`` holds what was found, ``total`` how much there is."""

    def __init__(self, faults: list[FileFault], total: int) -> None:
        self.faults = faults
        self.total = total
        lines = [str(fault) for fault in faults[:SHOWN_MAX]]
        if total > len(lines):
            lines.append(f"…… 另有 {total - len(lines)} 处")
        super().__init__("\n".join(lines))


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
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
    raise FileError([FileFault(0, "file", "file.encoding")], 1)


Columns = Mapping[str, tuple[str, ...]]
"""The headings that each field may have."""


def records(lines: Iterable[str], columns: Columns, faults: Faults) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with headings: line number, and the value of every field.

    Columns of other names are passed over, so that a bank may answer within the file it was sent;
    so are blank lines. A byte order mark before the first line is taken off.
    """
    reader = csv.reader(_bare(lines), strict=True)
    try:
        head = next(reader, None)
        if head is None:
            faults.add(0, "file", "file.empty")
            return
        places = _places(head, columns, faults)
        for number, row in enumerate(reader if places else (), 1):
            if number > ROWS_MAX:
                faults.add(reader.line_num, "file", "file.rows", most=str(ROWS_MAX))
                return
            if any(value.strip() for value in row):
                yield reader.line_num, {name: _value(row, place) for name, place in places.items()}
    except csv.Error as error:
        faults.add(reader.line_num, "row", "row.shape", reason=str(error))


def _bare(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix("\ufeff")


def _places(head: list[str], columns: Columns, faults: Faults) -> dict[str, int]:
    """Where each field stands, or nothing where one is missing."""
    place_of = {heading.strip().casefold(): place for place, heading in reversed(list(enumerate(head)))}
    places = {
        name: next(place_of[heading] for heading in headings if heading in place_of)
        for name, headings in columns.items()
        if any(heading in place_of for heading in headings)
    }
    missing = [headings[-1] for name, headings in columns.items() if name not in places]
    if missing:
        faults.add(1, "headings", "file.headings", columns="、".join(missing))
        return {}
    return places


def _value(row: list[str], place: int) -> str:
    """A cell as it was meant: without blanks around it, and without the mark that keeps it text."""
    value = row[place].strip() if place < len(row) else ""
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULA_STARTS) else value
