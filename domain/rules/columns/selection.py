"""Which facts of a chunk a measure counts: what is new, and what a year amounts to, by row."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events import CATALOGUE, DatedThing
from domain.facts.claims import claim_key
from domain.policy.model import Policy, Select
from domain.policy.rulebook import Segment
from domain.rules.arithmetic import Column, Mask, least
from domain.rules.columns.arrays import add_up, sum_by_row
from domain.rules.columns.chunks import Approved, ColumnEvaluation, Items
from domain.rules.selection import KindOfMeasure, SelectOf


def new_items(evaluation: ColumnEvaluation, select: Select) -> Items | None:
    """Everything that the selected facts made new, by row and day; ``None`` where nothing is."""
    first = evaluation.chunk.dated.get(select.facts[0])
    if first is None:
        return None
    mask = _matching(evaluation, select, first)
    items = first if mask is None else first.only(mask)
    for condition in select.facts[1:]:
        records = evaluation.chunk.dated.get(condition)
        if records is None:
            return None
        items = _joined(items, records)
    return items if len(items.rows) else None


def _matching(evaluation: ColumnEvaluation, select: Select, items: Items) -> Mask | None:
    """Which things have the selected words; ``None`` where all count."""
    event = CATALOGUE[select.facts[0]]
    assert issubclass(event, DatedThing)
    mask: Mask | None = None
    for name, values in select.where.items():
        if name not in event.identity and name not in event.attributes:
            continue
        if name not in items.words:
            # Too many different words to be numbered: whoever has such a thing is looked at alone.
            evaluation.aside.update(items.rows.tolist())
            return items.rows < 0
        numbers, numbering = items.words[name]
        matches = numbers < 0
        for word in values:
            if word in numbering:
                matches = matches | (numbers == numbering[word])
        mask = matches if mask is None else mask & matches
    return mask


def _joined(items: Items, conditions: Items) -> Items:
    """Things that stand in both, complete on the later day."""
    order = conditions.keys.argsort()
    keys = conditions.keys[order]
    places = keys.searchsorted(items.keys)
    places = places * (places < len(keys))
    joint = keys[places] == items.keys
    days, condition_days = items.days[joint], conditions.days[order[places[joint]]]
    later = days + (condition_days - days) * (condition_days > days)
    rows, keys = items.rows[joint], items.keys[joint]
    by_day = (rows.astype(keys.dtype) * 100_000_000 + later).argsort()
    return Items(rows[by_day], later[by_day], keys[by_day], {})


def items_in_life(
    evaluation: ColumnEvaluation,
    segments: list[Segment],
    kind: type[KindOfMeasure],
    select_of: SelectOf[KindOfMeasure],
) -> Iterator[tuple[Items, KindOfMeasure]]:
    """New things of each segment's days in order of time, each with the measure of its day."""
    for segment in segments:
        measure = segment.measure
        assert isinstance(measure, kind)
        select = select_of(measure)
        items = new_items(evaluation, select) if select else None
        if items is not None:
            within = (items.days >= _day_number(segment.start)) & (items.days <= _day_number(segment.end))
            if within.all():
                yield items, measure
            elif within.any():
                yield items.only(within), measure


def _day_number(day: str) -> int:
    return int(day.replace("-", ""))


def reported_amounts(
    evaluation: ColumnEvaluation, select: Select, year: int, reports: str
) -> tuple[Column, Column] | None:
    """(rows, amounts) of one year; ``reports`` is the reading ``several-reports``."""
    groups = evaluation.chunk.amounts.get(select.fact, {}).get(year)
    if not groups:
        return None
    columns = [
        (reported.rows, reported.total if reports == "add-up" else reported.latest)
        for parts, reported in groups.items()
        if len(parts) + 1 == select.width and (not select.foreign or parts[-1] == select.foreign)
        if all(parts[place] in values for place, values in select.groups)
    ]
    if len(columns) > 1:
        return add_up(evaluation.chunk.zero, columns)
    return columns[0] if columns else None


def amounts_in_life(
    evaluation: ColumnEvaluation,
    segments: list[Segment],
    kind: type[KindOfMeasure],
    select_of: SelectOf[KindOfMeasure],
) -> Iterator[tuple[int, Column, Column, KindOfMeasure, Policy]]:
    """(year, rows, amounts, measure, policy) of each year of the policy's life that has reports."""
    book, chunk = evaluation.book, evaluation.chunk
    measures = [segment.measure for segment in segments]
    selects = [select_of(measure) for measure in measures if isinstance(measure, kind)]
    years = {year for select in selects if select for year in chunk.amounts.get(select.fact, ())}
    for year in sorted(years):
        policy = book.of_year(year)
        measure = policy.measures.get(measures[0].id)
        if not isinstance(measure, kind) or not book.covers_year(year):
            continue
        select = select_of(measure)
        reported = reported_amounts(evaluation, select, year, policy.reports) if select else None
        if reported is not None:
            yield year, *reported, measure, policy


def approved_claims(evaluation: ColumnEvaluation, measure_id: str) -> Approved | None:
    """The approved claims for a measure; ``None`` where there are none."""
    return evaluation.chunk.approvals.get(claim_key(evaluation.book.id, measure_id))


def approved_amounts(
    claims: Approved | None, year: int, cap: int | None = None
) -> tuple[Column, Column] | None:
    """(rows, sums in fen) of the claims approved for a year, each at most the cap; ``None`` without any."""
    if claims is None:
        return None
    of_year = claims.years == year
    if not of_year.any():
        return None
    amounts = claims.amounts[of_year]
    return sum_by_row(claims.rows[of_year], amounts if cap is None else least(amounts, cap))
