"""A new signing key in place of the old one: vouched for by both, or by itself where the old one was lost.

The last checkpoint gets the new key's signature beside the old one's, and a statement says where the
old key ends (``domain.log.statements``). The statement is kept beside the key, so that whoever trusts
the old key can come to trust the new one, and so that what the old key signed up to its end stays
verifiable, and nothing after it.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from domain.log.merkle import consistency_path
from domain.log.notes import (
    Checkpoint,
    KeyEnd,
    NoteError,
    SignerKey,
    VerifierKey,
    open_checkpoint,
    parse_note,
)
from domain.log.statements import read_key_statement, write_key_statement, write_proof
from ledger.audit.checkpoints import sign_current
from ledger.log.key_record import (
    ROTATIONS,
    KeyRecord,
    check_continues,
    hold_key,
    load_key,
    make_durable,
    read_last,
    write_durably,
)
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree
from ledger.store.rows import Rows, read_row

NEW = ".new"
BEGUN = ".rotating"
"""Beside the key's file: the public key of the one that is being replaced, until who asked was told."""


class Rotation(NamedTuple):
    """Both public keys, the checkpoint that the new one signed, and the statement."""

    old: VerifierKey
    new: VerifierKey
    checkpoint: str
    statement: str


def rotate(ledger: Ledger, path: Path) -> Rotation:
    """Put a new key in a key's file; safe to run again where it was cut off, until ``end_rotation``.

    Nobody signs with the old key meanwhile, so it ends at the checkpoint that both sign. Where the new
    key was put in its place and nobody was told, that rotation comes back, and no other is made.

    Raises:
        OSError: where the key's file cannot be read, or its folder not written to.
        NoteError: where it holds no key.
        ArithmeticError: where the log does not grow out of what was signed before.
    """
    with hold_key(load_key(path)) as record:
        old = record.key
        if _was_put_in_place(path, old):
            return _finish(ledger, path, record)
        write_durably(path.with_name(path.name + BEGUN), f"{old.verifier}\n")
        last = Checkpoint.parse(parse_note(sign_current(ledger, record))[0])
        new = _prepare_key(path, old.name)
        statement = write_key_statement(last, KeyEnd(last.size, last.root), old, new)
        _keep_statement(path, statement, new.verifier)
        checkpoint = _countersign(ledger, last.size, new)
        _put_in_place(path)
        record.write(checkpoint)
    return Rotation(old.verifier, new.verifier, checkpoint, statement)


def end_rotation(path: Path) -> None:
    """Forget a rotation that whoever asked for it was told of: the next one is another."""
    path.with_name(path.name + BEGUN).unlink(missing_ok=True)


def _was_put_in_place(path: Path, key: SignerKey) -> bool:
    """Whether a rotation that was cut off has put this key in the old one's place already."""
    begun, statements = path.with_name(path.name + BEGUN), read_statements(path)
    if not begun.exists() or not statements or path.with_name(path.name + NEW).exists():
        return False
    replaced = begun.read_text("utf-8").strip()
    old, new, _ = read_key_statement(statements[-1])
    return replaced == str(replace(old, end=None)) and new == key.verifier


def _finish(ledger: Ledger, path: Path, record: KeyRecord) -> Rotation:
    """The rotation that put the present key in its place, with all that is left to do of it."""
    statement = read_statements(path)[-1]
    old, new, _ = read_key_statement(statement)
    size = old.end.size if old.end else 0
    with ledger.store.reading() as rows:
        row = read_row(rows, "SELECT note FROM checkpoints WHERE size=?", [size])
    if row is None:
        raise NoteError(f"the checkpoint of {size} events is gone")
    if record.last is None or record.last.size <= size:
        record.write(str(row[0]))
    return Rotation(replace(old, end=None), new, str(row[0]), statement)


def replace_lost_key(ledger: Ledger, path: Path, old: VerifierKey) -> Rotation:
    """Put a new key where the old one was lost: it ends at the last checkpoint that is known of it.

    The statement is signed by the new key alone, so it must be published by other channels.

    Raises:
        NoteError: where the key is there, or ``old`` is not the key that signed last.
        ArithmeticError: where the log does not continue what the old key signed last.
        OSError: where the key's folder cannot be written to.
    """
    if path.exists():
        raise NoteError(
            f"the signing key {path} is there: subsidy-ledger rotate-key replaces it",
            f"签署密钥 {path} 还在：用 subsidy-ledger rotate-key 更换",
        )
    last = read_last(path)
    with ledger.store.reading() as rows:
        check_continues(last, rows, Tree(rows))
        row = read_row(rows, "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
        if row is None:
            raise NoteError(
                "no checkpoint was signed: there is no key to replace",
                "还没有签署过检查点：没有可替换的密钥",
            )
        ending = open_checkpoint(str(row[0]), [replace(old, end=None)])[0]
    if last is not None and last.size > ending.size:
        ending = last
    new = _prepare_key(path, ending.origin)
    end = KeyEnd(ending.size, ending.root)
    statement = write_key_statement(ending, end, old, new)
    _keep_statement(path, statement, new.verifier)
    _put_in_place(path)
    with hold_key(load_key(path)) as record:
        checkpoint = sign_current(ledger, record)
    return Rotation(replace(old, end=end), new.verifier, checkpoint, statement)


def trusted(path: Path) -> list[VerifierKey]:
    """Every public key that the statements beside a key's file name, the oldest first, each with its end.

    Raises:
        NoteError: where a statement is not signed as it must be, or does not follow from the last.
    """
    keys = list[VerifierKey]()
    for text in read_statements(path):
        old, new, _ = read_key_statement(text)
        if keys and keys[-1] != old:
            raise NoteError(
                f"{path}{ROTATIONS}: the key {old.key_id.hex()} does not follow from the one before it"
            )
        keys[-1:] = [old, new]
    return keys


def public_keys(path: Path, today: VerifierKey) -> list[VerifierKey]:
    """What verifies the ledger's checkpoints: today's key first, then those that ended, the latest first."""
    return [today, *reversed([key for key in trusted(path) if key != today])]


def read_statements(path: Path) -> list[str]:
    """The statements beside a key's file, the oldest first."""
    file = path.with_name(path.name + ROTATIONS)
    texts = file.read_text("utf-8").split("\n\n\n") if file.exists() else []
    return [text.strip("\n") + "\n" for text in texts if text.strip()]


def prove_ends(rows: Rows, keys: list[VerifierKey], size: int) -> list[str]:
    """A line for each key that ended later: the proof that ``size`` events are the beginning of its log."""
    tree = Tree(rows)
    ends = [key.end.size for key in keys if key.end and 0 < size < key.end.size <= tree.size()]
    return [write_proof(size, end, consistency_path(size, end, tree.node)) for end in ends]


def _prepare_key(path: Path, name: str) -> SignerKey:
    """The new key, in a file beside the old one's until it takes its place."""
    file = path.with_name(path.name + NEW)
    if not file.exists():
        text = f"{name} {base64.b64encode(secrets.token_bytes(32)).decode()}\n"
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
    return load_key(file)


def _keep_statement(path: Path, statement: str, new: VerifierKey) -> None:
    """Keep a statement, in place of one that a run that was cut off made for the same new key."""
    before = [text for text in read_statements(path) if read_key_statement(text).new != new]
    text = "".join(f"{each}\n\n" for each in (*before, statement))
    write_durably(path.with_name(path.name + ROTATIONS), text)


def _countersign(ledger: Ledger, size: int, new: SignerKey) -> str:
    """The kept checkpoint with the new key's signature beside those that it has."""
    with ledger.store.writing() as rows:
        row = read_row(rows, "SELECT note FROM checkpoints WHERE size=?", [size])
        if row is None:
            raise NoteError(f"the checkpoint of {size} events is gone: run this again")
        note = str(row[0])
        line = new.sign(parse_note(note)[0])
        signed = note if line in note else note + line
        rows.run("UPDATE checkpoints SET note=? WHERE size=?", [signed, size])
    return signed


def _put_in_place(path: Path) -> None:
    os.replace(path.with_name(path.name + NEW), path)
    make_durable(path.parent)
