"""What a year has to divide, and how: held against what the bundle's head and the closing say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.events.content import json_values
from domain.events.settlements import BudgetPart
from domain.money.amounts import print_fen
from domain.money.dividing import Division, budget_period
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import moved_of
from services.verify.reading import Broken, Verdict
from services.verify.streams.procedure import Closing

FIGURE_MAX = 160
"""Most characters of a figure in a fault."""


class BudgetSetting(NamedTuple):
    """A budget as somebody set it, at a position of the log."""

    position: int
    period: str
    amount_fen: int


class StatedPot(NamedTuple):
    """What the bundle's head says of a pot, as yuan text: what there was to divide, what shares it."""

    budget: str
    sharing: str


@dataclass(frozen=True, slots=True)
class YearBudget:
    """A year's budget, and what the bundle says of it."""

    head: dict[str, Any]
    """The bundle's own account of itself, ``bundle.json``."""
    year: int
    known: int
    """The last position that counts for the year's list."""
    book: Rulebook
    settings: list[BudgetSetting]
    closings: Mapping[int, Closing]
    verdict: Verdict

    def amounts(self) -> dict[str, int]:
        """What there is to divide, in fen by named budget; held against the head and the closing."""
        policy = self.book.of_year(self.year)
        period = policy.period_of(self.year)
        if period != self.head["period"]:
            self.verdict.fault(f"{self.year} is not paid from the budget of {self.head['period']}")
        appropriations = dict(policy.amounts)
        names = {budget_period(period, name): name for name in appropriations}
        for setting in self.settings:
            if setting.period in names and setting.position <= self.known:
                appropriations[names[setting.period]] = setting.amount_fen
        closed = {year: each.content for year, each in self.closings.items() if each.position <= self.known}
        moved = moved_of(self.book, self.year, closed)
        parts = [BudgetPart(name, fen, *moved.get(name, (0, 0))) for name, fen in appropriations.items()]
        amounts = {part.name: part.appropriation_fen + part.carried_fen - part.spent_fen for part in parts}
        budget = sum(amounts.values())
        if print_fen(budget) != self.head["budget"]:
            self.verdict.fault(f"the budget is {print_fen(budget)}, the ledger says {self.head['budget']}")
        closing = self.closings.get(self.year)
        divided = policy.divides or (closing is not None and closing.content.pots)
        figures = {
            "appropriation_fen": sum(part.appropriation_fen for part in parts),
            "carried_fen": sum(part.carried_fen for part in parts),
            "spent_fen": sum(part.spent_fen for part in parts),
            "budget_fen": budget,
            "budgets": parts if divided else [],
        }
        self.compare_closing(figures)
        return amounts

    def compare_closing(self, figures: dict[str, Any]) -> None:
        """Hold figures that were worked out against the year's closing and its proposal."""
        closing = self.closings.get(self.year)
        if closing is None:
            return
        for name, content in (("closing", closing.content), ("proposal", closing.proposal)):
            stated = content.values_by_name() if content is not None else {}
            for difference in differing_figures(figures, stated):
                fault = f"{difference.figure} is {difference.computed}, the {name} says {difference.stated}"
                self.verdict.fault_at(closing.position, fault)

    def compare_head(self, shares: Division) -> None:
        """Hold factors and sums against what the bundle says of them."""
        factor, sharing = shares.factor, shares.total
        if f"{factor.numerator}/{factor.denominator}" != self.head["factor"]:
            self.verdict.fault(f"the factor is {factor}, the ledger says {self.head['factor']}")
        if print_fen(sharing) != self.head["sharing"]:
            self.verdict.fault(
                f"{print_fen(sharing)} share the budget, the ledger says {self.head['sharing']}"
            )
        pots = self.stated_pots()
        for pot, stated in pots.items():
            computed = StatedPot(
                print_fen(shares.apportionment_of(pot).budget), print_fen(shares.apportionment_of(pot).total)
            )
            if stated != computed:
                self.verdict.fault(f"{pot}: {' of '.join(computed)}, the ledger says {' of '.join(stated)}")
        if pots.keys() != (shares.pots.keys() if shares.has_pots else set()):
            self.verdict.fault(f"the pots are {', '.join(shares.pots)}, the ledger names others")

    def stated_pots(self) -> dict[str, StatedPot]:
        """The pots as the bundle's head has them; none where there is only one."""
        pots: dict[str, StatedPot] = {}
        rows = self.head.get("pots", [])
        for row in rows if isinstance(rows, list) else [rows]:
            if not isinstance(row, list) or len(row) != 3 or not all(isinstance(part, str) for part in row):
                raise Broken("bundle.json: pots: not [pot, budget, sharing] as text")
            pots[row[0]] = StatedPot(*row[1:])
        return pots


class FigureDifference(NamedTuple):
    """A figure that is not what it should be, in words."""

    figure: str
    computed: str
    stated: str


def differing_figures(computed: dict[str, Any], stated: dict[str, Any]) -> list[FigureDifference]:
    """Figures that were worked out otherwise than an event states them, of those that it states."""
    differences = []
    for name, value in json_values(computed).items():
        if name in stated and stated[name] != value:
            differences.append(FigureDifference(name, *_apart(value, stated[name])))
    return differences


def _apart(computed: Any, stated: Any) -> tuple[str, str]:
    """Two figures in words; of two lists, what the other one has not."""
    if isinstance(computed, list) and isinstance(stated, list):
        computed, stated = (
            [row for row in computed if row not in stated],
            [row for row in stated if row not in computed],
        )
    return str(computed)[:FIGURE_MAX], str(stated)[:FIGURE_MAX]
