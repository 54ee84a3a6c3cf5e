"""What a cell says to a field: the many ways in which people write dates, amounts and codes.

The message schemas alone judge; here a cell is only brought into their form. Where that cannot
be done without guessing, the cell is refused with the reason. Amounts go from the file's digits
to decimals, never through a binary float.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any, NamedTuple

from domain.faults.fault import Fault
from ledger.intake.messages.fields import CreditCode, Day, Instant, Money, Sha256, Slug, WholeNumber
from ledger.intake.sheets.files.cells import Cell
from ledger.intake.sheets.files.number_formats import show_identifier
from ledger.intake.sheets.tables import Column, Table, Tables, folded, in_both

SHOWN_DIGITS = 15
"""Significant digits that spreadsheet programs show and keep of what was typed."""
_AS_SHOWN = Context(prec=SHOWN_DIGITS)
SERIALS = (36_526, 73_415)
"""Days since 1899-12-30 of 2000-01-01 and 2100-12-31."""
YEARS = (2000, 2100)
DAYS_1904 = 1_462
BLANKS = (
    " \t\r\n\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u200c\u200d\u202f\u205f\u2060\u3000\ufeff"
)
"""What people and programs leave at the ends of a text, ideographic and zero-width blanks included."""
_INNER = str.maketrans("", "", BLANKS)
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?E\+?[0-9]{1,3}", re.IGNORECASE)
_SAVED_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]{2,3}", re.IGNORECASE)
"""How programs write a long number into CSV: its last digits are gone."""
_APOSTROPHE = re.compile(r"'(?=[0-9][0-9A-Z,.:/ -]*$)")
"""Typed before digits so that they stay as they are; it is no part of them."""
_AMOUNT = re.compile(
    r"(?P<before>人民币|RMB|CNY|USD|US\$|[¥$])?(?P<sign>[-−–])?(?P<number>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]*)?)"
    r"(?P<unit>万)?(?P<behind>元整|元|圆|美元)?",
    re.IGNORECASE,
)
_DAY = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})[日号]?)")
_DIGITS_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME = re.compile(r"[T ]*([0-9]{1,2})[:时]([0-9]{1,2})(?:[:分]([0-9]{1,2})秒?(?:\.[0-9]*)?)?分?")
_YEAR = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.0*)?(?:年度?|平方米|m2)?", re.IGNORECASE)
_ZONED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(Z|[+-][0-9]{2}:[0-9]{2})")
_SLUG = re.compile(Slug.PATTERN)

_SEPARATORS = {"zh": "、", "en": ", "}
YUAN, DOLLARS = frozenset({"CNY"}), frozenset({"USD"})
CURRENCIES = dict.fromkeys(("人民币", "RMB", "CNY", "¥", "元整", "元", "圆"), YUAN)
CURRENCIES |= dict.fromkeys(("USD", "US$", "美元"), DOLLARS) | {"$": frozenset({"USD", "HKD", "MOP"})}
"""Which currencies a word beside an amount may mean."""

NEVER = {
    "formula": "cell.formula",
    "external": "cell.external",
    "error": "cell.error",
    "truth": "cell.truth",
    "merged": "cell.merged",
}
"""Kinds of cells that no field takes, with what is wrong."""
ARGS: dict[str, tuple[str, ...]] = {
    "cell.error": ("value",),
    "cell.digits": ("value",),
    "cell.date": ("value",),
    "cell.format": ("value", "format"),
    "cell.merged": ("range",),
    "cell.choice": ("choices",),
    "cell.list": ("said", "table", "column", "choices"),
    "cell.currency": ("said", "currency"),
}
"""What the words of each fault of a cell tell of it."""


class CellValue(NamedTuple):
    """What a cell says: a value for the message, or why it says none."""

    value: Any = None
    fault: Fault | None = None


class Unit(NamedTuple):
    """The unit of a column of amounts."""

    scale: int = 1
    """How many yuan (or dollars) it is."""
    currencies: frozenset[str] = frozenset()
    """Those that it may stand for; none: whichever the row says."""
    text: str = ""
    """As the heading writes it."""


class Place(NamedTuple):
    """What a cell's column and workbook say about it."""

    tables: Tables
    table: Table
    column: Column
    unit: Unit = Unit()
    since_1904: bool = False


def read_cell(place: Place, cell: Cell) -> CellValue:
    """Bring a cell into the form of its field."""
    column = place.column
    if cell.kind == "text" and cell.text.startswith("'"):
        cell = cell._replace(text=_APOSTROPHE.sub("", cell.text, count=1))
    if cell.kind in NEVER:
        return _refused(place, NEVER[cell.kind], value=cell.text[:40], range=cell.more)
    if cell.kind in ("number", "date") and _decimal(cell.text) is None:
        return _refused(place, "cell.error", value=cell.text[:40])
    for kind, read in _READERS:
        if isinstance(column.field, kind):
            return read(place, cell)
    if column.is_list:
        return _word(place, cell)
    return _text(place, cell)


def _refused(place: Place, code: str, **args: Any) -> CellValue:
    return CellValue(None, Fault(code, place.column.path, {name: args[name] for name in ARGS.get(code, ())}))


def narrow(text: str) -> str:
    """A text with full-width digits and letters made narrow, and without blanks."""
    return unicodedata.normalize("NFKC", text).translate(_INNER)


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 400 else None


def _plain(number: Decimal) -> str:
    """A number as it is shown: without an exponent, at most 15 significant digits."""
    rounded = _AS_SHOWN.plus(number)
    if abs(rounded.adjusted()) > 40:
        return str(rounded)
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(place: Place, cell: Cell) -> CellValue:
    if cell.kind == "date":
        return _refused(place, "cell.date", value=_shown_day(place, cell))
    if cell.kind == "number":
        return _digits(place, cell)
    if _SAVED_SCIENTIFIC.fullmatch(narrow(cell.text)):
        return _refused(place, "cell.digits", value=cell.text[:40])
    return CellValue(cell.text.strip(BLANKS))


def _digits(place: Place, cell: Cell) -> CellValue:
    """A number as a text: as its cell shows it, zeros in front and words beside it included."""
    number = _decimal(cell.text) or Decimal(0)
    if number.adjusted() >= SHOWN_DIGITS:
        return _refused(place, "cell.digits", value=cell.text[:40])
    if not cell.more:
        return CellValue(_plain(number))
    shown = show_identifier(_AS_SHOWN.plus(number), cell.more)
    if shown is None:
        return _refused(place, "cell.format", value=_plain(number), format=cell.more[:40])
    return CellValue(shown)


def _code(place: Place, cell: Cell) -> CellValue:
    plain = narrow(cell.text).upper()
    if cell.kind != "text" or _SCIENTIFIC.fullmatch(plain):
        return _refused(place, "cell.digits", value=cell.text[:40])
    return CellValue(plain)


def _digest(place: Place, cell: Cell) -> CellValue:
    """A digest in lower case, as some programs do not write it, and without blanks between its digits."""
    answer = _text(place, cell)
    return answer if answer.fault is not None else CellValue(narrow(str(answer.value)).lower())


def _word(place: Place, cell: Cell) -> CellValue:
    if cell.kind == "date":
        return _refused(place, "cell.date", value=_shown_day(place, cell))
    text = cell.text
    if cell.kind == "number":
        digits = _digits(place, cell)
        if digits.fault is not None:
            return digits
        text = str(digits.value)
    column, plain = place.column, narrow(text).lower()
    value = place.table.values[column.key].get(folded(text))
    if value is not None:
        return CellValue(value)
    choices = in_both(lambda language: _SEPARATORS[language].join(column.offered(language)))
    other_list = place.tables.elsewhere(place.table, folded(text))
    if other_list is not None:
        table, other_column = other_list
        named = {
            "table": in_both(table.title.in_language),
            "column": in_both(other_column.words.title.in_language),
        }
        return _refused(place, "cell.list", said=text[:40], choices=choices, **named)
    if isinstance(column.field, Slug) and _SLUG.fullmatch(plain):
        return CellValue(plain)
    return _refused(place, "cell.choice", choices=choices) if column.offers else CellValue(text.strip(BLANKS))


def _money(place: Place, cell: Cell) -> CellValue:
    if cell.kind == "date":
        return _refused(place, "cell.date", value=_shown_day(place, cell))
    if cell.kind == "number":
        amount = _AS_SHOWN.plus(_decimal(cell.text) or Decimal(0))
    else:
        plain = narrow(cell.text)
        negative = plain.startswith("(") and plain.endswith(")")
        parts = _amount(plain)
        if parts is None or parts["number"].startswith("00"):
            return CellValue(plain[:40])
        amount = Decimal(parts["number"].replace(",", ""))
        amount = -amount if negative or parts["sign"] else amount
        if parts["unit"] or parts["behind"]:  # it goes before the unit of the column
            return CellValue(_yuan(amount * 10_000 if parts["unit"] else amount))
    return CellValue(_yuan(amount * place.unit.scale))


def _amount(plain: str) -> re.Match[str] | None:
    """The parts of an amount, a bookkeeper's brackets taken off."""
    return _AMOUNT.fullmatch(plain[1:-1] if plain.startswith("(") and plain.endswith(")") else plain)


def other_currency(place: Place, cell: Cell, currency: Any) -> CellValue:
    """That an amount, or the heading above it, names another currency than its row; nothing otherwise."""
    allowed = {currency} if isinstance(currency, str) else set(place.table.by_key["currency"].offers)
    parts = _amount(narrow(cell.text)) if cell.kind == "text" else None
    words = [parts[part] for part in ("before", "behind") if parts[part]] if parts else []
    named = [(word, CURRENCIES[word.upper()]) for word in words]
    if place.unit.currencies:
        named.append((place.unit.text, place.unit.currencies))
    for word, currencies in named:
        if not allowed & currencies:
            return _refused(place, "cell.currency", said=word, currency="/".join(sorted(allowed)))
    return CellValue()


def _yuan(amount: Decimal) -> str:
    """Yuan as the schema wants them; what is finer than a fen is left for it to refuse."""
    if amount.adjusted() > 30:
        return str(amount)
    cents = amount.quantize(Decimal("0.01"), context=Context(prec=60))
    if cents == amount:
        return format(cents, "f") if amount else "0.00"
    return format(amount, "f")


def _whole_number(place: Place, cell: Cell) -> CellValue:
    if cell.kind == "date":
        return _refused(place, "cell.date", value=_shown_day(place, cell))
    if cell.kind == "number":
        number = _AS_SHOWN.plus(_decimal(cell.text) or Decimal(0))
        if number.adjusted() > 18 or number != number.to_integral_value():
            return _refused(place, "cell.whole")
        return CellValue(int(number))
    match = _YEAR.fullmatch(narrow(cell.text))
    if match is None or len(match[1]) > 20:
        return _refused(place, "cell.whole")
    return CellValue(int(match[1].replace(",", "")))


def _moment(place: Place, cell: Cell) -> datetime | None:
    """The moment that a serial number stands for, to the second; its day is never the next one."""
    serial = _decimal(cell.text) or Decimal(0)
    if place.since_1904:
        serial += DAYS_1904
    if not SERIALS[0] <= serial < SERIALS[1] + 1:
        return None
    day = int(serial)
    seconds = min(int(((serial - day) * 86_400).to_integral_value()), 86_399)
    return datetime(1899, 12, 30) + timedelta(days=day, seconds=seconds)


def _shown_day(place: Place, cell: Cell) -> str:
    moment = _moment(place, cell)
    return moment.date().isoformat() if moment else cell.text[:40]


def _parsed(text: str) -> tuple[date, time | None] | None:
    """A date as people write it, with a time where one follows."""
    plain = unicodedata.normalize("NFKC", text).strip(BLANKS)
    tight = re.sub(r"\s*([年月/.-])\s*", r"\1", plain)
    match = _DAY.match(tight) or _DIGITS_DAY.match(tight)
    if match is None:
        return None
    parts = [int(part) for part in match.groups() if part is not None]
    time_text = tight[match.end() :].strip()
    clock = _TIME.fullmatch(time_text) if time_text else None
    if time_text and clock is None:
        return None
    try:
        day = date(*parts)
        return day, _clock(clock) if clock else None
    except ValueError:
        return None


def _clock(match: re.Match[str]) -> time:
    hour, minute, second = (int(part or 0) for part in match.groups())
    return time(hour, minute, second)


def _serial_or_text(place: Place, cell: Cell) -> tuple[date, time | None] | str:
    """A day, with its time where it has one; a text for the schema to refuse otherwise."""
    if cell.kind in ("number", "date"):
        number = _decimal(cell.text) or Decimal(0)
        moment = _moment(place, cell)
        if moment is not None:
            return moment.date(), moment.time() if moment.time() != time() else None
        return _parsed(_plain(number)) or _plain(number)
    return _parsed(cell.text) or cell.text.strip(BLANKS)


def _day(place: Place, cell: Cell) -> CellValue:
    day_or_text = _serial_or_text(place, cell)
    return CellValue(day_or_text if isinstance(day_or_text, str) else day_or_text[0].isoformat())


def _instant(place: Place, cell: Cell) -> CellValue:
    day_or_text = _serial_or_text(place, cell)
    if isinstance(day_or_text, str):
        return CellValue(day_or_text) if _ZONED.fullmatch(day_or_text) else _refused(place, "cell.time")
    day, clock = day_or_text
    if not YEARS[0] <= day.year <= YEARS[1]:
        return _refused(place, "cell.time")
    return CellValue(f"{day.isoformat()}T{(clock or time()).isoformat()}+08:00")


_READERS: tuple[tuple[type, Callable[[Place, Cell], CellValue]], ...] = (
    (CreditCode, _code),
    (Money, _money),
    (WholeNumber, _whole_number),
    (Day, _day),
    (Instant, _instant),
    (Sha256, _digest),
)
