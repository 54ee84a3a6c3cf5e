"""Awards as columns: what sharing a budget needs to know of a million of them, in tens of megabytes."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

from domain.apportioning import Column, Cut, cut_of, exact_sum, shares
from domain.money import Apportionment
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, basis, shares_budget

Group = tuple[int, str]
"""(award year, measure)."""


class Again:
    """Awards that can be gone through more than once without being held: read anew each time."""

    def __init__(self, read: Callable[[], Iterator[Line]]) -> None:
        self.read = read

    def __iter__(self) -> Iterator[Line]:
        return self.read()


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
        self._shared, self._withheld, self._group = array("q"), array("q"), array("H")
        last: tuple[object, ...] = ()
        for line in lines:
            if line[:3] <= last:
                raise ValueError(f"{line.key} does not come after {last}")
            last = line[:3]
            number = self._number(line)
            if number is None:
                of = (line.year, line.measure)
                self.outside[of] = self.outside.get(of, 0) + line.gross - line.withheld
                continue
            self._shared.append(basis(book.of_year(line.year), line.gross, line.withheld))
            self._withheld.append(line.withheld)
            self._group.append(number)

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

    def divide(self, budget: int) -> tuple[Apportionment, dict[Group, int]]:
        """How a budget is divided, and the fen payable by year and measure."""
        cut = cut_of(self.shared, budget)
        found = Apportionment(budget, cut.total, cut.remainder, self._key_at(cut))
        return found, self._payable(shares(self.shared, budget, cut))

    def _key_at(self, cut: Cut) -> tuple[str, ...]:
        """The key of the award at the cut: the awards are gone through again up to it."""
        if cut.place < 0:
            return ()
        inside = (line for line in self.lines if self._number(line) is not None)
        return next(islice(inside, cut.place, None)).key

    def _payable(self, paid: Column) -> dict[Group, int]:
        groups, withheld = np.asarray(self._group), np.asarray(self._withheld)
        found = dict(self.outside)
        for of, number in self.inside.items():
            if number is None:
                continue
            mine = groups == number
            share = paid[mine]
            if self.book.of_year(of[0]).pro_rata == "standards-first":
                # Highest-only then takes off at most what is left of the standard.
                share = share - np.minimum(share, withheld[mine])
            found[of] = exact_sum(share)
        return found
