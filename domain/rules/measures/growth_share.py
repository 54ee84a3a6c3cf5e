"""A share of the growth of an assessed figure over the mean of earlier years, by a year's sales."""

from __future__ import annotations

from collections.abc import Iterator

from domain.policy.model import GrowthShare, Measure, Policy, Select
from domain.policy.rulebook import Segment
from domain.rules.arithmetic import (
    TEN_THOUSANDTHS,
    Column,
    Number,
    at_least_zero,
    divide,
    reached_tier,
    reaches,
)
from domain.rules.awards import AWAITING, CONFLICT, NO_HISTORY, SHORT_HISTORY, Evaluation
from domain.rules.columns.arrays import values_at
from domain.rules.columns.chunks import ColumnEvaluation
from domain.rules.columns.selection import amounts_in_life as column_amounts_in_life
from domain.rules.columns.selection import reported_amounts
from domain.rules.hints import AssessmentOpen, Hint, NextShare, Standing
from domain.rules.selection import amounts_by_year, amounts_in_life
from domain.rules.steps import (
    AssessmentAwaited,
    AssessmentsConflict,
    BaseMissing,
    BelowThreshold,
    GrowthShared,
)


def growth_gives(
    current: Number, base_sum: Number, base_count: Number, rate: Number, half_up: bool
) -> Number:
    """``rate`` of the growth over the mean of ``base_count`` years, in fen; nothing where none grew.

    The mean is never rounded: ``(n * current - sum) * rate // (n * 10000)``.
    """
    increase = at_least_zero(base_count * current - base_sum)
    return divide(increase * rate, base_count * TEN_THOUSANDTHS, half_up)


def rate_of(measure: GrowthShare, policy: Policy, sales: Number) -> Number:
    """The share of the growth that a year's sales earn, in ten-thousandths."""
    return reached_tier(sales, [(tier.start, tier.gives) for tier in measure.shares], policy.inclusive)


def qualifies(measure: GrowthShare, policy: Policy, sales: int) -> bool:
    """Whether a year's sales begin the award years."""
    return reaches(sales, measure.shares[0].start, policy.inclusive)


def award_years_from(measure: GrowthShare, qualifying: int) -> range:
    """The award years that a qualifying year begins."""
    first = qualifying + (1 if measure.first_year == "following" else 0)
    return range(first, first + measure.award_years)


def base_years_before(measure: GrowthShare, first: int) -> range:
    """The years whose mean the growth is measured from."""
    return range(first - measure.base_years, first)


def _qualified_by(measure: GrowthShare) -> Select:
    return measure.sales


def award(evaluation: Evaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award one enterprise: the years that its first qualifying year begins."""
    book = evaluation.book
    for qualifying, sales, measure, policy in amounts_in_life(
        evaluation, segments, GrowthShare, _qualified_by
    ):
        if not qualifies(measure, policy, sales):
            continue
        years = award_years_from(measure, qualifying)
        base_years = base_years_before(measure, years[0])
        for year in years:
            governing = book.measure_of_year(measure_id, year)
            if isinstance(governing, GrowthShare) and book.covers_year(year):
                _award_year(evaluation, governing, year, base_years, sales)
        return


def _award_year(
    evaluation: Evaluation, measure: GrowthShare, year: int, base_years: range, qualifying_sales: int
) -> None:
    policy = evaluation.book.of_year(year)
    year_sales = amounts_by_year(evaluation.facts, measure.sales, policy.reports).get(year)
    sales = qualifying_sales if measure.share_by == "qualifying-year" else year_sales or 0
    rate = rate_of(measure, policy, sales)
    if year_sales is None and measure.share_by == "each-year":
        return
    if rate:
        _share_growth(evaluation, measure, year, base_years, sales)
    elif evaluation.trace is not None:
        threshold = measure.shares[0].start
        below = BelowThreshold(measure=measure.id, year=year, amount=sales, threshold=threshold)
        evaluation.trace.append(below)


def _share_growth(
    evaluation: Evaluation, measure: GrowthShare, year: int, base_years: range, sales: int
) -> None:
    """Award the share that a year's sales earn, or say what stands in its way."""
    trace, policy = evaluation.trace, evaluation.book.of_year(year)
    figures = evaluation.facts.figures.get(measure.counted_on.fact, {})
    assessed = {each: figures[str(each)] for each in (*base_years, year) if str(each) in figures}
    if year not in assessed:
        evaluation.give(measure.id, year, 0, AWAITING)
        if trace is not None:
            trace.append(AssessmentAwaited(measure=measure.id, year=year))
        return
    conflicts = [each for each, amounts in assessed.items() if len(amounts) > 1]
    if conflicts:
        evaluation.give(measure.id, year, 0, CONFLICT)
        if trace is not None:
            trace.append(AssessmentsConflict(measure=measure.id, year=year, years=conflicts))
        return
    base = [assessed[each][0] for each in base_years if each in assessed]
    first, last = base_years[0], base_years[-1]
    count = measure.base_years if measure.history == "zero" else len(base)
    if not count:
        evaluation.give(measure.id, year, 0, NO_HISTORY)
        if trace is not None:
            trace.append(BaseMissing(measure=measure.id, year=year, first=first, last=last))
        return
    current, rate = assessed[year][0], rate_of(measure, policy, sales)
    fen = growth_gives(current, sum(base), count, rate, policy.half_up)
    evaluation.give(measure.id, year, fen, SHORT_HISTORY if len(base) < measure.base_years else "")
    if trace is not None:
        step = GrowthShared(
            measure=measure.id,
            year=year,
            first=first,
            last=last,
            result=fen,
            current=current,
            base=base,
            count=count,
            rate=rate,
            sales=sales,
        )
        trace.append(step)


def award_column(evaluation: ColumnEvaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award a chunk of enterprises."""
    book = evaluation.book
    begun = evaluation.chunk.zero > 0
    for qualifying, rows, sales, measure, policy in column_amounts_in_life(
        evaluation, segments, GrowthShare, _qualified_by
    ):
        begins = reaches(sales, measure.shares[0].start, policy.inclusive) & ~begun[rows]
        if not begins.any():
            continue
        begun[rows[begins]] = True
        years = award_years_from(measure, qualifying)
        base_years = base_years_before(measure, years[0])
        for year in years:
            governing = book.measure_of_year(measure_id, year)
            if isinstance(governing, GrowthShare) and book.covers_year(year):
                _award_column_year(evaluation, governing, year, base_years, rows[begins], sales[begins])


def _award_column_year(
    evaluation: ColumnEvaluation,
    measure: GrowthShare,
    year: int,
    base_years: range,
    rows: Column,
    sales: Column,
) -> None:
    policy, zero = evaluation.book.of_year(year), evaluation.chunk.zero
    figures = evaluation.chunk.figures.get(measure.counted_on.fact, {})
    current, assessed = values_at(zero, figures.get(year), rows)
    if measure.share_by != "qualifying-year":
        year_sales = reported_amounts(evaluation, measure.sales, year, policy.reports)
        sales, reported = values_at(zero, year_sales, rows)
        assessed = assessed & reported
    rate = rate_of(measure, policy, sales)
    base, count = zero[rows], zero[rows]
    for base_year in base_years:
        values, present = values_at(zero, figures.get(base_year), rows)
        base, count = base + values, count + present
    if measure.history == "zero":
        count = zero[rows] + measure.base_years
    shared = assessed & (rate > 0) & (count > 0)
    if not shared.any():
        return
    rows, rate, base, count, current = (column[shared] for column in (rows, rate, base, count, current))
    if evaluation.fits(rows, int(count.max()) * int(current.max()) * int(rate.max())):
        fen = growth_gives(current, base, count, rate, policy.half_up)
        evaluation.give(measure.id, year, rows, fen)


def hints(standing: Standing, measure: Measure) -> Iterator[Hint]:
    """What it could still give: an assessment that is awaited, and the next share."""
    assert isinstance(measure, GrowthShare)
    award = standing.awards.get(standing.year, {}).get(measure.id)
    if award and AWAITING in award.flags:
        yield AssessmentOpen(measure=measure.id)
    sales = amounts_by_year(standing.facts, measure.sales, standing.policy.reports)
    if _window_is_over(standing, measure, sales):
        return
    amount = sales.get(standing.year, 0)
    for tier in measure.shares:
        if not reaches(amount, tier.start, standing.policy.inclusive):
            short = standing.shortfall(tier.start, amount)
            yield NextShare(measure=measure.id, threshold=tier.start, short=short, rate=tier.gives)
            return


def _window_is_over(standing: Standing, measure: GrowthShare, sales: dict[int, int]) -> bool:
    """Whether the award years that began with the first qualifying year have passed."""
    qualifying = [
        year
        for year, amount in sales.items()
        if standing.book.covers_year(year) and qualifies(measure, standing.policy, amount)
    ]
    return bool(qualifying) and standing.year > award_years_from(measure, min(qualifying))[-1]
