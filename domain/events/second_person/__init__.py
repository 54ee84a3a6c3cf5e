"""Steps of two persons: what they ask for (``requests``), and the events that tell of them."""

from domain.events.second_person.proposals import (
    StepConfirmed,
    StepProposed,
    StepWithdrawn,
    WaitingEvent,
    waiting_id,
)
from domain.events.second_person.requests import Request, StepRequest

__all__ = [
    "Request",
    "StepConfirmed",
    "StepProposed",
    "StepRequest",
    "StepWithdrawn",
    "WaitingEvent",
    "waiting_id",
]
