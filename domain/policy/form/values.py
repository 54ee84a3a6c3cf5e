"""What stands in a field of a policy file: text, amounts, numbers, days, choices; and a group of fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from datetime import date
from typing import Any, ClassVar, TypeAlias, TypeVar

from marshmallow import Schema, ValidationError, fields, post_load, validate

from domain.faults.validation import FaultError
from domain.money.amounts import AMOUNT_FEN_MAX, MoneyError, parse_fen

Loaded: TypeAlias = dict[str, Any]
"""A group of fields that has passed its checks, as marshmallow hands it over: values by name."""


class Part(Schema):
    """A group of fields; unknown ones are refused in words that say what to do."""

    error_messages = {
        "unknown": "policy.field-unknown",
        "type": "policy.group-form",
    }
    value_class: ClassVar[Callable[..., Any] | None] = None
    """What the group becomes; without one it stays as it is."""

    @post_load
    def build(self, data: Loaded, **_: Any) -> Any:
        """Make the group's value; lists become tuples, so that it cannot change."""
        return self.make({k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})

    def make(self, loaded: Loaded) -> Any:
        """The value of a group of fields."""
        return loaded if self.value_class is None else self.value_class(**loaded)


class Text(fields.String):
    """Text of a bounded length."""

    def __init__(self, max_length: int = 2000, **kwargs: Any) -> None:
        super().__init__(validate=Length(1, max_length, "policy.text-length"), **kwargs)


SizedT = TypeVar("SizedT", bound=Sized)


class Length(validate.Length):
    """A length between bounds; what is outside is a fault."""

    def __init__(self, low: int, high: int | None, code: str) -> None:
        super().__init__(low, high)
        self.code = code

    def __call__(self, value: SizedT) -> SizedT:
        """The value.

        Raises:
            FaultError: where it is too short or too long.
        """
        try:
            return super().__call__(value)
        except ValidationError:
            raise FaultError(self.code, low=self.min, high=self.max) from None


class IdForm(validate.Regexp):
    """The form of an id; what is none is a fault."""

    def __init__(self) -> None:
        super().__init__(r"[a-z0-9]+(?:[.-][a-z0-9]+)*\Z")

    def __call__(self, value: Any) -> Any:
        """The value.

        Raises:
            FaultError: where it is no id.
        """
        try:
            return super().__call__(value)
        except ValidationError:
            raise FaultError("policy.id-form") from None


def rows(low: int, high: int | None = None) -> validate.Length:
    """How many rows, or values, a list has."""
    return Length(low, high, "policy.rows-between" if high else "policy.rows-least")


class Money(fields.Field[int]):
    """Yuan (or US dollars) as text; becomes fen (or cents)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        try:
            fen = parse_fen(value)
        except MoneyError:
            raise FaultError("policy.amount-form") from None
        if fen > AMOUNT_FEN_MAX:
            raise FaultError("policy.amount-large")
        return fen


class WholeNumber(fields.Field[int]):
    """A whole number between bounds."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,15}", value):
            raise FaultError("policy.whole-form")
        if not self.low <= int(value) <= self.high:
            raise FaultError("policy.whole-range", low=self.low, high=self.high)
        return int(value)


def whole_number(text: str) -> int:
    """Plain digits as a number.

    Raises:
        ValueError: for anything else.
    """
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError(text)
    return int(text)


class Percent(fields.Field[int]):
    """A percentage with at most two decimals; becomes ten-thousandths."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?", value):
            raise FaultError("policy.percent-form")
        rate = parse_fen(value)
        if not 0 < rate <= 10_000:
            raise FaultError("policy.percent-range")
        return rate


class Day(fields.Field[str]):
    """A date, ``YYYY-MM-DD``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            if not isinstance(value, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
                raise ValueError
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise FaultError("policy.day-form") from None


def one_of(*choices: str) -> fields.String:
    """A required field with one of a few values."""
    return fields.String(required=True, validate=choice(choices))


def choice(choices: tuple[str, ...]) -> Callable[[str], None]:
    """A check that a value is one of a few."""

    def check(value: str) -> None:
        if value not in choices:
            raise FaultError("policy.choice", value=value, known=", ".join(choices))

    _CHOICES[check] = choices
    return check


_CHOICES: dict[Any, tuple[str, ...]] = {}


def choices_of(check: Any) -> tuple[str, ...]:
    """The values that a check lets pass; none where it is not a choice."""
    return _CHOICES.get(check, ()) if callable(check) and check.__hash__ else ()


def ident(**kwargs: Any) -> fields.String:
    """An id: lower-case words joined by hyphens and full stops."""
    return fields.String(validate=IdForm(), **kwargs)


class MonthDay(fields.Field[str]):
    """A day of any year, ``MM-DD``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            if not isinstance(value, str) or not re.fullmatch("[0-9]{2}-[0-9]{2}", value):
                raise ValueError
            return date.fromisoformat(f"2023-{value}").isoformat()[5:]
        except ValueError:
            raise FaultError("policy.month-day-form") from None
