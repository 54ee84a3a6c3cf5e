"""What a reform would have done over every recorded year: who gains, who loses, by measure, town and size.

Both sides are worked out anew from the same facts, each year from its own appropriation: what
closed years paid, carried over or brought in is left out, since under other rules it would have
been other. Nothing is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from domain.money.apportioning import Column
from domain.money.dividing import Division
from domain.policy.rulebook import Rulebook
from ledger.policies.versions import budget_of, rulebook_at
from ledger.projections.enterprises import every_row
from ledger.simulation.city import Awards, CityColumns, city_columns, divided
from ledger.simulation.effects import (
    Counts,
    MeasureEffect,
    Move,
    SizeEffect,
    TownEffect,
    YearState,
    count_changes,
    find_extremes,
    state_of,
    title_in,
)
from ledger.simulation.trial import YEARS
from ledger.store.application import Ledger
from ledger.store.moments import Moment
from ledger.store.rows import Rows

NOW = Moment()


class _Side(NamedTuple):
    """Every recorded award under one rulebook, with what is paid of it in fen."""

    book: Rulebook
    ranks: Column
    years: Column
    measures: list[str]
    """By award group."""
    groups: Column
    fen: Column
    budgets: dict[int, Division]


class VersionOf(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the rules."""

    version: int
    effective_from: str
    digest: str


class TotalEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes over all years together."""

    gaining: int
    losing: int
    unchanged: int
    before_fen: int
    after_fen: int


class YearEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes in one year."""

    year: int
    before: YearState
    after: YearState
    gaining: int
    losing: int
    unchanged: int


class Reform(msgspec.Struct, frozen=True, kw_only=True):
    """Every recorded year under the ledger's rules and under others: who gains and who loses."""

    policy: str
    currency: str
    rules_before: tuple[VersionOf, ...]
    rules_after: tuple[VersionOf, ...]
    position: int
    total: TotalEffect
    years: tuple[YearEffect, ...]
    measures: tuple[MeasureEffect, ...]
    towns: tuple[TownEffect, ...]
    sizes: tuple[SizeEffect, ...]
    winners: tuple[Move, ...]
    losers: tuple[Move, ...]


def simulate_reform(ledger: Ledger, rows: Rows, policy: str, at: Moment, limit: int = 20) -> Reform:
    """Compare every recorded year under the ledger's rules with the same years under others.

    Args:
        at: which others: ``rules`` (an edited file), ``rules_as_of`` (a day's), or both.
        limit: how many of the largest winners and losers to name.

    Raises:
        UnknownPolicy, NoRules, PolicyError.
    """
    other_rules = Moment(rules_as_of=at.rules_as_of, rules=at.rules)
    city = city_columns(ledger, rows)
    before = _side(rows, city, rulebook_at(rows, policy, NOW))
    after = _side(rows, city, rulebook_at(rows, policy, other_rules))
    years = sorted({*before.budgets, *after.budgets})
    was, now = _by_rank(city, before), _by_rank(city, after)
    counts = count_changes(was, now)
    towns, sizes = _profiles(rows)
    winners, losers = find_extremes(city.code, was, now, limit)
    return Reform(
        policy=policy,
        currency=after.book.latest.currency,
        rules_before=_versions(before.book),
        rules_after=_versions(after.book),
        position=rows.last_position(),
        total=TotalEffect(**counts._asdict(), before_fen=int(was.sum()), after_fen=int(now.sum())),
        years=tuple(_year(city, before, after, year) for year in years),
        measures=_by_measure(city, before, after),
        towns=tuple(
            TownEffect(town=town, before_fen=was_fen, after_fen=now_fen, **counted._asdict())
            for town, was_fen, now_fen, counted in _by_name(towns, was, now)
        ),
        sizes=tuple(
            SizeEffect(size=size, before_fen=was_fen, after_fen=now_fen, **counted._asdict())
            for size, was_fen, now_fen, counted in _by_name(sizes, was, now)
        ),
        winners=winners,
        losers=losers,
    )


def _side(rows: Rows, city: CityColumns, book: Rulebook) -> _Side:
    awards = city.awards(rows, book, list(YEARS))
    of_group = np.array([year for year, _ in awards.of], np.int64)
    years = of_group[awards.groups] if len(awards.of) else np.zeros(0, np.int64)
    fen, budgets = np.zeros(len(awards.ranks), np.int64), dict[int, Division]()
    towns = city.towns(rows, book)
    periods: dict[str, list[int]] = {}
    for year in sorted({int(each) for each in of_group}):
        periods.setdefault(book.period_of(year), []).append(year)
    for members in periods.values():
        mine = np.isin(years, members)
        budget = budget_of(rows, book, members[0])
        amounts = {name: each.appropriation for name, each in budget.parts or (("", budget),)}
        fen[mine], division, inside = divided(_only(awards, mine), book, amounts, towns)
        if inside > sum(amounts.values()):
            raise ArithmeticError(f"{inside} fen payable out of {sum(amounts.values())}")
        budgets |= dict.fromkeys(members, division)
    return _Side(book, awards.ranks, years, [m for _, m in awards.of], awards.groups, fen, budgets)


def _only(awards: Awards, mask: Column) -> Awards:
    gross, withheld = awards.gross[mask], awards.withheld[mask]
    return Awards(awards.ranks[mask], awards.groups[mask], gross, withheld, awards.of)


def _by_rank(city: CityColumns, side: _Side, mask: Column | None = None) -> Column:
    """What each enterprise is paid, by rank; of some awards only."""
    fen = np.zeros(len(city.codes), np.int64)
    chosen = slice(None) if mask is None else mask
    np.add.at(fen, side.ranks[chosen], side.fen[chosen])
    return fen


def _year(city: CityColumns, before: _Side, after: _Side, year: int) -> YearEffect:
    was = _by_rank(city, before, before.years == year)
    now = _by_rank(city, after, after.years == year)
    return YearEffect(
        year=year,
        before=_state(before, was, year),
        after=_state(after, now, year),
        **count_changes(was, now)._asdict(),
    )


def _state(side: _Side, fen: Column, year: int) -> YearState:
    division = side.budgets.get(year, Division(0, {}))
    return state_of(division.budget, division, fen)


def _by_measure(city: CityColumns, before: _Side, after: _Side) -> tuple[MeasureEffect, ...]:
    effects = []
    for measure in sorted({*before.measures, *after.measures}):
        was, now = (_by_rank(city, side, _of_measure(side, measure)) for side in (before, after))
        effects.append(
            MeasureEffect(
                measure=measure,
                title=title_in(measure, after.book, before.book),
                before_fen=int(was.sum()),
                after_fen=int(now.sum()),
                **count_changes(was, now)._asdict(),
            )
        )
    return tuple(effects)


def _of_measure(side: _Side, measure: str) -> Column:
    groups = [number for number, each in enumerate(side.measures) if each == measure]
    return np.isin(side.groups, groups)


def _profiles(rows: Rows) -> tuple[list[str], list[str]]:
    """Each enterprise's town and size, by rank; '' where the register says nothing."""
    towns, sizes = [], []
    for row in every_row(rows):
        profile = row.facts.profile
        towns.append(profile.town if profile else "")
        sizes.append((profile.size or "") if profile else "")
    return towns, sizes


def _by_name(names: Iterable[str], was: Column, now: Column) -> Iterator[tuple[str, int, int, Counts]]:
    """(name, fen before, fen after, counts) of those who share a name, by name."""
    ranks: dict[str, list[int]] = {}
    for rank, name in enumerate(names):
        if was[rank] or now[rank]:
            ranks.setdefault(name, []).append(rank)
    for name, members in sorted(ranks.items()):
        before, after = was[members], now[members]
        yield name, int(before.sum()), int(after.sum()), count_changes(before, after)


def _versions(book: Rulebook) -> tuple[VersionOf, ...]:
    return tuple(
        VersionOf(version=each.version, effective_from=each.effective_from, digest=each.digest)
        for each in book.versions
    )
