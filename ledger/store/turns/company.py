"""Whether others write to a ledger too: whoever is alone takes long turns, for which nobody waits."""

from __future__ import annotations

import time

from ledger.store.turns.table import TurnTable, tag_of

QUIET_SECONDS = 1
"""For how long nobody else must have written before a sender counts as alone."""


class Company:
    """Who writes beside a sender, told by positions that it did not give out itself.

    So those of other processes count as well, and those without a lane. The workers of a service share
    a table: a sender that two of them serve does not take itself for company.
    """

    def __init__(self, table: TurnTable) -> None:
        self._table = table

    def is_met(self) -> bool:
        """Whether somebody else wrote a moment ago."""
        met_at = self._table.last_turn().met_at
        return met_at > 0 and time.monotonic() - met_at < QUIET_SECONDS

    def note_arrival(self, sender: str) -> None:
        """A sender is about to wait for a turn: whoever has them meanwhile is alone no more."""
        now, last = time.monotonic(), self._table.last_turn()
        if last.sender not in (0, tag_of(sender)) and now - last.ended_at <= QUIET_SECONDS:
            self._table.note_company(now)

    def note(self, sender: str, before: int, after: int) -> None:
        """A sender's turn ends, which began and ends at these last positions; before others have theirs."""
        now, tag, last = time.monotonic(), tag_of(sender), self._table.last_turn()
        knows_others = last.sender != 0 and now - last.ended_at <= QUIET_SECONDS
        self._table.note_turn(tag, after, now)
        if knows_others and (last.sender, last.position) != (tag, before):
            self._table.note_company(now)
