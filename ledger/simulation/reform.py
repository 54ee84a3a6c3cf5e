"""What a reform would have done over every recorded year: who gains, who loses, by measure, town and size.

Both sides are worked out anew from the same facts, each year from its own appropriation: what
closed years paid, carried over or brought in is left out, since under other rules it would have
been other. Nothing is written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from domain.money.amounts import yuan
from domain.money.apportioning import Column
from domain.money.dividing import Division
from domain.money.wire import currency_form, print_percent
from domain.policy.rulebook import Rulebook
from ledger.policies.versions import budget_of, rulebook_at
from ledger.projections.enterprises import every_row
from ledger.simulation.city import Awards, CityColumns, city_columns, divided
from ledger.simulation.trial import YEARS
from ledger.store.application import Ledger
from ledger.store.moments import Moment
from ledger.store.rows import Rows

Answer = dict[str, Any]
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


def reform(ledger: Ledger, rows: Rows, policy: str, at: Moment, limit: int = 20) -> Answer:
    """Compare every recorded year under the ledger's rules with the same years under others.

    Args:
        at: which others: ``rules`` (an edited file), ``rules_as_of`` (a day's), or both.
        limit: how many of the largest winners and losers to name.

    Raises:
        UnknownPolicy, NoRules, PolicyError.
    """
    asked = Moment(rules_as_of=at.rules_as_of, rules=at.rules)
    city = city_columns(ledger, rows)
    before = _side(rows, city, rulebook_at(rows, policy, NOW))
    after = _side(rows, city, rulebook_at(rows, policy, asked))
    years = sorted({*before.budgets, *after.budgets})
    was, now = _by_rank(city, before), _by_rank(city, after)
    moves = now - was
    order = np.argsort(-moves, kind="stable")
    towns, sizes = _profiles(rows)
    return {
        "policy": policy,
        **currency_form(after.book.latest.currency),
        "rules_before": _versions(before.book),
        "rules_after": _versions(after.book),
        "position": rows.last_position(),
        "total": {**_counted(was, now), "before": yuan(int(was.sum())), "after": yuan(int(now.sum()))},
        "years": [_year(city, before, after, year) for year in years],
        "measures": _by_measure(city, before, after),
        "towns": _by(towns, was, now, "town"),
        "sizes": _by(sizes, was, now, "size"),
        "winners": [_move(city, at_, was, now) for at_ in order[:limit].tolist() if moves[at_] > 0],
        "losers": [_move(city, at_, was, now) for at_ in order[::-1][:limit].tolist() if moves[at_] < 0],
    }


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


def _counted(was: Column, now: Column) -> Answer:
    either = (was != 0) | (now != 0)
    return {
        "gaining": int((now > was).sum()),
        "losing": int((now < was).sum()),
        "unchanged": int((either & (now == was)).sum()),
    }


def _year(city: CityColumns, before: _Side, after: _Side, year: int) -> Answer:
    was = _by_rank(city, before, before.years == year)
    now = _by_rank(city, after, after.years == year)
    sides = {"before": _state(before, was, year), "after": _state(after, now, year)}
    return {"year": year, **sides, **_counted(was, now)}


def _state(side: _Side, fen: Column, year: int) -> Answer:
    found = side.budgets.get(year, Division(0, {}))
    value = found.factor
    return {
        "appropriation": yuan(found.budget),
        "sharing": yuan(found.total),
        "factor": {"fraction": f"{value.numerator}/{value.denominator}", "percent": print_percent(value)},
        "payable": yuan(int(fen.sum())),
        "enterprises": int((fen != 0).sum()),
    }


def _by_measure(city: CityColumns, before: _Side, after: _Side) -> list[Answer]:
    found = []
    for measure in sorted({*before.measures, *after.measures}):
        was, now = (_by_rank(city, side, _of_measure(side, measure)) for side in (before, after))
        sums = {"before": yuan(int(was.sum())), "after": yuan(int(now.sum()))}
        title = _title(measure, after.book, before.book)
        found.append({"measure": measure, "title": title, **sums, **_counted(was, now)})
    return found


def _of_measure(side: _Side, measure: str) -> Column:
    groups = [number for number, each in enumerate(side.measures) if each == measure]
    return np.isin(side.groups, groups)


def _title(measure: str, *books: Rulebook) -> dict[str, str]:
    for book in books:
        for version in reversed(book.versions):
            if measure in version.measures:
                return dict(version.measures[measure].title)
    return {"zh": measure, "en": measure}


def _profiles(rows: Rows) -> tuple[list[str], list[str]]:
    """Each enterprise's town and size, by rank; '' where the register says nothing."""
    towns, sizes = [], []
    for row in every_row(rows):
        profile = row.facts.profile
        towns.append(profile.town if profile else "")
        sizes.append((profile.size or "") if profile else "")
    return towns, sizes


def _by(names: Iterable[str], was: Column, now: Column, what: str) -> list[Answer]:
    """The sums and counts of those who share a name."""
    ranks: dict[str, list[int]] = {}
    for rank, name in enumerate(names):
        if was[rank] or now[rank]:
            ranks.setdefault(name, []).append(rank)
    found = []
    for name, members in sorted(ranks.items()):
        mine = was[members], now[members]
        sums = {"before": yuan(int(mine[0].sum())), "after": yuan(int(mine[1].sum()))}
        found.append({what: name, **sums, **_counted(*mine)})
    return found


def _versions(book: Rulebook) -> list[Answer]:
    return [
        {"version": each.version, "effective_from": each.effective_from, "digest": each.digest}
        for each in book.versions
    ]


def _move(city: CityColumns, at: int, was: Column, now: Column) -> Answer:
    moved = {"before": yuan(int(was[at])), "after": yuan(int(now[at]))}
    return {"enterprise": city.code(at), **moved, "difference": yuan(int(now[at]) - int(was[at]))}
