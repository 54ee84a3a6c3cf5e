"""How people settled a message that was refused; the originator is ``"refusal:" + digest``."""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content


class RefusalEvent(Content, frozen=True, kw_only=True):
    """About one refused message, known by the SHA-256 of its bytes; the message itself is not repeated."""

    aggregate_topic: ClassVar[str] = "domain.intake.refusals:RefusedMessage"
    digest: str


class RefusalDismissed(RefusalEvent, frozen=True, kw_only=True):
    """Somebody decided that it is not to be sent again; ``reason`` is empty where none was given."""

    reason: str


class RefusalResubmitted(RefusalEvent, frozen=True, kw_only=True):
    """Somebody sent it again, corrected: it was recorded as the event ``of`` of ``of_source``."""

    of_source: str
    of: str


def refusal_id(digest: str) -> str:
    """The originator of a refused message's events."""
    return f"refusal:{digest}"
