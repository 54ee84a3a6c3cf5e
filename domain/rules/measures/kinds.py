"""The kinds of measure that pay, each with all that it does; a measure is never known by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from domain.policy.model import Measure
from domain.policy.rulebook import Segment
from domain.rules.awards import Evaluation
from domain.rules.columns.chunks import ColumnEvaluation
from domain.rules.hints import Hint, Standing
from domain.rules.measures import discretionary, fixed, growth_share, per_unit, percentage, tiered


class Kind(NamedTuple):
    """What a kind of measure does: by measure id and the measure's versions, or for a year."""

    award: Callable[[Evaluation, str, list[Segment]], None]
    award_column: Callable[[ColumnEvaluation, str, list[Segment]], None]
    hints: Callable[[Standing, Measure], Iterator[Hint]]


KINDS: dict[str, Kind] = {
    "fixed": Kind(fixed.award, fixed.award_column, fixed.hints),
    "per-unit": Kind(per_unit.award, per_unit.award_column, per_unit.hints),
    "tiered": Kind(tiered.award, tiered.award_column, tiered.hints),
    "percentage": Kind(percentage.award, percentage.award_column, percentage.hints),
    "growth-share": Kind(growth_share.award, growth_share.award_column, growth_share.hints),
    "discretionary": Kind(discretionary.award, discretionary.award_column, discretionary.hints),
}
"""By the ``kind`` of the policy file; the others pay nothing."""
