"""How much of what is refused is kept for one sender, so that nobody can fill the ledger with it."""

from __future__ import annotations

from typing import NamedTuple

from domain.faults.fault import Fault

COUNTED_DAYS = 1
"""For how long a refused message counts once it is settled; while it waits, it counts always."""
MEGABYTE = 1024 * 1024


class KeptRefusals(NamedTuple):
    """What is kept for a sender and counts."""

    messages: int
    size_bytes: int
    """Of the messages as they came, and of what was found wrong with them."""


class RefusalQuota(NamedTuple):
    """The most that counts for one sender at once."""

    messages: int
    megabytes: int

    def find_fault(self, kept: KeptRefusals, more_bytes: int) -> Fault | None:
        """The fault of one message more, of so many bytes; nothing where it fits."""
        fits = kept.messages < self.messages and kept.size_bytes + more_bytes <= self.megabytes * MEGABYTE
        args = {"messages": self.messages, "megabytes": self.megabytes}
        return None if fits else Fault("quota.refused", "message", args)
