"""From facts and a policy's versions to awards, year by year: of one enterprise, and of a chunk of them.

Both run the same kinds of measure (``domain.rules.measures``) and the same highest-only rule.
"""

from __future__ import annotations

from domain.facts.folding import EnterpriseFacts
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Awards, Evaluation
from domain.rules.columns.arrays import add_up
from domain.rules.columns.chunks import Chunk, ColumnEvaluation, Evaluated
from domain.rules.highest_only import withhold, withhold_column
from domain.rules.measures.kinds import KINDS
from domain.rules.steps import Step


def awards_of(facts: EnterpriseFacts, book: Rulebook, trace: list[Step] | None = None) -> Awards:
    """Everything that an enterprise has earned under one policy, gross and withheld, in fen.

    Awards of zero are left out unless they are flagged; ``trace`` takes the steps that led to each.
    """
    evaluation = Evaluation(facts, book, trace)
    present = frozenset((*facts.dated, *facts.amounts, *facts.approved))
    for measure_id, segments, _ in book.readers_of(present):
        kind = KINDS.get(segments[0].measure.kind)
        if kind is not None:
            kind.award(evaluation, measure_id, segments)
    if evaluation.awards:
        withhold(evaluation)
    return {
        year: paying
        for year, awards in sorted(evaluation.awards.items())
        if (paying := {key: award for key, award in awards.items() if award.gross or award.flags})
    }


def evaluate_columns(chunk: Chunk, book: Rulebook) -> Evaluated:
    """The awards of every row under one policy, gross and withheld, in fen; flags are not worked out."""
    evaluation = ColumnEvaluation(chunk, book)
    for measure_id, segments in book.segments.items():
        kind = KINDS.get(segments[0].measure.kind)
        if kind is not None:
            kind.award_column(evaluation, measure_id, segments)
    awards, inside = {}, chunk.zero == 0
    if evaluation.aside:
        inside[list(evaluation.aside)] = False
    for group, amounts in evaluation.amounts.items():
        rows, gross = amounts[0] if len(amounts) == 1 else add_up(chunk.zero, amounts)
        earned = (gross > 0) & inside[rows]
        if earned.any():
            awards[group] = withhold_column(evaluation, group, rows[earned], gross[earned])
    return Evaluated(awards, tuple(sorted({*chunk.aside, *evaluation.aside})))
