"""Checkpoints of a made-up log, its fork, and what a witness answers to them."""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Sequence
from urllib.error import HTTPError

from domain.log.merkle import consistency_path, leaf_hash, root_of
from domain.log.notes import Checkpoint, SignerKey

LOG = SignerKey("ledger", b"\x01" * 32)
LEAVES = [leaf_hash(f"event {number}".encode()) for number in range(40)]
OTHERS = [leaf_hash(f"other {number}".encode()) for number in range(40)]


def note_of(size: int, leaves: Sequence[bytes] = LEAVES, key: SignerKey = LOG) -> str:
    """A checkpoint of the first leaves, signed by the log's key."""
    body = Checkpoint(key.name, size, root_of(leaves[:size])).body
    return f"{body}\n{key.sign(body)}"


def path_of(first: int, second: int) -> list[bytes]:
    """The consistency proof of the log."""
    return consistency_path(
        first, second, lambda level, index: root_of(LEAVES[index << level : (index + 1) << level])
    )


def submit(url: str, old: int, path: Sequence[bytes], note: str) -> tuple[int, str, str]:
    """Status, media type and text that a witness answers to ``add-checkpoint``."""
    lines = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    body = f"old {old}\n{lines}\n{note}".encode()
    try:
        with urllib.request.urlopen(f"{url}/add-checkpoint", body, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()
