"""Witnesses cosign checkpoints by the protocol C2SP tlog-witness (``add-checkpoint``).

A witness remembers the log that it cosigned last and is shown that the new one continues it; so a log
that two histories are told of finds no second cosignature.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import NamedTuple

from domain.log.notes import COSIGNATURE_V1, Checkpoint, NoteError, SignerKey, VerifierKey, parse_note
from ledger.audit.checkpoints import UnknownPosition, cosign, prove_consistency
from ledger.store.application import Ledger
from services.checkpoints.fetching import Unsent, ask, label_of


class Witness(NamedTuple):
    """Where a witness is asked, and the key that it cosigns with."""

    url: str
    key: VerifierKey

    @property
    def label(self) -> str:
        """As logs and findings name it."""
        return f"{self.key.name} {label_of(self.url)}"


def read_witnesses(file: Path) -> list[Witness]:
    """The witnesses of a file: address and public key on a line each; ``#`` begins a remark.

    Raises:
        NoteError: for a line that is neither.
        OSError: where the file cannot be read.
    """
    witnesses = []
    for number, line in enumerate(file.read_text("utf-8-sig").splitlines(), 1):
        url, _, key_text = line.partition("#")[0].strip().partition(" ")
        if not url:
            continue
        if not url.startswith(("http://", "https://")):
            raise NoteError(f"{file}, line {number}: begin with the witness's address")
        key = VerifierKey.parse(key_text)
        if key.algorithm != COSIGNATURE_V1:
            raise NoteError(f"{file}, line {number}: a witness signs with a cosignature/v1 key")
        witnesses.append(Witness(url.rstrip("/"), key))
    return witnesses


def add_checkpoint(ledger: Ledger, note: str, signer: SignerKey, witness: Witness, known: int) -> str:
    """Have a witness cosign a kept checkpoint; the note with its cosignature, which is kept.

    Args:
        known: the size that it is thought to have cosigned last.

    Raises:
        Unsent: where it does not cosign; the text says why.
    """
    answer = None
    size = Checkpoint.parse(parse_note(note)[0]).size
    for _ in range(2):  # once more, from the size that it names
        answer = ask("POST", f"{witness.url}/add-checkpoint", _request(ledger, note, signer, known))
        named = re.fullmatch(r"(0|[1-9][0-9]{0,18})\n?", answer.text)
        if answer.status != 409 or named is None or int(named[1]) == known:
            break
        known = int(named[1])
        if known > size:
            raise Unsent(f"{witness.label}: it cosigned {known} events, this log holds {size}: another log")
    assert answer is not None
    if answer.status != 200:
        said = answer.text.strip()[:200]
        raise Unsent(f"{witness.label}: status {answer.status} {said}".rstrip())
    try:
        for line in answer.text.splitlines(keepends=True):
            if line.startswith(f"— {witness.key.name} "):
                note = cosign(ledger, size, line, witness.key)
                return note
    except (NoteError, UnknownPosition) as error:
        raise Unsent(f"{witness.label}: {error}") from None
    raise Unsent(f"{witness.label}: its answer holds no cosignature of its key")


def _request(ledger: Ledger, note: str, signer: SignerKey, known: int) -> str:
    """The old size, the proof that leads from it, and the checkpoint with the log's own signature."""
    body = parse_note(note)[0]
    size = Checkpoint.parse(body).size
    path = list[bytes]()
    if 0 < known < size:
        with ledger.store.reading() as rows:
            path = prove_consistency(rows, known, size)
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in path)
    return f"old {known}\n{hashes}\n{body}\n{signer.sign(body)}"
