"""Steps of two persons: what they ask for, and the events that propose, confirm and withdraw them."""

from domain.events.second_person.proposals import (
    StepConfirmed,
    StepProposed,
    StepWithdrawn,
    WaitingEvent,
    waiting_id,
)
from domain.events.second_person.requests import (
    AcceptAdjustment,
    AdoptPolicy,
    CloseYear,
    CountingFact,
    DecideDisagreement,
    DismissRefusal,
    OrderClawback,
    OrderPayments,
    PublishList,
    Request,
    SetBudget,
    StepRequest,
)

__all__ = [
    "AcceptAdjustment",
    "AdoptPolicy",
    "CloseYear",
    "CountingFact",
    "DecideDisagreement",
    "DismissRefusal",
    "OrderClawback",
    "OrderPayments",
    "PublishList",
    "Request",
    "SetBudget",
    "StepConfirmed",
    "StepProposed",
    "StepRequest",
    "StepWithdrawn",
    "WaitingEvent",
    "waiting_id",
]
