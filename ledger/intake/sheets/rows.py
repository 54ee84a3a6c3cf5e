"""From the rows of a sheet to messages: each row one fact, with an identity that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from domain.events import DatedThing, YearlyAmount
from domain.events.content import Content
from domain.events.event import SEP, Event
from domain.faults.fault import Fault
from domain.vocabulary.words import table_words
from ledger.intake.messages.decode import Message, Now, Refusal, decode
from ledger.intake.messages.schemas import DOCUMENT_MEMBERS
from ledger.intake.sheets.faults import SheetError, refused
from ledger.intake.sheets.files.cells import LOOKED_ROWS, Cell, Row, letters, rows_of
from ledger.intake.sheets.files.package import FILE_BYTES_MAX, OLE, Sheet, open_package
from ledger.intake.sheets.files.text import rows_of_text
from ledger.intake.sheets.headings import Headings, count_columns, find_headings, is_help, likeliest_row
from ledger.intake.sheets.tables import (
    BACK,
    EXAMPLE_MARKS,
    LISTS,
    SHIPPED_TABLES,
    UNREAD,
    Table,
    Tables,
    folded,
    in_both,
)
from ledger.intake.sheets.understanding import CellValue, Place, narrow, other_currency, read_cell

HEAD_BYTES = 1_024
_MARKUP = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<(!doctype|html|head|meta|style|table|\?xml)|mime-version:)", re.IGNORECASE
)
"""How pages begin that programs save as .xls."""
TOTALS = ("合计", "总计", "小计", "total", "subtotal", "sum")
ID_PREFIX = "sheet-"


class MarkedFault(NamedTuple):
    """What is wrong with a row, at the column where it shows (0: at the row as a whole)."""

    fault: Fault
    column: int


@dataclass(slots=True)
class SheetRow:
    """One row as it was read: a message, or what is wrong."""

    sheet: str
    row: int
    name: str
    raw: bytes
    message: Message | None
    event_id: str
    subject: str
    marked: list[MarkedFault] = field(default_factory=list)
    cells: dict[int, str] = field(default_factory=dict)
    columns: dict[int, str] = field(default_factory=dict)
    """Keys of the columns, by place; the same object for all rows of a sheet."""
    matter: str = ""


@dataclass(slots=True)
class Reading:
    """A file being read: which sheets were passed over, and which tables were found."""

    path: Path
    source: str
    now: Now
    table_name: str | None = None
    """The class name of the table, where the sender says it."""
    title: str = ""
    """The file's name without its ending, which names the table of a CSV file."""
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Sheets with rows that are not read, each with the reason, as ``table_words().unread`` has them."""
    is_text: bool = False
    heads: dict[str, int] = field(default_factory=dict)
    """In which row the headings of each sheet stand."""
    tables: Tables = SHIPPED_TABLES

    def rows(self) -> Iterator[SheetRow]:
        """Every row that says something, in the order of the file.

        Raises:
            SheetError: where the file as a whole, or the headings of a sheet, cannot be read.
        """
        with self.path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not head:
            raise refused("sheet.empty")
        if self.path.stat().st_size > FILE_BYTES_MAX:
            raise refused("sheet.large", what="文件字节 · bytes of the file", limit=FILE_BYTES_MAX)
        if head.startswith(OLE):
            raise refused("sheet.old")
        if _MARKUP.match(head):
            raise refused("sheet.kind")
        self.is_text = not head.startswith(b"PK")
        rows = self._of_text() if self.is_text else self._of_workbook()
        first = next(rows, None)
        if first is None:
            faults = [_unread(title, reason) for title, reason in self.unread]
            raise SheetError(*faults or [Fault("sheet.nothing", "file")])
        yield first
        yield from rows

    def _of_text(self) -> Iterator[SheetRow]:
        rows = rows_of_text(self.path, self._likeness)
        yield from self._of_sheet(self.title or "CSV", rows, False)

    def _likeness(self, rows: list[Row]) -> int:
        """How many columns of one table a row names at most."""
        tables = self.tables.by_name.values()
        return max((count_columns(row, table) for row in rows for table in tables), default=0)

    def _of_workbook(self) -> Iterator[SheetRow]:
        package = open_package(self.path)
        try:
            for sheet in package.sheets:
                rows = rows_of(package, sheet)
                if sheet.hidden or is_help(sheet.name):
                    self._pass_over(sheet, rows)
                else:
                    yield from self._of_sheet(sheet.name, rows, package.since_1904)
        finally:
            package.archive.close()

    def _pass_over(self, sheet: Sheet, rows: Iterator[Row]) -> None:
        """Note a sheet that is hidden or explains the others, where it seems to hold facts."""
        first = list(islice((row for row in rows if row[1]), LOOKED_ROWS))
        if sheet.hidden and first and sheet.name != LISTS:
            self.unread.append((sheet.name, "hidden"))
        elif not sheet.hidden and likeliest_row(first[:-1], self.tables.by_name.values()):
            self.unread.append((sheet.name, "help"))

    def _of_sheet(self, title: str, rows: Iterator[Row], since_1904: bool) -> Iterator[SheetRow]:
        full = (row for row in rows if row[1])
        first = list(islice(full, LOOKED_ROWS))
        table = self.tables.by_name[self.table_name] if self.table_name else None
        headings = find_headings(title, first, self.tables, table) if first else None
        if headings is None:
            if first:
                self.unread.append((title, "headings"))
            return
        self.heads[title] = headings.row
        places = {
            number: Place(self.tables, headings.table, column, headings.units[number], since_1904)
            for number, column in headings.columns.items()
        }
        keys = {number: column.key for number, column in headings.columns.items()}
        for number, cells in chain(first, full):
            if number != headings.row and headings.stand_elsewhere(cells):
                raise refused("sheet.again", f"{title}!{number}", row=headings.row)
            if number > headings.row and not _passed_over(headings, cells):
                _check_columns(title, number, cells, headings)
                yield self._row(title, number, cells, headings, places, keys)

    def _row(
        self,
        title: str,
        number: int,
        cells: dict[int, Cell],
        headings: Headings,
        places: dict[int, Place],
        keys: dict[int, str],
    ) -> SheetRow:
        values, marked = _values_of(cells, places)
        table = headings.table
        column_of = {column.path: number for number, column in headings.columns.items()}
        document = document_of(table, self.source, values)
        raw = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        decoded = decode(raw, self.now, self.tables.decoder)
        subject = values["subject"] if isinstance(values.get("subject"), str) else ""
        texts = {column: cell.text for column, cell in cells.items()}
        row = SheetRow(title, number, table.name, raw, None, document["id"], subject, [], texts, keys)
        if isinstance(decoded, Refusal):
            for fault in decoded.faults:
                marked.setdefault(fault.field, MarkedFault(fault, column_of.get(fault.field, 0)))
        if "time" not in values and table.dated:
            marked.pop("time", None)  # it follows from the day, whose fault it is
        if _is_total(cells, headings):
            marked = {"": MarkedFault(Fault("row.total", "subject"), column_of.get("subject", 0))}
        row.marked = list(marked.values())
        if not marked and isinstance(decoded, Message):
            row.message, row.subject = decoded, decoded.subject
            row.matter = matter_of(decoded.subject, decoded.fact)
        return row


def _unread(title: str, reason: str) -> Fault:
    """Why a sheet was not read, where nothing else was."""
    if reason == "headings":
        return Fault("sheet.headings", title, {"rows": LOOKED_ROWS})
    return Fault("sheet.passed", title, {"reason": in_both(table_words().unread[reason].in_language)})


def _values_of(
    cells: dict[int, Cell], places: dict[int, Place]
) -> tuple[dict[str, Any], dict[str, MarkedFault]]:
    """What the cells of a row say, and which say nothing that is understood, by the path of the field."""
    values: dict[str, Any] = {}
    marked: dict[str, MarkedFault] = {}

    def note(number: int, place: Place, cell: Cell, answer: CellValue) -> None:
        if answer.fault is not None:
            # What was not understood is no text, so that it is refused again until it is mended.
            marked[place.column.path] = MarkedFault(answer.fault, number)
            values[place.column.path] = {"spreadsheet": cell.text}
        elif answer.value is not None:
            values[place.column.path] = answer.value

    for number, place in places.items():
        cell = cells.get(number)
        if cell is None or place.column.key in UNREAD:
            continue
        answer = read_cell(place, cell)
        if place.column.key != "id":
            note(number, place, cell, answer)
        elif answer.fault is not None and cell.kind in ("number", "date"):
            marked["id"] = MarkedFault(answer.fault, number)
        else:
            values["id"] = narrow(str(answer.value or cell.text))[:200]
    for number, place in places.items():
        if place.column.path in values.keys() - marked.keys() and place.column.key == "amount":
            cell = cells[number]
            note(number, place, cell, other_currency(place, cell, values.get("data.currency")))
    return values, marked


def _check_columns(title: str, number: int, cells: dict[int, Cell], headings: Headings) -> None:
    """Refuse what stands in a column without a heading, as an unknown heading is refused."""
    for column, cell in cells.items():
        if column not in headings.columns and _says_something(cell):
            place = f"{title}!{letters(column)}{number}"
            raise refused("column.nameless", place, value=cell.text.strip()[:60])


def _says_something(cell: Cell) -> bool:
    return bool(cell.text.strip()) or cell.kind == "formula"


def _passed_over(headings: Headings, cells: dict[int, Cell]) -> bool:
    """A row without content of its own: blank, the example, or the headings in the other language."""
    filled = [
        (headings.columns[number], cell)
        for number, cell in cells.items()
        if number in headings.columns and _says_something(cell)
    ]
    if all(column.key in (*UNREAD, *BACK) for column, _ in filled):
        return True
    note = next((cell.text for column, cell in filled if column.key == "note"), "")
    return folded(note).startswith(EXAMPLE_MARKS) or headings.repeat(cells)


def _is_total(cells: dict[int, Cell], headings: Headings) -> bool:
    """Whether one of the first cells says that the row adds up the others."""
    first = [cells[number] for number in sorted(cells)[:3] if number in headings.columns]
    code = next((number for number, column in headings.columns.items() if column.key == "subject"), 0)
    absent = code not in cells or folded(cells[code].text) in TOTALS
    return absent and any(folded(cell.text).rstrip(":") in TOTALS for cell in first)


def document_of(table: Table, source: str, values: dict[str, Any]) -> dict[str, Any]:
    """The message of a row; ``values`` by the path of their field."""
    data = {path.removeprefix("data."): v for path, v in values.items() if path.startswith("data.")}
    time = values.get("time")
    if time is None and table.dated and isinstance(data.get("on"), str):
        time = f"{data['on']}T00:00:00+08:00"
    document = {
        "specversion": "1.0",
        "id": "",
        "source": source,
        "type": table.type,
        "subject": values.get("subject"),
        "time": time,
        "data": data,
        **{member: values.get(member) for member in DOCUMENT_MEMBERS},
    }
    document = {key: value for key, value in document.items() if value is not None}
    content = json.dumps({**document, "source": ""}, sort_keys=True).encode()
    id_of_content = ID_PREFIX + hashlib.blake2b(content, digest_size=12).hexdigest()
    document["id"] = values.get("id") or id_of_content
    return document


def matter_of(subject: str, fact: Event) -> str:
    """What a fact is about: two facts of one matter that say different things contradict each other.

    Several reports of a year add up, so that those of different days are different matters.
    """
    content = fact.content
    keys: tuple[str, ...]
    if isinstance(content, DatedThing):
        keys = content.identity
    elif isinstance(content, YearlyAmount):
        keys = (*content.group, "year")
    elif content.shape == "figure":
        keys = ("year",)
    elif content.shape == "approval":
        keys = ("policy", "measure", "item")
    elif content.shape == "claim":
        keys = ("policy", "claim")
    else:
        keys = tuple(name for name in ("of_source", "of", "of_type") if content.has_field(name))
    of_day = content.shape in ("amount", "claim", "profile")
    values = (content.field_value(key) for key in keys)
    parts = ["" if value is None else str(value) for value in values]
    return SEP.join([fact.name, subject, *parts, fact.time if of_day else ""])


def differing_fields(content: Content, rival: Content) -> list[str]:
    """The names of what two facts of one matter say differently; names of persons are not compared."""
    fields, rivals = content.fields_by_name(), rival.fields_by_name()
    names = {*fields, *rivals} - {"person"}
    return sorted(name for name in names if fields.get(name) != rivals.get(name))
