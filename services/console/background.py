"""Long readings beside the requests: worked out once in a thread, kept, and fetched by the page.

One reading runs at a time, so that pages stay quick; a page waits a moment for its answer, and
then shows how far the work is and asks again. What is kept and what waits is bounded: the oldest
answer goes first, and of those that wait the one that was asked for first, since its reader has
most likely moved on.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

from flask import current_app, request

from ledger.store.application import Ledger
from ledger.store.rows import Row, Rows
from services.console import forms

KEPT_MAX = 32
WAITING_MAX = 8
PATIENCE_SECONDS = 0.7
"""How long a request waits for an answer before it shows that the work goes on."""
EXTENSION = "subsidy-background"

log = logging.getLogger(__name__)


class Stopped(Exception):
    """The work is no longer wanted."""


class Work:
    """One long reading, and what came of it."""

    def __init__(self, key: Hashable, whole: int) -> None:
        self.key, self.whole, self.counted = key, max(whole, 1), 0
        self.done, self.stopped = threading.Event(), False
        self.result: Any = None
        self.error: Exception | None = None

    @property
    def percent(self) -> int:
        """How far it is; never whole before it is done."""
        return min(99, self.counted * 100 // self.whole)

    def value(self) -> Any:
        """What came of it.

        Raises:
            Exception: whatever the work raised.
        """
        if self.error is not None:
            raise self.error
        return self.result


class CountedRows:
    """Rows that count what is streamed from them, and end the work when it is stopped."""

    def __init__(self, rows: Rows, work: Work) -> None:
        self._rows, self._work = rows, work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of an answer, counted."""
        for row in self._rows.stream(sql, values):
            self._work.counted += 1
            if self._work.stopped:
                raise Stopped
            yield row

    def all_in(self, sql: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Row]:
        """Rows for any number of values."""
        return self._rows.all_in(sql, values, before)


Reading = Callable[[Ledger, Rows], Any]


class Background:
    """The long readings of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._kept: dict[Hashable, Work] = {}
        self._threads: set[threading.Thread] = set()
        ledger.before_close.append(self.close)

    def ask(self, key: Hashable, whole: int, read: Reading) -> Work:
        """The work of a key, begun where it is not kept; waits a moment for it to be done."""
        with self._lock:
            work = self._kept.get(key)
            if work is not None and work.error is not None:
                return self._kept.pop(key)  # told once; asked for again, it is tried again
            if work is None or work.stopped:
                work = self._kept[key] = Work(key, whole)
                self._make_room()
                thread = threading.Thread(target=self._run, args=(work, read), name="console", daemon=True)
                self._threads.add(thread)
                thread.start()
        work.done.wait(PATIENCE_SECONDS)
        return work

    def _make_room(self) -> None:
        waiting = [each for each in self._kept.values() if not each.done.is_set()]
        for each in waiting[:-WAITING_MAX]:
            each.stopped = True
        for key in [key for key, each in self._kept.items() if each.stopped]:
            del self._kept[key]
        for key in [key for key, each in self._kept.items() if each.done.is_set()]:
            if len(self._kept) <= KEPT_MAX:
                break
            del self._kept[key]

    def _run(self, work: Work, read: Reading) -> None:
        try:
            with self._turn:
                if not work.stopped:
                    with self.ledger.store.reading() as rows:
                        work.result = read(self.ledger, CountedRows(rows, work))
        except Stopped:
            pass
        except Exception as error:  # told to whoever asks for the answer
            work.error = error
            log.info("a reading failed: %s", error)
        finally:
            work.done.set()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def close(self) -> None:
        """Stop what is under way."""
        with self._lock:
            for work in self._kept.values():
                work.stopped = True
            threads = list(self._threads)
        for thread in threads:
            with contextlib.suppress(RuntimeError):
                thread.join(timeout=30)


def ask(key: Hashable, whole: int, read: Reading) -> Work:
    """The work of a key, of the ledger that this application serves."""
    extensions = current_app.extensions
    if EXTENSION not in extensions:
        extensions.setdefault(EXTENSION, Background(forms.opened()))
    found: Background = extensions[EXTENSION]
    return found.ask(key, whole, read)


def pinned(place: int) -> int:
    """The position that a page's answer was first asked for; it stays while the ledger grows."""
    said = request.args.get("at", "")
    return int(said) if said.isdecimal() and len(said) < 19 and int(said) <= place else place
