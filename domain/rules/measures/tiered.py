"""A sum by the tier that a year's amount reaches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from domain.policy.model import Measure, Select, Tiered
from domain.policy.rulebook import Segment
from domain.rules.arithmetic import at_least_zero, reached_tier, reaches
from domain.rules.awards import Evaluation
from domain.rules.columns.chunks import ColumnEvaluation
from domain.rules.columns.selection import amounts_in_life as column_amounts_in_life
from domain.rules.hints import Hint, NextTier, Standing
from domain.rules.selection import amounts_in_life
from domain.rules.steps import TierReached


def tiers_of(measure: Tiered) -> list[tuple[int, int]]:
    """(from, what an enterprise that reached it has been given in all), in fen, upwards."""
    if measure.later_tier == "each-in-full":
        sums = accumulate(tier.gives for tier in measure.tiers)
        return [(tier.start, gives) for tier, gives in zip(measure.tiers, sums, strict=True)]
    return [(tier.start, tier.gives) for tier in measure.tiers]


def _counted_on(measure: Tiered) -> Select:
    return measure.counted_on


def award(evaluation: Evaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award one enterprise."""
    paid = 0
    for year, amount, measure, policy in amounts_in_life(evaluation, segments, Tiered, _counted_on):
        earned = reached_tier(amount, tiers_of(measure), policy.inclusive)
        fen = at_least_zero(earned - paid)
        evaluation.give(measure_id, year, fen)
        if evaluation.trace is not None:
            step = TierReached(
                measure=measure_id, year=year, amount=amount, earned=earned, paid=paid, result=fen
            )
            evaluation.trace.append(step)
        paid += fen


def award_column(evaluation: ColumnEvaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award a chunk of enterprises."""
    paid = evaluation.chunk.zero.copy()
    for year, rows, amounts, measure, policy in column_amounts_in_life(
        evaluation, segments, Tiered, _counted_on
    ):
        earned = reached_tier(amounts, tiers_of(measure), policy.inclusive)
        fen = at_least_zero(earned - paid[rows])
        evaluation.give(measure_id, year, rows, fen)
        paid[rows] += fen


def hints(standing: Standing, measure: Measure) -> Iterator[Hint]:
    """What it could still give: the next tier that gives more than was given."""
    assert isinstance(measure, Tiered)
    amount = standing.amount_of_year(measure.counted_on)
    paid = standing.earned(measure.id, "life")
    for start, gives in tiers_of(measure):
        if not reaches(amount, start, standing.policy.inclusive) and gives > paid:
            short = standing.shortfall(start, amount)
            yield NextTier(measure=measure.id, threshold=start, short=short, more=gives - paid)
            return
