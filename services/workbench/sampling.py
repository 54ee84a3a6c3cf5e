"""Samples of the year's payments, and what the errors found in one say of all.

Whole fen and exact fractions throughout. Whoever has seed and bundle draws the same sample again: what
is random comes from SHA-256 of the seed.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

FACTORS: Mapping[int, tuple[int, ...]] = {
    90: (231, 389, 533, 669, 800, 928, 1054, 1178, 1300, 1421),
    95: (300, 475, 630, 776, 916, 1052, 1185, 1315, 1444, 1571),
    99: (461, 664, 841, 1005, 1161, 1311, 1458, 1600, 1741, 1879),
}
"""Upper limits of a Poisson mean, in hundredths rounded up, by confidence in per cent and number of errors.

They are those of the AICPA's Audit Guide "Audit Sampling", table of confidence factors for monetary
unit sampling; a test works each out again from the Poisson distribution.
"""


class Item(NamedTuple):
    """One payment of the population."""

    payment: str
    code: str
    fen: int


class SampledItem(NamedTuple):
    """An item that is to be looked at, and why: ``top`` items are looked at whatever the seed."""

    item: Item
    reason: str
    """``top``, ``interval``, ``random`` or the auditor's own reason."""


class FoundError(NamedTuple):
    """An item's fen in the books, and what they should be."""

    payment: str
    book_fen: int
    audited_fen: int


class Projection(NamedTuple):
    """What errors found say of the population, in fen, rounded up to the fen."""

    known_fen: int
    projected_fen: int
    upper_limit_fen: int
    understated_fen: int
    """Projected understatements; they are not set off."""
    tolerable: bool
    """Whether the upper limit is within tolerable misstatement."""


class SamplingFault(ValueError):
    """A sample or evaluation that cannot be; says why in both languages."""


def factor_of(confidence: int, errors: int) -> Fraction:
    """The factor of so many errors.

    Raises:
        SamplingFault: where the table has none.
    """
    try:
        return Fraction(FACTORS[confidence][errors], 100)
    except (KeyError, IndexError):
        raise SamplingFault(
            f"没有 {confidence} %、{errors} 处错误的系数：可信度取 90、95、99，错误多于 9 处须扩大检查 · "
            f"no factor for {confidence} % and {errors} errors: 90, 95 or 99; beyond 9 errors look at more"
        ) from None


def interval_of(tolerable_fen: int, confidence: int) -> int:
    """The sampling interval in fen: tolerable misstatement by the factor of no errors.

    Raises:
        SamplingFault: where it is not positive.
    """
    interval = int(Fraction(tolerable_fen) / factor_of(confidence, 0))
    if interval <= 0:
        raise SamplingFault("可容忍错报须大于零 · tolerable misstatement must be positive")
    return interval


def draw_monetary_units(items: Iterable[Item], interval_fen: int, seed: str) -> Iterator[SampledItem]:
    """Every item that holds one of the monetary units at a seeded start and every interval after it."""
    digest = hashlib.sha256(f"start {seed}".encode()).digest()
    next_unit = 1 + int.from_bytes(digest, "big") % interval_fen
    passed = 0
    for item in items:
        passed += item.fen
        if next_unit <= passed:
            yield SampledItem(item, "top" if item.fen >= interval_fen else "interval")
            next_unit += -(-(passed - next_unit + 1) // interval_fen) * interval_fen


def draw_at_random(items: Iterable[Item], count: int, seed: str) -> list[SampledItem]:
    """So many items, each as likely as any other: those whose digests with the seed are least."""

    def digest(item: Item) -> bytes:
        return hashlib.sha256(f"{seed} {item.payment}".encode()).digest()

    return [SampledItem(item, "random") for item in heapq.nsmallest(count, items, key=digest)]


def draw_by_judgement(items: Iterable[Item], reasons: Mapping[str, str]) -> list[SampledItem]:
    """Items of the enterprises or payments that the auditor names, with the reason for each.

    Raises:
        SamplingFault: where one is named that is not there, or without a reason.
    """
    chosen, missing = [], set(reasons)
    for item in items:
        for name in (item.payment, item.code):
            if name in reasons:
                chosen.append(SampledItem(item, reasons[name]))
                missing.discard(name)
                break
    bare = sorted(name for name, reason in reasons.items() if not reason.strip())
    if missing or bare:
        names = ", ".join(sorted(missing) or bare)
        raise SamplingFault(f"没有或没有写明理由：{names} · not there, or without a reason: {names}")
    return chosen


def project_errors(
    errors: Sequence[FoundError], interval_fen: int, tolerable_fen: int, confidence: int
) -> Projection:
    """What errors found in a sample of monetary units say of the population.

    Overstatements of items below the interval are projected by their tainting and widened by the
    factors, the largest first; those of items of an interval or more are known, and only added.
    """
    known = sum(max(each.book_fen - each.audited_fen, 0) for each in errors if each.book_fen >= interval_fen)
    below = [each for each in errors if 0 < each.book_fen < interval_fen]
    taintings = sorted(
        (
            Fraction(each.book_fen - each.audited_fen, each.book_fen)
            for each in below
            if each.book_fen > each.audited_fen
        ),
        reverse=True,
    )
    upper = factor_of(confidence, 0) * interval_fen + known
    for place, tainting in enumerate(taintings, start=1):
        step = factor_of(confidence, place) - factor_of(confidence, place - 1)
        upper += tainting * step * interval_fen
    under = sum(
        (
            Fraction(each.audited_fen - each.book_fen, each.book_fen)
            for each in below
            if each.audited_fen > each.book_fen
        ),
        Fraction(0),
    )
    under_known = sum(
        max(each.audited_fen - each.book_fen, 0) for each in errors if each.book_fen >= interval_fen
    )
    return Projection(
        known,
        _round_up(sum(taintings, Fraction(0)) * interval_fen + known),
        _round_up(upper),
        _round_up(under * interval_fen + under_known),
        upper <= tolerable_fen,
    )


def _round_up(number: Fraction) -> int:
    return -int(-number // 1)
