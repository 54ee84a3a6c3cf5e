"""The aggregates of the eventsourcing library: an enterprise, a policy's record, a year's settlement."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from eventsourcing.domain import BaseAggregate

from domain.events import AccountEvent, EnterpriseEvent, PolicyEvent, SettlementEvent
from domain.facts.folding import EnterpriseFacts, Fact, fold


class _Opened(BaseAggregate[str]):
    """An aggregate whose first event opens it, whichever kind of event that is."""

    @classmethod
    def opened(cls, originator_id: str, timestamp: datetime) -> Self:
        """An aggregate with no events yet."""
        aggregate = cls.__new__(cls)
        aggregate.__base_init__(originator_id, 0, timestamp)
        aggregate.begin()
        return aggregate

    def begin(self) -> None:
        """Set the state that holds before the first event."""


class Enterprise(_Opened):
    """One enterprise, known by its unified social credit code."""

    def begin(self) -> None:
        """Start with no facts."""
        self.events: list[Fact] = []

    def record(self, event: EnterpriseEvent) -> None:
        """Keep the event in the order of recording."""
        self.events.append(
            Fact(type(event).__name__, event.source, event.event_id, event.time, event.content)
        )

    @property
    def facts(self) -> EnterpriseFacts:
        """The facts as they stand after all corrections."""
        return fold(self.events)


class PolicyRecord(_Opened):
    """The versions and budgets of one policy, in the order in which they were recorded."""

    def begin(self) -> None:
        """Start with no versions."""
        self.history: list[PolicyEvent] = []

    def record(self, event: PolicyEvent) -> None:
        """Keep the event in the order of recording."""
        self.history.append(event)


class SettlementRecord(_Opened):
    """The steps of one year's settlement, in the order in which they were recorded."""

    def begin(self) -> None:
        """Start with no steps."""
        self.history: list[SettlementEvent] = []

    def record(self, event: SettlementEvent) -> None:
        """Keep the event in the order of recording."""
        self.history.append(event)


class AccountRecord(_Opened):
    """What one enterprise was settled, paid and must pay back for one year."""

    def begin(self) -> None:
        """Start with nothing."""
        self.history: list[AccountEvent] = []

    def record(self, event: AccountEvent) -> None:
        """Keep the event in the order of recording."""
        self.history.append(event)
