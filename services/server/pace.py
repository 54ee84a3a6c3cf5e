"""How long a client may take: a body that arrives, and an answer that leaves, must make progress."""

from __future__ import annotations

BYTES_A_SECOND_MIN = 500
"""Slowest pace of a body or an answer, once the seconds of a stall are used up (mod_reqtimeout's MinRate)."""


class Pace:
    """The patience with one body or answer.

    A single wait takes at most ``stall_seconds``; all of them together that, and a second for each
    ``BYTES_A_SECOND_MIN`` that came or left. Only what is waited for the client counts, so a batch
    that takes long to record is nobody's stall.
    """

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._seconds_left = stall_seconds

    @property
    def seconds_left(self) -> float:
        """How long the next piece may take."""
        return max(0.0, min(self._stall_seconds, self._seconds_left))

    def note(self, seconds: float, size_bytes: int) -> None:
        """A piece of so many bytes took so long."""
        self._seconds_left += size_bytes / BYTES_A_SECOND_MIN - seconds
