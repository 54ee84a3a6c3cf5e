"""Whether others write to a ledger too: whoever is alone takes long turns, for which nobody waits."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

QUIET_SECONDS = 1
"""For how long nobody else must have written before a sender counts as alone."""


class _Turn(NamedTuple):
    sender: str
    position: int
    """The last position when it ended."""
    ended_at: float


class Company:
    """Who writes beside a sender, told by positions that it did not give out itself.

    So those of other processes count as well, and those without a lane.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: _Turn | None = None
        self._met_at = time.monotonic() - QUIET_SECONDS

    def is_met(self) -> bool:
        """Whether somebody else wrote a moment ago."""
        return time.monotonic() - self._met_at < QUIET_SECONDS

    def note(self, sender: str, before: int, after: int) -> None:
        """A sender's turn has ended, which began and ended at these last positions."""
        now = time.monotonic()
        with self._lock:
            last, self._last = self._last, _Turn(sender, after, now)
            if last is None or now - last.ended_at > QUIET_SECONDS:  # nobody knows when the others wrote
                return
            if (last.sender, last.position) != (sender, before):
                self._met_at = now
