"""Highest-only (从高不重复): what is withheld where another policy paid for the same matter and year."""

from __future__ import annotations

from functools import lru_cache

from domain.policy.model import Policy, Select
from domain.policy.rulebook import Rulebook
from domain.rules.arithmetic import Column, Number, least
from domain.rules.awards import Evaluation
from domain.rules.columns.arrays import values_at
from domain.rules.columns.chunks import Awarded, ColumnEvaluation, Group
from domain.rules.columns.selection import reported_amounts
from domain.rules.selection import amounts_by_year

OTHER_AWARD = "OtherAwardRecorded"


def competing_awards(book: Rulebook, policy: Policy, measure_id: str) -> Select:
    """The awards of other authorities that compete with a measure's, as facts to select."""
    measure = policy.measures.get(measure_id)
    stacks = measure.stacks_with if measure else ()
    authorities = tuple([name for name in policy.highest_only_authorities if name not in stacks])
    return _select_awards(book.id, measure_id, authorities, policy.currency)


@lru_cache(maxsize=1_024)
def _select_awards(book_id: str, measure_id: str, authorities: tuple[str, ...], currency: str) -> Select:
    condition = {"policy": (book_id,), "measure": (measure_id,), "authority": authorities}
    return Select((OTHER_AWARD,), condition, currency)


def withheld_fen(policy: Policy, gross: Number, competing: Number) -> Number:
    """What is withheld of an award: all of it where any other bars it, else what tops it up to the higher."""
    return gross * (competing > 0) if policy.highest_only == "barred" else least(gross, competing)


def withhold(evaluation: Evaluation) -> None:
    """Note on every award of one enterprise what others paid for it, and what is withheld."""
    if not evaluation.facts.amounts.get(OTHER_AWARD):
        return
    for year, awards in evaluation.awards.items():
        policy = evaluation.book.of_year(year)
        for measure_id, award in awards.items():
            select = competing_awards(evaluation.book, policy, measure_id)
            award.other = amounts_by_year(evaluation.facts, select, policy.reports).get(year, 0)
            award.withheld = withheld_fen(policy, award.gross, award.other)


def withhold_column(evaluation: ColumnEvaluation, group: Group, rows: Column, gross: Column) -> Awarded:
    """A group's awards with what is withheld of them."""
    year, measure_id = group
    policy = evaluation.book.of_year(year)
    select = competing_awards(evaluation.book, policy, measure_id)
    reported = reported_amounts(evaluation, select, year, policy.reports)
    if reported is None:
        return Awarded(rows, gross, 0 * gross)
    competing, _ = values_at(evaluation.chunk.zero, reported, rows)
    return Awarded(rows, gross, withheld_fen(policy, gross, competing))
