"""What a signing key signed last, kept beside its file: size and root, as the signed checkpoint itself.

It is written, to the disk, before a signature leaves. A database that was restored to an earlier moment, or a
copy that lags behind, does not hold that log: the key then neither signs nor serves, as two histories under
one key are what it exists to rule out. ``ledger.log.restores`` has what an operator does then.
"""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from domain.events import RestoreRecorded
from domain.log.notes import Checkpoint, NoteError, SignerKey, parse_note
from ledger.store.log_tree import Tree
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of

LAST, LOCK, ROTATIONS = ".last", ".lock", ".rotations"
"""What stands beside a key's file: its last checkpoint, who holds it, and the statements about it."""
PRIVATE, READABLE = 0o600, 0o644
"""Modes of files; a checkpoint is no secret, and every user's appends are held against it."""


class LogNotContinued(ArithmeticError):
    """The log does not grow out of what was signed for it; nothing is signed or given then."""


class LogBehindKey(LogNotContinued):
    """The log is not the one that its key signed for last."""

    def __init__(self, last: Checkpoint, size: int) -> None:
        self.last, self.size = last, size
        self.zh = (
            f"密钥已为 {last.size} 条的日志签署，现有 {size} 条的日志不是它的延续："
            "数据库是恢复的，或是滞后的副本 — 连接正确的数据库，或登记恢复：subsidy-ledger restored"
        )
        super().__init__(
            f"the key signed for a log of {last.size} events that this one of {size} does not continue: "
            "a restored database, or a copy that lags behind — connect the right one, or record the "
            "restore: subsidy-ledger restored"
        )


@dataclass(frozen=True, slots=True)
class FileKey(SignerKey):
    """A signing key that stands in a file."""

    file: Path | None = field(default=None, compare=False)


def load_key(path: Path) -> FileKey:
    """The signing key in a file.

    Raises:
        OSError: where it cannot be read.
        NoteError: where it holds no key.
    """
    try:
        named, _, encoded = path.read_text("utf-8").strip().partition(" ")
        seed = base64.b64decode(encoded)
    except ValueError:  # neither text nor base64
        named, seed = "", b""
    if len(seed) != 32:
        raise NoteError(
            f"{path} is not a signing key: it holds a name and 32 bytes in base64",
            f"{path} 不是签署密钥：应为名称和 base64 的 32 字节",
        )
    return FileKey(named, seed, file=path)


def read_last(key: SignerKey | Path) -> Checkpoint | None:
    """The last checkpoint that a key signed; ``None`` before its first, and for a key without a file.

    Read it before the transaction that it is held against: a log only grows.

    Raises:
        NoteError: where what stands beside the key is no checkpoint.
    """
    file = key if isinstance(key, Path) else getattr(key, "file", None)
    if file is None:
        return None
    beside = file.with_name(file.name + LAST)
    try:
        return Checkpoint.parse(parse_note(beside.read_text("utf-8"))[0])
    except FileNotFoundError:
        return None
    except (NoteError, UnicodeDecodeError) as error:
        raise NoteError(f"{beside} is not what the key signed last: {error}") from None


def check_continues(last: Checkpoint | None, rows: Rows, tree: Tree) -> None:
    """Check that the log holds what its key signed last, or says by a recorded restore that it does not.

    Raises:
        LogBehindKey: where it does neither.
    """
    if last is None or last.size == 0:
        return
    size = tree.size()
    if size >= last.size and tree.root(last.size) == last.root:
        return
    if not any(
        (restore.signed_size, restore.signed_root) == (last.size, last.root.hex())
        for restore in read_restores(rows)
    ):
        raise LogBehindKey(last, size)


def read_restores(rows: Rows) -> list[RestoreRecorded]:
    """The restores that the log admits, in order."""
    return [
        event.fact.content
        for event in events_of(rows, RestoreRecorded.ORIGINATOR)
        if isinstance(event.fact.content, RestoreRecorded)
    ]


class KeyRecord:
    """A key while it is held: nobody else signs with it, or puts another in its place."""

    def __init__(self, key: SignerKey) -> None:
        self.key = key
        self.last = read_last(key)

    def write(self, note: str) -> None:
        """Have the disk hold what is signed, before it leaves.

        Raises:
            NoteError: where the key's folder cannot be written to; nothing may leave then.
        """
        file = getattr(self.key, "file", None)
        signed = Checkpoint.parse(parse_note(note)[0])
        if file is not None and signed != self.last:
            try:
                write_durably(file.with_name(file.name + LAST), note, READABLE)
            except OSError as error:
                raise NoteError(f"what {file} signs cannot be noted beside it: {error}") from None
        self.last = signed


@contextmanager
def hold_key(key: SignerKey) -> Iterator[KeyRecord]:
    """Hold a key against every other process and thread that signs with it.

    Raises:
        NoteError: where the key's folder cannot be written to, or what stands beside it not be read.
    """
    file = getattr(key, "file", None)
    if file is None:
        yield KeyRecord(key)
        return
    try:
        descriptor = os.open(file.with_name(file.name + LOCK), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise NoteError(f"{file} cannot be held while it signs: {error}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield KeyRecord(load_key(file))  # another may have taken its place meanwhile
    finally:
        os.close(descriptor)


def write_durably(file: Path, text: str, mode: int = PRIVATE) -> None:
    """Put text in a file's place, whole or not at all, and have the disk hold it."""
    part = file.with_name(file.name + ".part")
    descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)
    make_durable(file.parent)


def make_durable(path: Path) -> None:
    """Have the disk hold a file, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
