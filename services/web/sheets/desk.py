"""Spreadsheets that wait: each in a folder of its own, read and tried beside the requests.

The folder is shared by every serving process. A thread of one of them works on a sheet and holds
its lock; should that process end, whoever is asked next finds the lock free and begins again,
which is safe since recording is safe to repeat. What is older than a day is deleted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from domain.authority.roles import Actor
from domain.events.event import NOBODY, Capacity, Speaker
from domain.events.speaking import confirm_attribution, confirmer_of
from domain.faults.fault import Fault
from ledger.intake.sheets.faults import SheetError, refused
from ledger.intake.sheets.files.package import FILE_BYTES_MAX
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import ANYONE, Moved, SheetSender, preview, reading_of, record
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, StoreUnavailable
from ledger.store.turns.queues import LaneFull

KEPT_SECONDS = 24 * 3600
KEPT_MAX = 200
"""Most sheets that wait at once; the oldest goes first, of whoever has the most."""
KEPT_EACH_MAX = 20
"""Most sheets of one person or key; their own oldest goes first."""
PIECE_BYTES = 256 * 1024
PATIENCE_SECONDS = 0.7
"""How long a request waits for the work before it shows that it goes on."""
WORKING = ("waiting", "reading", "trying", "weighing", "recording")
NAME_MAX = 120

log = logging.getLogger(__name__)


class Readable(Protocol):
    """What a file can be read from, piece by piece."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class UnknownSheet(LookupError):
    """No such sheet waits: it was never sent, is somebody else's, or is older than a day."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Who sent a sheet, and what they said of it."""

    by: str
    """Whose it is: nobody else sees it, but the bureau."""
    file_name: str
    source: str
    table_name: str | None = None
    sender: SheetSender = ANYONE


class Waiting:
    """One sheet that waits."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name

    @property
    def file(self) -> Path:
        """The file as it came."""
        return self.folder / "file"

    @contextmanager
    def holding(self) -> Iterator[Holding]:
        """The file that holds its rows, open."""
        holding_file = Holding.open_file(self.folder / "rows")
        try:
            yield holding_file
        finally:
            holding_file.close()

    def state(self) -> dict[str, Any]:
        """How far the work is: stage, rows done, faults of a file that cannot be read.

        Raises:
            UnknownSheet.
        """
        try:
            progress: dict[str, Any] = json.loads((self.folder / "state").read_text("utf-8"))
        except (OSError, ValueError):
            raise UnknownSheet(self.name) from None
        return progress

    def set(self, **values: Any) -> None:
        """Note how far the work is, whole at every moment."""
        before: dict[str, Any] = {}
        with suppress(UnknownSheet):
            before = self.state()
        part = self.folder / f"state.{secrets.token_hex(4)}"
        part.write_text(json.dumps({**before, **values}), "utf-8")
        os.replace(part, self.folder / "state")


class SheetDesk:
    """The sheets of one ledger that wait."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        self._threads: set[threading.Thread] = set()
        self._stopped = False
        ledger.before_close.append(self.close)

    def send(self, stream: Readable, sent: Sent, limit: int = FILE_BYTES_MAX) -> str:
        """Take a file and begin to read it; the same file from the same person is the same sheet.

        Raises:
            SheetError: for an empty file, or one that is too large.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy(sent.by)
        part = self.folder / f"part-{secrets.token_hex(8)}"
        part.mkdir(mode=0o700)
        try:
            digest = hashlib.sha256("\x1f".join([sent.by, sent.source, sent.table_name or ""]).encode())
            with (part / "file").open("wb") as file:
                while piece := stream.read(PIECE_BYTES):
                    digest.update(piece)
                    file.write(piece)
                    if file.tell() > limit:
                        raise refused("sheet.large", what="文件字节 · bytes of the file", limit=limit)
                if not file.tell():
                    raise refused("sheet.empty")
            name = digest.hexdigest()[:32]
            sending = {"by": sent.by, "source": sent.source, "wanted": sent.table_name}
            more = {"sender": msgspec.to_builtins(sent.sender)}
            named = Path(sent.file_name).name[:NAME_MAX]
            Waiting(part).set(stage="waiting", done=0, file_name=named, **sending, **more)
            # The same file again: one that failed or was recorded is read anew.
            self._replace(part, self.folder / name)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._begin(name, "preview")
        return name

    def _replace(self, part: Path, place: Path) -> None:
        if place.exists():
            with suppress(UnknownSheet):
                if Waiting(place).state()["stage"] in WORKING:
                    return
            shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # another request came first with the same file
            part.rename(place)

    def find(self, name: str, by: str | None) -> Waiting:
        """A sheet; ``by`` limits it to those of one sender.

        Raises:
            UnknownSheet.
        """
        waiting = Waiting(self.folder / name)
        state = waiting.state()
        if by is not None and state["by"] != by:
            raise UnknownSheet(name)
        if state["stage"] in WORKING and not _is_locked(waiting):
            self._begin(name, "record" if state["stage"] == "recording" else "preview")
        return waiting

    def wait(self, waiting: Waiting, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """How far the work is, once it is done or a moment has passed."""
        until = time.monotonic() + seconds
        while True:
            state = waiting.state()
            if state["stage"] not in WORKING or time.monotonic() > until:
                return state
            time.sleep(0.02)

    def confirm(self, waiting: Waiting, agreed: str, actor: Actor, anew: Sequence[str] = ()) -> None:
        """Record what was previewed, as ``agreed`` names it, and the rows of some places anew.

        Where somebody else sent the sheet, its events name who confirmed it too.

        Raises:
            SheetError: for a place where no row is that may be reported anew.
        """
        with waiting.holding() as holding:
            holding.choose_anew(anew)
        confirmer = confirmer_of(_sender(waiting.state()).sender.attribution, actor)
        confirmed = {"confirmed_by": msgspec.to_builtins(confirmer), "anew": list(anew)}
        waiting.set(stage="recording", done=0, agreed=agreed, moved=False, **confirmed)
        self._begin(waiting.name, "record")

    def marked(self, waiting: Waiting) -> Path:
        """The workbook that goes back, with what is wrong marked in its cells."""
        from ledger.intake.sheets import marking  # only a workbook needs openpyxl

        out = waiting.folder / f"marked-{secrets.token_hex(4)}.xlsx"
        with waiting.holding() as holding:
            marking.mark(waiting.file, bool(holding.read_note("is_text")), holding, out)
        workbook = waiting.folder / "marked.xlsx"
        os.replace(out, workbook)
        return workbook

    def _begin(self, name: str, task: str) -> None:
        thread = threading.Thread(target=self._work, args=(name, task), name="sheets", daemon=True)
        self._threads = {running for running in self._threads if running.is_alive()} | {thread}
        thread.start()

    def _work(self, name: str, task: str) -> None:
        waiting = Waiting(self.folder / name)
        try:
            with _locked(waiting) as locked:
                if locked and waiting.state()["stage"] in WORKING:
                    self._preview(waiting) if task == "preview" else self._record(waiting)
        except SheetError as error:
            waiting.set(stage="failed", faults=[[f.code, f.field, f.args] for f in error.faults])
        except _Stopped:
            pass
        except (StoreUnavailable, Conflict, LaneFull) as error:
            log.warning("a sheet waits, the store is away or its sender busy: %s", error)
        except UnknownSheet:
            pass
        except Exception:
            reference = secrets.token_hex(6)
            log.exception("reference %s: a sheet could not be read", reference)
            fault = ["sheet.broken", "file", {"detail": f"reference {reference}"}]
            with suppress(OSError):
                waiting.set(stage="failed", faults=[fault])

    def _preview(self, waiting: Waiting) -> None:
        state = waiting.state()
        reading = reading_of(self.ledger, waiting.file, state["file_name"], state["source"], state["wanted"])
        with waiting.holding() as holding:
            preview(self.ledger, reading, holding, self._progress(waiting), _sender(state))
            if holding.has_personal_numbers():  # the rows are held without them; the file is not kept
                waiting.file.unlink(missing_ok=True)
        waiting.set(stage="ready")

    def _record(self, waiting: Waiting) -> None:
        state = waiting.state()
        with waiting.holding() as holding:
            try:
                progress = self._progress(waiting, "recording")
                anew = state.get("anew", [])
                record(self.ledger, holding, state["agreed"], progress, _sender(state), anew)
            except Moved:
                waiting.set(stage="ready", moved=True)
                return
        waiting.set(stage="recorded")

    def _progress(self, waiting: Waiting, always: str = "") -> Any:
        noted_at = [0.0]

        def progress(stage: str, done: int) -> None:
            if self._stopped:
                raise _Stopped
            if time.monotonic() - noted_at[0] > 0.2:
                noted_at[0] = time.monotonic()
                waiting.set(stage=always or stage, done=done)

        return progress

    def _tidy(self, sender: str) -> None:
        """Delete what is older than a day, and make place for one more sheet of a sender."""
        folders: list[tuple[float, Path]] = []
        for folder in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process was quicker
                folders.append((folder.stat().st_mtime, folder))
        oldest_of: dict[str, deque[Path]] = {}
        for changed, folder in sorted(folders):
            if time.time() - changed > KEPT_SECONDS:
                _remove(folder)
                continue
            with suppress(UnknownSheet):  # one that is only arriving
                oldest_of.setdefault(Waiting(folder).state()["by"], deque()).append(folder)
        own = oldest_of.get(sender, deque())
        while len(own) >= KEPT_EACH_MAX:
            _remove(own.popleft())
        while sum(map(len, oldest_of.values())) >= KEPT_MAX:
            _remove(max(oldest_of.values(), key=len).popleft())

    def close(self) -> None:
        """Stop what is under way; it begins again when it is asked for."""
        self._stopped = True
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(timeout=30)


class _Stopped(Exception):
    """The process ends."""


@contextmanager
def _locked(waiting: Waiting) -> Iterator[bool]:
    """Hold a sheet's lock; false where another thread or process holds it."""
    try:
        file = (waiting.folder / "lock").open("w")
    except OSError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _remove(folder: Path) -> None:
    """Delete a sheet, unless it is being worked on."""
    if not _is_locked(Waiting(folder)):
        shutil.rmtree(folder, ignore_errors=True)


def _is_locked(waiting: Waiting) -> bool:
    if not (waiting.folder / "lock").exists():
        return False
    with _locked(waiting) as acquired:
        return not acquired


def _sender(state: dict[str, Any]) -> SheetSender:
    if "sender" not in state:
        raise UnknownSheet  # it waited before senders were noted: send it again
    sent = msgspec.convert(state["sender"], SheetSender)
    confirmer = msgspec.convert(state.get("confirmed_by"), Speaker | None)
    attribution = confirm_attribution(sent.sender.attribution, confirmer)
    return sent._replace(sender=sent.sender._replace(attribution=attribution))


def persons_of(state: dict[str, Any]) -> tuple[str, str]:
    """The names of who sent a sheet, and of who confirmed it where that is somebody else."""
    attribution = _sender(state).sender.attribution if "sender" in state else NOBODY
    sender = attribution.said_by or Speaker()
    confirmer = (attribution.acting_as or Capacity()).confirmed_by or Speaker()
    return sender.name or sender.publisher, confirmer.name or confirmer.publisher


def faults_of(state: dict[str, Any]) -> list[Fault]:
    """Why a file cannot be read."""
    return [Fault(code, field, args) for code, field, args in state.get("faults", [])]
