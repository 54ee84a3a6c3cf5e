"""What a batch finds of facts that disagree, as it is handed from one look to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from domain.disagreements.matters import REPORTED_TWICE, Party
from domain.events.content import Content
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import DisagreementRule
from ledger.projections.disagreements import DisputedFact, EntryKey

History = Callable[[str], list[Event]]
"""All of an enterprise's facts, those of the batch included."""


ReadAhead = Callable[[Iterable[str]], None]
"""Reads at once the histories of enterprises that will be asked for."""


class Company(Enum):
    """Who reported to a yearly amount before a report that adds to it, or that a correction takes there."""

    NONE = 0
    OWN_SOURCE = 1
    OTHER_SOURCES = 2


class ReportedFact(msgspec.Struct, frozen=True, gc=False):
    """A fact that a batch records, or one that it amends; ``facts`` are its enterprise's after the batch."""

    code: str
    fact: Event
    facts: EnterpriseFacts
    amended: bool = False
    company: Company = Company.NONE
    sole_before: Party | None = None
    """The only report to the same yearly amount before it, where there was one."""

    @property
    def content(self) -> Content | None:
        """What it says as corrections leave it; ``None`` once it is retracted."""
        return self.facts.corrected(self.fact)


Reports = dict[str, list[ReportedFact]]
"""By the kind of fact."""


class Dispute(NamedTuple):
    """What facts of one matter may disagree in, under one rule."""

    disagreement: str
    policy: str
    rule: DisagreementRule
    event: str

    @property
    def is_of_sums(self) -> bool:
        """Whether the sums of amounts tell whether facts disagree."""
        return (self.rule.kind, self.rule.field) == (REPORTED_TWICE, "amount_fen")


class Series(NamedTuple):
    """An enterprise's facts of one kind."""

    code: str
    event: str


@dataclass(slots=True)
class Findings:
    """What a batch finds, whatever was found before."""

    disputed: dict[EntryKey, DisputedFact] = field(default_factory=dict)
    parted: set[EntryKey] = field(default_factory=set)
    """Facts that are no longer about the matter of a disagreement."""
    settled: set[str] = field(default_factory=set)
    """Disagreements in which nothing disagrees any more."""
    reviewed: dict[str, set[Series]] = field(default_factory=dict)
    """By kind of disagreement, what was looked at as a whole."""
    reviewed_facts: dict[str, set[str]] = field(default_factory=dict)
    """By kind of disagreement, keys of facts that were amended and looked at each by itself."""

    def dispute(
        self, dispute: Dispute, parties: Iterable[Party], matter: str, *, agrees: bool = False
    ) -> None:
        """Note that facts disagree, or that they say what another one says."""
        for party in parties:
            fact = DisputedFact(
                dispute.disagreement, party, dispute.event, dispute.policy, dispute.rule, matter, agrees
            )
            self.disputed[fact.entry_key] = fact

    def note_reviewed(self, kind: str, codes: Iterable[str], event: str) -> None:
        """Note enterprises whose facts of a kind were looked at as a whole."""
        self.reviewed.setdefault(kind, set()).update(Series(code, event) for code in codes)

    def note_reviewed_facts(self, kind: str, reports: Iterable[ReportedFact]) -> None:
        """Note facts that were looked at each by itself."""
        keys = (report.fact.key for report in reports if report.amended)
        self.reviewed_facts.setdefault(kind, set()).update(keys)
