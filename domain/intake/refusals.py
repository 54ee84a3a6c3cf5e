"""A refused message as the eventsourcing library's aggregate: who settled it, how and why."""

from __future__ import annotations

from datetime import datetime

from domain.authority.roles import Actor
from domain.authority.writes import require
from domain.events.aggregate import Stream
from domain.events.refusals import RefusalDismissed, RefusalResubmitted
from domain.events.speaking import attribute_step


class RefusedMessage(Stream):
    """One refused message, known by the digest of its bytes."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes as they came, in hex."""
        return str(self.id).removeprefix("refusal:")

    def dismiss(self, actor: Actor, reason: str, now: datetime) -> None:
        """Settle it without sending it again.

        Raises:
            NotAllowed: where the actor may not.
        """
        require(actor, "refusal.dismiss")
        dismissed = RefusalDismissed(digest=self.digest, reason=reason)
        self.record(dismissed, now, attribution=attribute_step(actor, "refusal.dismiss"))

    def resubmit(self, actor: Actor, source: str, event_id: str, now: datetime) -> None:
        """Note that it was sent again, corrected, and recorded as this event.

        Raises:
            NotAllowed: where the actor may not.
        """
        require(actor, "refusal.resubmit")
        resubmitted = RefusalResubmitted(digest=self.digest, of_source=source, of=event_id)
        self.record(resubmitted, now, attribution=attribute_step(actor, "refusal.resubmit"))
