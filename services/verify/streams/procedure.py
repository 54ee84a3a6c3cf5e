"""A year's settlement followed step by step: what the procedure forbids is a fault with a position."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from domain.authority.persons import Person, is_same_person
from domain.events.event import Event, Speaker
from domain.events.second_person import StepConfirmed, StepProposed, StepWithdrawn
from domain.events.settlements import (
    BankStatementRecorded,
    ObjectionRaised,
    ObjectionResolved,
    OpenMattersAcknowledged,
    SettlementClosed,
    SettlementEvent,
    SettlementProposed,
    SettlementPublished,
)
from domain.events.speaking import person_of
from domain.settlement.open_matters import digest_matters

CHINA = timedelta(hours=8)
"""China has kept eight hours ahead of UTC since 1991."""
SLACK = timedelta(minutes=1)
"""A step's day is taken just before the step is written, so midnight may lie between."""

FROZEN = (
    *("known", "appropriation_fen", "carried_fen", "spent_fen", "budget_fen", "sharing_fen"),
    *("cut_remainder", "cut_key", "payable_fen", "outside_fen", "awards", "enterprises", "lines_digest"),
    *("budgets", "pots"),
)
"""What a closing must have taken over from the proposal that was published."""


class PlacedEvent(NamedTuple):
    """An event, and where it stands: in the log, and among its originator's."""

    position: int
    version: int
    event: Event
    recorded_at: str = ""
    """When it was recorded (UTC, fixed width)."""

    def day(self, before: timedelta = timedelta(0)) -> str:
        """The day of the event in Asia/Shanghai."""
        time: datetime = datetime.fromisoformat(self.event.time) + CHINA - before
        return time.date().isoformat()


class Closing(NamedTuple):
    """How a year was closed."""

    year: int
    position: int
    content: SettlementClosed
    proposal: SettlementProposed | None
    publication: SettlementPublished | None


ReportFault = Callable[[int, str], None]
"""Notes what is wrong at a position."""


@dataclass(slots=True)
class Procedure:
    """One year's settlement so far.

    ``complete`` says that every step can be read; an enterprise's bundle leaves those out that
    tell of others, and what hangs on them cannot be checked from it.
    """

    policy: str
    year: int
    notice_days: Callable[[int], int]
    """The policy's days for objections, as known at a position."""
    fault: ReportFault
    complete: bool
    number: int = 0
    proposal: SettlementProposed | None = None
    proposer: Person | None = None
    publication: SettlementPublished | None = None
    raised_by: dict[str, Person] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    upheld: bool = False
    closing: Closing | None = None
    acknowledged: list[OpenMattersAcknowledged] = field(default_factory=list)
    """What of open matters was acknowledged, step by step."""

    def follow_step(self, placed_event: PlacedEvent) -> None:
        """Follow one step; whatever must not be is a fault."""
        content, name = placed_event.event.content, placed_event.event.name
        if not isinstance(content, SettlementEvent) or (content.policy, content.year) != (
            self.policy,
            self.year,
        ):
            self.fault(placed_event.position, f"{name} does not belong to the settlement of {self.year}")
        elif isinstance(content, OpenMattersAcknowledged):
            self._acknowledge(placed_event.position, content)
        elif isinstance(content, BankStatementRecorded):
            self._bring_statement(placed_event.position)
        elif self.closing is not None:
            self.fault(placed_event.position, f"{name} after {self.year} was closed")
        elif isinstance(content, SettlementProposed):
            self._propose(placed_event, content)
        elif isinstance(content, SettlementPublished):
            self._publish(placed_event, content)
        elif isinstance(content, ObjectionRaised):
            self._raise_objection(placed_event, content)
        elif isinstance(content, ObjectionResolved):
            self._resolve_objection(placed_event, content)
        elif isinstance(content, SettlementClosed):
            self._close(placed_event, content)

    def _bring_statement(self, position: int) -> None:
        """A statement stands after the closing, where payments are."""
        if self.closing is None and self.complete:
            self.fault(position, f"a bank statement before {self.year} was closed")

    def _acknowledge(self, position: int, content: OpenMattersAcknowledged) -> None:
        """An acknowledgement stands before any step, also before payments of a closed year."""
        self.acknowledged.append(content)
        if digest_matters(content.policy, content.year, content.matters) != content.digest:
            self.fault(position, "the matters that were acknowledged do not come to their digest")

    def _propose(self, placed_event: PlacedEvent, content: SettlementProposed) -> None:
        position = placed_event.position
        if self.complete and content.number != self.number + 1:
            self.fault(position, f"proposal {content.number} follows proposal {self.number}")
        if content.known != position - 1:
            self.fault(position, f"the proposal is of what was known at {content.known}")
        self.number, self.proposal = content.number, content
        self.proposer = person_of(placed_event.event, content.actor)
        self.publication, self.upheld = None, False

    def _publish(self, placed_event: PlacedEvent, content: SettlementPublished) -> None:
        position, proposal = placed_event.position, self.proposal
        if proposal is None or self.publication is not None:
            if self.complete:
                self.fault(position, "a list was published that was not proposed")
        elif (content.number, content.lines_digest) != (proposal.number, proposal.lines_digest):
            self.fault(position, "the list that was published is not the one that was proposed")
        first = date.fromisoformat(content.from_day)
        until = first + timedelta(days=self.notice_days(position) - 1)
        if content.from_day not in (placed_event.day(), placed_event.day(SLACK)):
            self.fault(position, f"the list was published on {placed_event.day()}, not on {first}")
        if content.until_day < until.isoformat():
            self.fault(position, f"the list was published until {content.until_day}, not {until}")
        self.publication = content

    def _raise_objection(self, placed_event: PlacedEvent, content: ObjectionRaised) -> None:
        if self.publication is None or placed_event.day(SLACK) > self.publication.until_day:
            self.fault(placed_event.position, "an objection was taken while no list was published")
        self.raised_by[content.objection] = person_of(placed_event.event, content.raised_by)
        self.open.add(content.objection)

    def _resolve_objection(self, placed_event: PlacedEvent, content: ObjectionResolved) -> None:
        objection = content.objection
        if objection not in self.open:
            self.fault(placed_event.position, f"the objection {objection} is not open")
        elif is_same_person(person_of(placed_event.event, content.actor), self.raised_by[objection]):
            self.fault(placed_event.position, f"the objection {objection} was decided by who raised it")
        self.open.discard(objection)
        self.upheld = self.upheld or content.outcome == "upheld"

    def _close(self, placed_event: PlacedEvent, content: SettlementClosed) -> None:
        position, proposal, publication = placed_event.position, self.proposal, self.publication
        if proposal is None or publication is None:
            self.fault(position, f"{self.year} was closed without a published list")
        else:
            self._compare_closing(placed_event, content, proposal, publication)
        if self.open:
            objections = ", ".join(sorted(self.open))
            self.fault(position, f"{self.year} was closed with open objections: {objections}")
        if self.upheld:
            self.fault(position, f"{self.year} was closed though an objection to its list was upheld")
        if content.log_size != position - 1:
            sizes = f"of a log of {content.log_size} events, not of {position - 1}"
            self.fault(position, f"the closing is {sizes}")
        self.closing = Closing(self.year, position, content, proposal, publication)

    def _compare_closing(
        self,
        placed_event: PlacedEvent,
        content: SettlementClosed,
        proposal: SettlementProposed,
        publication: SettlementPublished,
    ) -> None:
        """The closing is of the list that was proposed and published, in time, by another officer."""
        position = placed_event.position
        if content.number != proposal.number or publication.number != proposal.number:
            self.fault(position, f"proposal {content.number} was closed, {publication.number} published")
        closed, proposed = content.values_by_name(), proposal.values_by_name()
        for name in FROZEN:
            if closed[name] != proposed[name]:
                self.fault(position, f"{name} is {closed[name]}, proposed was {proposed[name]}")
        if self.proposer and is_same_person(person_of(placed_event.event, content.actor), self.proposer):
            self.fault(position, f"{self.year} was closed by who proposed its list: {content.actor}")
        if placed_event.day() <= publication.until_day:
            ended = publication.until_day
            self.fault(position, f"{self.year} was closed before its notice ended on {ended}")


def check_proposals(events: Iterable[PlacedEvent], fault: ReportFault) -> None:
    """Hold the proposals of one matter, and what became of them, to the rules."""
    waiting, proposer = "", Person("", "", "")
    for placed in events:
        content, speaker = placed.event.content, _person(placed.event.said_by)
        if isinstance(content, StepProposed):
            waiting, proposer = content.waiting, speaker
            continue
        if not isinstance(content, StepConfirmed | StepWithdrawn):
            fault(placed.position, f"{placed.event.name} is no event of a proposal")
            continue
        if content.waiting != waiting:
            fault(placed.position, f"the proposal {content.waiting} did not wait")
        elif isinstance(content, StepConfirmed):
            if is_same_person(speaker, proposer):
                fault(placed.position, f"{speaker.name} proposed and confirmed {waiting}")
            elif not is_same_person(_person(content.proposed_by), proposer):
                fault(placed.position, f"{waiting} was not proposed by {content.proposed_by.name}")
        waiting = ""


def check_confirmer(position: int, event: Event, fault: ReportFault) -> None:
    """Hold a step to the rule that who confirmed it is not who proposed it."""
    capacity, speaker = event.acting_as, event.said_by
    if capacity is None or capacity.proposed_by is None or speaker is None:
        return
    if is_same_person(_person(speaker), _person(capacity.proposed_by)):
        fault(position, f"{event.name} was proposed and confirmed by one person: {speaker.name}")


def _person(speaker: Speaker | None) -> Person:
    return Person(speaker.issuer, speaker.subject, speaker.name) if speaker else Person("", "", "")
