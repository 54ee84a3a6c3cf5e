"""How far the city has come towards a year's targets: in all, by month, and by town."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.events.event import SEP
from domain.facts.months import MONTHS
from domain.policy.rulebook import Rulebook
from domain.rules.targets import Months, targets_of
from ledger.budget.pools import facts_stream
from ledger.reading.totals import totals_of
from ledger.store.moments import Moment
from ledger.store.rows import Rows

TOWNS_MAX = 200
"""Towns that one target is divided over in an answer; the largest are named."""


@dataclass(slots=True)
class Reached:
    """What is reached of one target: a count, or fen."""

    whole: int = 0
    months: Months = field(default_factory=dict)
    """What each month adds."""
    towns: dict[str, int] = field(default_factory=dict)
    """What each town has; '' stands for enterprises whose town is unknown."""

    def by_month(self) -> list[int]:
        """What was reached by the end of each of the twelve months."""
        found, so_far = [], 0
        for month in MONTHS:
            so_far += self.months.get(month, 0)
            found.append(so_far)
        return found

    def by_town(self) -> list[tuple[str, int]]:
        """The towns that have something, the largest first, at most ``TOWNS_MAX``."""
        having = [(town, value) for town, value in self.towns.items() if value]
        return sorted(having, key=lambda each: (-each[1], each[0]))[:TOWNS_MAX]


def reached(rows: Rows, book: Rulebook, year: int, at: Moment) -> dict[str, Reached]:
    """What is reached of each target of a year, by target id; targets at zero may be missing.

    The projections hold it as it stands and as it was known; other questions fold the facts again.
    """
    if at.as_of is None and at.own_rules:
        return _from_totals(rows, book.id, year, at)
    found: dict[str, Reached] = {}
    for _, facts in facts_stream(rows, at):
        town = facts.profile.town if facts.profile else ""
        for target, months in targets_of(facts, book).get(year, {}).items():
            entry, added = found.setdefault(target, Reached()), sum(months.values())
            entry.whole += added
            entry.towns[town] = entry.towns.get(town, 0) + added
            for month, value in months.items():
                entry.months[month] = entry.months.get(month, 0) + value
    return found


def _from_totals(rows: Rows, policy: str, year: int, at: Moment) -> dict[str, Reached]:
    found: dict[str, Reached] = {}
    for _, target, value, _, _ in totals_of(rows, policy, "target", at, year):
        found[target] = Reached(int(value))
    for _, name, value, _, _ in totals_of(rows, policy, "month", at, year):
        target, _, month = name.partition(SEP)
        found.setdefault(target, Reached()).months[int(month)] = int(value)
    for _, name, value, _, _ in totals_of(rows, policy, "town", at, year):
        target, _, town = name.partition(SEP)
        found.setdefault(target, Reached()).towns[town] = int(value)
    return found
