"""Factors as they are told: of a year, of each of several budgets, of each class of measures."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from domain.money.amounts import yuan
from domain.money.dividing import Division, budget_id
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.rules.words import pot_words
from domain.settlement.figures import Shares, division_of
from ledger.budget.pools import Pool

Answer = dict[str, Any]


def percent(value: Fraction) -> str:
    """A factor as a percentage with four decimals, rounded down: ``62.5000 %``."""
    tenths = value.numerator * 1_000_000 // value.denominator
    return f"{tenths // 10_000}.{tenths % 10_000:04d}%"


def fraction_said(value: Fraction) -> Answer:
    """A factor exactly, and as a percentage."""
    return {"fraction": f"{value.numerator}/{value.denominator}", "percent": percent(value)}


def parts_of(book: Rulebook, found: Pool, year: int) -> Answer:
    """Each named budget and each pot with its own factor; empty where all awards share one budget."""
    names = {each.id: dict(each.name) for each in book.of_year(year).budgets}
    budgets = [
        {
            "budget": name,
            "name": names.get(name, {"zh": name, "en": name}),
            "period": each.period,
            "appropriation": yuan(each.appropriation),
            "carried": yuan(each.carried),
            "spent": yuan(each.spent),
            "available": yuan(each.amount),
            "sharing": yuan(found.sharing(name)),
            "payable": yuan(sum(fen for pot, fen in found.paid.items() if budget_id(pot) == name)),
        }
        for name, each in found.budget.parts
    ]
    governing = book.of_year(year)
    pots = pots_of(governing, found.shares, found.paid)
    for each in pots:
        each["measures"] = governing.measures_of(each["pot"])
    return {"budgets": budgets, "pots": pots}


def pots_of(policy: Policy, shares: Division, paid: dict[str, int]) -> list[Answer]:
    """What each of several pots had, what shared it, its factor, and what it pays; of one, nothing."""
    return [
        {
            "pot": pot,
            "budget": budget_id(pot),
            "name": pot_words(policy, pot),
            "available": yuan(each.budget),
            "sharing": yuan(each.total),
            "factor": fraction_said(shares.factor_of(pot)),
            "payable": yuan(paid.get(pot, 0)),
        }
        for pot, each in shares.pots.items()
        if shares.several
    ]


def pots_said(policy: Policy, said: Shares) -> list[Answer]:
    """The pots of a proposal or closing."""
    return pots_of(policy, division_of(said), {share.pot: share.payable_fen for share in said.pots})
