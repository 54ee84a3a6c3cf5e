"""The eventsourcing library's model of the ledger's streams: an event in its place, and what it is about.

An aggregate is loaded by the library's repository; a command method of it checks a step against the
rules and triggers the event; ``collect_events`` hands the events over, to be appended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from eventsourcing.domain import BaseAggregate, CanMutateAggregate
from eventsourcing.utils import resolve_topic

from domain.events.content import Content
from domain.events.event import NOBODY, Attribution, Event
from domain.events.instants import instant

OUR_SOURCE = "urn:subsidy-ledger"
"""The source of events that the ledger makes itself; no upstream may use it."""


@dataclass(frozen=True, kw_only=True)
class RecordedEvent(CanMutateAggregate[str]):
    """An event in its place in a stream; ``timestamp`` is when the ledger recorded it."""

    originator_id: str
    originator_version: int
    timestamp: datetime
    event: Event

    def mutate(self, aggregate: Any) -> Any:
        """Evolve the aggregate; the first event about one opens it."""
        opened = aggregate or open_stream(self.event.content, self.originator_id, self.timestamp)
        return super().mutate(opened)

    def apply(self, aggregate: Any) -> None:
        """Count the event."""
        aggregate.count_event(self.event)


class Stream(BaseAggregate[str]):
    """What the events of one originator say together; the first one opens it, whichever it is."""

    @classmethod
    def opened(cls, originator_id: str, timestamp: datetime) -> Self:
        """A stream with no events yet."""
        stream = cls.__new__(cls)
        stream.__base_init__(originator_id, 0, timestamp)
        stream.begin()
        return stream

    def begin(self) -> None:
        """Set the state that holds before the first event."""
        self.events: list[Event] = []

    def count_event(self, event: Event) -> None:
        """Take an event into the state, in the order of recording."""
        self.events.append(event)

    def record(
        self,
        content: Content,
        now: datetime,
        *,
        event_id: str = "",
        attribution: Attribution = NOBODY,
    ) -> None:
        """Trigger an event that the ledger itself makes; its id is its place, unless one is named."""
        place = f"{self.id}:{self.version + 1}"
        event = Event(content, OUR_SOURCE, event_id or place, instant(now), *attribution)
        self.trigger_event(RecordedEvent, timestamp=now, event=event)


def open_stream(content: Content, originator_id: str, timestamp: datetime) -> Stream:
    """An empty stream of the aggregate that the content's kind belongs to."""
    aggregate: type[Stream] = resolve_topic(content.aggregate_topic)
    return aggregate.opened(originator_id, timestamp)
