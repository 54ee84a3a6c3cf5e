"""Statements about keys, in the form of signed notes: which key follows which, and where the old one ends.

A statement is a checkpoint (C2SP tlog-checkpoint) with further lines. Of a rotation, signed by both keys:

    rotated-from <old key>
    rotated-to <new key>
    old-key-ends <size>:<root>

Of a key that was lost, signed by the new one alone, the last line alike:

    lost-key <old key>
    new-key <new key>

Of a restore, signed by the key that goes on, so that both histories are told:

    restored-instead-of <size>:<root>
    shared-up-to <size>

Statements of before the line ``old-key-ends`` came say the end by the checkpoint in them, which both
keys signed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from domain.log.notes import (
    Checkpoint,
    KeyEnd,
    NoteError,
    SignerKey,
    VerifierKey,
    open_checkpoint,
    parse_note,
    read_key_end,
)

ROTATED_FROM, ROTATED_TO = "rotated-from ", "rotated-to "
LOST, FOLLOWED_BY = "lost-key ", "new-key "
ENDS = "old-key-ends "
INSTEAD_OF, SHARED = "restored-instead-of ", "shared-up-to "
PROOF = "proof "


class KeyStatement(NamedTuple):
    """What a statement says: ``old`` carries its end; ``proven`` where the old key signed it too."""

    old: VerifierKey
    new: VerifierKey
    proven: bool


class RestoreStatement(NamedTuple):
    """Two histories under one key: the log of ``other`` was signed for, and is not the one that goes on."""

    checkpoint: Checkpoint
    other: KeyEnd
    shared_size: int

    @property
    def remark(self) -> str:
        """It in plain words."""
        return (
            f"the ledger admits two histories: its key signed for a log of {self.other.size:,} events, root "
            f"{self.other.root.hex()}, and after a restore goes on without it; up to {self.shared_size:,} "
            "events both are one"
        )


class Trust(NamedTuple):
    """The keys that count, with their ends, and what whoever trusts them must be told."""

    keys: list[VerifierKey]
    remarks: list[str]


def write_key_statement(
    checkpoint: Checkpoint, end: KeyEnd, old: SignerKey | VerifierKey, new: SignerKey
) -> str:
    """The statement that a new key follows an old one; of a lost one where its private half is not given."""
    lost = isinstance(old, VerifierKey)
    replaced = old if isinstance(old, VerifierKey) else old.verifier
    first, second = (LOST, FOLLOWED_BY) if lost else (ROTATED_FROM, ROTATED_TO)
    ends = f"{ENDS}{end.size}:{base64.b64encode(end.root).decode()}"
    body = f"{checkpoint.body}{first}{replace(replaced, end=None)}\n{second}{new.verifier}\n{ends}\n"
    return body + "\n" + ("" if isinstance(old, VerifierKey) else old.sign(body)) + new.sign(body)


def read_key_statement(statement: str) -> KeyStatement:
    """The old key with its end, and the new one.

    Raises:
        NoteError: where it is no such statement, or not signed by those who must.
    """
    body = parse_note(statement)[0]
    lines = body.split("\n")

    def value_of(mark: str) -> str:
        return next((line.removeprefix(mark) for line in lines if line.startswith(mark)), "")

    proven = bool(value_of(ROTATED_FROM))
    old = VerifierKey.parse(value_of(ROTATED_FROM if proven else LOST))
    new = VerifierKey.parse(value_of(ROTATED_TO if proven else FOLLOWED_BY))
    for key in (old, new) if proven else (new,):
        open_checkpoint(statement, [replace(key, end=None)])
    checkpoint = Checkpoint.parse(body)
    ends = value_of(ENDS)
    end = read_key_end(ends) if ends else KeyEnd(checkpoint.size, checkpoint.root)
    if end.size > checkpoint.size or (end.size == checkpoint.size and end.root != checkpoint.root):
        raise NoteError("the statement's old key ends beside the log that it was made of")
    return KeyStatement(replace(old, end=end), new, proven)


def write_restore_statement(checkpoint: Checkpoint, other: KeyEnd, shared_size: int, key: SignerKey) -> str:
    """The statement that the key signed for another log than the one that it goes on with."""
    instead = f"{INSTEAD_OF}{other.size}:{base64.b64encode(other.root).decode()}"
    body = f"{checkpoint.body}{instead}\n{SHARED}{shared_size}\n"
    return body + "\n" + key.sign(body)


def read_restore_statement(statement: str, keys: list[VerifierKey]) -> RestoreStatement:
    """A restore that one of the given keys signed.

    Raises:
        NoteError: where it is no such statement, or none of them signed it.
    """
    checkpoint, _ = open_checkpoint(statement, [replace(key, end=None) for key in keys])
    lines = parse_note(statement)[0].split("\n")
    values = dict(line.split(" ", 1) for line in lines[3:] if " " in line)
    shared = values.get(SHARED.strip(), "")
    if not re.fullmatch(r"[0-9]{1,19}", shared):
        raise NoteError("not a statement of a restore")
    return RestoreStatement(checkpoint, read_key_end(values.get(INSTEAD_OF.strip(), "")), int(shared))


def is_restore_statement(statement: str) -> bool:
    """Whether a statement is meant to be one of a restore."""
    return f"\n{INSTEAD_OF}" in statement


def apply_statements(keys: Iterable[VerifierKey], statements: Iterable[KeyStatement]) -> Trust:
    """The keys that a reader trusts, ended where statements say so, and the keys that follow from them.

    A rotation makes the new key trusted where the old one is, and the other way round; the statement of a
    lost key counts only where the reader trusts the new key, as no other signed it.

    Raises:
        NoteError: where two statements end one key differently.
    """
    trusted, remarks, waiting = list(keys), list[str](), list(statements)
    while waiting:
        counting = next((each for each in waiting if _is_of(each, trusted)), None)
        if counting is None:
            remarks.append(f"{len(waiting)} statements are of keys that were not given: they change nothing")
            break
        waiting.remove(counting)
        old, new = counting.old, counting.new
        known = next((key for key in trusted if key == old), None)
        if known is not None and known.end is not None and known.end[:2] != (old.end or known.end)[:2]:
            raise NoteError(f"two statements end the key {old.name}+{old.key_id.hex()} differently")
        ended = old if known is None or known.end is None else known
        trusted = [each for each in trusted if each != old] + [ended]
        trusted += [] if new in trusted else [new]
        remarks.append(_remark(counting))
    return Trust(trusted, remarks)


def _is_of(statement: KeyStatement, trusted: list[VerifierKey]) -> bool:
    return statement.new in trusted or (statement.proven and statement.old in trusted)


def _remark(statement: KeyStatement) -> str:
    old, new = (f"{key.name}+{key.key_id.hex()}" for key in statement[:2])
    size = statement.old.end.size if statement.old.end else 0
    if statement.proven:
        return f"the key {old} ends at {size:,} events and {new} follows it: both signed that"
    untold = "the old key did not sign that, so nothing of it proves that the log goes on unbroken"
    return f"the key {old} was lost at {size:,} events and {new} follows it by its own word alone: {untold}"


def write_proof(first: int, end: int, path: Iterable[bytes]) -> str:
    """A consistency proof on one line, as it stands among the keys that a reader gives."""
    return " ".join([f"{PROOF}{first} {end}", *(base64.b64encode(each).decode() for each in path)])


def read_keys(text: str) -> list[VerifierKey]:
    """Keys, one a line, those that ended with the proofs that lead to their ends (``proof`` lines).

    Raises:
        NoteError: for a line that is neither.
    """
    keys, proofs = list[VerifierKey](), dict[int, dict[int, list[bytes]]]()
    for line in filter(None, (each.strip() for each in text.splitlines())):
        if not line.startswith(PROOF):
            keys.append(VerifierKey.parse(line))
            continue
        sizes = re.fullmatch(r"proof ([0-9]{1,19}) ([0-9]{1,19})((?: [A-Za-z0-9+/]{43}=)*)", line)
        if sizes is None:
            raise NoteError(f"not a proof: {line[:80]!r}")
        path = [base64.b64decode(each) for each in sizes[3].split()]
        proofs.setdefault(int(sizes[2]), {})[int(sizes[1])] = path
    return [
        replace(key, end=key.end._replace(paths=proofs.get(key.end.size, {}))) if key.end else key
        for key in keys
    ]
