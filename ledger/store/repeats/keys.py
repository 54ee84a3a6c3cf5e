"""Keys of requests: the same request under the same key is taken once, and answered as the first time.

The key, what was asked and the answer are stored in the transaction of the step itself, so that after a
crash at any instruction either all of it happened or nothing (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import NamedTuple

from domain.events.instants import instant
from ledger.store.application import Ledger
from ledger.store.repeats.joining import joined_transaction
from ledger.store.rows import read_row

KEPT_DAYS = 30
"""How long a key is remembered."""
KEYS_MAX = 10_000
"""Most keys of one person that are remembered at a time."""
KEY_CHARS_MAX = 255

_own_key: ContextVar[bool] = ContextVar("own_key", default=False)
_in_progress: set[tuple[int, str, str]] = set()
_progress_lock = threading.Lock()


class KeyInProgress(Exception):
    """The first request under the key is not answered yet."""


class KeyOfOther(Exception):
    """The key was used for another request."""


class KeysFull(Exception):
    """The person has as many keys as are remembered."""


class RequestKey(NamedTuple):
    """A key, the person who chose it, and a digest of what is asked under it."""

    person: str
    key: str
    request: bytes
    kept_days: int = KEPT_DAYS
    is_own: bool = True
    """Whether a step under it is never a repetition of one under another key."""


class KeptAnswer(NamedTuple):
    """An answer, and whether it is that of an earlier request."""

    content: bytes
    replayed: bool


def has_own_key() -> bool:
    """Whether the step under way came under a key of its own, and so is no repetition of another."""
    return _own_key.get()


def answer_once(ledger: Ledger, request: RequestKey, act: Callable[[], bytes]) -> KeptAnswer:
    """Take the steps of ``act`` and keep its answer; or give the answer that was kept.

    What raises is not kept: the same request may then be tried again.

    Raises:
        KeyInProgress, KeyOfOther, KeysFull.
    """
    with _progress(ledger, request), joined_transaction(ledger.store) as rows:
        sql = "SELECT request, answer, until FROM used_keys WHERE person=? AND key=?"
        now = ledger.clock()
        kept = read_row(rows, sql, [request.person, request.key])
        if kept is not None and kept[2] > instant(now):
            if bytes(kept[0]) != request.request:
                raise KeyOfOther(request.key)
            return KeptAnswer(zlib.decompress(bytes(kept[1])), True)
        rows.run("DELETE FROM used_keys WHERE person=? AND until<=?", [request.person, instant(now)])
        if rows.all("SELECT COUNT(*) FROM used_keys WHERE person=?", [request.person])[0][0] >= KEYS_MAX:
            raise KeysFull(request.person)
        token = _own_key.set(request.is_own)
        try:
            answer = act()
        finally:
            _own_key.reset(token)
        until = instant(now + timedelta(days=request.kept_days))
        row = [request.person, request.key, request.request, until, zlib.compress(answer)]
        rows.run("INSERT INTO used_keys (person, key, request, until, answer) VALUES (?,?,?,?,?)", row)
        return KeptAnswer(answer, False)


@contextmanager
def _progress(ledger: Ledger, request: RequestKey) -> Iterator[None]:
    """Note that a request is under way in this process; another process waits for the writer's turn."""
    place = (id(ledger), request.person, request.key)
    with _progress_lock:
        if place in _in_progress:
            raise KeyInProgress(request.key)
        _in_progress.add(place)
    try:
        yield
    finally:
        with _progress_lock:
            _in_progress.discard(place)
