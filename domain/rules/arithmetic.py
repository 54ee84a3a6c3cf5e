"""The arithmetic that measures share, once for one enterprise and for a column of them.

Every function takes and returns whole numbers (fen, cents, counts) and uses only
``+ - * // % < >=``, so that it means the same for one enterprise (Python ``int``) and for a
column of enterprises (NumPy's whole numbers). Where a division rounds, ``half_up`` chooses between
rounding down and to the nearest, half up (reading ``rounding``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Column: TypeAlias = "NDArray[np.signedinteger[Any]]"
"""Whole numbers side by side: rows (places in a chunk), fen, days as YYYYMMDD."""
Mask: TypeAlias = "NDArray[np.bool_]"
"""Yes or no side by side."""
Number = TypeVar("Number", int, Column)
"""One enterprise's whole number, or a column of them; NumPy is named here and never imported."""

TEN_THOUSANDTHS = 10_000


def least(amount: Number, limit: Number | int) -> Number:
    """The smaller of two numbers."""
    return limit + (amount - limit) * (amount < limit)


def at_least_zero(amount: Number) -> Number:
    """The amount, or zero where it is negative."""
    return amount * (amount > 0)


@overload
def reaches(amount: int, threshold: int, inclusive: bool) -> bool: ...
@overload
def reaches(amount: Column, threshold: int, inclusive: bool) -> Mask: ...
def reaches(amount: int | Column, threshold: int, inclusive: bool) -> bool | Mask:
    """Whether an amount reaches a threshold (reading ``inclusive``)."""
    return amount >= threshold if inclusive else amount > threshold


def divide(number: Number, divisor: Number | int, half_up: bool) -> Number:
    """A number of zero or more divided, rounded as the policy reads."""
    return (2 * number + divisor) // (2 * divisor) if half_up else number // divisor


def reached_tier(amount: Number, tiers: Sequence[tuple[int, int]], inclusive: bool) -> Number:
    """What the highest tier reached gives: ``tiers`` are (from, gives), upwards."""
    gives, before = 0 * amount, 0
    for start, tier_gives in tiers:
        gives = gives + (tier_gives - before) * reaches(amount, start, inclusive)
        before = tier_gives
    return gives


def share(amount: Number, rate: int, half_up: bool) -> Number:
    """``rate`` ten-thousandths of an amount of zero or more."""
    return divide(amount * rate, TEN_THOUSANDTHS, half_up)
