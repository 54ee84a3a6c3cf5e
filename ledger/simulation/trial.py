"""A policy file tried on recorded facts, as if it had been adopted; nothing is written down.

Both sides are worked out anew from the same facts: the versions that the ledger holds, and those
with the file in place of its own version, or beside them. A closed year is tried like any other,
and what it paid stands whatever a trial says; other closed years stay as they were closed, with
what they took of the budget and what they bring in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from domain.money.amounts import yuan
from domain.money.apportioning import Column, exact_sum
from domain.money.dividing import Division
from domain.money.wire import currency_form, print_percent
from domain.policy.load import load_policy
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from ledger.budget.pools import brought_in
from ledger.policies.versions import budget_of, rulebooks
from ledger.projections.closings import closings
from ledger.simulation.city import CityColumns, city_columns, divided
from ledger.store.application import Ledger
from ledger.store.rows import Rows

Answer = dict[str, Any]
YEARS = range(2000, 2101)
"""Award years that there can be."""


class _Side(NamedTuple):
    """A year under one rulebook, in fen."""

    fen: Column
    """What each enterprise of the city is paid, by rank."""
    measures: dict[str, int]
    budget: int
    shares: Division


def trial(ledger: Ledger, rows: Rows, text: str, year: int, limit: int = 20) -> Answer:
    """Compare a year as the ledger's rules have it with the year under a policy file.

    Args:
        text: the file, as it would be adopted.
        limit: how many of the largest winners and losers to name.

    Raises:
        PolicyError: where the file cannot be used.
    """
    policy = load_policy(text)
    now = rulebooks(rows).get(policy.id)
    then = Rulebook([*(each for each in _others(now, policy)), policy])
    city = city_columns(ledger, rows)
    before, after = _side(rows, city, now, year), _side(rows, city, then, year)
    moves = after.fen - before.fen
    order = np.argsort(-moves, kind="stable")
    return {
        "policy": policy.id,
        "version": policy.version,
        "replaces": bool(now and any(each.version == policy.version for each in now.versions)),
        "governs": then.of_year(year).digest == policy.digest,
        "year": year,
        **currency_form(policy.currency),
        "position": rows.last_position(),
        "before": _state(before),
        "after": _state(after),
        "gaining": int((moves > 0).sum()),
        "losing": int((moves < 0).sum()),
        "measures": [
            {
                "measure": measure,
                "title": _title(measure, then, now),
                "before": yuan(before.measures.get(measure, 0)),
                "after": yuan(after.measures.get(measure, 0)),
            }
            for measure in sorted(before.measures.keys() | after.measures.keys())
        ],
        "towns": _by_town(rows, city, before, after),
        "winners": [_move(city, at, before, after) for at in order[:limit].tolist() if moves[at] > 0],
        "losers": [_move(city, at, before, after) for at in order[::-1][:limit].tolist() if moves[at] < 0],
    }


def _others(now: Rulebook | None, policy: Policy) -> list[Policy]:
    return [each for each in now.versions if each.version != policy.version] if now else []


def _side(rows: Rows, city: CityColumns, book: Rulebook | None, year: int) -> _Side:
    fen = np.zeros(len(city.codes), np.int64)
    if book is None:
        return _Side(fen, {}, 0, Division(0, {}))
    period, closed = book.period_of(year), closings(rows, book.id)
    years = [each for each in YEARS if book.period_of(each) == period and each not in closed]
    years = [year] if year in closed else years
    awards = city.awards(rows, book, years, brought_in(rows, book, year))
    budget = budget_of(rows, book, year)
    paid, shares, inside = divided(awards, book, budget.amounts, city.towns(rows, book))
    if inside > budget.amount:
        raise ArithmeticError(f"{inside} fen payable out of {budget.amount}")
    np.add.at(fen, awards.ranks, paid)
    measures: dict[str, int] = {}
    for number, (_, measure) in enumerate(awards.of):
        measures[measure] = measures.get(measure, 0) + exact_sum(paid[awards.groups == number])
    return _Side(fen, measures, budget.amount, shares)


def _state(side: _Side) -> Answer:
    value = side.shares.factor
    return {
        "appropriation": yuan(side.budget),
        "sharing": yuan(side.shares.total),
        "factor": {"fraction": f"{value.numerator}/{value.denominator}", "percent": print_percent(value)},
        "payable": yuan(exact_sum(side.fen)),
        "enterprises": int((side.fen != 0).sum()),
    }


def _title(measure: str, *books: Rulebook | None) -> dict[str, str]:
    for book in books:
        for version in reversed(book.versions if book else []):
            if measure in version.measures:
                return version.measures[measure].title
    return {"zh": measure, "en": measure}


def _by_town(rows: Rows, city: CityColumns, before: _Side, after: _Side) -> list[Answer]:
    """What each town's enterprises are paid together; '' where no town is known."""
    sums: dict[str, list[int]] = {}
    sql = "SELECT code, town FROM enterprises ORDER BY code"
    for rank, (_, town) in enumerate(rows.stream(sql)):
        if before.fen[rank] or after.fen[rank]:
            both = sums.setdefault(town, [0, 0])
            both[0] += int(before.fen[rank])
            both[1] += int(after.fen[rank])
    return [
        {"town": town, "before": yuan(was), "after": yuan(now)} for town, (was, now) in sorted(sums.items())
    ]


def _move(city: CityColumns, at: int, before: _Side, after: _Side) -> Answer:
    was, now = int(before.fen[at]), int(after.fen[at])
    return {
        "enterprise": city.code(at),
        "before": yuan(was),
        "after": yuan(now),
        "difference": yuan(now - was),
    }
