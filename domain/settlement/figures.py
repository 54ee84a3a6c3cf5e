"""A division as proposals and closings name it, and what closed years bring into another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from domain.events.settlements import PotShare, SettlementClosed
from domain.money.amounts import Apportionment
from domain.money.dividing import Division, budget_id
from domain.policy.rulebook import Rulebook


class Shares(Protocol):
    """What decides every payment of a division: a proposal's figures, or a closing's."""

    @property
    def budget_fen(self) -> int:
        """What there is to divide."""

    @property
    def sharing_fen(self) -> int:
        """What shares it."""

    @property
    def cut_remainder(self) -> str:
        """The last remainder that still gets a fen, in the only pot."""

    @property
    def cut_key(self) -> tuple[str, ...]:
        """Its key."""

    @property
    def pots(self) -> tuple[PotShare, ...]:
        """The pots, where there are several."""


def division_of(shares: Shares) -> Division:
    """The division that a proposal or closing names; it decides every payment."""
    only = PotShare("", shares.budget_fen, shares.sharing_fen, 0, shares.cut_remainder, shares.cut_key)
    return Division(
        shares.budget_fen,
        {
            share.pot: Apportionment(
                share.budget_fen, share.sharing_fen, int(share.cut_remainder), share.cut_key
            )
            for share in shares.pots or (only,)
        },
    )


class DivisionFigures(NamedTuple):
    """A division as a proposal names it, in fen."""

    budget_fen: int
    sharing_fen: int
    cut_remainder: str
    cut_key: tuple[str, ...]
    pots: tuple[PotShare, ...]


def figures_of(shares: Division, payable: Mapping[str, int]) -> DivisionFigures:
    """A division as a proposal names it; ``payable`` is what each pot pays, in fen."""
    alone = Apportionment(0, 0) if shares.has_pots else shares.apportionment_of("")
    pots = [
        PotShare(pot, part.budget, part.total, payable.get(pot, 0), str(part.cut_remainder), part.cut_key)
        for pot, part in sorted(shares.pots.items())
    ]
    return DivisionFigures(
        shares.budget,
        shares.total,
        str(alone.cut_remainder),
        alone.cut_key,
        tuple(pots) if shares.has_pots else (),
    )


class BudgetMove(NamedTuple):
    """What closed years bring into a named budget, and what they took of it, in fen."""

    carried_fen: int = 0
    spent_fen: int = 0


def moved_of(book: Rulebook, year: int, closed: Mapping[int, SettlementClosed]) -> dict[str, BudgetMove]:
    """What closed years move in each named budget of a year; ``closed`` are the closings by year."""
    if book.period_of(year) == "life":
        spent: dict[str, int] = {}
        own_closing = closed.get(year)
        for closed_year, closing in closed.items():
            # Years that were closed later took nothing of this one's.
            is_earlier = own_closing is None or closing.known < own_closing.known
            if closed_year != year and is_earlier and book.period_of(closed_year) == "life":
                for name, budget in _budgets_of(closing).items():
                    spent[name] = spent.get(name, 0) + budget.paid_fen
        return {name: BudgetMove(spent_fen=fen) for name, fen in spent.items()}
    before = closed.get(year - 1)
    if before is None or book.of_year(year).procedure.unspent != "next-year":
        return {}
    return {
        name: BudgetMove(carried_fen=budget.available_fen - budget.paid_fen)
        for name, budget in _budgets_of(before).items()
    }


class _ClosedBudget(NamedTuple):
    available_fen: int
    paid_fen: int


def _budgets_of(closing: SettlementClosed) -> dict[str, _ClosedBudget]:
    """What there was of each named budget of a closed year, and what was paid of it."""
    if not closing.pots:
        return {"": _ClosedBudget(closing.budget_fen, closing.payable_fen - closing.outside_fen)}
    paid: dict[str, int] = {}
    for share in closing.pots:
        name = budget_id(share.pot)
        paid[name] = paid.get(name, 0) + share.payable_fen
    return {
        part.name: _ClosedBudget(
            part.appropriation_fen + part.carried_fen - part.spent_fen, paid.get(part.name, 0)
        )
        for part in closing.budgets
    }
