"""Turns between threads: first come, first served, and nobody has more than one place in the queue.

A writing transaction waits for its turn before it asks for a connection: in the library's pool a writer
that waits keeps everybody from one, readers too. Whoever sends much waits in a lane of their own before
that, so that they compete with others as one, however many requests they send at a time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.store.rows import LOCK_SECONDS_MAX, StoreUnavailable

AT_ONCE_MAX = 3
"""Most requests of one sender in a lane: fewer than a worker has threads, so that others find one."""


REST_RATIO = 3
"""How many times as long as its turns took a sender rests beside others, who find all free meanwhile."""
REST_AHEAD_SECONDS = 1 / 3
"""As much of it may be owed: who sends now and then has rested before that."""
REST_SECONDS_MAX = 1
"""Longest rest before a turn."""
OWED_SECONDS_MAX = 3
"""Most rest that is owed: not for long after a flood has ended."""


class LaneFull(Exception):
    """A sender has as many requests under way as are taken in at once."""


class Turns:
    """One turn at a time, handed on in the order in which it was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = deque[threading.Event]()
        self._is_taken = False

    @contextmanager
    def take(self, seconds: float = LOCK_SECONDS_MAX) -> Iterator[None]:
        """Have the turn.

        Raises:
            StoreUnavailable: where it does not come in time.
        """
        self._wait(seconds)
        try:
            yield
        finally:
            self._hand_on()

    def _wait(self, seconds: float) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(seconds):
            return
        with self._lock:
            if mine.is_set():  # it came as the wait ended
                return
            self._waiting.remove(mine)
        raise StoreUnavailable("database.busy", seconds=f"{seconds:g}")

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


class _Lane:
    def __init__(self) -> None:
        self.turns, self.requests = Turns(), 0


class Lanes:
    """A queue for each sender, gone when nobody is in it; and until when each is to rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._rested_at: dict[str, float] = {}

    def rest_before_turn(self, sender: str) -> None:
        """Rest before a turn beside others, where the sender took more of the time than anybody else."""
        now, rested_at = time.monotonic(), self._rested_at
        due_at = rested_at.get(sender, now)
        wait = due_at - now - REST_AHEAD_SECONDS
        if wait > 0 and due_at >= max(rested_at.values(), default=now):
            time.sleep(min(wait, REST_SECONDS_MAX))

    def note_turn(self, sender: str, seconds: float) -> None:
        """A sender's turn has ended, in which nobody else could write for so long."""
        now = time.monotonic()
        with self._lock:
            rested_at = {name: at for name, at in self._rested_at.items() if at > now}
            rested_until = rested_at.get(sender, now) + REST_RATIO * seconds
            rested_at[sender] = min(rested_until, now + OWED_SECONDS_MAX)
            self._rested_at = rested_at  # whole: whoever rests reads it without the lock

    @contextmanager
    def take(self, sender: str) -> Iterator[None]:
        """Have the turn among the requests of a sender; without a sender at once.

        Raises:
            LaneFull: where enough of the sender's are under way.
            StoreUnavailable: where it does not come in time.
        """
        if not sender:
            yield
            return
        with self._lock:
            lane = self._lanes.setdefault(sender, _Lane())
            if lane.requests >= AT_ONCE_MAX:
                raise LaneFull(sender)
            lane.requests += 1
        try:
            with lane.turns.take():
                yield
        finally:
            with self._lock:
                lane.requests -= 1
                if not lane.requests:
                    del self._lanes[sender]
