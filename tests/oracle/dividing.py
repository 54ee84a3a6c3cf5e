"""A year's money divided as the policy's words say it, in a few lines that share no code with the ledger.

Everything is a ``Fraction``; nothing is clever. An award is (who, measure, town, fen).
"""

from __future__ import annotations

from fractions import Fraction

Award = tuple[str, str, str, int]
Named = dict[str, tuple[int, frozenset[str], frozenset[str], bool]]
"""A budget's amount, its towns, its measures, and whether it takes the rest."""


def paid(awards: list[Award], budgets: Named, groups: list[frozenset[str]]) -> dict[tuple[str, str], int]:
    """Fen paid to whom for which measure."""
    found: dict[tuple[str, str], int] = {}
    for name, (amount, *_) in budgets.items():
        mine = [award for award in awards if _budget_of(award, budgets) == name]
        left = amount
        for group in groups or [frozenset(award[1] for award in mine)]:
            these = [award for award in mine if award[1] in group]
            wanted = sum(fen for *_, fen in these)
            found |= _in_proportion(these, max(left, 0)) if wanted > left else _whole(these)
            left -= wanted
    return found


def _budget_of(award: Award, budgets: Named) -> str:
    _, measure, town, _ = award
    for name, (_, towns, measures, _) in budgets.items():
        if town in towns or measure in measures:
            return name
    return next(name for name, (*_, rest) in budgets.items() if rest)


def _whole(awards: list[Award]) -> dict[tuple[str, str], int]:
    return {(who, measure): fen for who, measure, _, fen in awards}


def _in_proportion(awards: list[Award], budget: int) -> dict[tuple[str, str], int]:
    wanted = sum(fen for *_, fen in awards)
    exact = {(who, measure): Fraction(fen * budget, wanted) for who, measure, _, fen in awards}
    found = {key: int(value) for key, value in exact.items()}
    spare = budget - sum(found.values())
    for key in sorted(exact, key=lambda key: (found[key] - exact[key], key))[:spare]:
        found[key] += 1
    return found
