"""Checkpoints that were given out: the ledger holds each, at every place where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kafka.errors import KafkaError

from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, parse_note
from ledger.audit.rotation import public_keys
from ledger.log.key_record import LogBehindKey, check_continues, load_key, read_restores
from ledger.store.append import tracked
from ledger.store.log_tree import Tree
from ledger.store.rows import Rows
from services.checkpoints.fetching import Unsent
from services.checkpoints.targets import is_address, is_checkpoint, read_given
from services.doctor.findings import Finding, error, ok, warning
from services.kafka.checkpoints import TRACKED, read_published
from services.runtime.kafka_settings import KafkaSettings, UnusableFile

NEWEST = 10_000
"""Most checkpoints of a topic that are compared, the newest of them."""
ARRIVE = (
    "核对地址、权限和网络；见服务的日志",
    "check address, rights and network; see the service's log",
)
FORKED = (
    "停止写入；数据库恢复过或是副本的，按 docs/operations/runbooks.md#stale-copy 办理",
    "stop writing; where it was restored or is a copy, do as docs/operations/runbooks.md#stale-copy says",
)
EDITED = (
    "查明谁能改动该处；从别处留存的检查点恢复",
    "find out who can write there; put it back from a checkpoint kept elsewhere",
)
LOST = (
    "已登记的恢复之前的检查点；与银行核对完毕的，仅供知悉",
    "of the time before a recorded restore; once payments are compared with the bank this is for information",
)


class GivenOut(NamedTuple):
    """The checkpoints of one place, and the size that is known to have arrived there."""

    place: str
    notes: Sequence[str]
    arrived: int = 0


def check_place(rows: Rows, key_file: Path, place: str, arrived: int, was_named: bool) -> Iterator[Finding]:
    """Hold the checkpoints of a folder, a file or an address against the ledger.

    Args:
        arrived: the size that arrived there last, as far as is known; 0 for none.
        was_named: whether somebody named the place, and so expects one to stand there.
    """
    try:
        # An address may answer anything to whoever asks there; what is in a folder was put there.
        notes = [note for note in read_given(place) if is_checkpoint(note) or not is_address(place)]
    except Unsent as fault:
        statement = f"读不到发出的检查点：{fault}", f"checkpoints given out cannot be read: {fault}"
        yield warning("checkpoints.given", statement, ARRIVE)
        return
    if was_named and not notes:
        statement = f"{place} 没有检查点", f"there is no checkpoint at {place}"
        yield warning("checkpoints.given", statement, ARRIVE)
    yield from _compare(rows, key_file, GivenOut(place, notes, arrived))


def check_topic(rows: Rows, key_file: Path, settings: KafkaSettings) -> Iterator[Finding]:
    """Hold the checkpoints of the topic that they leave on against the ledger."""
    try:
        notes = read_published(settings, NEWEST)
    except (KafkaError, UnusableFile, OSError, ValueError) as fault:
        statement = (
            f"读不到主题 {settings.checkpoints} 上的检查点：{fault}",
            f"the checkpoints on the topic {settings.checkpoints} cannot be read: {fault}",
        )
        yield warning("checkpoints.given", statement, ARRIVE)
        return
    given = GivenOut(settings.checkpoints, notes, tracked(rows, TRACKED) or 0)
    yield from _compare(rows, key_file, given)


def _compare(rows: Rows, key_file: Path, given: GivenOut) -> Iterator[Finding]:
    tree, keys, restores = Tree(rows), _keys(key_file), read_restores(rows)
    held, lost = list[int](), list[int]()
    for note in given.notes:
        checkpoint = _ours(note, keys)
        if checkpoint is None:
            yield _not_ours(given.place)
            return
        try:
            check_continues(checkpoint, rows, tree)
            held.append(checkpoint.size)
        except (LogBehindKey, LookupError, NoteError):
            if any(each.shared_size < checkpoint.size <= each.signed_size for each in restores):
                lost.append(checkpoint.size)
                continue
            yield _forked(given.place, checkpoint.size)
            return
    if given.arrived > max((*held, *lost), default=0):
        statement = (
            f"{given.place} 曾收到 {given.arrived:,} 条的检查点，现在没有了",
            f"{given.place} got a checkpoint of {given.arrived:,} events, which is there no more",
        )
        yield error("checkpoints.given", statement, EDITED)
        return
    if lost:
        statement = (
            f"{given.place} 有 {len(lost)} 个检查点属于恢复前丢失的一段，账本无从比对",
            f"{len(lost)} checkpoints at {given.place} are of what a restore lost: nothing holds them now",
        )
        yield warning("checkpoints.lost", statement, LOST)
    if held:
        zh = f"{given.place} 的 {len(held)} 个检查点都在账本中"
        yield ok("checkpoints.given", zh, f"{len(held)} checkpoints at {given.place}: held")


def _forked(place: str, size: int) -> Finding:
    statement = (
        f"账本不含已发出的 {size:,} 条的检查点（{place}）",
        f"the ledger does not hold the {size:,} events of a checkpoint given out ({place})",
    )
    return error("checkpoints.given", statement, FORKED)


def _not_ours(place: str) -> Finding:
    statement = (
        f"{place} 有一份检查点不是本账本的密钥签的，或被改动过",
        f"a checkpoint at {place} is signed by no key of this ledger, or was edited",
    )
    return error("checkpoints.given", statement, EDITED)


def _keys(key_file: Path) -> list[VerifierKey]:
    """Whose checkpoints are this ledger's; none where the key is not at hand, which is told elsewhere."""
    try:
        return public_keys(key_file, load_key(key_file).verifier)
    except (OSError, NoteError):
        return []


def _ours(note: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """A checkpoint that a key of ours signed before its end; where no key is at hand, any checkpoint."""
    if not is_checkpoint(note):
        return None
    checkpoint = Checkpoint.parse(parse_note(note)[0])
    if not keys:
        return checkpoint
    counted = [replace(key, end=None) if key.end and checkpoint.size <= key.end.size else key for key in keys]
    try:
        return open_checkpoint(note, counted)[0]
    except NoteError:
        return None
