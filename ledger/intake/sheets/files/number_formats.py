"""What a number looks like in its cell, where it is an identifier: by its number format (ECMA-376, 18.8.30).

An identifier of digits is kept as a number by many a program, and shown by a format: 123 as 0000123.
Whoever reads the sheet sees the latter. Formats that make something else of a number than digits and
words beside them (decimals, percent, exponents, fractions, money) show no identifier.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Built-in number formats that show a date or time, those of Chinese editions included."""
PLAIN = ("", "general", "@", "g/通用格式")
"""Formats, in small letters, that show a number as it was typed."""
DIGITS_MAX = 60
"""Most digits that a format may ask for."""
_SECTIONS = re.compile(r'(?:"[^"]*"|\\.|[^;"\\])*')
_PART = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<dropped>[_*].|\[\$-[0-9A-Fa-f]*\]|\[(?:Red|Black|Blue|Green|'
    r"Cyan|Magenta|White|Yellow|Color ?[0-9]+|黑色?|蓝色?|红色?|绿色?)\])|(?P<digit>[0#?])|(?P<comma>,)|"
    r"(?P<sign>[-():+ ]|[^\x00-\x7f¥￥])",
    re.IGNORECASE,
)


class NumberFormat(NamedTuple):
    """How cells of one style show a number."""

    code: str = ""
    shows_date: bool = False


def number_format(number: int, custom: dict[int, str]) -> NumberFormat:
    """The format of a number, built in or a workbook's own."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format  # only a workbook needs it

    code = custom.get(number, BUILTIN_FORMATS.get(number, "General"))
    shows_date = (number in DATE_FORMATS and number not in custom) or bool(is_date_format(code))
    return NumberFormat("" if code.lower() in PLAIN else code, shows_date)


def show_identifier(number: Decimal, code: str) -> str | None:
    """A whole number as its format shows it, without separators of thousands.

    ``None`` where the format shows no identifier, or not all of the number.

    Args:
        code: a format that is not plain.
    """
    if number != number.to_integral_value() or number < 0 or number.adjusted() > DIGITS_MAX:
        return None
    sections = [match[0] for match in _SECTIONS.finditer(code) if match[0]]
    parts = _parts_of(sections[2] if number == 0 and len(sections) > 2 else sections[0] if sections else "")
    if parts is None:
        return None
    places = [index for index, (is_digit, _) in enumerate(parts) if is_digit]
    if not 0 < len(places) <= DIGITS_MAX:
        return None
    shown, digits = [text for _, text in parts], list(format(number.to_integral_value(), "f"))
    if digits == ["0"] and "0" not in shown:
        return None
    for index in reversed(places):
        shown[index] = digits.pop() if digits else "0" if shown[index] == "0" else ""
    shown[places[0]] = "".join(digits) + shown[places[0]]
    return "".join(shown).strip()


def _parts_of(section: str) -> list[tuple[bool, str]] | None:
    """(whether a digit goes there, the mark or the words) of a section; ``None``: it shows something else."""
    parts: list[tuple[bool, str]] = []
    at, has_thousands = 0, False
    while at < len(section):
        match = _PART.match(section, at)
        if match is None:
            return None
        at = match.end()
        if match["digit"]:
            parts.append((True, match["digit"]))
        elif match["comma"]:
            has_thousands = True
        elif match["dropped"] is None:
            parts.append((False, match["quoted"] or match["escaped"] or match["sign"] or ""))
    is_seen = any(mark == "0" if is_digit else mark.strip() for is_digit, mark in parts[:-1])
    if has_thousands and (is_seen or section.endswith(",")):
        return None  # a comma behind the digits leaves thousands out; one within zeros is seen
    return parts
