"""A refused message as the eventsourcing library's aggregate: who settled it, how and why."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events.aggregate import Stream
from domain.events.refusals import RefusalDismissed, RefusalResubmitted
from domain.events.speaking import attribute_step
from domain.things.spelling import canonical_identity


class EnvelopeNames(NamedTuple):
    """What a message names the fact by that it reports; None for what it does not name, or wrongly."""

    source: str | None
    event_id: str | None
    subject: str | None
    type: str | None

    def without(self, fields: Collection[str]) -> EnvelopeNames:
        """The same without what is at fault, by the names of the envelope."""
        members = zip(("source", "id", "subject", "type"), self, strict=True)
        return EnvelopeNames(*(None if name in fields else value for name, value in members))


def check_resubmission(refused: EnvelopeNames, text: str, sent: EnvelopeNames, is_new: bool) -> None:
    """Check that what is sent again reports the fact that a refused message reports.

    Whatever the refused message names rightly stays as it is. Its source and id say which fact it is.
    Where one of them is at fault, its enterprise must say so, or be read in its text where that is no
    message at all; and what is sent may not stand for it as it is recorded already.

    Args:
        refused: without what is at fault.
        text: the refused message as it came.
        is_new: whether what is sent is recorded now, and not known already.

    Raises:
        NotAllowed: where it is another fact's message, or cannot be shown to be this one's.
    """
    for field, before, after in zip(("source", "id", "subject", "type"), refused, sent, strict=True):
        if before is not None and canonical_identity(before) != after:
            raise NotAllowed("refusal.other-fact", field, named=before)
    if refused.source is not None and refused.event_id is not None:
        return
    if refused.subject is None and (not sent.subject or sent.subject not in text):
        raise NotAllowed("refusal.unlike", "subject")
    if not is_new:
        raise NotAllowed("refusal.known", "id")


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
