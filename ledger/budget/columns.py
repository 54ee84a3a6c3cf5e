"""Awards as columns: what sharing a budget needs to know of a million of them, in tens of megabytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from itertools import islice

import numpy as np

from domain.money.amounts import Apportionment
from domain.money.apportioning import Column, Cut, cut_of, exact_sum, shares
from domain.money.dividing import Division, in_turn
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, basis, shares_budget

Group = tuple[int, str]
"""(award year, measure)."""


class Columns:
    """The awards that share a budget, in order of their keys; of the others, their sums."""

    def __init__(self, lines: Iterable[Line], book: Rulebook) -> None:
        """Read the awards, in one pass.

        Raises:
            ValueError: where they are not in order of their keys, which decides between equal remainders.
        """
        self.book, self.lines = book, lines
        self.inside: dict[Group, int | None] = {}
        """The number of each group that shares the budget; ``None`` for one that does not."""
        self.outside: dict[Group, int] = {}
        self.withheld: dict[Group, int] = {}
        """What highest-only takes off, in fen, of each group that is reduced first; known once divided."""
        self.pots: dict[str, int] = {}
        """The number of each pot that awards share."""
        self._shared, self._withheld, self._group = array("q"), array("q"), array("H")
        self._pot = array("H")
        last: tuple[object, ...] = ()
        divides = book.divides
        for line in lines:
            if line[:3] <= last:
                raise ValueError(f"{line.key} does not come after {last}")
            last = line[:3]
            number = self._number(line)
            if number is None:
                group = (line.year, line.measure)
                self.outside[group] = self.outside.get(group, 0) + line.gross - line.withheld
                continue
            self._shared.append(basis(book.of_year(line.year), line.gross, line.withheld))
            self._withheld.append(line.withheld)
            self._group.append(number)
            if divides:
                self._pot.append(self.pots.setdefault(line.pot, len(self.pots)))
        if not divides:
            self.pots[""] = 0

    def _number(self, line: Line) -> int | None:
        group = (line.year, line.measure)
        if group not in self.inside:
            shared = shares_budget(self.book.of_year(line.year), line.measure)
            self.inside[group] = len(self.inside) if shared else None
        return self.inside[group]

    @property
    def shared(self) -> Column:
        """What of each award is reduced, in fen."""
        return np.asarray(self._shared)

    def divide(
        self, amounts: Mapping[str, int], pots: Iterable[str]
    ) -> tuple[Division, dict[Group, int], dict[str, int]]:
        """How budgets are divided, the fen payable by year and measure, and by pot.

        Args:
            amounts: fen by named budget.
            pots: the policy's pots, also those that no award shares.
        """
        paid = self.shared.copy()

        def cut(pot: str, budget: int) -> Apportionment:
            places = self._places_of(pot)
            shared = self.shared[places]
            cut_point = cut_of(shared, budget)
            paid[places] = shares(shared, budget, cut_point)
            return Apportionment(budget, cut_point.total, cut_point.remainder, self._key_at(cut_point, pot))

        division = in_turn([*pots, *self.pots], amounts, cut)
        by_group = self._payable(paid)
        return division, by_group, {pot: exact_sum(paid[self._places_of(pot)]) for pot in division.pots}

    def _places_of(self, pot: str) -> Column:
        """The places of a pot's awards."""
        if not self.book.divides:
            return slice(None)
        return np.asarray(self._pot) == self.pots.get(pot, -1)

    def _key_at(self, cut: Cut, pot: str) -> tuple[str, ...]:
        """The key of the award at the cut: the awards are gone through again up to it."""
        if cut.place < 0:
            return ()
        inside = (line for line in self.lines if self._number(line) is not None and line.pot == pot)
        return next(islice(inside, cut.place, None)).key

    def _payable(self, paid: Column) -> dict[Group, int]:
        """Fen by year and measure; ``paid`` becomes what is left of each share after highest-only."""
        groups, withheld = np.asarray(self._group), np.asarray(self._withheld)
        payable = dict(self.outside)
        for group, number in self.inside.items():
            if number is None:
                continue
            places = groups == number
            share = paid[places]
            if self.book.of_year(group[0]).pro_rata == "standards-first":
                # Highest-only then takes off at most what is left of the standard.
                deduction = np.minimum(share, withheld[places])
                self.withheld[group] = exact_sum(deduction)
                share = share - deduction
                paid[places] = share
            payable[group] = exact_sum(share)
        return payable
