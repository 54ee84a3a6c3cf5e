"""Which steps of parted duties (``domain.authority.duties``) events tell of, and whose they were."""

from __future__ import annotations

from collections.abc import Iterator

from domain.authority.duties import TakenStep
from domain.authority.persons import Person
from domain.events.accounts import (
    AccountEvent,
    ClawbackOrdered,
    ClawbackRecovered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
)
from domain.events.content import Content
from domain.events.event import Event
from domain.events.instants import day_of
from domain.events.settlements import (
    BankStatementRecorded,
    SettlementClosed,
    SettlementEvent,
    SettlementProposed,
    SettlementPublished,
)

STEP_OF: dict[type[Content], str] = {
    SettlementProposed: "settlement.propose",
    SettlementPublished: "settlement.publish",
    SettlementClosed: "settlement.close",
    PaymentOrdered: "payment.order",
    PaymentMade: "payment.record",
    PaymentFailed: "payment.record",
    BankStatementRecorded: "payment.record",
    ClawbackOrdered: "clawback.order",
    ClawbackRecovered: "clawback.record",
}
"""The step that an event is of, where it stands in the table of duties."""


def taken_steps_of(event: Event) -> Iterator[TakenStep]:
    """The step that an event is of: by who took it, and by who proposed it, where two did.

    A program's key is no person.
    """
    content, speaker = event.content, event.said_by
    step = STEP_OF.get(type(content))
    if step is None or not isinstance(content, SettlementEvent | AccountEvent):
        return
    on = day_of(event.time)
    if speaker is None:
        name = getattr(content, "actor", "")
        if name:  # recorded before events said who took them
            yield TakenStep(step, Person("", "", name), on)
        return
    if not speaker.publisher:
        yield TakenStep(step, Person(speaker.issuer, speaker.subject, speaker.name), on)
    proposer = event.acting_as.proposed_by if event.acting_as is not None else None
    if proposer is not None:
        yield TakenStep(step, Person(proposer.issuer, proposer.subject, proposer.name), on)
