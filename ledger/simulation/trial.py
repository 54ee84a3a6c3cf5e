"""A policy file tried on recorded facts, as if it had been adopted; nothing is written down.

Both sides are worked out anew from the same facts: the versions that the ledger holds, and those
with the file in place of its own version, or beside them. A closed year is tried like any other,
and what it paid stands whatever a trial says; other closed years stay as they were closed, with
what they took of the budget and what they bring in.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from domain.money.apportioning import Column, exact_sum
from domain.money.dividing import Division
from domain.policy.load import load_policy
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from ledger.budget.pools import brought_in
from ledger.policies.versions import budget_of, rulebooks
from ledger.projections.closings import closings
from ledger.simulation.city import CityColumns, city_columns, divided
from ledger.simulation.effects import (
    MeasureEffect,
    Move,
    TownEffect,
    YearState,
    count_changes,
    find_extremes,
    state_of,
    title_in,
)
from ledger.store.application import Ledger
from ledger.store.rows import Rows

YEARS = range(2000, 2101)
"""Award years that there can be."""


class _Side(NamedTuple):
    """A year under one rulebook, in fen."""

    fen: Column
    """What each enterprise of the city is paid, by rank."""
    measures: dict[str, int]
    budget: int
    shares: Division


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A year as the ledger's rules have it, the year under a policy file, and who gains and loses."""

    policy: str
    version: int
    replaces: bool
    """Whether the file stands in place of a version that the ledger holds."""
    governs: bool
    """Whether the year would be governed by the file."""
    year: int
    currency: str
    position: int
    before: YearState
    after: YearState
    gaining: int
    losing: int
    measures: tuple[MeasureEffect, ...]
    towns: tuple[TownEffect, ...]
    winners: tuple[Move, ...]
    losers: tuple[Move, ...]


def try_policy(ledger: Ledger, rows: Rows, text: str, year: int, limit: int = 20) -> Trial:
    """Compare a year as the ledger's rules have it with the year under a policy file.

    Args:
        text: the file, as it would be adopted.
        limit: how many of the largest winners and losers to name.

    Raises:
        PolicyError: where the file cannot be used.
    """
    policy = load_policy(text)
    now = rulebooks(rows).get(policy.id)
    then = Rulebook([*_other_versions(now, policy), policy])
    city = city_columns(ledger, rows)
    before, after = _side(rows, city, now, year), _side(rows, city, then, year)
    counts = count_changes(before.fen, after.fen)
    winners, losers = find_extremes(city.code, before.fen, after.fen, limit)
    return Trial(
        policy=policy.id,
        version=policy.version,
        replaces=bool(now and any(version.version == policy.version for version in now.versions)),
        governs=then.of_year(year).digest == policy.digest,
        year=year,
        currency=policy.currency,
        position=rows.last_position(),
        before=state_of(before.budget, before.shares, before.fen),
        after=state_of(after.budget, after.shares, after.fen),
        gaining=counts.gaining,
        losing=counts.losing,
        measures=tuple(
            MeasureEffect(
                measure=measure,
                title=title_in(measure, then, now),
                before_fen=before.measures.get(measure, 0),
                after_fen=after.measures.get(measure, 0),
            )
            for measure in sorted(before.measures.keys() | after.measures.keys())
        ),
        towns=_by_town(rows, before, after),
        winners=winners,
        losers=losers,
    )


def _other_versions(now: Rulebook | None, policy: Policy) -> list[Policy]:
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


def _by_town(rows: Rows, before: _Side, after: _Side) -> tuple[TownEffect, ...]:
    """What each town's enterprises are paid together."""
    sums: dict[str, list[int]] = {}
    sql = "SELECT code, town FROM enterprises ORDER BY code"
    for rank, (_, town) in enumerate(rows.stream(sql)):
        if before.fen[rank] or after.fen[rank]:
            both = sums.setdefault(town, [0, 0])
            both[0] += int(before.fen[rank])
            both[1] += int(after.fen[rank])
    return tuple(
        TownEffect(town=town, before_fen=was, after_fen=now) for town, (was, now) in sorted(sums.items())
    )
