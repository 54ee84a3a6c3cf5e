"""Which columns a sheet has: in either language or by field name, in any order, below any title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.faults.fault import Fault
from ledger.intake.sheets.faults import SheetError, refused
from ledger.intake.sheets.files.cells import Cell, Row, letters
from ledger.intake.sheets.tables import Column, Table, Tables, folded, in_both
from ledger.intake.sheets.understanding import DOLLARS, YUAN, Unit

UNITS = dict.fromkeys(("", "元", "yuan", "元/美元"), Unit(1))
UNITS |= dict.fromkeys(("人民币元", "cny", "rmb"), Unit(1, YUAN)) | dict.fromkeys(
    ("美元", "usd"), Unit(1, DOLLARS)
)
UNITS |= {"万": Unit(10_000), "万美元": Unit(10_000, DOLLARS)}
UNITS |= dict.fromkeys(("万元", "人民币万元"), Unit(10_000, YUAN))
"""Units that the heading of an amount may name; the template's own, 元, goes with every currency."""
_UNIT = re.compile(r"^(.*?)[(\[【]([^)\]】]*)[)\]】]\s*\**\s*$")
TEXT_KINDS = ("text", "merged")
"""Kinds of cells that may hold a heading."""


@dataclass(slots=True)
class Headings:
    """The headings of a sheet."""

    table: Table
    row: int
    columns: dict[int, Column] = field(default_factory=dict)
    units: dict[int, Unit] = field(default_factory=dict)

    def repeat(self, cells: dict[int, Cell]) -> bool:
        """Whether a row repeats the headings, perhaps in the other language."""
        same = sum(
            place in self.columns and folded(_split(cell.text)[0]) in set(self.columns[place].names)
            for place, cell in cells.items()
        )
        return same >= 2 and same == len(cells)

    def stand_elsewhere(self, cells: dict[int, Cell]) -> bool:
        """Whether a row holds headings of the table, and nothing else, at other places."""
        expected = self.table.by_heading
        are_headings = len(cells) > 1 and all(
            folded(_split(cell.text)[0]) in expected for cell in cells.values()
        )
        return are_headings and not self.repeat(cells)


def tables_named(title: str, tables: Tables) -> list[Table]:
    """The tables that a sheet's or file's name names; of several, the longest name wins."""
    plain = folded(title)
    lengths = {
        name: max((len(text) for text in _titles(table) if text in plain), default=0)
        for name, table in tables.by_name.items()
    }
    longest = max(lengths.values(), default=0)
    return [tables.by_name[name] for name, length in lengths.items() if length == longest] if longest else []


def _titles(table: Table) -> list[str]:
    return [folded(text) for text in (table.title.zh, table.title.en, table.name, table.short_type)]


def is_help(title: str) -> bool:
    """Whether a sheet explains the others."""
    return folded(title).startswith(("说明", "help"))


def find_headings(sheet: str, first_rows: list[Row], tables: Tables, table: Table | None) -> Headings | None:
    """The headings among the first rows of a sheet; ``None`` where there are none to recognise.

    Args:
        table: the only table that it may be, where the sender says so.

    Raises:
        SheetError: where a column is unknown, stands twice or is missing, or the table is unclear.
    """
    every_table = list(tables.by_name.values())
    named = [table] if table else tables_named(sheet, tables)
    row = likeliest_row(first_rows, named or every_table)
    if named:
        _check_taken(sheet, every_table, named, row, likeliest_row(first_rows, every_table))
    if row is None:
        return None
    number, cells = row
    table_of_sheet = named[0] if len(named) == 1 else _only_fitting(sheet, cells, named or every_table)
    return _check_headings(sheet, table_of_sheet, number, cells)


def likeliest_row(rows: Iterable[Row], tables: Iterable[Table]) -> Row | None:
    """The first of the rows that have the most columns of one table, two at least."""
    best, most = None, 1
    for row in rows:
        count = max((count_columns(row, table) for table in tables), default=0)
        if count > most:
            best, most = row, count
    return best


def count_columns(row: Row, table: Table) -> int:
    """How many columns of a table a row names."""
    names = (folded(_split(cell.text)[0]) for cell in row[1].values() if cell.kind in TEXT_KINDS)
    return len({table.by_heading[name].key for name in names if name in table.by_heading})


def _check_taken(
    sheet: str, every_table: list[Table], named: list[Table], row: Row | None, likeliest: Row | None
) -> None:
    """Refuse a sheet that is named after one table and has the columns of others."""
    if likeliest is None or (row is not None and _fitting(row[1], named)):
        return
    rivals = _fitting(likeliest[1], every_table)
    if row is None:
        most = max(count_columns(likeliest, table) for table in every_table)
        rivals = rivals or [table for table in every_table if count_columns(likeliest, table) == most]
    if rivals:
        raise refused("sheet.other", sheet, taken=_titles_in_both(named), types=_titles_in_both(rivals))


def _titles_in_both(tables: Iterable[Table]) -> dict[str, str]:
    return in_both(lambda language: "、".join(table.title.in_language(language) for table in tables))


def _split(text: str) -> tuple[str, str]:
    """A heading and the unit in brackets behind it."""
    plain = unicodedata.normalize("NFKC", text).strip()
    match = _UNIT.match(plain)
    return (match[1], match[2].strip()) if match else (plain, "")


def _only_fitting(sheet: str, cells: dict[int, Cell], tables: list[Table]) -> Table:
    """The one table that fits."""
    fits = _fitting(cells, tables)
    if len(fits) == 1:
        return fits[0]
    raise refused("sheet.type", sheet, types=_titles_in_both(fits or tables))


def _fitting(cells: dict[int, Cell], tables: Iterable[Table]) -> list[Table]:
    """The tables that have all of these columns, and whose required ones are all here."""
    names = {folded(_split(cell.text)[0]) for cell in cells.values()} - {""}
    fits = []
    for table in tables:
        keys = {table.by_heading[name].key for name in names if name in table.by_heading}
        required = {column.key for column in table.columns if column.required}
        if names <= table.by_heading.keys() and required <= keys:
            fits.append(table)
    return fits


def _check_headings(sheet: str, table: Table, number: int, cells: dict[int, Cell]) -> Headings:
    headings, faults = Headings(table, number), list[Fault]()
    for place, cell in sorted(cells.items()):
        cell_name = f"{sheet}!{letters(place)}{number}"
        name, unit_text = _split(cell.text)
        column = table.by_heading.get(folded(name)) or table.by_heading.get(folded(cell.text))
        if not folded(name):
            continue
        if column is None:
            faults.append(Fault("column.unknown", cell_name, {"name": cell.text.strip()[:60]}))
            continue
        if column in headings.columns.values():
            faults.append(Fault("column.twice", cell_name, {"name": cell.text.strip()[:60]}))
            continue
        headings.columns[place] = column
        unit = UNITS.get(unit_text.casefold()) if column.key == "amount" else Unit()
        if unit is None:
            faults.append(Fault("column.unit", cell_name, {"unit": unit_text[:40]}))
        else:
            headings.units[place] = unit._replace(text=unit_text)
    keys = {column.key for column in headings.columns.values()}
    for column in table.columns:
        if column.required and column.key not in keys:
            name_in_both = in_both(column.words.title.in_language)
            faults.append(Fault("column.missing", f"{sheet}!{number}", {"name": name_in_both}))
    if faults:
        raise SheetError(*faults)
    return headings
