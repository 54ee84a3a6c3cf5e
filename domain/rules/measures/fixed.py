"""A fixed sum for something new: once for an enterprise, for each year or for each item."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events.event import SEP
from domain.policy.model import Fixed, Measure, Select
from domain.policy.rulebook import Segment
from domain.rules.arithmetic import Mask
from domain.rules.awards import Evaluation
from domain.rules.columns.arrays import distinct_values, run_starts, runs_of
from domain.rules.columns.chunks import ColumnEvaluation, Items
from domain.rules.columns.selection import items_in_life as column_items_in_life
from domain.rules.columns.selection import new_items as new_column_items
from domain.rules.hints import ConditionMissing, FixedOpen, Hint, Standing
from domain.rules.selection import (
    count_by_year,
    items_of_segments,
    new_items,
    part_of_identity,
    parts_of_identities,
)
from domain.rules.steps import DifferenceGiven, FixedGiven


def _earned_by(measure: Fixed) -> Select:
    return measure.earns


def award(evaluation: Evaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award one enterprise."""
    paid_years: set[int] = set()
    set_offs = _SetOffs(evaluation)
    for measure, items in items_of_segments(evaluation, segments, Fixed, _earned_by):
        if measure.once == "item" and evaluation.trace is None:  # thousands of things, in one go
            given_fen = set_offs.given_by_year(measure, items)
            for year, number in count_by_year(items).items():
                evaluation.give(measure_id, year, number * measure.amount - given_fen.get(year, 0))
                paid_years.add(year)
            continue
        for on, identity in items if measure.once == "item" else _first_of_years(items):
            year = int(on[:4])
            if (measure.once == "enterprise" and paid_years) or (
                measure.once == "year" and year in paid_years
            ):
                continue
            paid_years.add(year)
            fen = measure.amount - set_offs.given_fen(measure, on, identity)
            evaluation.give(measure_id, year, fen)
            if evaluation.trace is not None:
                step_class = FixedGiven if fen == measure.amount else DifferenceGiven
                step = step_class(
                    measure=measure_id,
                    year=year,
                    on=on,
                    item=identity.replace(SEP, " "),
                    amount=measure.amount,
                    result=fen,
                    once=measure.once,
                )
                evaluation.trace.append(step)


def _first_of_years(items: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first of (day, identity), in order of days, of each year."""
    first = {on[:4]: (on, identity) for on, identity in reversed(items)}
    return list(first.values())[::-1]


class _SetOffs:
    """What other measures have already given for the same things (reading ``warehouses``)."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._first_days: dict[tuple[int, str], dict[str, str]] = {}

    def given_fen(self, measure: Fixed, on: str, identity: str) -> int:
        """What another measure gave for a thing before this one does, in fen."""
        nets, book = measure.nets, self.evaluation.book
        if nets is None or nets.rule != "difference":
            return 0
        set_off = book.on(on).measures[nets.measure]
        assert isinstance(set_off, Fixed)
        same = part_of_identity(measure.earns, identity, nets.same)
        first_on = self._first_days_of(set_off, nets.same).get(same)
        if first_on is None or (first_on, set_off.amount, set_off.id) >= (on, measure.amount, measure.id):
            return 0
        return min(set_off.amount, measure.amount)

    def given_by_year(self, measure: Fixed, items: list[tuple[str, str]]) -> dict[int, int]:
        """What another measure gave for these things before this one does, in fen of each year."""
        nets, versions = measure.nets, self.evaluation.book.versions
        if nets is None or nets.rule != "difference":
            return {}
        if len(versions) > 1:  # which of them says what is set off depends on the day
            given_fen: dict[int, int] = {}
            for on, identity in items:
                year = int(on[:4])
                given_fen[year] = given_fen.get(year, 0) + self.given_fen(measure, on, identity)
            return given_fen
        set_off = versions[0].measures[nets.measure]
        assert isinstance(set_off, Fixed)
        is_first = (set_off.amount, set_off.id) < (measure.amount, measure.id)
        days = self._first_days_of(set_off, nets.same)
        parts = parts_of_identities(measure.earns, items, nets.same)
        already = [
            item
            for item, part in zip(items, parts, strict=True)
            if part in days and (days[part] < item[0] or (is_first and days[part] == item[0]))
        ]
        each_fen = min(set_off.amount, measure.amount)
        return {year: number * each_fen for year, number in count_by_year(already).items()}

    def _first_days_of(self, set_off: Fixed, part: str) -> dict[str, str]:
        """The first day within the policy's life on which each thing earned a measure, by part of its id."""
        days = self._first_days.get((id(set_off), part))
        if days is None:
            life_from = self.evaluation.book.life_from
            items = [i for i in new_items(self.evaluation.facts, set_off.earns) if i[0] >= life_from]
            parts = parts_of_identities(set_off.earns, items, part)
            by_part = zip(reversed(parts), reversed(items), strict=True)  # by day, downwards: the first stays
            days = self._first_days[id(set_off), part] = {each: on for each, (on, _) in by_part}
        return days


def award_column(evaluation: ColumnEvaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award a chunk of enterprises."""
    zero = evaluation.chunk.zero
    paid = zero > 0
    paid_years: dict[int, Mask] = {}
    for items, measure in column_items_in_life(evaluation, segments, Fixed, _earned_by):
        _set_aside(evaluation, measure, items)
        rows, years = items.rows, items.days // 10_000
        if measure.once == "enterprise":
            fresh = run_starts(rows) & ~paid[rows]
            rows, years = rows[fresh], years[fresh]
        for year in distinct_values(years):
            earning = rows[years == year]
            if measure.once == "item":
                earning, starts, ends = runs_of(earning)
                amounts = (ends - starts) * measure.amount
            else:
                if measure.once == "year":
                    before = paid_years.setdefault(year, zero > 0)
                    earning = earning[run_starts(earning) & ~before[earning]]
                    before[earning] = True
                amounts = zero[earning] + measure.amount
            evaluation.give(measure_id, year, earning, amounts)
            paid[earning] = True


def _set_aside(evaluation: ColumnEvaluation, measure: Fixed, items: Items) -> None:
    """Whoever also has things of the measure that this one is set off against is looked at alone."""
    nets = measure.nets
    if nets is None or nets.rule != "difference":
        return
    for version in evaluation.book.versions:
        set_off = version.measures.get(nets.measure)
        set_off_items = new_column_items(evaluation, set_off.earns) if isinstance(set_off, Fixed) else None
        if set_off_items is not None:
            has = evaluation.chunk.zero > 0
            has[set_off_items.rows] = True
            evaluation.aside.update(items.rows[has[items.rows]].tolist())


def hints(standing: Standing, measure: Measure) -> Iterator[Hint]:
    """What it could still give: the sum, and the condition that something lacks."""
    assert isinstance(measure, Fixed)
    if measure.once != "item" and standing.earned(
        measure.id, "life" if measure.once == "enterprise" else "year"
    ):
        return
    dated = standing.facts.dated
    first, *conditions = measure.earns.facts
    for condition in conditions:
        met_first, met = dated.get(first, {}), dated.get(condition, {})
        lacking = [(identity, condition) for identity in met_first if identity not in met]
        lacking += [(identity, first) for identity in met if identity not in met_first]
        if lacking:
            identity, missing = min(lacking)
            item = identity.replace(SEP, " ")
            yield ConditionMissing(measure=measure.id, item=item, missing=missing, amount=measure.amount)
            return
    yield FixedOpen(measure=measure.id, amount=measure.amount)
