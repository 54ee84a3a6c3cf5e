"""A year's settlement: proposed, published for objections (公示), closed for good.

``fold`` reads the settlement's events into its state; ``domain.settlement.steps`` says what may follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.authority.persons import Person
from domain.authority.roles import NotAllowed
from domain.events.event import Event
from domain.events.settlements import (
    BankStatementRecorded,
    ObjectionRaised,
    ObjectionResolved,
    OpenMatter,
    OpenMattersAcknowledged,
    SettlementClosed,
    SettlementProposed,
    SettlementPublished,
)
from domain.events.speaking import person_of


class SettledLine(NamedTuple):
    """One award in a year's list, in fen: gross = withheld + reduction + payable.

    ``award_year`` is another year than the settlement's for what an adjustment or a carried
    reduction brings in; ``pot`` is what pays it (``domain.money.dividing``), ``""`` where there is one.
    """

    code: str
    measure: str
    award_year: int
    gross: int
    withheld: int
    reduction: int
    payable: int
    pot: str = ""

    @property
    def stored_fields(self) -> tuple[str | int, ...]:
        """Its fields; the pot only where there are several."""
        return tuple(self) if self.pot else self[:7]


def line_bytes(line: SettledLine) -> bytes:
    """A line as the list's digest reads it: its fields joined by tabs, and a line feed.

    The digest is SHA-256 over all lines in order of code, measure and award year.
    """
    return ("\t".join(str(part) for part in line.stored_fields) + "\n").encode()


@dataclass(slots=True)
class Objection:
    """An objection; ``outcome`` is ``None`` while it is open."""

    objection: str
    enterprise: str | None
    raised_by: str
    """The name that is shown; ``person`` is who it was."""
    reason: str
    raised_at: str
    person: Person
    outcome: str | None = None
    resolved_by: str | None = None
    resolution: str | None = None


class Acknowledgement(NamedTuple):
    """Who took a step while matters were open, when, and why."""

    step: str
    actor: str
    taken_at: str
    reason: str
    digest: str
    matters: tuple[OpenMatter, ...]


class RecordedStatement(NamedTuple):
    """A statement of the bank that was recorded: what it was, who brought it and when."""

    statement: BankStatementRecorded
    recorded_at: str


@dataclass(slots=True)
class Settlement:
    """Where a year's settlement stands: ``open``, ``proposed``, ``published`` or ``closed``."""

    policy: str
    year: int
    stage: str = "open"
    proposal: SettlementProposed | None = None
    proposed_at: str = ""
    proposer: Person | None = None
    publication: SettlementPublished | None = None
    """Of the present proposal."""
    objections: dict[str, Objection] = field(default_factory=dict)
    upheld: bool = False
    """Whether an objection to the present proposal was upheld."""
    closing: SettlementClosed | None = None
    closed_at: str = ""
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    """Of all its steps, and of ordering its payments."""
    statements: dict[str, RecordedStatement] = field(default_factory=dict)
    """Of the bank, by the digest of the file."""

    @property
    def number(self) -> int:
        """How many proposals there were."""
        return self.proposal.number if self.proposal else 0

    @property
    def open_objections(self) -> list[str]:
        """Objections that nobody has resolved."""
        return [each.objection for each in self.objections.values() if each.outcome is None]

    def present_proposal(self) -> SettlementProposed:
        """The proposal that stands.

        Raises:
            NotAllowed: where there is none.
        """
        if self.proposal is None:
            raise NotAllowed("settlement.not-proposed", "year", stage=self.stage)
        return self.proposal

    def present_publication(self) -> SettlementPublished:
        """The publication of the proposal that stands.

        Raises:
            NotAllowed: where it was not published.
        """
        if self.publication is None:
            raise NotAllowed("settlement.not-published", "year", stage=self.stage)
        return self.publication

    def count_event(self, event: Event) -> None:
        """Take one event into the state."""
        content = event.content
        if isinstance(content, SettlementProposed):
            self.stage, self.proposal, self.proposed_at = "proposed", content, event.time
            self.publication, self.upheld = None, False
            self.proposer = person_of(event, content.actor)
        elif isinstance(content, SettlementPublished):
            self.stage, self.publication = "published", content
        elif isinstance(content, ObjectionRaised):
            self.objections[content.objection] = Objection(
                content.objection,
                content.enterprise,
                content.raised_by,
                content.reason,
                event.time,
                person_of(event, content.actor),
            )
        elif isinstance(content, ObjectionResolved):
            objection = self.objections[content.objection]
            objection.outcome, objection.resolved_by = content.outcome, content.actor
            objection.resolution = content.reason
            self.upheld = self.upheld or content.outcome == "upheld"
        elif isinstance(content, SettlementClosed):
            self.stage, self.closing, self.closed_at = "closed", content, event.time
        elif isinstance(content, BankStatementRecorded):
            self.statements[content.digest] = RecordedStatement(content, event.time)
        elif isinstance(content, OpenMattersAcknowledged):
            self.acknowledgements.append(
                Acknowledgement(
                    content.step, content.actor, event.time, content.reason, content.digest, content.matters
                )
            )


def fold(policy: str, year: int, history: Iterable[Event]) -> Settlement:
    """The state that a settlement's events, in order, lead to."""
    state = Settlement(policy, year)
    for event in history:
        state.count_event(event)
    return state
