"""What the ledger says of its clock: that it once stood ahead, and from when recorded times go on."""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content


class ClockCorrected(Content, frozen=True, kw_only=True):
    """Recorded times go back, once, to the present: a clock had stood ahead and stamped the future.

    ``stamped_until`` is the recorded time of the event before this one, ``resumed_at`` its own, from which
    recorded times go on. What was stamped before stays stamped.
    """

    ORIGINATOR: ClassVar[str] = "log:clock"
    aggregate_topic: ClassVar[str] = "domain.events.aggregate:Stream"
    stamped_until: str
    resumed_at: str
    actor: str
    reason: str

    def allows(self, before: str, recorded_at: str) -> bool:
        """Whether it says that recorded times go back from one to another: as this event itself stands."""
        return (before, recorded_at) == (self.stamped_until, self.resumed_at) and recorded_at < before

    @property
    def statement(self) -> str:
        """What it says, in one plain sentence in English."""
        return (
            f"a clock that stood ahead had stamped events up to {self.stamped_until}; recorded times went "
            f"back to {self.resumed_at}, recorded by {self.actor}: {self.reason}"
        )
