"""What an enterprise could still earn: the next tier, the unused cap, the missing condition."""

from __future__ import annotations

from domain.facts.folding import EnterpriseFacts
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Awards
from domain.rules.hints import Hint, Standing
from domain.rules.measures.kinds import KINDS


def outlook_of(facts: EnterpriseFacts, book: Rulebook, awards: Awards, year: int) -> list[Hint]:
    """Hints for one year, in the order of the policy's measures."""
    standing = Standing(facts, book, book.of_year(year), awards, year)
    hints: list[Hint] = []
    for measure in standing.policy.measures.values():
        kind = KINDS.get(measure.kind)
        if kind is not None:
            hints += kind.hints(standing, measure)
    return hints
