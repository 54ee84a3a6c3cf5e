"""How a year's money is divided: into named budgets, each of them in turn by groups of measures.

A *pot* is what is divided at once, by largest remainder. Every award belongs to one pot:

    ``""``         the policy has one budget, and all awards share it
    ``"east"``     the named budget ``east``
    ``"/2"``       the second group of measures that one budget pays
    ``"east/2"``   the second group of measures that the budget ``east`` pays

The groups of a budget are paid in their order: each divides what the awards of those before it
leave, so the first that does not fit is reduced pro rata, and the later ones get nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.money.amounts import Apportionment

GROUP = "/"
GROUPS_MAX = 9
"""Most groups of measures, so that pots in order of their names are in order of payment."""


def budget_id(pot: str) -> str:
    """The named budget that a pot belongs to; ``""`` for a policy's only one."""
    return pot.partition(GROUP)[0]


def budget_period(period: str, budget: str) -> str:
    """What a named budget of a period is called: ``2026.east``; the only one is called ``2026``."""
    return f"{period}.{budget}" if budget else period


def factor(budget: int, total: int) -> Fraction:
    """min(1, budget / total), exactly."""
    return Fraction(1) if total <= budget else Fraction(budget, total)


@dataclass(frozen=True, slots=True)
class Division:
    """What decides every payment out of a year's money, in fen: an apportionment a pot."""

    budget: int
    """What there is to divide altogether."""
    pots: Mapping[str, Apportionment]

    @property
    def total(self) -> int:
        """What shares the money, before any reduction."""
        return sum(each.total for each in self.pots.values())

    @property
    def has_pots(self) -> bool:
        """Whether there are pots with names, so that each has to be told by itself."""
        return not self.pots.keys() <= {""}

    @property
    def reduces(self) -> bool:
        """Whether some award is reduced."""
        return any(each.reduces for each in self.pots.values())

    @property
    def factor(self) -> Fraction:
        """The share that is paid of everything; of a single pot, that of each award."""
        total = self.total
        paid = sum(min(each.budget, each.total) for each in self.pots.values())
        return Fraction(paid, total) if total else Fraction(1)

    def apportionment_of(self, pot: str) -> Apportionment:
        """The apportionment of a pot; of one that no award shares, nothing is reduced."""
        return self.pots.get(pot) or Apportionment(0, 0)

    def factor_of(self, pot: str) -> Fraction:
        """The share that is paid of each award of a pot."""
        shares = self.apportionment_of(pot)
        return factor(shares.budget, shares.total)

    def share(self, amount: int, key: tuple[str, ...], pot: str = "") -> int:
        """The fen paid for ``amount`` out of a pot; ``key`` breaks ties between equal remainders."""
        return self.apportionment_of(pot).share(amount, key)


def in_turn(
    pots: Iterable[str], amounts: Mapping[str, int], cut: Callable[[str, int], Apportionment]
) -> Division:
    """Divide named budgets over pots, each group of a budget after those before it.

    Args:
        pots: every pot, in any order.
        amounts: fen by named budget; one that is not named there has nothing to give.
        cut: the apportionment of so many fen over the awards of a pot.
    """
    left, apportionments = dict(amounts), dict[str, Apportionment]()
    for pot in sorted(set(pots)):
        of = budget_id(pot)
        apportionments[pot] = cut(pot, max(left.get(of, 0), 0))
        left[of] = left.get(of, 0) - apportionments[pot].total
    return Division(sum(amounts.values()), apportionments)
