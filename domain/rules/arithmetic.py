"""The arithmetic of each kind of measure, once.

Every function takes and returns whole numbers (fen, cents, counts) and uses only
``+ - * // % < >=``, so that it means the same for one enterprise (Python ``int``) and for a
column of enterprises (NumPy ``int64``). Where a division rounds, ``half_up`` chooses between
rounding down and to the nearest, half up (reading ``rounding``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Number: TypeAlias = Any
"""An ``int``, or an array of them."""

TEN_THOUSANDTHS = 10_000


def least(a: Number, b: Number) -> Number:
    """The smaller of two numbers."""
    return b + (a - b) * (a < b)


def at_least_zero(a: Number) -> Number:
    """``a``, or zero where it is negative."""
    return a * (a > 0)


def reaches(amount: Number, threshold: int, inclusive: bool) -> Number:
    """Whether an amount reaches a threshold (reading ``inclusive``)."""
    return amount >= threshold if inclusive else amount > threshold


def divided(number: Number, by: int, half_up: bool) -> Number:
    """Divide a number of zero or more, rounding as the policy reads."""
    return (2 * number + by) // (2 * by) if half_up else number // by


def units(count: Number, unit_amount: int, room: Number | None) -> Number:
    """A sum for each unit, within the room that a cap still leaves."""
    pay = count * unit_amount
    return pay if room is None else least(pay, at_least_zero(room))


def units_of(amount: Number, unit: int, unit_amount: int, parts: bool, half_up: bool) -> Number:
    """A sum for each whole unit of an amount, or also for parts of a unit."""
    pay = amount // unit * unit_amount
    return pay + divided(amount % unit * unit_amount, unit, half_up) if parts else pay


def tier(amount: Number, tiers: Sequence[tuple[int, int]], inclusive: bool) -> Number:
    """What the highest tier reached gives: ``tiers`` are (from, gives), upwards."""
    gives, before = 0 * amount, 0
    for start, here in tiers:
        gives = gives + (here - before) * reaches(amount, start, inclusive)
        before = here
    return gives


def share(amount: Number, rate: Number, half_up: bool) -> Number:
    """``rate`` ten-thousandths of an amount of zero or more."""
    return divided(amount * rate, TEN_THOUSANDTHS, half_up)


def growth_share(current: Number, base_sum: Number, base_count: int, rate: Number, half_up: bool) -> Number:
    """``rate`` of the growth over the mean of ``base_count`` years; nothing where none grew.

    The mean is never rounded: ``(n * current - sum) * rate // (n * 10000)``.
    """
    increase = at_least_zero(base_count * current - base_sum)
    return divided(increase * rate, base_count * TEN_THOUSANDTHS, half_up)


def topped_up(gross: Number, other: Number) -> Number:
    """What highest-only withholds where this award tops the other up to the higher."""
    return least(gross, other)


def barred(gross: Number, other: Number) -> Number:
    """What highest-only withholds where any other award for the matter bars this one."""
    return gross * (other > 0)
