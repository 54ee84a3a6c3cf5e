"""Whence the command line has the proof that a log continues: a file, a bundle, a service."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from domain.log.merkle import HASH_BYTES, consistency_path, root_of
from domain.log.notes import NoteError
from services.checkpoints.fetching import Unsent, ask
from services.verify.reading import Broken, read_leaves

PROOF_CHARS_MAX = 65_536


def read_proof(text: str) -> list[bytes]:
    """A proof as ``prove-consistency`` or the service writes it: hexadecimal hashes, or JSON with ``path``.

    Raises:
        NoteError: for any other text.
    """
    if text.lstrip().startswith("{"):
        try:
            lines = json.loads(text)["path"]
        except (ValueError, KeyError, TypeError):
            lines = [""]
    else:
        lines = text.split()
    if not isinstance(lines, list) or not all(_is_hash(line) for line in lines):
        raise NoteError(
            "not a consistency proof: 64 hexadecimal digits a line (prove-consistency FIRST SECOND)",
            "不是一致性证明：每行一个64位十六进制散列（由 prove-consistency 取得）",
        )
    return [bytes.fromhex(line) for line in lines]


def prove_from_bundle(file: Path, first: int, second: int) -> Sequence[bytes]:
    """The proof out of the leaves of a year's bundle.

    Raises:
        NoteError: where it is no such bundle, or of fewer events.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            leaves = read_leaves(archive, archive.getinfo("leaves").file_size // HASH_BYTES)
    except (OSError, zipfile.BadZipFile, KeyError, Broken) as error:
        raise NoteError(
            f"{file} is not a year's bundle: {error}", f"{file} 不是年度审计包：{error}"
        ) from None
    if len(leaves) < second * HASH_BYTES:
        raise NoteError(
            f"{file} holds {len(leaves) // HASH_BYTES} events, the checkpoint {second}",
            f"{file} 含 {len(leaves) // HASH_BYTES} 条，检查点为 {second} 条：取更新的审计包",
        )

    def node(level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        return root_of([leaves[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(start, end)])

    return consistency_path(first, second, node)


def fetch_proof(url: str, first: int, second: int) -> Sequence[bytes]:
    """The proof that a service of the ledger gives.

    Raises:
        NoteError: where it gives none.
    """
    try:
        answer = ask("GET", f"{url.rstrip('/')}/v1/log/consistency?first={first}&second={second}")
    except Unsent as error:
        raise NoteError(f"the service gives no proof: {error}", f"服务没有给出证明：{error}") from None
    if answer.status != 200:
        status = answer.status
        raise NoteError(f"the service gives no proof: status {status}", f"服务没有给出证明：状态 {status}")
    return read_proof(answer.text[:PROOF_CHARS_MAX])


def _is_hash(line: object) -> bool:
    return isinstance(line, str) and re.fullmatch(r"[0-9a-f]{64}", line) is not None
