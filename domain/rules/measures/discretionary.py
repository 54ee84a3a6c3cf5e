"""What an approved claim carries, within a cap for each item."""

from __future__ import annotations

from collections.abc import Iterator

from domain.policy.model import Discretionary, Measure
from domain.policy.rulebook import Segment
from domain.rules.awards import Evaluation
from domain.rules.columns.arrays import distinct_values
from domain.rules.columns.chunks import ColumnEvaluation
from domain.rules.columns.selection import approved_amounts, approved_claims
from domain.rules.hints import ClaimOpen, Hint, Standing, UncappedClaimOpen
from domain.rules.selection import approvals_for, approved_years
from domain.rules.steps import ClaimApproved


def award(evaluation: Evaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award one enterprise."""
    book = evaluation.book
    for year, approved in sorted(approved_years(evaluation, measure_id).items()):
        measure = book.measure_of_year(measure_id, year)
        if not isinstance(measure, Discretionary) or not book.covers_year(year):
            continue
        if evaluation.trace is None and (measure.cap is None or approved.highest <= measure.cap):
            evaluation.give(measure_id, year, approved.total)
            continue
        for approval in approvals_for(evaluation, measure_id, year):
            fen = approval.amount if measure.cap is None else min(approval.amount, measure.cap)
            evaluation.give(measure_id, year, fen)
            if evaluation.trace is None:
                continue
            step = ClaimApproved(
                measure=measure_id,
                year=year,
                result=fen,
                item=approval.item,
                approved=approval.amount,
                cap=measure.cap,
            )
            evaluation.trace.append(step)


def award_column(evaluation: ColumnEvaluation, measure_id: str, segments: list[Segment]) -> None:
    """Award a chunk of enterprises."""
    book, claims = evaluation.book, approved_claims(evaluation, measure_id)
    for year in distinct_values(claims.years) if claims is not None else ():
        measure = book.measure_of_year(measure_id, year)
        if not isinstance(measure, Discretionary) or not book.covers_year(year):
            continue
        amounts = approved_amounts(claims, year, measure.cap)
        if amounts is not None:
            evaluation.give(measure_id, year, *amounts)


def hints(standing: Standing, measure: Measure) -> Iterator[Hint]:
    """What it could still give: a claim, and its cap."""
    assert isinstance(measure, Discretionary)
    if measure.cap is None:
        yield UncappedClaimOpen(measure=measure.id)
    else:
        yield ClaimOpen(measure=measure.id, cap=measure.cap)
