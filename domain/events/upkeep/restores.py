"""What the ledger says of itself: that it was restored, so that its key signed for two histories."""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content


class RestoreRecorded(Content, frozen=True, kw_only=True):
    """The ledger does not hold what its key signed last: it was restored from a copy of before.

    ``signed_*`` is the last checkpoint of the history that is lost, ``log_*`` the log as it stood before
    this event, ``shared_size`` the last checkpoint that is kept: up to it both histories are one. Roots
    are in hexadecimal. ``until`` is when the last event before this one was recorded.
    """

    ORIGINATOR: ClassVar[str] = "log:restores"
    aggregate_topic: ClassVar[str] = "domain.events.aggregate:Stream"
    signed_size: int
    signed_root: str
    log_size: int
    log_root: str
    shared_size: int
    until: str
    actor: str
    reason: str

    @property
    def statement(self) -> str:
        """What it admits, in one plain sentence in English."""
        return (
            f"the ledger was restored at {self.log_size:,} events ({self.until or 'empty'}): its key "
            f"had signed for another log of {self.signed_size:,}, root {self.signed_root}, whose events "
            f"after {self.shared_size:,} may be lost or stand elsewhere; recorded by {self.actor}: "
            f"{self.reason}"
        )
