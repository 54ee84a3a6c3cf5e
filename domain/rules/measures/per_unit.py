"""A sum for each new item, or for each unit of a year's amount, within a cap."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events.event import SEP
from domain.policy.model import Measure, PerUnit, Policy, Select
from domain.policy.rulebook import Segment
from domain.rules.arithmetic import Column, Number, at_least_zero, divide, least
from domain.rules.awards import Evaluation
from domain.rules.columns.arrays import distinct_values, runs_of
from domain.rules.columns.chunks import ColumnEvaluation
from domain.rules.columns.selection import amounts_in_life as column_amounts_in_life
from domain.rules.columns.selection import items_in_life as column_items_in_life
from domain.rules.hints import Hint, NextUnit, Standing, UnitOpen
from domain.rules.selection import amounts_in_life, count_by_year, items_in_life, items_of_segments
from domain.rules.steps import UnitGiven, UnitsGiven


def amount_gives(measure: PerUnit, policy: Policy, amount: Number) -> Number:
    """A sum for each whole unit of an amount, or also for parts of a unit, in fen; no cap is taken off."""
    fen = amount // measure.unit * measure.unit_amount
    if measure.parts != "pro-rata":
        return fen
    return fen + divide(amount % measure.unit * measure.unit_amount, measure.unit, policy.half_up)


def within_room(fen: Number, room: Number | None) -> Number:
    """A sum, at most the room that a cap still leaves; all of it where there is no cap."""
    return fen if room is None else least(fen, at_least_zero(room))


def _capped_period(measure: PerUnit, year: int) -> int:
    """The year that a cap counts for, or 0 where it counts for the whole life."""
    return 0 if measure.cap_per == "life" else year


def _earned_by(measure: PerUnit) -> Select | None:
    return measure.earns


def _counted_on(measure: PerUnit) -> Select | None:
    return measure.counted_on


def award(evaluation: Evaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award one enterprise."""
    used: dict[int, int] = {}
    if evaluation.trace is None:
        _give_units(evaluation, measure_id, segments, used)
    else:
        _give_unit_by_unit(evaluation, measure_id, segments, used)
    for year, amount, measure, policy in amounts_in_life(evaluation, segments, PerUnit, _counted_on):
        period = _capped_period(measure, year)
        room = None if measure.cap is None else measure.cap - used.get(period, 0)
        full = amount_gives(measure, policy, amount)
        fen = within_room(full, room)
        used[period] = used.get(period, 0) + fen
        evaluation.give(measure_id, year, fen)
        if evaluation.trace is not None and measure.counted_on is not None:
            units = UnitsGiven(
                measure=measure_id,
                year=year,
                amount=amount,
                currency=measure.counted_on.currency,
                unit=measure.unit,
                units=amount // measure.unit,
                parts=measure.parts,
                unit_amount=measure.unit_amount,
                full=full,
                cap=measure.cap,
                left=room,
                result=fen,
            )
            evaluation.trace.append(units)


def _give_units(
    evaluation: Evaluation, measure_id: str, segments: list[Segment], used: dict[int, int]
) -> None:
    """Give for all new things of a year in one go, of which there may be thousands; ``used`` grows by it."""
    for measure, items in items_of_segments(evaluation, segments, PerUnit, _earned_by):
        for year, number in count_by_year(items).items():
            period = _capped_period(measure, year)
            room = None if measure.cap is None else measure.cap - used.get(period, 0)
            fen = within_room(number * measure.unit_amount, room)
            used[period] = used.get(period, 0) + fen
            evaluation.give(measure_id, year, fen)


def _give_unit_by_unit(
    evaluation: Evaluation, measure_id: str, segments: list[Segment], used: dict[int, int]
) -> None:
    """The same, with a step of the trace for each thing."""
    assert evaluation.trace is not None
    for on, identity, measure in items_in_life(evaluation, segments, PerUnit, _earned_by):
        year = int(on[:4])
        period = _capped_period(measure, year)
        room = None if measure.cap is None else measure.cap - used.get(period, 0)
        fen = within_room(measure.unit_amount, room)
        used[period] = used.get(period, 0) + fen
        evaluation.give(measure_id, year, fen)
        unit = UnitGiven(
            measure=measure_id,
            year=year,
            left=room,
            result=fen,
            cap_per=measure.cap_per,
            on=on,
            item=identity.replace(SEP, " "),
            unit_amount=measure.unit_amount,
            cap=measure.cap,
        )
        evaluation.trace.append(unit)


def award_column(evaluation: ColumnEvaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award a chunk of enterprises."""
    used: dict[int, Column] = {}

    def give(measure: PerUnit, year: int, rows: Column, full: Column) -> None:
        period = _capped_period(measure, year)
        if period not in used:
            used[period] = evaluation.chunk.zero.copy()
        spent = used[period]
        fen = within_room(full, None if measure.cap is None else measure.cap - spent[rows])
        spent[rows] += fen
        evaluation.give(measure_id, year, rows, fen)

    for items, measure in column_items_in_life(evaluation, segments, PerUnit, _earned_by):
        years = items.days // 10_000
        for year in distinct_values(years):
            rows, starts, ends = runs_of(items.rows[years == year])
            give(measure, year, rows, (ends - starts) * measure.unit_amount)
    for year, rows, amounts, measure, policy in column_amounts_in_life(
        evaluation, segments, PerUnit, _counted_on
    ):
        largest = max(int(amounts.max()) // measure.unit, measure.unit) + 1
        if evaluation.fits(rows, largest * measure.unit_amount):
            give(measure, year, rows, amount_gives(measure, policy, amounts))


def hints(standing: Standing, measure: Measure) -> Iterator[Hint]:
    """What it could still give: the sum a unit, and what the cap leaves."""
    assert isinstance(measure, PerUnit)
    room = None if measure.cap is None else measure.cap - standing.earned(measure.id, measure.cap_per)
    if room is not None and room <= 0:
        return
    if measure.counted_on is None:
        yield UnitOpen(measure=measure.id, unit_amount=measure.unit_amount, left=room)
        return
    yield NextUnit(
        measure=measure.id,
        short=measure.unit - standing.amount_of_year(measure.counted_on) % measure.unit,
        unit_amount=measure.unit_amount,
        left=room,
        currency=measure.counted_on.currency,
    )
