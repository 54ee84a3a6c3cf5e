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
from ledger.store.turns.table import TurnTable, tag_of

AT_ONCE_MAX = 3
"""Most requests of one sender in a lane: fewer than a worker has threads, so that others find one."""
REST_RATIO = 6
"""How many times as long as its work took the processor a sender rests beside others, who find it free."""
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


class _Work(threading.local):
    """What a thread does for one request."""

    began: float | None = None
    """The thread's own time when what is not counted yet began; ``None`` outside of a request."""


class Lanes:
    """A queue for each sender, gone when nobody is in it; and what rest each owes."""

    def __init__(self, table: TurnTable) -> None:
        self._lock, self._table = threading.Lock(), table
        self._lanes: dict[str, _Lane] = {}
        self._work = _Work()

    @contextmanager
    def take_beside_others(self, sender: str) -> Iterator[None]:
        """Have a turn beside others: one over all workers, and after a rest where the sender owes some.

        Raises:
            StoreUnavailable: where it does not come in time.
        """
        with self._table.hold_place(sender):
            self._rest_from_work(sender)
            yield

    def _rest_from_work(self, sender: str) -> None:
        """Rest, where a sender took more of the time than anybody else."""
        now, rested_at = time.monotonic(), self._table.rested_at()
        due_at = rested_at.get(tag_of(sender), now)
        wait = due_at - now - REST_AHEAD_SECONDS
        if wait > 0 and due_at >= max(rested_at.values()):
            time.sleep(min(wait, REST_SECONDS_MAX))

    @contextmanager
    def counting(self, sender: str) -> Iterator[None]:
        """Count what a sender's request takes of the processor; what its turns took is counted with each."""
        if not sender or self._work.began is not None:
            yield
            return
        self._work.began = time.thread_time()
        try:
            yield
        finally:
            self.note_work(sender)
            self._work.began = None

    def note_work(self, sender: str) -> None:
        """Count what this thread did for a sender's request since it was counted last."""
        began = self._work.began
        if began is None:
            return
        self._work.began = time.thread_time()
        now, tag, seconds = time.monotonic(), tag_of(sender), self._work.began - began
        with self._lock:
            due_at = max(self._table.rested_at().get(tag, now), now)
            self._table.note_debt(tag, min(due_at + REST_RATIO * seconds, now + OWED_SECONDS_MAX))

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
