"""What a policy gives one enterprise, by year and measure, and the evaluation that adds it up."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from domain.facts.folding import EnterpriseFacts
from domain.policy.rulebook import Rulebook
from domain.rules.steps import Step

CONFLICT = "conflicting-assessments"
AWAITING = "awaiting-assessment"
SHORT_HISTORY = "short-history"
NO_HISTORY = "no-history"


class Award(msgspec.Struct):
    """What one measure gives one enterprise for one year, in fen.

    ``withheld`` is what highest-only takes off; ``flags`` name what an officer must look at.
    """

    gross: int = 0
    withheld: int = 0
    other: int = 0
    flags: tuple[str, ...] = ()

    @property
    def eligible(self) -> int:
        """Gross after highest-only, before the budget's reduction."""
        return self.gross - self.withheld


Awards = dict[int, dict[str, Award]]
"""Awards by year and measure id."""


@dataclass(slots=True)
class Evaluation:
    """One enterprise under one policy: its facts, the rules, its awards so far.

    ``trace`` takes the steps of the arithmetic where somebody asks for them.
    """

    facts: EnterpriseFacts
    book: Rulebook
    trace: list[Step] | None = None
    awards: Awards = field(default_factory=dict)

    def give(self, measure: str, year: int, fen: int, flag: str = "") -> None:
        """Add fen to an award, or flag it."""
        award = self.awards.setdefault(year, {}).setdefault(measure, Award())
        award.gross += fen
        if flag and flag not in award.flags:
            award.flags = (*award.flags, flag)
