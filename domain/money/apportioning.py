"""Largest remainder over a column of amounts: the same shares as ``domain.money.amounts``, for millions.

A column is an array of ``int64`` (NumPy's, which this module never names: it uses operators and
methods only), in the order of the awards' keys, so that a place in it decides between equal
remainders. Products beyond 63 bits are worked out with Python's integers, a piece at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

Column: TypeAlias = Any
"""An array of whole numbers."""

INT64_MAX = 2**63 - 1
PIECE = 1 << 15
"""Amounts worked on at a time: they stay in the processor's cache, and memory stays small."""


class Cut(NamedTuple):
    """What decides every share of a column: as ``Apportionment``, the key being a place."""

    total: int
    remainder: int = -1
    place: int = -1


def exact_sum(column: Column) -> int:
    """The sum of a column, however large: its halves are added apart, since ``int64`` would wrap."""
    return (int((column >> 32).sum()) << 32) + int((column & 0xFFFFFFFF).sum())


def cut_of(amounts: Column, budget: int, piece: int = PIECE) -> Cut:
    """Find the largest-remainder apportionment of a budget over amounts of zero or more.

    Selecting the last remainder that still gets a fen takes linear time; nothing is sorted.
    """
    total = exact_sum(amounts)
    if total <= budget:
        return Cut(total)
    left = amounts.copy() if total <= INT64_MAX else amounts.astype(object)
    for start, _, remainders in _divided(amounts, budget, total, piece):
        left[start : start + len(remainders)] = remainders
    # amount x budget = floor x total + remainder, so what the floors leave is the remainders' sum.
    spare = _sum(left) // total
    if not spare:
        return Cut(total)
    ranked = left.copy()
    ranked.partition(len(ranked) - spare)
    cut = int(ranked[len(ranked) - spare])
    equal = spare - int((left > cut).sum())
    return Cut(total, cut, int((left == cut).nonzero()[0][equal - 1]))


def shares(amounts: Column, budget: int, cut: Cut, piece: int = PIECE) -> Column:
    """The fen paid for each amount."""
    shares_fen = amounts.copy()
    if cut.total <= budget:
        return shares_fen
    for start, floors, remainders in _divided(amounts, budget, cut.total, piece):
        here = shares_fen[start : start + len(floors)]
        here[:] = floors
        if cut.place >= 0:
            here += remainders > cut.remainder
            until = max(0, cut.place + 1 - start)
            here[:until] += remainders[:until] == cut.remainder
    return shares_fen


def _divided(amounts: Column, budget: int, total: int, size: int) -> Iterator[tuple[int, Column, Column]]:
    """(place of the first, floors, remainders) of ``amounts * budget / total``, piece by piece."""
    for start in range(0, len(amounts), size):
        products = amounts[start : start + size]
        if max(int(products.max()) * budget, total) > INT64_MAX:
            products = products.astype(object)
        products = products * budget
        floors = products // total
        products -= floors * total
        yield start, floors, products


def _sum(column: Column) -> int:
    """The sum of a column that may hold Python's integers, which no shift is needed for."""
    return int(column.sum()) if column.dtype == object else exact_sum(column)
