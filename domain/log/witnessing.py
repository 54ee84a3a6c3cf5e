"""What a witness cosigns, by C2SP tlog-witness: a checkpoint that continues the one it cosigned last.

Of each log a witness remembers the last checkpoint that it cosigned, and never goes back. Statuses are those
of the protocol's ``add-checkpoint``; the command line refuses for the same reasons.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from domain.log.merkle import EMPTY_ROOT, HASH_BYTES, ProofError, check_consistency
from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, parse_note, signature_line

PROOF_LINES_MAX = 63


class Reason(IntEnum):
    """Why a witness does not cosign, as the protocol's status."""

    UNREADABLE = 400
    UNSIGNED = 403
    UNKNOWN_LOG = 404
    OTHER_SIZE = 409
    UNPROVEN = 422


class CosigningRefused(NoteError):
    """A checkpoint that is not cosigned; ``size`` is what the witness cosigned last of that log."""

    def __init__(self, reason: Reason, en: str, zh: str, size: int = 0) -> None:
        super().__init__(en, zh)
        self.reason, self.size = reason, size


class LogForked(CosigningRefused):
    """Two checkpoints of one size with different roots, both signed by the log: two histories were told."""


class Submission(NamedTuple):
    """What ``add-checkpoint`` is sent: the size cosigned last, the proof from it on, the checkpoint."""

    old: int
    path: tuple[bytes, ...]
    note: str


FindPath = Callable[[int, int], Sequence[bytes]]
"""Gives the consistency proof from one size to another."""


def read_submission(text: str) -> Submission:
    """Read the body of ``add-checkpoint``.

    Raises:
        CosigningRefused: for any other text.
    """
    head, empty_line, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    old = re.fullmatch(r"old (0|[1-9][0-9]{0,18})", first)
    if old is None or not empty_line or len(lines) > PROOF_LINES_MAX:
        raise _unreadable("begin with 'old SIZE', at most 63 lines of proof and an empty line")
    try:
        path = tuple(base64.b64decode(line, validate=True) for line in lines)
    except ValueError:
        path = (b"",)
    if any(len(step) != HASH_BYTES for step in path):
        raise _unreadable("a line of the proof is not 32 bytes in base64")
    return Submission(int(old[1]), path, note)


class SignedCheckpoint(NamedTuple):
    """A checkpoint, and its note with those signatures alone that verify by the log's own keys."""

    checkpoint: Checkpoint
    note: str


def open_signed(note: str, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
    """The checkpoint of a note that a key of the log itself signed.

    Raises:
        CosigningRefused: where none of the given keys vouches for it.
    """
    try:
        body, signatures = parse_note(note)
        checkpoint = Checkpoint.parse(body)
    except NoteError as error:
        raise _unreadable(str(error)) from None
    own_keys = [key for key in keys if key.name == checkpoint.origin]
    if not own_keys:
        raise CosigningRefused(
            Reason.UNKNOWN_LOG,
            f"no key of the log {checkpoint.origin} was given",
            f"没有给出账本 {checkpoint.origin} 的公钥：用 --key 写明（由主管部门当面或经公函取得）",
        )
    try:
        open_checkpoint(note, own_keys)
    except NoteError as error:
        raise CosigningRefused(
            Reason.UNSIGNED,
            f"the log's own signature does not count: {error}",
            f"账本的签名不成立，不予会签：检查点可能被改动，或不是由该密钥签署（{error}）",
        ) from None
    own = dict.fromkeys(each for each in signatures if any(key.verifies(body, each) for key in own_keys))
    lines = [signature_line(each.name, each.key_id, each.signature) for each in own]
    return SignedCheckpoint(checkpoint, f"{body}\n{''.join(lines)}")


def judge_checkpoint(
    checkpoint: Checkpoint, cosigned: Checkpoint, old: int, find_path: FindPath
) -> Checkpoint:
    """The checkpoint, where the log continues the one cosigned last (of size 0 before the first).

    Args:
        checkpoint: what the log signed.
        old: the size that the asker takes for the one cosigned last.

    Raises:
        LogForked: for another root at the same size.
        CosigningRefused: where the log is shorter, or nothing proves that it continues.
    """
    if old > checkpoint.size:
        raise _unreadable(f"the old size {old} is above the checkpoint's {checkpoint.size}")
    if checkpoint.size == cosigned.size and checkpoint.root != cosigned.root:
        raise LogForked(
            Reason.OTHER_SIZE,
            f"the log {cosigned.origin} was cosigned at {cosigned.size} events under another root: "
            "two histories were told — do not cosign; both checkpoints are kept as evidence",
            f"账本 {cosigned.origin} 在 {cosigned.size} 条处已会签过另一个指纹：同一账本出现两种历史 — "
            "不得会签；两份检查点均已留存为证据",
            cosigned.size,
        )
    if old != cosigned.size or checkpoint.size < cosigned.size:
        raise CosigningRefused(
            Reason.OTHER_SIZE,
            f"{cosigned.size} events of the log {cosigned.origin} are cosigned, the checkpoint has "
            f"{checkpoint.size}: a witness never goes back",
            f"账本 {cosigned.origin} 已会签到 {cosigned.size} 条，此检查点为 {checkpoint.size} 条："
            "会签不能后退",
            cosigned.size,
        )
    path = find_path(cosigned.size, checkpoint.size)
    try:
        check_consistency(cosigned.size, checkpoint.size, cosigned.root, checkpoint.root, path)
    except ProofError as error:
        raise CosigningRefused(
            Reason.UNPROVEN,
            f"nothing proves that the log continues what was cosigned: {error}",
            f"证明不能说明此检查点是所会签日志的延续：日志可能被改写，或证明有误（{error}）",
            cosigned.size,
        ) from None
    return checkpoint


def begin_log(origin: str) -> Checkpoint:
    """What a witness has cosigned of a log before its first checkpoint: nothing."""
    return Checkpoint(origin, 0, EMPTY_ROOT)


def keys_by_log(keys: Sequence[VerifierKey]) -> Mapping[str, list[VerifierKey]]:
    """The keys of each log, by its origin."""
    return {name: [key for key in keys if key.name == name] for name in {key.name for key in keys}}


def _unreadable(en: str) -> CosigningRefused:
    return CosigningRefused(Reason.UNREADABLE, en, f"检查点或请求不能读取：{en}")
