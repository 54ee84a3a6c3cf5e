"""Fields of addresses and query strings; what is wrong with one comes back as a fault."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from flask import current_app

from domain.faults.fault import Fault
from domain.faults.validation import FaultError, faults_from
from domain.log.tiles import LEVEL_MAX
from ledger.intake.messages.fields import Choice, CreditCode, MessageField, Text
from ledger.intake.messages.schemas import Message
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.store.moments import NOW, Moment, Unanswerable, moment
from ledger.store.rows import Rows

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
POSITION_MAX = 2**62
CURSOR_TEXT_MAX = 2_000


class Number(MessageField):
    """A whole number in a query string."""

    def __init__(self, low: int, high: int, code: str = "query.whole", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high, self.code = low, high, code
        self.json_schema = {"type": "integer", "minimum": low, "maximum": high}

    def settle(self, value: Any) -> int:
        """Refuse what is no number in range."""
        plain = value.isascii() and value.isdigit() and len(value) <= 19
        if not plain or not self.low <= int(value) <= self.high:
            raise FaultError(self.code, low=self.low, high=self.high)
        return int(value)


class Flag(MessageField):
    """``true`` or ``false``."""

    json_schema = {"type": "boolean"}

    def settle(self, value: Any) -> bool:
        """Refuse other words."""
        if value not in ("true", "false"):
            raise FaultError("query.flag")
        return bool(value == "true")


class Cursor(MessageField):
    """Where a page begins; opaque to callers. ``kinds`` are the types of what it holds."""

    def __init__(self, name: str, *kinds: type, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cursor_name, self.kinds = name, kinds
        self.json_schema = {"type": "string", "maxLength": CURSOR_TEXT_MAX, "pattern": "^[A-Za-z0-9_-]+$"}

    def settle(self, value: Any) -> tuple[Any, ...]:
        """Refuse what this address did not give out."""
        try:
            if len(value) > CURSOR_TEXT_MAX:
                raise ValueError
            padded = value + "=" * (-len(value) % 4)
            payload = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if not isinstance(payload, list) or [type(each) for each in payload] != [str, *self.kinds]:
                raise ValueError
            name, *values = payload
            numbers = [each for each in values if isinstance(each, int)]
            if name != self.cursor_name or not all(0 <= number <= POSITION_MAX for number in numbers):
                raise ValueError
            for text in values:
                str(text).encode()
        except (ValueError, binascii.Error, RecursionError):
            raise FaultError("cursor.form") from None
        return tuple(values)


def cursor_text(name: str, *values: Any) -> str:
    """Write a cursor."""
    payload = json.dumps([name, *values], ensure_ascii=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


class When(MessageField):
    """A date or a time with its offset, on one axis of time."""

    json_schema = {"type": "string", "examples": ["2024-03-01", "2024-03-01T09:30:00+08:00"]}

    def settle(self, value: Any) -> str:
        """Refuse what the ledger could not read as a moment, in both languages."""
        try:
            moment(_NO_ROWS, as_of=value)
        except Unanswerable:
            raise FaultError("moment.form") from None
        return str(value)


_NO_ROWS: Rows = None  # type: ignore[assignment]
"""Bounds of fact time are worked out without the database."""


class Query(Message):
    """The parameters of one address; others are refused."""

    error_messages = {"unknown": "query.unknown"}


class Moments(Query):
    """The three axes of time."""

    as_of = When(metadata={"description": "事实发生于该时点之前 · facts that had happened by then"})
    as_known = When(metadata={"description": "账本当时已知 · what the ledger knew by then"})
    rules_as_of = When(metadata={"description": "当日已生效的政策 · rules in force by that day"})


def moment_of(rows: Rows, query: dict[str, Any]) -> Moment:
    """The moment that a request asks for.

    Raises:
        Unanswerable: where the ledger cannot answer for it.
    """
    names = ("as_of", "as_known", "rules_as_of")
    bounds = {name: query[name] for name in names if name in query}
    return moment(rows, **bounds, now=current_app.extensions["subsidy-ledger"].clock()) if bounds else NOW


def limit_field() -> Number:
    """How many items one page has."""
    return Number(1, LIMIT_MAX, load_default=LIMIT_DEFAULT)


class YearOfAwards(MessageField):
    """An award year in an address."""

    json_schema = {"type": "integer", "minimum": 2000, "maximum": 2100}

    def settle(self, value: Any) -> int:
        """Refuse what is no year of the ledger."""
        if not (value.isascii() and value.isdigit() and len(value) == 4 and 2000 <= int(value) <= 2100):
            raise FaultError("year.range")
        return int(value)


class SheetName(MessageField):
    """The name of a spreadsheet that waits."""

    json_schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

    def settle(self, value: Any) -> str:
        """Refuse what can be no such name."""
        if not re.fullmatch("[0-9a-f]{32}", value):
            raise FaultError("text.form", form="32 × 0-9a-f")
        return str(value)


class Digest(Text):
    """A SHA-256 digest; one that cannot be is looked up in vain, not refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.json_schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


PATH_FIELDS: dict[str, MessageField] = {
    "policy": Text(),
    "year": YearOfAwards(),
    "code": CreditCode(),
    "period": Text(20),
    "version": Number(1, 1_000_000),
    "digest": Digest(),
    "event_type": Text(),
    "position": Number(1, POSITION_MAX),
    "level": Number(0, LEVEL_MAX),
    "tile": Text(),
    "claim": Text(),
    "objection": Text(),
    "clawback": Text(),
    "batch": Text(),
    "sheet": SheetName(),
    "family": Choice(*SHIPPED_TABLES.families),
    "disagreement": Text(),
    "waiting": Text(),
    "document": Choice("list", "payments", "report"),
}
"""The parts of addresses, by name."""


def path_values(texts: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Check the parts of an address."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, text in texts.items():
        try:
            values[name] = PATH_FIELDS[name].deserialize(text)
        except FaultError as error:
            faults += faults_from(error.messages, name)
    return values, faults
