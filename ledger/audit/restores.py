"""A restored ledger says so: in its log, and in a statement that its key signs.

After a restore to an earlier moment the key's last checkpoint is of a log that the ledger no longer
holds, and ``ledger.log.key_record`` lets it sign nothing. The operator records the restore: both
histories are then told, and signing goes on with the one that is kept.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from domain.events import RestoreRecorded
from domain.events.event import Attribution
from domain.log.notes import Checkpoint, KeyEnd, NoteError, VerifierKey, open_checkpoint, parse_note
from domain.log.statements import write_restore_statement
from ledger.audit.checkpoints import sign_current
from ledger.audit.rotation import public_keys, trusted
from ledger.log.key_record import (
    LAST,
    FileKey,
    LogBehindKey,
    LogNotContinued,
    check_continues,
    hold_key,
    load_key,
    read_last,
    read_restores,
    write_durably,
)
from ledger.store.append import append_ours
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree
from ledger.store.moments import recorded_at
from ledger.store.rows import Rows, read_row
from ledger.store.value_kinds import Finding

RESTORES = ".restores"


class Restore(NamedTuple):
    """What was recorded, the checkpoint that holds it, and the statement of both histories."""

    content: RestoreRecorded
    checkpoint: str
    statement: str


def record_restore(
    ledger: Ledger, key: FileKey, attribution: Attribution, actor: str, reason: str, note: str | None = None
) -> Restore:
    """Record that the ledger was restored, and sign for it again; safe to run again where it was cut off.

    Args:
        note: a checkpoint that was given out and that the ledger does not hold; by default, what the
            key signed last.

    Raises:
        NoteError: where the ledger holds what was signed, or nothing says what that was.
        OSError: where the key's folder cannot be written to.
    """
    if not reason.strip():
        raise NoteError(
            "say why the ledger was restored, and what is known to be lost",
            "写明为何恢复、已知缺少什么（--reason）",
        )
    with hold_key(key) as record:
        last = record.last if note is None else _given(key, note)
        if last is None:
            raise NoteError(
                "nothing beside the key says what it signed last: give a checkpoint that it signed",
                "密钥旁没有它最后签署的检查点：用 --checkpoint 给出它签署过的检查点",
            )
        with ledger.store.writing() as rows:
            content = _recorded(rows, last) or _record(ledger, rows, last, attribution, actor, reason)
        checkpoint = sign_current(ledger, record)
        other = KeyEnd(last.size, last.root)
        signed = Checkpoint.parse(parse_note(checkpoint)[0])
        statement = write_restore_statement(signed, other, content.shared_size, record.key)
        kept = read_restore_statements(key.file) if key.file else []
        if key.file and statement not in kept:
            text = "".join(f"{each}\n\n" for each in (*kept, statement))
            write_durably(key.file.with_name(key.file.name + RESTORES), text)
    return Restore(content, checkpoint, statement)


def read_restore_statements(path: Path) -> list[str]:
    """The statements of restores beside a key's file, the oldest first."""
    file = path.with_name(path.name + RESTORES)
    texts = file.read_text("utf-8").split("\n\n\n") if file.exists() else []
    return [text.strip("\n") + "\n" for text in texts if text.strip()]


def check_key_record(rows: Rows, path: Path) -> list[Finding]:
    """What is wrong between the log and what the key in a file signed last: a stale copy, a fork, an edit."""
    try:
        last = read_last(path)
        check_continues(last, rows, Tree(rows))
        if last is not None:
            _check_last(rows, path, last)
    except (LogNotContinued, NoteError, LookupError, OSError) as error:
        return [Finding(rows.last_position(), str(error))]
    return []


def is_record_lost(rows: Rows, path: Path) -> bool:
    """Whether the key signed for something that is kept, and nothing beside it says what it signed last."""
    return read_last(path) is None and _signed_size(rows, _own_keys(path)[:1]) > 0


def _check_last(rows: Rows, path: Path, last: Checkpoint) -> None:
    """Check that what stands beside a key is its own word, and its latest as far as the ledger knows.

    Raises:
        NoteError: where it is not.
    """
    beside, keys = path.with_name(path.name + LAST), _own_keys(path)
    if not keys:
        return  # that the key is gone is told elsewhere
    open_checkpoint(beside.read_text("utf-8"), keys)
    size = _signed_size(rows, keys)
    if size > last.size:
        raise NoteError(f"{beside} is of {last.size} events, but the key signed for {size}: it was put back")


def _own_keys(path: Path) -> list[VerifierKey]:
    """The key in a file and those before it, each without its end; none where it is not at hand."""
    if not path.exists():
        return []
    today = load_key(path).verifier
    return [replace(key, end=None) for key in public_keys(path, today)]


def _signed_size(rows: Rows, keys: list[VerifierKey]) -> int:
    """The largest size of which the ledger keeps a checkpoint by one of these keys."""
    row = read_row(rows, "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    try:
        return 0 if row is None or not keys else open_checkpoint(str(row[0]), keys)[0].size
    except NoteError:
        return 0  # of another key, which an audit names


def _given(key: FileKey, note: str) -> Checkpoint:
    """A checkpoint that this ledger's key signed, today's or one before it."""
    before = trusted(key.file) if key.file else []
    bare = [VerifierKey(each.name, each.algorithm, each.public) for each in (key.verifier, *before)]
    return open_checkpoint(note, bare)[0]


def _recorded(rows: Rows, last: Checkpoint) -> RestoreRecorded | None:
    """The restore that admits a checkpoint already."""
    signed = (last.size, last.root.hex())
    return next(
        (each for each in read_restores(rows) if (each.signed_size, each.signed_root) == signed), None
    )


def _record(
    ledger: Ledger, rows: Rows, last: Checkpoint, attribution: Attribution, actor: str, reason: str
) -> RestoreRecorded:
    tree = Tree(rows)
    size = tree.size()
    try:
        check_continues(last, rows, tree)
    except LogBehindKey:
        pass
    else:
        raise NoteError(
            f"the ledger holds the {last.size} events that were signed for: nothing was restored",
            f"账本中有已签署的全部 {last.size} 条数据：没有恢复过，不必登记",
        )
    shared = read_row(
        rows, "SELECT COALESCE(MAX(size), 0) FROM checkpoints WHERE size<=?", [min(size, last.size)]
    )
    content = RestoreRecorded(
        signed_size=last.size,
        signed_root=last.root.hex(),
        log_size=size,
        log_root=tree.root(size).hex(),
        shared_size=int(shared[0]) if shared else 0,
        until=recorded_at(rows, size) or "",
        actor=actor,
        reason=reason,
    )
    place = len(read_restores(rows)) + 1
    append_ours(rows, ledger.clock(), [(RestoreRecorded.ORIGINATOR, place, content)], attribution)
    return content
