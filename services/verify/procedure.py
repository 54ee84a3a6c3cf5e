"""A year's settlement followed step by step: what the procedure forbids is a fault with a position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from domain.events.event import Event
from domain.events.settlements import (
    ObjectionRaised,
    ObjectionResolved,
    SettlementClosed,
    SettlementProposed,
    SettlementPublished,
)

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


class Placed(NamedTuple):
    """What an event records, and where it stands."""

    position: int
    version: int
    fact: Event

    def day(self, before: timedelta = timedelta(0)) -> str:
        """The day of the event in Asia/Shanghai."""
        when: datetime = datetime.fromisoformat(self.fact.time) + CHINA - before
        return when.date().isoformat()


class Closing(NamedTuple):
    """How a year was closed."""

    year: int
    position: int
    content: SettlementClosed
    proposal: SettlementProposed | None
    publication: SettlementPublished | None


Fault = Callable[[int, str], None]
"""Notes what is wrong at a position."""


@dataclass(slots=True)
class Steps:
    """One year's settlement so far.

    ``whole`` says that every step can be read; an enterprise's bundle leaves those out that
    tell of others, and what hangs on them cannot be checked from it.
    """

    policy: str
    year: int
    notice_days: Callable[[int], int]
    """The policy's days for objections, as known at a position."""
    fault: Fault
    whole: bool
    number: int = 0
    proposal: SettlementProposed | None = None
    publication: SettlementPublished | None = None
    raised_by: dict[str, str] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    upheld: bool = False
    closing: Closing | None = None

    def take(self, event: Placed) -> None:
        """Follow one step."""
        content = event.fact.content
        step = getattr(self, f"_{event.fact.name}", None)
        if step is None or (content.get("policy"), content.get("year")) != (self.policy, self.year):
            self.fault(event.position, f"{event.fact.name} does not belong to the settlement of {self.year}")
        elif self.closing is not None:
            self.fault(event.position, f"{event.fact.name} after {self.year} was closed")
        else:
            step(event, content)

    def _SettlementProposed(self, event: Placed, content: SettlementProposed) -> None:
        if self.whole and content.number != self.number + 1:
            self.fault(event.position, f"proposal {content['number']} follows proposal {self.number}")
        if content.known != event.position - 1:
            self.fault(event.position, f"the proposal is of what was known at {content['known']}")
        self.number, self.proposal = content.number, content
        self.publication, self.upheld = None, False

    def _SettlementPublished(self, event: Placed, content: SettlementPublished) -> None:
        if self.proposal is None or self.publication is not None:
            if self.whole:
                self.fault(event.position, "a list was published that was not proposed")
        elif any(content[name] != self.proposal[name] for name in ("number", "lines_digest")):
            self.fault(event.position, "the list that was published is not the one that was proposed")
        first = date.fromisoformat(content.from_day)
        until = first + timedelta(days=self.notice_days(event.position) - 1)
        if content.from_day not in (event.day(), event.day(SLACK)):
            self.fault(event.position, f"the list was published on {event.day()}, not on {first}")
        if content.until_day < until.isoformat():
            self.fault(event.position, f"the list was published until {content['until_day']}, not {until}")
        self.publication = content

    def _ObjectionRaised(self, event: Placed, content: ObjectionRaised) -> None:
        if self.publication is None or event.day(SLACK) > self.publication.until_day:
            self.fault(event.position, "an objection was taken while no list was published")
        self.raised_by[content.objection] = content.raised_by
        self.open.add(content.objection)

    def _ObjectionResolved(self, event: Placed, content: ObjectionResolved) -> None:
        name = content.objection
        if name not in self.open:
            self.fault(event.position, f"the objection {name} is not open")
        elif content.actor == self.raised_by[name]:
            self.fault(event.position, f"the objection {name} was decided by who raised it")
        self.open.discard(name)
        self.upheld = self.upheld or content.outcome == "upheld"

    def _SettlementClosed(self, event: Placed, content: SettlementClosed) -> None:
        at, proposal, published = event.position, self.proposal, self.publication
        if proposal is None or published is None:
            self.fault(at, f"{self.year} was closed without a published list")
        else:
            if content.number != proposal.number or published.number != proposal.number:
                self.fault(at, f"proposal {content['number']} was closed, {published['number']} published")
            for name in FROZEN:
                if content[name] != proposal[name]:
                    self.fault(at, f"{name} is {content[name]}, proposed was {proposal[name]}")
            if content.actor == proposal.actor:
                self.fault(at, f"{self.year} was closed by who proposed its list: {content['actor']}")
            if event.day() <= published.until_day:
                self.fault(at, f"{self.year} was closed before its notice ended on {published['until_day']}")
        if self.open:
            self.fault(at, f"{self.year} was closed with open objections: {', '.join(sorted(self.open))}")
        if self.upheld:
            self.fault(at, f"{self.year} was closed though an objection to its list was upheld")
        if content.log_size != at - 1:
            self.fault(at, f"the closing is of a log of {content['log_size']} events, not of {at - 1}")
        self.closing = Closing(self.year, at, content, proposal, published)
