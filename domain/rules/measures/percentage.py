"""A percentage of a year's amount from a threshold on, within a cap and within a claim, if there is one."""

from __future__ import annotations

from collections.abc import Iterator

from domain.policy.model import Measure, Percentage, Policy, Select
from domain.policy.rulebook import Segment
from domain.rules.arithmetic import Number, least, reaches, share
from domain.rules.awards import Evaluation
from domain.rules.columns.chunks import ColumnEvaluation
from domain.rules.columns.selection import amounts_in_life as column_amounts_in_life
from domain.rules.columns.selection import approved_amounts, approved_claims
from domain.rules.hints import CapUnused, Hint, Standing, ThresholdAhead
from domain.rules.selection import amounts_in_life, approved_years
from domain.rules.steps import BelowThreshold, ClaimCompared, PercentageGiven


def percentage_of(measure: Percentage, policy: Policy, amount: Number) -> Number:
    """The percentage of an amount, in fen; no cap is taken off."""
    return share(amount, measure.rate, policy.half_up)


def within_cap(measure: Percentage, fen: Number) -> Number:
    """A sum, at most the cap."""
    return fen if measure.cap is None else least(fen, measure.cap)


def _counted_on(measure: Percentage) -> Select:
    return measure.counted_on


def award(evaluation: Evaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award one enterprise."""
    trace = evaluation.trace
    for year, amount, measure, policy in amounts_in_life(evaluation, segments, Percentage, _counted_on):
        if not reaches(amount, measure.threshold, policy.inclusive):
            if trace is not None:
                below = BelowThreshold(
                    measure=measure_id, year=year, amount=amount, threshold=measure.threshold
                )
                trace.append(below)
            continue
        full = percentage_of(measure, policy, amount)
        capped = within_cap(measure, full)
        claimed = approved_years(evaluation, measure_id).get(year)
        approved = claimed.total if claimed is not None else 0
        by_claim = claimed is not None or measure.claims == "claim-only"
        fen = least(capped, approved) if by_claim else capped
        evaluation.give(measure_id, year, fen)
        if trace is not None:
            percentage = PercentageGiven(
                measure=measure_id,
                year=year,
                full=full,
                cap=measure.cap,
                capped=capped,
                amount=amount,
                threshold=measure.threshold,
                rate=measure.rate,
            )
            trace.append(percentage)
        if trace is not None and by_claim:
            compared = ClaimCompared(
                measure=measure_id, year=year, approved=approved, capped=capped, result=fen
            )
            trace.append(compared)


def award_column(evaluation: ColumnEvaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award a chunk of enterprises."""
    zero = evaluation.chunk.zero
    for year, all_rows, all_amounts, measure, policy in column_amounts_in_life(
        evaluation, segments, Percentage, _counted_on
    ):
        enough = reaches(all_amounts, measure.threshold, policy.inclusive)
        rows, amounts = all_rows[enough], all_amounts[enough]
        if not len(rows) or not evaluation.fits(rows, int(amounts.max()) * measure.rate):
            continue
        fen = within_cap(measure, percentage_of(measure, policy, amounts))
        claimed = approved_amounts(approved_claims(evaluation, measure_id), year)
        if claimed is not None or measure.claims == "claim-only":
            approved, claiming = zero.copy(), zero > 0
            if claimed is not None:
                approved[claimed[0]] = claimed[1]
                claiming[claimed[0]] = True
            by_claim = claiming[rows] | (measure.claims == "claim-only")
            fen = fen + (least(fen, approved[rows]) - fen) * by_claim
        evaluation.give(measure_id, year, rows, fen)


def hints(standing: Standing, measure: Measure) -> Iterator[Hint]:
    """What it could still give: how far the threshold is, or what the cap leaves."""
    assert isinstance(measure, Percentage)
    amount = standing.amount_of_year(measure.counted_on)
    if not reaches(amount, measure.threshold, standing.policy.inclusive):
        short = standing.shortfall(measure.threshold, amount)
        yield ThresholdAhead(measure=measure.id, threshold=measure.threshold, short=short)
        return
    earned = standing.earned(measure.id, "year")
    if measure.cap is not None and earned < measure.cap:
        yield CapUnused(measure=measure.id, cap=measure.cap, left=measure.cap - earned)
