"""Steps that need two persons: proposed by one, confirmed by another, or withdrawn.

The originator is ``"waiting:" + step + ":" + what it is about``, so that of one matter one proposal waits.
"""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content
from domain.events.event import Speaker
from domain.events.second_person.requests import Request


class WaitingEvent(Content, frozen=True, kw_only=True):
    """About a proposal, by its id."""

    aggregate_topic: ClassVar[str] = "domain.waiting.stream:WaitingStream"
    waiting: str


class StepProposed(WaitingEvent, frozen=True, kw_only=True):
    """A person asks for a step that another one must confirm, until an instant (UTC, fixed width)."""

    request: Request
    until: str


class StepConfirmed(WaitingEvent, frozen=True, kw_only=True):
    """Another person confirmed it; the step's own events follow in the same transaction."""

    proposed_by: Speaker


class StepWithdrawn(WaitingEvent, frozen=True, kw_only=True):
    """Who proposed it, or an operator, took it back."""


def waiting_id(request: Request) -> str:
    """The originator of proposals of one matter."""
    return f"waiting:{request.step}:{request.matter_id}"
