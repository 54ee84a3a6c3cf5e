"""What other rules, or another budget, would do: typed answers in fen, for what-ifs, trials and reforms."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import msgspec

from domain.money.apportioning import Column, exact_sum
from domain.money.dividing import Division
from domain.policy.model import Words
from domain.policy.rulebook import Rulebook


class YearState(msgspec.Struct, frozen=True, kw_only=True):
    """A year's payments under one set of rules."""

    appropriation_fen: int
    sharing_fen: int
    factor: Fraction
    payable_fen: int
    enterprises: int


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for one enterprise."""

    enterprise: str
    before_fen: int
    after_fen: int
    difference_fen: int


class MeasureEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for one measure; how many gain and lose, where that is counted."""

    measure: str
    title: Words
    before_fen: int
    after_fen: int
    gaining: int | None = None
    losing: int | None = None
    unchanged: int | None = None


class TownEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for the enterprises of a town; ``""`` where none is registered."""

    town: str
    before_fen: int
    after_fen: int
    gaining: int | None = None
    losing: int | None = None
    unchanged: int | None = None


class SizeEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for the enterprises of a size; ``""`` where none is registered."""

    size: str
    before_fen: int
    after_fen: int
    gaining: int
    losing: int
    unchanged: int


Effect = MeasureEffect | TownEffect | SizeEffect | Move
"""Whatever has a sum before and a sum after."""


class Extremes(NamedTuple):
    """Who gains most, the most first, and who loses most."""

    winners: tuple[Move, ...]
    losers: tuple[Move, ...]


def find_extremes(code_of: Callable[[int], str], before: Column, after: Column, limit: int) -> Extremes:
    """The largest winners and losers, at most ``limit`` of each; of equal moves by credit code.

    Args:
        code_of: the credit code of a rank.
        before, after: fen by rank.
    """
    moves = after - before
    moved = moves.nonzero()[0]
    order = moved[(-moves[moved]).argsort(kind="stable")]

    def move(rank: int) -> Move:
        was, now = int(before[rank]), int(after[rank])
        return Move(enterprise=code_of(rank), before_fen=was, after_fen=now, difference_fen=now - was)

    return Extremes(
        tuple(move(rank) for rank in order[:limit].tolist() if moves[rank] > 0),
        tuple(move(rank) for rank in order[::-1][:limit].tolist() if moves[rank] < 0),
    )


def title_in(measure: str, *books: Rulebook | None) -> Words:
    """A measure's title in the first rulebook that has it, as its last version calls it."""
    for book in books:
        for version in reversed(book.versions if book else []):
            if measure in version.measures:
                return dict(version.measures[measure].title)
    return {"zh": measure, "en": measure}


class Counts(NamedTuple):
    """How many are paid more, less, and the same (other than nothing both times)."""

    gaining: int
    losing: int
    unchanged: int


def count_changes(before: Column, after: Column) -> Counts:
    """How many gain and lose between two columns of fen."""
    paid = (before != 0) | (after != 0)
    same = int((paid & (after == before)).sum())
    return Counts(int((after > before).sum()), int((after < before).sum()), same)


def state_of(appropriation: int, shares: Division, fen: Column) -> YearState:
    """A year's payments: what each enterprise is paid, by rank, out of a division."""
    return YearState(
        appropriation_fen=appropriation,
        sharing_fen=shares.total,
        factor=shares.factor,
        payable_fen=exact_sum(fen),
        enterprises=int((fen != 0).sum()),
    )
