"""Progress towards a policy's targets of a year: in all, by month, by town, and by lead unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from domain.events.event import SEP
from domain.facts.months import MONTHS
from domain.money.amounts import Quantity
from domain.policy.model import Policy, Target, Words
from domain.policy.rulebook import Rulebook
from domain.rules.targets import Months, targets_of
from ledger.budget.pools import Pool, facts_stream, pool
from ledger.policies.versions import rulebook_at
from ledger.reading.budgets import sum_groups
from ledger.reading.records import read_position
from ledger.reading.totals import totals_of
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.rows import Rows

TOWNS_MAX = 200
"""Towns that one target is divided over in an answer; the largest are named."""


class MonthProgress(msgspec.Struct, frozen=True):
    """What was reached by the end of a month, like ``2024-01``."""

    month: str
    reached: Quantity


class TownProgress(msgspec.Struct, frozen=True):
    """What the enterprises of one town have reached; ``""`` where it is unknown."""

    town: str
    reached: Quantity


class TargetProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One target, and what is reached of it."""

    target: str
    measure: str
    article: str
    lead: str
    title: Words
    unit: str
    """``yuan`` or ``count``."""
    goal: Quantity
    reached: Quantity
    percent: Fraction
    by_month: tuple[MonthProgress, ...]
    by_town: tuple[TownProgress, ...]


class LeadSums(msgspec.Struct, frozen=True, kw_only=True):
    """A lead unit (牵头单位): its targets, and what its measures award in the year."""

    targets: tuple[str, ...]
    gross_fen: int
    payable_fen: int
    lead: str


class YearTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Progress towards a year's targets."""

    policy: str
    year: int
    currency: str
    position: int
    targets: tuple[TargetProgress, ...]
    leads: tuple[LeadSums, ...]


@dataclass(slots=True)
class ReachedTarget:
    """What is reached of one target: a count, or fen."""

    whole: int = 0
    months: Months = field(default_factory=dict)
    """What each month adds."""
    towns: dict[str, int] = field(default_factory=dict)
    """What each town has; '' stands for enterprises whose town is unknown."""

    def by_month(self) -> list[int]:
        """What was reached by the end of each of the twelve months."""
        sums, so_far = [], 0
        for month in MONTHS:
            so_far += self.months.get(month, 0)
            sums.append(so_far)
        return sums

    def by_town(self) -> list[tuple[str, int]]:
        """The towns that have something, the largest first, at most ``TOWNS_MAX``."""
        having = [(town, value) for town, value in self.towns.items() if value]
        return sorted(having, key=lambda each: (-each[1], each[0]))[:TOWNS_MAX]


def read_reached(rows: Rows, book: Rulebook, year: int, at: Moment) -> dict[str, ReachedTarget]:
    """What is reached of each target of a year, by target id; targets at zero may be missing.

    The projections hold it as it stands and as it was known; other questions fold the facts again.
    """
    if at.as_of is None and at.own_rules:
        return _from_totals(rows, book.id, year, at)
    reached_targets: dict[str, ReachedTarget] = {}
    for _, facts in facts_stream(rows, at):
        town = facts.profile.town if facts.profile else ""
        for target, months in targets_of(facts, book).get(year, {}).items():
            entry, added = reached_targets.setdefault(target, ReachedTarget()), sum(months.values())
            entry.whole += added
            entry.towns[town] = entry.towns.get(town, 0) + added
            for month, value in months.items():
                entry.months[month] = entry.months.get(month, 0) + value
    return reached_targets


def _from_totals(rows: Rows, policy: str, year: int, at: Moment) -> dict[str, ReachedTarget]:
    reached_targets: dict[str, ReachedTarget] = {}
    for _, target, value, _, _ in totals_of(rows, policy, "target", at, year):
        reached_targets[target] = ReachedTarget(int(value))
    for _, name, value, _, _ in totals_of(rows, policy, "month", at, year):
        target, _, month = name.partition(SEP)
        reached_targets.setdefault(target, ReachedTarget()).months[int(month)] = int(value)
    for _, name, value, _, _ in totals_of(rows, policy, "town", at, year):
        target, _, town = name.partition(SEP)
        reached_targets.setdefault(target, ReachedTarget()).towns[town] = int(value)
    return reached_targets


def read_targets(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> YearTargets:
    """Progress towards the policy's targets of a year.

    ``by_month`` says what was reached by the end of each month (``domain.rules.targets`` says which
    month a report counts in); ``by_town`` divides what is reached.

    Raises:
        UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    progress = read_reached(rows, book, year, at)
    governing = book.of_year(year)
    return YearTargets(
        policy=policy,
        year=year,
        currency=governing.currency,
        position=read_position(rows, at),
        targets=tuple(
            _progress(governing, target, year, progress.get(target.id, ReachedTarget()))
            for target in governing.targets.values()
        ),
        leads=_list_leads(rows, book, pool(ledger, rows, book, year, at), year, at),
    )


def _progress(policy: Policy, target: Target, year: int, progress: ReachedTarget) -> TargetProgress:
    measure, is_money = policy.measures[target.measure], target.counts == "amount"

    def quantity(number: int) -> Quantity:
        return Quantity(number, policy.currency if is_money else None)

    return TargetProgress(
        target=target.id,
        measure=target.measure,
        article=measure.article,
        lead=measure.lead,
        title=dict(target.title),
        unit="yuan" if is_money else "count",
        goal=quantity(target.goal),
        reached=quantity(progress.whole),
        percent=Fraction(progress.whole, target.goal or 1),
        by_month=tuple(
            MonthProgress(f"{year:04d}-{month:02d}", quantity(number))
            for month, number in zip(MONTHS, progress.by_month(), strict=True)
        ),
        by_town=tuple(TownProgress(town, quantity(number)) for town, number in progress.by_town()),
    )


def _list_leads(rows: Rows, book: Rulebook, year_pool: Pool, year: int, at: Moment) -> tuple[LeadSums, ...]:
    """The lead units in the policy's order."""
    governing = book.of_year(year)
    targets: dict[str, list[str]] = {measure.lead: [] for measure in governing.measures.values()}
    gross, payable = dict.fromkeys(targets, 0), dict.fromkeys(targets, 0)
    for target in governing.targets.values():
        targets[governing.measures[target.measure].lead].append(target.id)
    for (award_year, measure_id), sums in sum_groups(rows, book, year, year_pool, at).items():
        measure = governing.measures.get(measure_id)
        if award_year == year and measure is not None:
            gross[measure.lead] += sums.gross
            payable[measure.lead] += year_pool.payable.get((year, measure_id), 0)
    return tuple(
        LeadSums(targets=tuple(ids), gross_fen=gross[lead], payable_fen=payable[lead], lead=lead)
        for lead, ids in targets.items()
    )
