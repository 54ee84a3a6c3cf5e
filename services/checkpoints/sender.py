"""Checkpoints leave on their own: at an interval and after a closing, to targets and to witnesses.

At the same interval, wherever checkpoints go or not, the log states the rows beside it by digest. It runs
beside the service, in one of its processes at a time, and never in a request's way. What became of each
target stands beside the signing key (``KEY.sent``), for the measurements and the doctor.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from domain.events.instants import instant
from domain.events.stored import UnreadableState
from domain.log.notes import Checkpoint, NoteError, SignerKey, parse_note
from ledger.audit import checkpoints
from ledger.audit.stating import state_tables
from ledger.log.deliveries import Delivery, read_deliveries, write_deliveries
from ledger.log.digests import read_stated_at
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, Rows, StoreUnavailable
from services.checkpoints.fetching import Unsent, label_of
from services.checkpoints.targets import is_address, send
from services.checkpoints.witnesses import Witness, add_checkpoint, read_witnesses
from services.runtime.settings import Settings

SENDING = ".sending"
"""Beside the key: held by the process that sends."""
LOOK_SECONDS = 5.0
RETRY = timedelta(minutes=1)
"""From a try that failed to the next."""

log = logging.getLogger(__name__)

_UNDONE = (ArithmeticError, NoteError, OSError, LookupError, StoreUnavailable, Conflict, UnreadableState)
"""What keeps a checkpoint from leaving, and is tried again."""


class Destination(NamedTuple):
    """A target or a witness, by the name that logs and findings may show."""

    label: str
    deliver: Callable[[str, SignerKey, Delivery], str]
    """Gives a checkpoint out; comes back with it, as cosigned."""


class Sender:
    """Gives checkpoints out while it is told to."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.ledger, self.settings = ledger, settings
        self.key_file = Path(settings.signing_key_file)
        self.every = timedelta(seconds=settings.checkpoints_every)
        self.began_at = ledger.clock()
        self.stated_at: datetime | None = None
        """When the rows beside the log were last stated, once that was read."""

    def run(self, stop: threading.Event) -> None:
        """Look now and then until told to stop; one process at a time does it."""
        try:
            file = self.key_file.with_name(self.key_file.name + SENDING)
            descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            log.error("no checkpoint leaves, and no rows are stated: %s", error)
            return
        try:
            while not stop.wait(LOOK_SECONDS):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                self.state()
                self.step()
        except Exception:
            if not stop.is_set():  # otherwise the ledger was closed in the middle of it
                raise
        finally:
            os.close(descriptor)

    def state(self) -> None:
        """State the rows beside the log, where an interval has passed since that was done."""
        try:
            if self.stated_at is None:
                self.stated_at = self._read_stated_at()
            if has_passed(self.every, self.stated_at, self.ledger.clock()):
                self.stated_at = self.ledger.clock()
                state_tables(self.ledger)
        except (StoreUnavailable, Conflict, UnreadableState) as error:
            log.error("the rows beside the log are not stated: %s", error)

    def _read_stated_at(self) -> datetime:
        """When the rows were last stated; where they never were, since when this runs."""
        with self.ledger.store.reading() as rows:
            stated_at = read_stated_at(rows)
        return datetime.fromisoformat(stated_at) if stated_at else self.began_at

    def step(self) -> dict[str, Delivery]:
        """Give the checkpoint out wherever it is due; what became of each destination."""
        deliveries, now = read_deliveries(self.key_file), self.ledger.clock()
        try:
            due = self._due(deliveries, now)
            if due:
                key = checkpoints.load_or_make_key(self.key_file)
                note = checkpoints.current(self.ledger, key)
                for destination in due:
                    delivery = deliveries.setdefault(destination.label, Delivery())
                    note = _deliver(destination, note, key, delivery, now)
                write_deliveries(self.key_file, deliveries)
        except _UNDONE as error:
            log.error("no checkpoint leaves: %s", error)
        return deliveries

    def _destinations(self) -> list[Destination]:
        """Witnesses first, so that targets get what they cosigned; read anew, as the file may be edited."""
        witnesses = list[Witness]()
        try:
            if self.settings.witnesses:
                witnesses = read_witnesses(Path(self.settings.witnesses))
        except (NoteError, OSError) as error:
            log.error("no witness is asked: %s", error)
        return [*map(self._of_witness, witnesses), *map(_of_target, self.settings.checkpoints_to)]

    def _due(self, deliveries: dict[str, Delivery], now: datetime) -> list[Destination]:
        destinations = self._destinations()
        if not destinations:
            return []
        with self.ledger.store.reading() as rows:
            size, closing = rows.last_position(), _last_closing(rows)
        return [
            destination
            for destination in destinations
            if _is_due(deliveries.get(destination.label, Delivery()), size, closing, now, self.every)
        ]

    def _of_witness(self, witness: Witness) -> Destination:
        def deliver(note: str, key: SignerKey, delivery: Delivery) -> str:
            return add_checkpoint(self.ledger, note, key, witness, delivery.size)

        return Destination(witness.label, deliver)


def start(ledger: Ledger, settings: Settings) -> threading.Event:
    """Have checkpoints leave, and rows be stated, from a thread until the ledger is closed."""
    stop = threading.Event()
    sender = Sender(ledger, settings)
    threading.Thread(target=sender.run, args=(stop,), name="checkpoints", daemon=True).start()
    ledger.before_close.append(stop.set)
    return stop


def _of_target(target: str) -> Destination:
    def deliver(note: str, _: SignerKey, __: Delivery) -> str:
        send(note, target)
        return note

    return Destination(label_of(target) if is_address(target) else target, deliver)


def has_passed(wait: timedelta, since: datetime, now: datetime) -> bool:
    """Whether a wait is over; so is one that began ahead of now, when the clock stood wrong."""
    return not since - wait <= now < since + wait


def _is_due(delivery: Delivery, size: int, closing: int, now: datetime, every: timedelta) -> bool:
    if delivery.size >= size:
        return False
    wait = RETRY if delivery.failure else every
    waited = not delivery.tried_at or has_passed(wait, datetime.fromisoformat(delivery.tried_at), now)
    return waited or (closing > delivery.size and not delivery.failure)


def _last_closing(rows: Rows) -> int:
    """The position of the last closing of a year; 0 before the first."""
    return int(rows.all("SELECT COALESCE(MAX(position), 0) FROM settlements WHERE stage='closed'")[0][0])


def _deliver(destination: Destination, note: str, key: SignerKey, delivery: Delivery, now: datetime) -> str:
    delivery.tried_at = instant(now)
    try:
        note = destination.deliver(note, key, delivery)
    except Unsent as error:
        delivery.failure = str(error)
        log.warning("a checkpoint did not leave: %s", error)
        return note
    delivery.failure, delivery.arrived_at = "", instant(now)
    delivery.size = Checkpoint.parse(parse_note(note)[0]).size
    return note
