"""Money as whole fen, and its exact division.

An amount is an ``int`` of fen (1 yuan = 100 fen); an amount of US dollars is an ``int`` of
cents. Text is parsed and printed at the edges only. No float appears anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

AMOUNT_FEN_MAX = 10**14 - 1
"""Largest single amount: ¥999,999,999,999.99. Keeps every product of ``kinds`` below 2**63."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of two decimals: how it is written before an amount, its unit and name in Chinese."""

    symbol: str
    unit: str
    name: str


CURRENCIES = {
    "CNY": Currency("¥", "元", "人民币"),
    "USD": Currency("US$", "美元", "美元"),
    "HKD": Currency("HK$", "港元", "港币"),
    "MOP": Currency("MOP$", "澳门元", "澳门币"),
    "EUR": Currency("€", "欧元", "欧元"),
}
"""What amounts may be in. One of no or three decimals (JPY, KRW, KWD) is not among them: everything
is counted in hundredths."""
PAID_IN = tuple(code for code in CURRENCIES if code != "USD")
"""What a policy may pay in. Dollars are reported, for exports, and never paid."""
FOREIGN = frozenset(PAID_IN) - {"CNY"}
"""What is kept apart where it is reported: the other currencies are those of their channel."""

AMOUNT_PATTERN = r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?"
_AMOUNT = re.compile(AMOUNT_PATTERN)
PRINTED_PATTERN = r"-?[0-9]+\.[0-9]{2}"
"""What ``print_fen`` writes for programs."""
_PRINTED = re.compile(PRINTED_PATTERN)
PRINTED_MAX = 40
"""Longest sum that is read back, in characters."""


class MoneyError(ValueError):
    """Text that is not an amount: not plain digits, negative, or finer than one fen."""


class Amount(NamedTuple):
    """An amount with its currency, where that can vary: whoever shows it prints it."""

    minor: int
    """Hundredths of the currency: fen, avos, cents."""
    currency: str


class Quantity(NamedTuple):
    """So many things, or so much money: what a target counts."""

    number: int
    """Things; hundredths of the currency."""
    currency: str | None


def parse_fen(text: str, *, printed: bool = False) -> int:
    """Read an amount, ``"1234.5"`` → ``123450``; also of dollars, into cents.

    Args:
        printed: read a sum that ``print_fen`` wrote, which has two decimals, and may be of any
            size and below zero, ``"-0.50"`` → ``-50``.

    Raises:
        MoneyError: for anything but plain digits with at most two decimals.
    """
    form = _PRINTED if printed else _AMOUNT
    if not isinstance(text, str) or len(text) > PRINTED_MAX or not form.fullmatch(text):
        raise MoneyError(f"not an amount with at most two decimals: {text!r}")
    if text[-3:-2] == ".":
        return int(text[:-3] + text[-2:])
    yuan_digits, _, tenths = text.partition(".")
    return int(yuan_digits + (tenths + "00")[:2])


def print_fen(fen: int, currency: str | None = None, *, grouped: bool = False) -> str:
    """Print hundredths of a currency: for programs as they are, for readers with what it is in.

    ``print_fen(123456789)`` is ``"1234567.89"``, the form on the wire and in what is hashed;
    ``print_fen(123456789, "HKD")`` is ``"HK$1,234,567.89"``; ``grouped`` leaves the sign of the
    currency out, where the unit is named beside.
    """
    sign = "-" if fen < 0 else ""
    yuan, cents = divmod(abs(fen), 100)
    if currency is None and not grouped:
        return f"{sign}{yuan}.{cents:02d}"
    symbol = "" if currency is None else CURRENCIES[currency].symbol
    return f"{sign}{symbol}{yuan:,}.{cents:02d}"


def decimal_of(fen: int) -> Decimal:
    """Hundredths as a decimal number of the currency, for cells and columns that hold numbers."""
    return Decimal(fen).scaleb(-2)


@dataclass(frozen=True, slots=True)
class Apportionment:
    """How a total is divided in proportion, to the fen, by largest remainder.

    Holds what decides one share, so that a single share can be read without the others:
    ``share = amount * budget // total``, plus one fen where the remainder stands before the
    cut. ``total == 0`` or ``budget >= total`` means nothing is reduced.
    """

    budget: int
    total: int
    cut_remainder: int = -1
    cut_key: tuple[str, ...] = ()

    @property
    def reduces(self) -> bool:
        """Whether the amounts exceed the budget, so that every payment is reduced."""
        return self.total > self.budget

    def share(self, amount: int, key: tuple[str, ...]) -> int:
        """The fen paid for ``amount``; ``key`` breaks ties between equal remainders."""
        if not self.reduces:
            return amount
        quotient, remainder = divmod(amount * self.budget, self.total)
        if remainder > self.cut_remainder:
            return quotient + (1 if self.cut_remainder >= 0 else 0)
        if remainder == self.cut_remainder and key <= self.cut_key:
            return quotient + 1
        return quotient


def apportion(amounts: Sequence[tuple[tuple[str, ...], int]], budget: int) -> Apportionment:
    """Find the largest-remainder apportionment of ``budget`` over ``amounts``.

    Args:
        amounts: pairs of (tie-breaking key, fen), keys unique, in any order.
        budget: fen to divide.

    The shares sum to exactly ``min(budget, sum of amounts)``.
    """
    total = sum(amount for _, amount in amounts)
    if total <= budget:
        return Apportionment(budget, total)
    floors = sum(amount * budget // total for _, amount in amounts)
    spare = budget - floors
    if spare == 0:
        return Apportionment(budget, total)
    ranked = sorted((-(amount * budget % total), key) for key, amount in amounts)
    negative, key = ranked[spare - 1]
    return Apportionment(budget, total, -negative, key)
