"""A period's named budgets, and the pots that they are divided into, each with its own factor."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from domain.money.dividing import Division, budget_id
from domain.policy.model import Policy, Words
from domain.policy.rulebook import Rulebook
from domain.rules.words import pot_words
from domain.settlement.figures import Shares, division_of
from ledger.budget.pools import Pool


class NamedBudget(msgspec.Struct, frozen=True, kw_only=True):
    """One of several budgets of a period."""

    budget: str
    name: Words
    period: str
    """What it is set under, like ``2026.east``."""
    appropriation_fen: int
    carried_fen: int
    spent_fen: int
    available_fen: int
    sharing_fen: int
    payable_fen: int


class PotFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one of several pots has, what shares it, its factor, and what it pays."""

    pot: str
    budget: str
    """The named budget; ``""`` where there is one."""
    name: Words
    available_fen: int
    sharing_fen: int
    factor: Fraction
    payable_fen: int
    measures: tuple[str, ...] | None = None
    """The measures that it pays, where they are asked for."""


def list_budgets(book: Rulebook, year_pool: Pool, year: int) -> tuple[NamedBudget, ...]:
    """Each named budget of a year; none where the period has one."""
    names = {each.id: dict(each.name) for each in book.of_year(year).budgets}
    return tuple(
        NamedBudget(
            budget=name,
            name=names.get(name, {"zh": name, "en": name}),
            period=part.period,
            appropriation_fen=part.appropriation,
            carried_fen=part.carried,
            spent_fen=part.spent,
            available_fen=part.amount,
            sharing_fen=year_pool.sharing(name),
            payable_fen=sum(fen for pot, fen in year_pool.paid.items() if budget_id(pot) == name),
        )
        for name, part in year_pool.budget.parts
    )


def list_pots(policy: Policy, shares: Division, paid: Mapping[str, int]) -> tuple[PotFigures, ...]:
    """Each of several pots with its measures; of one, nothing. ``paid`` is fen by pot."""
    return tuple(
        msgspec.structs.replace(share, measures=tuple(policy.measures_of(share.pot)))
        for share in _list_shares(policy, shares, paid)
    )


def list_settled_pots(policy: Policy, figures: Shares) -> tuple[PotFigures, ...]:
    """The pots of a proposal or closing; of one, nothing."""
    paid = {share.pot: share.payable_fen for share in figures.pots}
    return tuple(_list_shares(policy, division_of(figures), paid))


def _list_shares(policy: Policy, shares: Division, paid: Mapping[str, int]) -> list[PotFigures]:
    return [
        PotFigures(
            pot=pot,
            budget=budget_id(pot),
            name=pot_words(policy, pot),
            available_fen=each.budget,
            sharing_fen=each.total,
            factor=shares.factor_of(pot),
            payable_fen=paid.get(pot, 0),
        )
        for pot, each in shares.pots.items()
        if shares.has_pots
    ]
