"""The parts of an explanation, ``subsidy-explanation/1``: why each fen. Keys are only ever added to it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from domain.events.event import SupportingDocument
from domain.money.amounts import print_fen
from domain.money.wire import print_fraction, print_percent
from domain.policy.model import Words
from domain.rules.findings import Finding
from domain.rules.steps import Step
from domain.rules.words import values_of
from ledger.reading.disagreements import DisagreeingFact

FORMAT = "subsidy-explanation/1"


class ExplainedReading(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that an award rests on."""

    reading: str
    value: str
    words: Words
    basis: str
    open: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An event that an award rests on: where it stands, what it says."""

    position: int
    source: str
    id: str
    event: str
    time: str
    recorded_at: str
    content: dict[str, Any]
    """As it is stored, amounts in fen and last, with a person's name in clear."""
    based_on: SupportingDocument | None = None

    def wire_parts(self) -> dict[str, Any]:
        """Its fields, the content as its message has it; a document only where one was named."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "based_on"}
        document = {} if self.based_on is None else {"based_on": msgspec.to_builtins(self.based_on)}
        return {**fields, "content": _with_amounts(self.content), **document}


def _with_amounts(content: dict[str, Any]) -> dict[str, Any]:
    """A content with its amount, and that of a correction, as text."""
    form = {
        name: _with_amounts(value) if name == "changes" and isinstance(value, dict) else value
        for name, value in content.items()
        if name != "amount_fen"
    }
    return {**form, "amount": print_fen(content["amount_fen"])} if "amount_fen" in content else form


class ExplainedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an award's arithmetic, and its words."""

    step: Step
    words: Words

    def wire_parts(self) -> dict[str, Any]:
        """Its code, its values as text, its words."""
        return {"op": self.step.code, "values": values_of(self.step), "words": self.words}


class HighestOnly(msgspec.Struct, frozen=True, kw_only=True):
    """Both sums, which won, and what was held back."""

    quote: str
    rule: str
    this_fen: int
    other_fen: int
    higher: str
    """``this`` or ``other``."""
    withheld_fen: int
    words: Words


class ProRata(msgspec.Struct, frozen=True, kw_only=True):
    """The budget's reduction; of one of several pots, its own."""

    quote: str
    applies: bool
    pot: str | None = None
    name: Words | None = None
    budget_fen: int
    sharing_fen: int
    factor: Fraction
    words: Words

    def wire_parts(self) -> dict[str, Any]:
        """Its fields, the factor as a fraction and a percentage beside it."""
        return {
            "quote": self.quote,
            "applies": self.applies,
            **({"pot": self.pot, "name": self.name} if self.pot else {}),
            "budget": print_fen(self.budget_fen),
            "sharing": print_fen(self.sharing_fen),
            "factor": print_fraction(self.factor),
            "percent": print_percent(self.factor),
            "words": self.words,
        }


class CarriedOver(msgspec.Struct, frozen=True, kw_only=True):
    """What the budget took off an award, where it shares the next year's budget."""

    year: int
    amount_fen: int
    words: Words


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know about an award."""

    code: str
    words: Words


class ExplainedAward(msgspec.Struct, frozen=True, kw_only=True):
    """Why one award is what it is."""

    measure: str
    article: str
    title: Words
    quote: str
    kind: str
    lead: str
    readings: tuple[ExplainedReading, ...]
    sources: tuple[Source, ...]
    """The first of them."""
    sources_count: int
    steps: tuple[ExplainedStep, ...]
    gross_fen: int
    order: tuple[str, ...]
    """``highest_only`` and ``pro_rata``, in the order in which they are taken (reading ``pro-rata``)."""
    carried: CarriedOver | None = None
    highest_only: HighestOnly
    pro_rata: ProRata
    withheld_fen: int
    eligible_fen: int
    reduction_fen: int
    payable_fen: int
    flags: tuple[Flag, ...]

    @property
    def reductions(self) -> list[HighestOnly | ProRata]:
        """What was done after the award's arithmetic, in the order in which it was done."""
        highest_first = self.order[0] == "highest_only"
        return [self.highest_only, self.pro_rata] if highest_first else [self.pro_rata, self.highest_only]


class BroughtIn(msgspec.Struct, frozen=True, kw_only=True):
    """An award of another year that this year pays, and where it comes from."""

    measure: str
    article: str
    """Empty where the measure is no more."""
    title: Words
    award_year: int
    gross_fen: int
    withheld_fen: int
    reduction_fen: int
    payable_fen: int
    words: Words
    carried: CarriedOver | None = None


class OwnDisagreement(msgspec.Struct, frozen=True, kw_only=True):
    """What of the enterprise's own facts disagrees; nobody else is named."""

    disagreement: str
    kind: str
    words: Words
    facts: tuple[DisagreeingFact, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Every award of one enterprise for one year, explained."""

    format: str = FORMAT
    enterprise: str
    policy: str
    policy_title: Words
    document: str
    policy_version: int
    policy_digest: str
    year: int
    currency: str
    position: int
    awards: tuple[ExplainedAward, ...]
    brought_in: tuple[BroughtIn, ...]
    disagreements: tuple[OwnDisagreement, ...]


class ExplainedHint(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is still to be earned."""

    measure: str
    article: str
    title: Words
    finding: Finding
    words: Words

    def wire_parts(self) -> dict[str, Any]:
        """Its measure, its code, its values as text, its words."""
        return {
            "measure": self.measure,
            "article": self.article,
            "title": self.title,
            "hint": self.finding.code,
            "values": values_of(self.finding),
            "words": self.words,
        }


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What an enterprise could still earn in a year, before the budget's reduction."""

    enterprise: str
    policy: str
    year: int
    currency: str
    position: int
    hints: tuple[ExplainedHint, ...]
