"""Whose turn it was and what each sender owes, counted over all workers of a service.

A small file that the workers map into memory, as their limits are: with a table of each worker's own,
whoever floods would have a share of the time as many times as there are workers.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ledger.store.rows import LOCK_SECONDS_MAX, StoreUnavailable

SENDERS_MAX = 64
"""Senders that owe rest at once; beyond that, who owes least is forgotten."""
RETRY_SECONDS = 1 / 500
"""How soon a request asks again for the place that another worker's request of its sender has."""
_LAST, _TURN, _MET = struct.Struct("=Qqdd"), struct.Struct("=Qqd"), struct.Struct("=d")
_DEBT = struct.Struct("=Qd")
_BYTES = _LAST.size + SENDERS_MAX * _DEBT.size
_PLACES, _PLACE_LOCKS = _BYTES, 65_536
"""Bytes of the file in which nothing stands: the number of one is locked for a sender."""


class LastTurn(NamedTuple):
    """The turn that ended last."""

    sender: int
    """By its tag; 0: there was none yet."""
    position: int
    """The last position when it ended."""
    ended_at: float
    """A moment on the machine's own clock."""
    met_at: float
    """When somebody was found who wrote beside the last sender; 0: nobody was."""


class TurnTable:
    """The notes of one process, or of all that map ``file``.

    Nothing is locked: the last turn is noted by whoever may write to the ledger, and of a debt that two
    workers note at once one is forgotten, which costs nobody more than a rest.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = -1
        if file is not None:
            self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self._file, _BYTES)
        self._table = mmap.mmap(self._file, _BYTES)

    def last_turn(self) -> LastTurn:
        """The turn that was noted last."""
        return LastTurn(*_LAST.unpack_from(self._table))

    def note_turn(self, sender: int, position: int, ended_at: float) -> None:
        """Note the turn that ends, before anybody else's can."""
        _TURN.pack_into(self._table, 0, sender, position, ended_at)

    def note_company(self, met_at: float) -> None:
        """Note that somebody writes beside the last sender."""
        _MET.pack_into(self._table, _TURN.size, met_at)

    def rested_at(self) -> dict[int, float]:
        """Until when each sender is to rest, by its tag."""
        return {tag: moment for tag, moment in self._debts() if tag}

    def note_debt(self, tag: int, rested_at: float) -> None:
        """Note until when a sender is to rest."""
        debts = self._debts()
        place = next((place for place, (noted, _) in enumerate(debts) if noted == tag), None)
        if place is None:
            place = min(range(SENDERS_MAX), key=lambda place: debts[place][1])
        _DEBT.pack_into(self._table, _LAST.size + place * _DEBT.size, tag, rested_at)

    def _debts(self) -> list[tuple[int, float]]:
        return list(_DEBT.iter_unpack(self._table[_LAST.size : _BYTES]))

    @contextmanager
    def hold_place(self, sender: str) -> Iterator[None]:
        """The one place of a sender among the workers; the threads of each stand in a lane before that.

        Raises:
            StoreUnavailable: where it does not come in time.
        """
        if self._file < 0:
            yield
            return
        place, end = _PLACES + tag_of(sender) % _PLACE_LOCKS, time.monotonic() + LOCK_SECONDS_MAX
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                break
            except OSError:
                if time.monotonic() > end:
                    raise StoreUnavailable("database.busy", seconds=f"{LOCK_SECONDS_MAX:g}") from None
            time.sleep(RETRY_SECONDS)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)


@lru_cache(maxsize=1_024)
def tag_of(sender: str) -> int:
    """What stands for a sender in the table; never 0."""
    digest = hashlib.blake2b(sender.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") | 1
