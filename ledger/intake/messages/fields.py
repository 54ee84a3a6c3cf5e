"""The fields of messages: each checks its text, and says the same to the bulk decoder.

``bulk_type`` is the type under which ``ledger.intake.messages.bulk`` decodes the field, with as
many of its rules as msgspec can hold; ``settle`` finishes a value that was decoded so, or
raises the very error that marshmallow would. Where the type holds all of them, ``is_settled`` says so.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from marshmallow import fields

from domain.events.instants import instant
from domain.faults.validation import FaultError
from domain.money.amounts import AMOUNT_PATTERN, parse_fen
from domain.things.credit_code import complete, fault_of, is_valid
from domain.things.personal_number import LENGTH_MIN, has_few_digits, has_personal_number
from domain.things.spelling import (
    canonical_identity,
    canonical_number,
    canonical_text,
    find_unfit,
    matches_usual,
)
from domain.vocabulary.kinds import CODE_PATTERN, KindField, Spelling

REQUIRED: dict[str, Any] = {"required": "field.missing", "null": "field.null"}
"""What marshmallow says of a field that is not there, as codes."""


class MessageField(fields.Field[Any]):
    """A field whose value is text in the message, unless a class says otherwise."""

    default_error_messages = REQUIRED
    bulk_type: Any = str
    is_settled = True
    """Whether a value of the bulk type is as it stays; a field with a ``settle`` of its own says no."""
    may_hold_colons = True
    """Whether a text of the bulk type may hold a colon; of other types none does."""
    json_schema: dict[str, Any] = {"type": "string"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise FaultError("field.type", wanted="text")
        return self.settle(value)

    def settle(self, value: Any) -> Any:
        """Finish a value of the bulk type."""
        return value


class Text(MessageField):
    """Text on one line, of a bounded length; it is kept in its canonical form (``domain.things.spelling``).

    Four kinds of it: a name or sentence here, and what must be one thing in one spelling below.
    """

    is_settled = False
    canonical_form = staticmethod(canonical_text)
    letters_alike = False
    is_identity = False

    def __init__(self, max_length: int = 200, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.json_schema = {"type": "string", "minLength": 1, "maxLength": max_length}

    def settle(self, value: Any) -> str:
        """Its canonical form; the same object where that is what was written."""
        text: str = value
        if not self.letters_alike or text == text.upper():
            if text.isascii():
                is_usual = " " not in text and text.isprintable()
            else:
                is_usual = matches_usual(text) is not None
            is_usual = is_usual and 0 < len(text) <= self.max_length
            if is_usual and (len(text) < LENGTH_MIN or has_few_digits(text)):
                return text
        if not (text.isascii() and text.isprintable()) and (unfit := find_unfit(text, self.is_identity)):
            raise FaultError("text.form", form=f"printable text on one line, without {unfit}")
        canonical = self.canonical_form(text)
        if not canonical or len(text) > self.max_length or len(canonical) > self.max_length:
            raise FaultError("text.length", limit=self.max_length)
        if len(canonical) >= LENGTH_MIN and has_personal_number(canonical):
            raise FaultError("number.personal")
        return canonical


class Identifier(Text):
    """What an event, a claim or a thing is known by."""

    canonical_form = staticmethod(canonical_identity)
    is_identity = True


class Source(Identifier):
    """Who reports: what a system is called, once and for all. A few are said again and again."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settle_again = lru_cache(maxsize=1_024)(self.settle)


class Reference(Identifier):
    """What another record is known by: an event that is amended, a policy, a measure."""


class Number(Identifier):
    """An identifier whose letters are alike: the number of a certificate, a standard, a warehouse."""

    canonical_form = staticmethod(canonical_number)
    letters_alike = True


class Sha256(Text):
    """A SHA-256 digest in lower-case hex."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(64, **kwargs)
        self.json_schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

    def settle(self, value: Any) -> str:
        """Refuse what is no digest."""
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise FaultError("text.form", form="64 hexadecimal digits (SHA-256)")
        return str(value)


class Slug(MessageField):
    """A word from an upstream code list: lower-case letters, digits, hyphens, underscores."""

    may_hold_colons = False
    is_settled = False
    PATTERN = f"^{CODE_PATTERN}$"
    bulk_type = Annotated[str, msgspec.Meta(pattern=PATTERN)]
    json_schema = {"type": "string", "pattern": PATTERN}

    def settle(self, value: Any) -> str:
        """The word; no natural person's number is one."""
        if len(value) >= LENGTH_MIN and has_personal_number(value):
            raise FaultError("number.personal")
        return str(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(CODE_PATTERN, text):
            raise FaultError("text.form", form="a-z, 0-9, - and _, at most 40 characters")
        return text


class Choice(MessageField):
    """One of a few words."""

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = frozenset(choices)
        self.bulk_type = Literal[tuple(choices)]
        self.may_hold_colons = any(":" in choice for choice in choices)
        self.json_schema = {"type": "string", "enum": sorted(choices)}

    def settle(self, value: Any) -> str:
        """Refuse what is not among the choices."""
        if value not in self.choices:
            raise FaultError("value.choice", choices=", ".join(sorted(self.choices)))
        return str(value)


class CreditCode(MessageField):
    """A unified social credit code."""

    may_hold_colons = False
    is_settled = False
    json_schema = {"type": "string", "pattern": "^[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}$"}

    def settle(self, value: Any) -> str:
        """Check form and check character; no natural person's number is one, though it may have both."""
        if is_valid(value) and not value[:LENGTH_MIN].isdigit():
            return str(value)
        if has_personal_number(value, as_code=True):
            raise FaultError("number.personal")
        if is_valid(value):
            return str(value)
        if fault_of(value) == "shape":
            raise FaultError("code.shape")
        raise FaultError("code.check", wanted=complete(value[:17])[17])


class Money(MessageField):
    """An amount as text; becomes fen (or US cents)."""

    may_hold_colons = False
    PATTERN = f"^{AMOUNT_PATTERN}$"
    bulk_type = Annotated[str, msgspec.Meta(pattern=PATTERN)]
    is_settled = False
    json_schema = {"type": "string", "pattern": PATTERN, "examples": ["1234.56"]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str):
            raise FaultError("money.type")
        if re.fullmatch(r"-[0-9.,]+", value):
            raise FaultError("money.negative")
        if re.fullmatch(r"[0-9]+\.[0-9]{3,}", value):
            raise FaultError("money.decimals")
        if not re.fullmatch(AMOUNT_PATTERN, value):
            raise FaultError("money.form")
        return parse_fen(value)

    def settle(self, value: Any) -> int:
        """Turn checked text into fen."""
        return parse_fen(value)


class WholeNumber(MessageField):
    """A whole number, written as a JSON number."""

    may_hold_colons = False

    def __init__(self, low: int, high: int, code: str = "field.type", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high, self.code = low, high, code
        self.bulk_type = Annotated[int, msgspec.Meta(ge=low, le=high)]
        self.json_schema = {"type": "integer", "minimum": low, "maximum": high}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise FaultError("field.type", wanted="a whole number")
        if not self.low <= value <= self.high:
            raise FaultError(self.code, wanted=f"a whole number from {self.low} to {self.high}")
        return value


_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=65_536)
def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text)) and 2000 <= date.fromisoformat(text).year <= 2100
    except ValueError:
        return False


class Day(MessageField):
    """A date in Asia/Shanghai, ``YYYY-MM-DD``, from 2000 to 2100."""

    may_hold_colons = False
    is_settled = False
    json_schema = {"type": "string", "format": "date"}

    def settle(self, value: Any) -> str:
        """Refuse what is not a day of the calendar."""
        if not _is_day(value):
            raise FaultError("date.form")
        return str(value)


_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


_FINER = re.compile(r"(\.[0-9]{6})[0-9]+")


@lru_cache(maxsize=65_536)
def _instant_of(text: str) -> str | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        # Finer than a microsecond is cut, not rounded, so that no instant moves forward.
        moment = datetime.fromisoformat(_FINER.sub(r"\1", text) if "." in text else text)
        return instant(moment) if 2000 <= moment.year <= 2100 else None
    except (ValueError, OverflowError):
        return None


class Instant(MessageField):
    """A moment with its offset, RFC 3339; becomes fixed-width UTC text."""

    is_settled = False
    json_schema = {"type": "string", "format": "date-time"}

    def settle(self, value: Any) -> str:
        """Normalise to UTC."""
        text = _instant_of(value)
        if text is None:
            raise FaultError("time.form")
        return text


def kind_field(field: KindField) -> MessageField:
    """The field of a message that a declared field asks for."""
    options: dict[str, Any] = {"required": True} if field.required else {"load_default": None}
    if field.wire != field.name:
        options["data_key"] = field.wire
    if field.form == "text":
        return _TEXTS[field.spelling](field.length_max, **options)
    if field.form in ("choice", "currency"):
        return Choice(*field.values, **options)
    if field.form == "year":
        return WholeNumber(field.low, field.high, "year.range", **options)
    if field.form == "whole":
        return WholeNumber(field.low, field.high, **options)
    return _PLAIN_FORMS[field.form](**options)


_TEXTS: dict[Spelling, type[Text]] = {"text": Text, "identity": Identifier, "number": Number}
_PLAIN_FORMS: dict[str, type[MessageField]] = {
    "word": Slug,
    "credit-code": CreditCode,
    "day": Day,
    "amount": Money,
}
"""Forms that need no more than their name."""
