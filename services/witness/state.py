"""What a witness cosigned last of each log, beside its key: locked, whole or not at all, never back.

``KEY.cosigned`` holds by origin the last checkpoint with the witness's own cosignature, so that a changed
file is seen; beside it ``KEY.cosigned.begun`` says that there is one, so that a lost file is. ``KEY.forks/``
holds both checkpoints of a log that was told in two histories.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from domain.log.notes import COSIGNATURE_V1, Checkpoint, NoteError, SignerKey, open_checkpoint, parse_note
from domain.log.witnessing import (
    CosigningRefused,
    FindPath,
    LogForked,
    Reason,
    SignedCheckpoint,
    begin_log,
    judge_checkpoint,
)
from ledger.log.key_record import load_key, write_durably

COSIGNED, LOCK, FORKS = ".cosigned", ".cosigned.lock", ".forks"
BEGUN = ".begun"
FORK_FILES_MAX = 1_000


@dataclass(slots=True)
class WitnessState:
    """What a held witness cosigned last, by origin; an empty note stands for a log that is only begun."""

    file: Path
    key: SignerKey
    notes: dict[str, str] = field(default_factory=dict)

    def read_cosigned(self, origin: str) -> Checkpoint | None:
        """The checkpoint cosigned last of a log, of size 0 before its first; ``None`` of an unknown log.

        Raises:
            NoteError: where what is kept is not what this witness cosigned.
        """
        note = self.notes.get(origin)
        if not note:
            return None if note is None else begin_log(origin)
        checkpoint = open_checkpoint(note, [self.key.verifier])[0]
        if checkpoint.origin != origin:
            raise _unreadable_state(self.file)
        return checkpoint

    def begin(self, origin: str) -> None:
        """Know a log from now on, of which nothing is cosigned."""
        if origin not in self.notes:
            self._write(origin, "")

    def cosign(self, signed: SignedCheckpoint, timestamp: int) -> str:
        """The cosignature line of a judged checkpoint; the disk holds it before it leaves."""
        line = self.key.cosign(parse_note(signed.note)[0], timestamp)
        self._write(signed.checkpoint.origin, signed.note + line)
        return line

    def keep_fork(self, signed: SignedCheckpoint) -> Path:
        """Keep both checkpoints of a fork, or the one there is where none was cosigned; their folder."""
        folder = self.file.with_name(self.file.name.removesuffix(COSIGNED) + FORKS)
        folder.mkdir(mode=0o700, exist_ok=True)
        for text in filter(None, (self.notes[signed.checkpoint.origin], signed.note)):
            each = Checkpoint.parse(parse_note(text)[0])
            log = hashlib.sha256(each.origin.encode()).hexdigest()[:8]
            file = folder / f"{log}-{each.size:012d}-{each.root.hex()[:16]}.txt"
            if not file.exists() and len(list(folder.iterdir())) < FORK_FILES_MAX:
                write_durably(file, text)
        return folder

    def _write(self, origin: str, note: str) -> None:
        self.notes[origin] = note
        if not (begun := _begun_mark(self.file)).exists():
            write_durably(begun, "")
        write_durably(self.file, json.dumps(self.notes, ensure_ascii=False, indent=1) + "\n")


@contextmanager
def hold_state(key_file: Path) -> Iterator[WitnessState]:
    """Hold a witness against every other process and thread that cosigns with its key.

    Raises:
        NoteError: where the key or what stands beside it cannot be read or written.
    """
    seed = load_key(key_file)
    key = SignerKey(seed.name, seed.seed, COSIGNATURE_V1)
    file = key_file.with_name(key_file.name + COSIGNED)
    try:
        descriptor = os.open(key_file.with_name(key_file.name + LOCK), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise NoteError(f"{file} cannot be held while it cosigns: {error}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield WitnessState(file, key, _read_notes(file))
    except OSError as error:
        raise NoteError(f"{file} cannot be written: {error}") from None
    finally:
        os.close(descriptor)


def cosign_checkpoint(
    state: WitnessState, signed: SignedCheckpoint, old: int | None, find_path: FindPath, now: int
) -> str:
    """The cosignature line of a signed checkpoint that continues the log.

    Args:
        old: the size that the asker takes for the one cosigned last; ``None``: whichever it is.
        now: seconds since 1970, UTC.

    Raises:
        CosigningRefused: where it is not cosigned; of a fork both checkpoints are then kept.
    """
    checkpoint = signed.checkpoint
    cosigned = state.read_cosigned(checkpoint.origin)
    if cosigned is None:
        raise CosigningRefused(
            Reason.UNKNOWN_LOG,
            f"this witness never cosigned the log {checkpoint.origin}: compare the key and the checkpoint "
            "with the bureau by another channel, then begin with --first",
            f"本见证方从未会签过账本 {checkpoint.origin}：先经其他渠道与主管部门核对公钥和检查点，"
            "再加 --first 开始",
        )
    old_size = min(cosigned.size, checkpoint.size) if old is None else old
    try:
        judge_checkpoint(checkpoint, cosigned, old_size, find_path)
    except LogForked:
        state.keep_fork(signed)
        raise
    return state.cosign(signed, now)


def _read_notes(file: Path) -> dict[str, str]:
    try:
        notes = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if _begun_mark(file).exists():
            raise NoteError(
                f"{file} is gone, and with it what this witness cosigned: put it back from its copy; "
                "a new witness begins with a new key",
                f"{file} 不见了，本见证方会签过什么已无从得知：由副本放回；另行开始的，另用新密钥",
            ) from None
        return {}
    except ValueError:
        raise _unreadable_state(file) from None
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise _unreadable_state(file)
    return notes


def _begun_mark(file: Path) -> Path:
    return file.with_name(file.name + BEGUN)


def _unreadable_state(file: Path) -> NoteError:
    return NoteError(
        f"{file} is not what this witness cosigned: put it back from its copy",
        f"{file} 不是本见证方会签的记录：由副本放回",
    )
