"""Checkpoints: the ledger's signed word on how many events it holds and under which root."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from domain.events.instants import instant
from domain.log.entries import salt_of
from domain.log.merkle import check_consistency, consistency_path, inclusion_path
from domain.log.notes import (
    COSIGNATURE_V1,
    Checkpoint,
    NoteError,
    SignerKey,
    VerifierKey,
    open_checkpoint,
    parse_note,
)
from ledger.log.key_record import (
    LAST,
    ROTATIONS,
    FileKey,
    KeyRecord,
    LogNotContinued,
    check_continues,
    hold_key,
    load_key,
    read_last,
)
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree, secret_of
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import SELECT

ORIGIN_DEFAULT = "subsidy-ledger"


class StaleCheckpoint(ValueError):
    """The ledger has grown past the checkpoint; make the checkpoint again, then the bundle."""


class UnknownPosition(LookupError):
    """The log has no event at that position."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That an event stands in the log of a size: its leaf, and the path to the root."""

    position: int
    size: int
    leaf: bytes
    salt: bytes
    path: tuple[bytes, ...]


def load_or_make_key(path: Path, name: str = ORIGIN_DEFAULT) -> FileKey:
    """The signing key in a file that only its owner may read; made where there never was one.

    The file holds one line: the key's name, and its seed in base64.

    Raises:
        NoteError: where a key stood there, and is gone.
    """
    if not path.exists():
        if any(path.with_name(path.name + beside).exists() for beside in (LAST, ROTATIONS)):
            mend = "put it back from its offline copy; where there is none: subsidy-ledger replace-lost-key"
            raise NoteError(
                f"the signing key {path} is gone — {mend}",
                f"签署密钥 {path} 不见了 — 由离线副本放回；没有副本的，运行 subsidy-ledger replace-lost-key",
            )
        text = f"{name} {base64.b64encode(secrets.token_bytes(32)).decode()}\n"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
        except FileExistsError:
            pass  # another process was first; its key is read below
    return load_key(path)


def current(ledger: Ledger, key: SignerKey) -> str:
    """The signed checkpoint of everything recorded so far; kept, so that it is made once.

    Raises:
        ArithmeticError: where the log does not grow out of the last checkpoint that was signed, or
            (``LogBehindKey``) out of what the key signed last; nothing is then signed or given.
        NoteError: where what is signed cannot be noted beside the key.
    """
    last = read_last(key)
    with ledger.store.reading() as rows:
        tree = Tree(rows)
        check_continues(last, rows, tree)
        size = tree.size()
        note = _kept_note(rows, size, tree.root(size), key)
    noted = last is not None and last.size == size if isinstance(key, FileKey) else True
    if note is not None and noted:
        return note
    with hold_key(key) as record:
        return sign_current(ledger, record)


def sign_current(ledger: Ledger, record: KeyRecord) -> str:
    """``current`` with a key that is held.

    Raises:
        ArithmeticError, NoteError: as ``current``.
    """
    with ledger.store.reading() as rows:
        tree = Tree(rows)
        check_continues(record.last, rows, tree)
        size = tree.size()
        root = tree.root(size)
        kept = _kept_note(rows, size, root, record.key)
        note = kept or _sign(rows, tree, size, record.key)
    record.write(note)
    if kept is None:
        with ledger.store.writing() as rows:
            rows.run(
                "INSERT INTO checkpoints (size, made_at, root, note) VALUES (?,?,?,?) "
                "ON CONFLICT (size) DO UPDATE SET note=excluded.note, root=excluded.root",
                [size, instant(ledger.clock()), root, note],
            )
    return note


def signed(rows: Rows, record: KeyRecord) -> str:
    """A signed checkpoint of what one transaction sees, kept nowhere but beside the key.

    The transaction must have begun after the key was held.

    Raises:
        ArithmeticError: where the log does not grow out of the last checkpoint that was signed.
    """
    tree = Tree(rows)
    check_continues(record.last, rows, tree)
    note = _sign(rows, tree, tree.size(), record.key)
    record.write(note)
    return note


def signed_copy(ledger: Ledger, copy: Rows, key: SignerKey) -> str:
    """A signed checkpoint of a copy of the ledger, which may have grown since.

    It is signed for less than the key signed for last only where the ledger itself holds both.

    Raises:
        ArithmeticError: where the ledger does not continue what was signed, or the copy is of another.
    """
    copied = Tree(copy)
    size = copied.size()
    with hold_key(key) as record, ledger.store.reading() as rows:
        tree = Tree(rows)
        check_continues(record.last, rows, tree)
        note = _sign(copy, copied, size, record.key)
        if tree.size() < size or tree.root(size) != copied.root(size):
            raise ArithmeticError(f"the copy of {size} events is no copy of this ledger")
        if record.last is None or size > record.last.size:
            record.write(note)
    return note


def _sign(rows: Rows, tree: Tree, size: int, key: SignerKey) -> str:
    root = tree.root(size)
    _check_growth(rows, tree, size, root)
    body = Checkpoint(key.name, size, root).body
    return body + "\n" + key.sign(body)


def _kept_note(rows: Rows, size: int, root: bytes, key: SignerKey) -> str | None:
    """The note that is kept of a size, where the key signed it for this root."""
    row = read_row(rows, "SELECT note FROM checkpoints WHERE size=?", [size])
    if row is None or not _signed_by(row[0], key):
        return None
    return str(row[0]) if Checkpoint.parse(parse_note(row[0])[0]).root == root else None


def _signed_by(note: str, key: SignerKey) -> bool:
    try:
        open_checkpoint(note, [key.verifier])
    except NoteError:
        return False
    return True


def _check_growth(rows: Rows, tree: Tree, size: int, root: bytes) -> None:
    last = read_row(rows, "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    if last is None or last[0] == 0:
        return
    if last[0] > size:
        raise LogNotContinued(f"the log has {size} events, but {last[0]} were signed for: events are missing")
    path = consistency_path(last[0], size, tree.node)
    try:
        check_consistency(last[0], size, bytes(last[1]), root, path)
    except ValueError as error:
        raise LogNotContinued(
            f"the log of {size} events does not continue the one signed for: {error}"
        ) from None


def cosign(ledger: Ledger, size: int, line: str, witness: VerifierKey) -> str:
    """Add a witness's signature to a checkpoint that is kept.

    Raises:
        UnknownPosition: where no checkpoint of that size is kept.
        NoteError: where the signature does not verify.
    """
    with ledger.store.writing() as rows:
        note_row = read_row(rows, "SELECT note FROM checkpoints WHERE size=?", [size])
        if note_row is None:
            raise UnknownPosition(f"no checkpoint of {size} events is kept")
        note = str(note_row[0])
        signed = note if line in note else note + line
        if witness.algorithm != COSIGNATURE_V1:
            raise NoteError("a witness signs with a cosignature/v1 key (algorithm 4)")
        open_checkpoint(signed, [witness])
        rows.run("UPDATE checkpoints SET note=? WHERE size=?", [signed, size])
    return signed


def list_checkpoints(rows: Rows, after: int = -1, limit: int = 1_000) -> list[tuple[int, str, str]]:
    """(size, made at, note) of the checkpoints that are kept, by size."""
    sql = "SELECT size, made_at, note FROM checkpoints WHERE size>? ORDER BY size LIMIT ?"
    return [(int(row[0]), str(row[1]), str(row[2])) for row in rows.all(sql, [after, limit])]


def prove_inclusion(rows: Rows, position: int, size: int | None = None) -> Proof:
    """Prove that the event at a position is in the log of a size (by default, all of it).

    Raises:
        UnknownPosition: where the log of that size has no such event.
    """
    tree = Tree(rows)
    tree_size = tree.size()
    size = tree_size if size is None else size
    if not 1 <= position <= size <= tree_size:
        raise UnknownPosition(
            f"the log of {tree_size} events has no proof of position {position} at size {size}"
        )
    path = inclusion_path(position - 1, size, tree.node)
    salt = salt_of(secret_of(rows), position)
    return Proof(position, size, tree.leaf(position), salt, tuple(path))


def prove_consistency(rows: Rows, first: int, second: int) -> list[bytes]:
    """Prove that the log of one size is the beginning of the log of another.

    Raises:
        UnknownPosition: for sizes that the log does not have.
    """
    tree = Tree(rows)
    if not 0 < first <= second <= tree.size():
        raise UnknownPosition(f"the log of {tree.size()} events has no proof from {first} to {second}")
    return consistency_path(first, second, tree.node)


def entry_at(rows: Rows, position: int) -> tuple[str, int, str, bytes]:
    """(originator, version, topic, state) of a stored event.

    Raises:
        UnknownPosition: where there is none.
    """
    row = read_row(rows, f"{SELECT} WHERE rowid=?", [position])
    if row is None:
        raise UnknownPosition(f"there is no event at position {position}")
    return str(row[1]), int(row[2]), str(row[3]), bytes(row[4])
