"""Where checkpoints leave to: a folder that keeps each, a file of the latest, or an address."""

from __future__ import annotations

from pathlib import Path

from domain.log.notes import Checkpoint, NoteError, parse_note
from ledger.log.key_record import write_durably
from services.checkpoints.fetching import Unsent, ask, label_of

POST = "post+"
"""Begins an address that takes POST in place of PUT."""
NAME = "checkpoint-"


def is_address(target: str) -> bool:
    """Whether a target is an address, not a path."""
    return target.removeprefix(POST).startswith(("http://", "https://"))


def send(note: str, target: str) -> None:
    """Give a checkpoint out: to an address, a folder (ends in a slash) or a file.

    Raises:
        Unsent: where it did not arrive.
    """
    if is_address(target):
        method = "POST" if target.startswith(POST) else "PUT"
        url = target.removeprefix(POST)
        answer = ask(method, url, note)
        if not 200 <= answer.status < 300:
            raise Unsent(f"{label_of(url)}: status {answer.status}")
        return
    size = Checkpoint.parse(parse_note(note)[0]).size
    file = Path(target) / f"{NAME}{size:012d}.txt" if _is_folder(target) else Path(target)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, note)
    except OSError as error:
        raise Unsent(f"{file}: {error}") from None


def read_given(target: str) -> list[str]:
    """The checkpoints that a target holds: of a folder, each; else the latest; none where there is none.

    Raises:
        Unsent: where it cannot be read.
    """
    if is_address(target):
        url = target.removeprefix(POST)
        answer = ask("GET", url)
        if answer.status in (404, 405, 410):
            return []
        if answer.status != 200:
            raise Unsent(f"{label_of(url)}: status {answer.status}")
        return [answer.text]
    path = Path(target)
    try:
        files = sorted(path.glob(f"{NAME}*.txt")) if path.is_dir() else [path] if path.exists() else []
        return [file.read_text("utf-8", "replace") for file in files]
    except OSError as error:
        raise Unsent(f"{target}: {error}") from None


def is_checkpoint(note: str) -> bool:
    """Whether a text is a checkpoint, whoever signed it."""
    try:
        Checkpoint.parse(parse_note(note)[0])
    except NoteError:
        return False
    return True


def _is_folder(target: str) -> bool:
    return target.endswith("/") or Path(target).is_dir()
