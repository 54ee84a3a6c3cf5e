"""From awards to payments: which amounts share a budget, and what each is reduced to."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from domain.money import Apportionment, apportion
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook


class Line(NamedTuple):
    """One award: fen before and withheld by highest-only."""

    code: str
    measure: str
    year: int
    gross: int
    withheld: int

    @property
    def key(self) -> tuple[str, ...]:
        """Order in which equal remainders get the spare fen: code, then measure, then year."""
        return (self.code, self.measure, f"{self.year:04d}")


class Payable(NamedTuple):
    """What is paid of one award, in fen: gross = withheld + reduction + payable."""

    gross: int
    withheld: int
    reduction: int
    payable: int


def shares_budget(policy: Policy, measure: str) -> bool:
    """Whether a measure is paid from this policy's budget (reading ``talent-funds``)."""
    found = policy.measures.get(measure)
    return found is None or found.funds == "inside"


def basis(policy: Policy, gross: int, withheld: int) -> int:
    """What of an award is reduced (reading ``pro-rata``), in fen."""
    return gross if policy.pro_rata == "standards-first" else gross - withheld


def factor(budget: int, total: int) -> Fraction:
    """min(1, budget / total), exactly."""
    return Fraction(1) if total <= budget else Fraction(budget, total)


def apportionment(lines: Iterable[Line], book: Rulebook, budget: int) -> Apportionment:
    """Divide a budget over the awards that share it, by largest remainder."""
    shared = (
        (line.key, basis(policy, line.gross, line.withheld))
        for line in lines
        if shares_budget(policy := book.of_year(line.year), line.measure)
    )
    return apportion([(key, fen) for key, fen in shared if fen], budget)


def payable_of(line: Line, book: Rulebook, shares: Apportionment) -> Payable:
    """What one award is paid once its budget is apportioned.

    Where the standards are reduced first, highest-only then takes off at most what is left.
    """
    policy = book.of_year(line.year)
    eligible = line.gross - line.withheld
    if not shares_budget(policy, line.measure):
        return Payable(line.gross, line.withheld, 0, eligible)
    share = shares.share(basis(policy, line.gross, line.withheld), line.key)
    if policy.pro_rata == "standards-first":
        withheld = min(share, line.withheld)
        return Payable(line.gross, withheld, line.gross - share, share - withheld)
    return Payable(line.gross, line.withheld, eligible - share, share)
