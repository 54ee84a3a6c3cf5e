"""A new signing key in place of the old one, vouched for by both.

The last checkpoint gets the new key's signature beside the old one's. A statement in the same
form (a signed note, tlog-checkpoint with two extension lines) names both public keys and is
signed by both; it is kept beside the key, so that whoever trusts the old key can come to trust
the new one, and so that checkpoints of retired keys stay verifiable.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from domain.log.notes import Checkpoint, NoteError, SignerKey, VerifierKey, open_checkpoint, parse_note
from ledger.audit.checkpoints import current, load_key
from ledger.store.application import Ledger
from ledger.store.rows import read_row

FROM, TO = "rotated-from ", "rotated-to "
SUFFIX = ".rotations"
NEW = ".new"


class Rotation(NamedTuple):
    """Both public keys, the checkpoint that both signed, and the statement."""

    old: VerifierKey
    new: VerifierKey
    checkpoint: str
    statement: str


def rotate(ledger: Ledger, path: Path) -> Rotation:
    """Put a new key in a key's file; safe to run again where it was cut off.

    Raises:
        OSError: where the key's file cannot be read, or its folder not written to.
        NoteError: where it holds no key.
        ArithmeticError: where the log does not grow out of what was signed before.
    """
    old = load_key(path)
    body = parse_note(current(ledger, old))[0]
    new = _prepare_key(path, old.name)
    statement = _sign_statement(body, old, new)
    if new.verifier not in trusted(path):
        _append(path.with_name(path.name + SUFFIX), statement)
    checkpoint = _countersign(ledger, Checkpoint.parse(body).size, new)
    os.replace(path.with_name(path.name + NEW), path)
    _sync_folder(path.parent)
    return Rotation(old.verifier, new.verifier, checkpoint, statement)


def trusted(path: Path) -> list[VerifierKey]:
    """Every public key that the statements beside a key's file name, the oldest first.

    Raises:
        NoteError: where a statement is not signed by both of its keys, or does not follow from the last.
    """
    file = path.with_name(path.name + SUFFIX)
    keys = list[VerifierKey]()
    for text in file.read_text("utf-8").split("\n\n\n") if file.exists() else ():
        if not text.strip():
            continue
        old, new = open_statement(text.strip("\n") + "\n")
        if keys and keys[-1] != old:
            raise NoteError(f"{file}: the key {old.key_id.hex()} does not follow from the one before it")
        keys += [new] if keys else [old, new]
    return keys


def open_statement(statement: str) -> tuple[VerifierKey, VerifierKey]:
    """The old and the new key of a statement.

    Raises:
        NoteError: where it is not signed by both.
    """
    lines = parse_note(statement)[0].split("\n")
    named = [next((line for line in lines if line.startswith(mark)), "") for mark in (FROM, TO)]
    old, new = (VerifierKey.parse(line.partition(" ")[2]) for line in named)
    for key in (old, new):
        open_checkpoint(statement, [key])
    return old, new


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


def _sign_statement(body: str, old: SignerKey, new: SignerKey) -> str:
    statement = f"{Checkpoint.parse(body).body}{FROM}{old.verifier}\n{TO}{new.verifier}\n"
    return statement + "\n" + old.sign(statement) + new.sign(statement)


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


def _append(file: Path, statement: str) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(statement + "\n\n")
        out.flush()
        os.fsync(out.fileno())
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
