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
    alone = Apportionment(0, 0) if shares.several else shares.of("")
    pots = [
        PotShare(pot, part.budget, part.total, payable.get(pot, 0), str(part.cut_remainder), part.cut_key)
        for pot, part in sorted(shares.pots.items())
    ]
    return DivisionFigures(
        shares.budget,
        shares.total,
        str(alone.cut_remainder),
        alone.cut_key,
        tuple(pots) if shares.several else (),
    )


def moved_of(book: Rulebook, year: int, closed: Mapping[int, SettlementClosed]) -> dict[str, tuple[int, int]]:
    """(carried, spent) of each named budget: what closed years bring into a year's, and took of it, in fen.

    ``closed`` are the closings by year.
    """
    if book.period_of(year) == "life":
        spent: dict[str, int] = {}
        own_closing = closed.get(year)
        for closed_year, closing in closed.items():
            earlier = (
                own_closing is None or closing.known < own_closing.known
            )  # later ones took nothing of this one's
            if closed_year != year and earlier and book.period_of(closed_year) == "life":
                for name, (_, paid) in _paid_of(closing).items():
                    spent[name] = spent.get(name, 0) + paid
        return {name: (0, fen) for name, fen in spent.items()}
    before = closed.get(year - 1)
    if before is None or book.of_year(year).procedure.unspent != "next-year":
        return {}
    return {name: (budget - paid, 0) for name, (budget, paid) in _paid_of(before).items()}


def _paid_of(closing: SettlementClosed) -> dict[str, tuple[int, int]]:
    """(what there was, what was paid of it) of each named budget of a closed year, in fen."""
    if not closing.pots:
        return {"": (closing.budget_fen, closing.payable_fen - closing.outside_fen)}
    paid: dict[str, int] = {}
    for share in closing.pots:
        name = budget_id(share.pot)
        paid[name] = paid.get(name, 0) + share.payable_fen
    return {
        part.name: (part.appropriation_fen + part.carried_fen - part.spent_fen, paid.get(part.name, 0))
        for part in closing.budgets
    }
