"""The wire form of typed answers: the one way in which amounts and factors become text for programs.

Of a struct, a field ``…_fen`` is told as text under its name without the unit; a fraction exactly
and as a percentage (under the name ``percent`` as that alone); a quantity as text; an optional
field that is ``None`` by default and is ``None`` is left out, and so is a currency that is yuan.
Everything else is told as it is, in the order of its fields; a struct that has a form of its own
says it in ``wire_parts``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import msgspec

from domain.money.amounts import Quantity, print_fen

UNIT = "_fen"
UNSAID_CURRENCY = "CNY"
"""The currency of an answer that names none."""
_NEVER = object()
_PLAIN = frozenset((str, int, bool, type(None)))
"""Types of values that are told as they are."""


class _Field(NamedTuple):
    name: str
    key: str
    print: Callable[[Any], Any]
    omitted: object
    """The value with which the field is left out."""


def wire_form(value: Any) -> Any:
    """A typed answer, or a list or mapping of such, as plain data for JSON."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, msgspec.Struct):
        own_parts = getattr(value, "wire_parts", None)
        if own_parts is not None:
            return wire_form(own_parts())
        contents = [(field, getattr(value, field.name)) for field in _fields_of(type(value))]
        return {
            field.key: content if content is None else field.print(content)
            for field, content in contents
            if content != field.omitted
        }
    if isinstance(value, Quantity):
        return str(value.number) if value.currency is None else print_fen(value.number)
    if isinstance(value, list | tuple):
        return [wire_form(each) for each in value]
    if isinstance(value, dict):
        return {key: wire_form(each) for key, each in value.items()}
    return factor_form(value) if isinstance(value, Fraction) else value


@cache
def _fields_of(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            each.name,
            each.name.removesuffix(UNIT),
            print_fen if each.name.endswith(UNIT) else print_percent if each.name == "percent" else wire_form,
            UNSAID_CURRENCY if each.name == "currency" else None if each.default is None else _NEVER,
        )
        for each in msgspec.structs.fields(kind)
    )


def factor_form(value: Fraction) -> dict[str, str]:
    """A factor exactly, and as a percentage."""
    return {"fraction": print_fraction(value), "percent": print_percent(value)}


def print_fraction(value: Fraction) -> str:
    """A factor exactly: ``5/8``."""
    return f"{value.numerator}/{value.denominator}"


def print_percent(value: Fraction) -> str:
    """A factor as a percentage with four decimals, rounded down: ``62.5000%``."""
    tenths = value.numerator * 1_000_000 // value.denominator
    return f"{tenths // 10_000}.{tenths % 10_000:04d}%"


def currency_form(currency: str) -> dict[str, str]:
    """The currency of an answer's amounts; left out where it is yuan."""
    return {} if currency == UNSAID_CURRENCY else {"currency": currency}
