"""Who looked: each read of enterprises' data, noted without making the read wait for a disk.

Reads are handed to a background writer that puts many into one transaction, once a second or
every 500. None is dropped: when too many wait, the next one waits too; a store that takes nothing is
tried again, and what finds the queue full meanwhile goes to the log of the process, so that reads go
on; a graceful stop writes what is left. A kill loses at most what waited.
Reads alike (person, address, method, path) within one minute are one row with a count.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.util import Finalize
from typing import NamedTuple

from domain.authority.persons import Person
from domain.events.instants import instant
from domain.things.credit_code import is_valid
from ledger.log.digests import read_stating
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, Row, Rows, StoreUnavailable

EVERY_SECONDS = 1
BATCH = 500
WAITING_MAX = 5_000
LAST_TRIES = 5
"""How often a stop tries a store that is away; then what is left goes to the log of the process."""
NOBODY = "-"
SEVERAL = "*"
"""In place of a credit code: a list, a document or a file that tells of several enterprises."""
_MINUTE = len("2024-03-01T09:30")
_COLUMNS = "number, at, actor, address, method, path, code, times, issuer, subject"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """One read, or several alike within a minute."""

    at: str
    """When the first of them was; UTC instant, fixed width."""
    actor: str
    address: str
    method: str
    path: str
    code: str
    """Whose data it was; ``SEVERAL`` for what tells of more than one."""
    times: int = 1
    number: int = 0
    """Its place in the table, once it is written."""
    issuer: str = ""
    subject: str = ""
    """Who the reader is, whatever ``actor``, the name, was (``domain.authority.persons``)."""


def looked_at(*named: str | None) -> list[str]:
    """The enterprise that a read names first; ``SEVERAL`` where it names none by a credit code."""
    return next(([code] for code in named if code and is_valid(code)), [SEVERAL])


class _Alike(NamedTuple):
    """What reads have in common that are one row of the table."""

    minute: str
    actor: str
    address: str
    method: str
    path: str
    code: str
    issuer: str
    subject: str


def note(rows: Rows, looks: Sequence[Look]) -> None:
    """Write reads: those alike within a minute are counted in the row that there is.

    A row that the log states by its digest is left as it is; a look alike makes another one.
    """
    counted = Counter[_Alike]()
    first: dict[_Alike, str] = {}
    for look in looks:
        who = look.actor, look.address, look.method, look.path, look.code, look.issuer, look.subject
        alike = _Alike(look.at[:_MINUTE], *who)
        counted[alike] += look.times
        first.setdefault(alike, look.at)
    present = _numbers(rows, counted)
    more = [(times, present[alike]) for alike, times in counted.items() if alike in present]
    rows.run_many("UPDATE looks SET times=times+? WHERE number=?", more)
    last = int(rows.all("SELECT COALESCE(MAX(number), 0) FROM looks")[0][0])
    added = [alike for alike in counted if alike not in present]
    new_rows = [
        (number, first[alike], *alike[1:6], counted[alike], *alike[6:])
        for number, alike in enumerate(added, last + 1)
    ]
    rows.run_many("INSERT INTO looks VALUES (?,?,?,?,?,?,?,?,?,?)", new_rows)


def _numbers(rows: Rows, counted: Iterable[_Alike]) -> dict[_Alike, int]:
    """The rows of reads alike that may still be counted up, by their number."""
    sql = (
        "SELECT number, at, actor, address, method, path, code, issuer, subject FROM looks "
        "WHERE number>? AND at>=? AND path IN ({}) ORDER BY number DESC"
    )
    since = min((alike.minute for alike in counted), default="")
    paths = {alike.path for alike in counted}
    noted = rows.all_in(sql, paths, [read_stating(rows, "looks").last, since])
    return {_Alike(at[:_MINUTE], *who): number for number, at, *who in noted}


class Noting:
    """Reads that are being noted beside what reads: it need not wait until the database takes them."""

    def __init__(self, ledger: Ledger, looks: Sequence[Look]) -> None:
        self.ledger, self.looks = ledger, looks
        self.error: Exception | None = None
        """Why they could not be noted, where they could not."""
        self._writer = threading.Thread(target=self._write, name="looks", daemon=True)
        self._writer.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it came to an end within so many seconds, or at all."""
        self._writer.join(seconds)
        return not self._writer.is_alive()

    def _write(self) -> None:
        try:
            with self.ledger.store.writing() as rows:
                note(rows, self.looks)
        except (StoreUnavailable, Conflict) as error:
            self.error = error
            for look in self.looks:
                tell_unnoted(look)


def tell_unnoted(look: Look) -> None:
    """Leave a read that the database does not take to the log of the process."""
    log.error("a read that could not be noted: %s", asdict(look))


def list_looks(rows: Rows, code: str | None = None, after: int = 0, limit: int = 100) -> list[Look]:
    """Reads in order, of one enterprise or of all."""
    where, values = (" AND code=?", [code]) if code else ("", [])
    sql = f"SELECT {_COLUMNS} FROM looks WHERE number>?{where} ORDER BY number LIMIT ?"
    return [_look(row) for row in rows.all(sql, [after, *values, limit])]


def latest(rows: Rows, code: str | None, limit: int) -> list[Look]:
    """The last reads, in order."""
    where, values = (" WHERE code=?", [code]) if code else ("", [])
    sql = f"SELECT {_COLUMNS} FROM looks{where} ORDER BY number DESC LIMIT ?"
    return [_look(row) for row in reversed(rows.all(sql, [*values, limit]))]


def _look(row: Row) -> Look:
    number, at, actor, address, method, path, code, times, issuer, subject = row
    return Look(at, actor, address, method, path, code, times, number, issuer, subject)


class Looks:
    """The background writer of one ledger; closing the ledger closes it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._changed = threading.Condition()
        self._waiting: list[Look] = []
        self._writer: threading.Thread | None = None
        self._at_exit: Finalize | None = None
        self._closing = self._closed = self._hurried = False
        self._is_refused = False
        """Whether the database did not take the last batch."""
        ledger.before_close.append(self.close)

    def add(self, person: Person, address: str, method: str, path: str, code: str) -> None:
        """Note one read; waits while too many wait already.

        While the database takes nothing, as with a full disk, reads go on: those that find the queue full
        are left to the log of the process.
        """
        at, (issuer, subject, name) = instant(self.ledger.clock()), person
        look = Look(at, name or NOBODY, address, method, path, code, issuer=issuer, subject=subject)
        with self._changed:
            self._start()
            while len(self._waiting) >= WAITING_MAX and not self._closed and not self._is_refused:
                self._changed.wait(EVERY_SECONDS)
                self._start()
            if len(self._waiting) >= WAITING_MAX and not self._closed:
                tell_unnoted(look)
                return
            if not self._closed:
                self._waiting.append(look)
                if len(self._waiting) in (1, BATCH):
                    self._changed.notify_all()
                return
        self._write([look])

    def flush(self) -> None:
        """Have all that was handed over so far written at once, and wait until it is."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting)
            self._hurried = False

    def close(self) -> None:
        """Write what waits, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            writer = self._writer
        if writer is not None and writer.is_alive():
            writer.join()
        with self._changed:
            self._closed = True
            unwritten, self._waiting = self._waiting, []
            self._changed.notify_all()
        if unwritten:
            self._write(unwritten)
        atexit.unregister(self.close)
        if self._at_exit is not None:
            self._at_exit.cancel()

    def _start(self) -> None:
        """Start the writer where none is at work: the first time, and after a fork."""
        if self._closing or (self._writer is not None and self._writer.is_alive()):
            return
        if self._writer is None:
            atexit.register(self.close)
            self._at_exit = Finalize(None, self.close, exitpriority=100)  # a worker process runs no atexit
        self._writer = threading.Thread(target=self._run, name="looks", daemon=True)
        self._writer.start()

    def _run(self) -> None:
        failed = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                self._changed.wait_for(self._is_due, EVERY_SECONDS)
                batch, closing = self._waiting[:BATCH], self._closing
            if batch:
                try:
                    self._write(batch)
                    failed, self._is_refused = 0, False
                except (StoreUnavailable, Conflict) as error:
                    failed, self._is_refused = failed + 1, True
                    log.warning("%d reads wait to be noted: %s", len(self._waiting), error)
                    if not closing or failed < LAST_TRIES:
                        time.sleep(EVERY_SECONDS)
                        continue
                    for look in batch:
                        tell_unnoted(look)
            with self._changed:
                del self._waiting[: len(batch)]
                self._changed.notify_all()
                if closing and not self._waiting:
                    self._closed = True
                    return

    def _is_due(self) -> bool:
        return self._closing or self._hurried or len(self._waiting) >= BATCH

    def _write(self, looks: Sequence[Look]) -> None:
        with self.ledger.store.writing() as rows:
            note(rows, looks)
