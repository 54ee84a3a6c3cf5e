"""Which columns a sheet has: in either language or by field name, in any order, below any title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from domain.faults.fault import Fault
from domain.vocabulary.words import Words, words
from ledger.intake.messages.schemas import DATA, TYPE_OF
from ledger.intake.sheets.cells import Cell, Row, letters
from ledger.intake.sheets.families import (
    NOT_TABULAR,
    Column,
    both,
    columns_of,
    folded,
    label,
    names_of,
)
from ledger.intake.sheets.faults import SheetError, refused
from ledger.intake.sheets.understanding import DOLLARS, YUAN, Unit

TABULAR = tuple(name for name in DATA if name not in NOT_TABULAR)
SHORT_TYPES = {TYPE_OF[name].removeprefix("subsidy.").removesuffix(".v1"): name for name in TABULAR}
"""Tables by the middle of their message type: ``store-registered``."""
UNITS = dict.fromkeys(("", "元", "yuan", "元/美元"), Unit(1))
UNITS |= dict.fromkeys(("人民币元", "cny", "rmb"), Unit(1, YUAN)) | dict.fromkeys(
    ("美元", "usd"), Unit(1, DOLLARS)
)
UNITS |= {"万": Unit(10_000), "万美元": Unit(10_000, DOLLARS)}
UNITS |= dict.fromkeys(("万元", "人民币万元"), Unit(10_000, YUAN))
"""Units that the heading of an amount may name; the template's own, 元, goes with every currency."""
_UNIT = re.compile(r"^(.*?)[(\[【]([^)\]】]*)[)\]】]\s*\**\s*$")


@dataclass(slots=True)
class Headings:
    """The headings of a sheet."""

    name: str
    row: int
    columns: dict[int, Column] = field(default_factory=dict)
    units: dict[int, Unit] = field(default_factory=dict)


def types_named(title: str) -> list[str]:
    """The tables that a sheet's or file's name names; of several, the longest name wins."""
    plain = folded(title)
    found = {
        name: max(
            (len(said) for said in _names(name) if said in plain),
            default=0,
        )
        for name in TABULAR
    }
    best = max(found.values(), default=0)
    return [name for name, length in found.items() if length == best] if best else []


def _names(name: str) -> list[str]:
    said = words()["types"][name]
    type_ = TYPE_OF[name].removeprefix("subsidy.").removesuffix(".v1")
    return [folded(said["zh"]), folded(said["en"]), folded(name), folded(type_)]


def is_help(title: str) -> bool:
    """Whether a sheet explains the others."""
    return folded(title).startswith(("说明", "help"))


def headings_of(sheet: str, first: list[Row], wanted: str | None) -> Headings | None:
    """The headings among the first rows of a sheet; ``None`` where there are none to recognise.

    Raises:
        SheetError: where a column is unknown, stands twice or is missing, or the table is unclear.
    """
    named = [wanted] if wanted else types_named(sheet)
    found = likeliest(first, named or TABULAR)
    if named:
        _check_taken(sheet, named, found, likeliest(first, TABULAR))
    if found is None:
        return None
    number, cells = found
    name = named[0] if len(named) == 1 else _by_columns(sheet, cells, named or list(TABULAR))
    return _checked(sheet, name, number, cells)


def likeliest(rows: Iterable[Row], among: Iterable[str] = TABULAR) -> Row | None:
    """The first of the rows that have the most columns of one table, two at least."""
    best, most = None, 1
    for row in rows:
        count = max((likeness(row, name) for name in among), default=0)
        if count > most:
            best, most = row, count
    return best


def likeness(row: Row, name: str) -> int:
    """How many columns of a table a row names."""
    known = _known(name)
    said = (folded(_split(cell.text)[0]) for cell in row[1].values() if cell.kind in TEXTS)
    return len({known[each].key for each in said if each in known})


def _check_taken(sheet: str, named: list[str], found: Row | None, likely: Row | None) -> None:
    """Refuse a sheet that is named after one table and has the columns of others."""
    if likely is None or (found is not None and _fitting(found[1], named)):
        return
    others = _fitting(likely[1], TABULAR)
    if found is None:
        most = max(likeness(likely, name) for name in TABULAR)
        others = others or [name for name in TABULAR if likeness(likely, name) == most]
    if others:
        raise refused("sheet.other", sheet, taken=_labels(named), types=_labels(others))


def _labels(names: Iterable[str]) -> Words:
    return both(lambda language: "、".join(label(TYPE_OF[name], language) for name in names))


TEXTS = ("text", "merged")


@cache
def _known(name: str) -> dict[str, Column]:
    return {said: column for column in columns_of(name) for said in names_of(column)}


def _split(text: str) -> tuple[str, str]:
    """A heading and the unit in brackets behind it."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _UNIT.match(plain)
    return (found[1], found[2].strip()) if found else (plain, "")


def _by_columns(sheet: str, cells: dict[int, Cell], among: Iterable[str]) -> str:
    """The one table that fits."""
    fits = _fitting(cells, among)
    if len(fits) == 1:
        return fits[0]
    raise refused("sheet.type", sheet, types=_labels(fits or among))


def _fitting(cells: dict[int, Cell], among: Iterable[str]) -> list[str]:
    """The tables that have all of these columns, and whose required ones are all here."""
    given = {folded(_split(cell.text)[0]) for cell in cells.values()} - {""}
    fits = []
    for name in among:
        known = _known(name)
        here = {known[said].key for said in given if said in known}
        needed = {column.key for column in columns_of(name) if column.required}
        if given <= known.keys() and needed <= here:
            fits.append(name)
    return fits


def _checked(sheet: str, name: str, number: int, cells: dict[int, Cell]) -> Headings:
    found, faults, known = Headings(name, number), list[Fault](), _known(name)
    for at, cell in sorted(cells.items()):
        where = f"{sheet}!{letters(at)}{number}"
        said, unit = _split(cell.text)
        column = known.get(folded(said)) or known.get(folded(cell.text))
        if not folded(said):
            continue
        if column is None:
            faults.append(Fault("column.unknown", where, {"name": cell.text.strip()[:60]}))
            continue
        if column in found.columns.values():
            faults.append(Fault("column.twice", where, {"name": cell.text.strip()[:60]}))
            continue
        found.columns[at] = column
        known_unit = UNITS.get(unit.casefold()) if column.key == "amount" else Unit()
        if known_unit is None:
            faults.append(Fault("column.unit", where, {"unit": unit[:40]}))
        else:
            found.units[at] = known_unit._replace(said=unit)
    here = {column.key for column in found.columns.values()}
    for column in columns_of(name):
        if column.required and column.key not in here:
            faults.append(
                Fault("column.missing", f"{sheet}!{number}", {"name": both(column.words.__getitem__)})
            )
    if faults:
        raise SheetError(*faults)
    return found


def again(headings: Headings, cells: dict[int, Cell]) -> bool:
    """Whether a row repeats the headings, perhaps in the other language."""
    same = sum(
        at in headings.columns and folded(_split(cell.text)[0]) in set(names_of(headings.columns[at]))
        for at, cell in cells.items()
    )
    return same >= 2 and same == len(cells)


def others(headings: Headings, cells: dict[int, Cell]) -> bool:
    """Whether a row holds headings of its table, and nothing else, at other places."""
    known = _known(headings.name)
    are_headings = len(cells) > 1 and all(folded(_split(cell.text)[0]) in known for cell in cells.values())
    return are_headings and not again(headings, cells)
