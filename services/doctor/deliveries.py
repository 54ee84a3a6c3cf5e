"""Checkpoints outside: whether they leave, and whether the ledger still holds those that did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain.log.notes import Checkpoint, NoteError, parse_note
from ledger.log.deliveries import read_deliveries
from ledger.log.key_record import LogBehindKey, check_continues
from ledger.store.log_tree import Tree
from ledger.store.rows import Rows
from services.checkpoints.fetching import Unsent
from services.checkpoints.targets import is_checkpoint, read_given
from services.doctor.findings import Finding, error, ok, warning
from services.runtime.settings import Settings

LATE = 3
"""Intervals without an arrival that are worth a warning."""
ARRIVE = (
    "核对地址、权限和网络；见服务的日志",
    "check address, rights and network; see the service's log",
)
FORKED = (
    "停止写入；数据库恢复过或是副本的，按 docs/operations/runbooks.md#stale-copy 办理",
    "stop writing; where it was restored or is a copy, do as docs/operations/runbooks.md#stale-copy says",
)


def check(rows: Rows, settings: Settings, named: Sequence[str], now: datetime) -> Iterator[Finding]:
    """The findings on checkpoints that left, and on those that the operator ``named``."""
    yield from _left(rows, settings, now)
    for place in (*settings.checkpoints_to, *named):
        yield from _held(rows, place, place in named)


def _left(rows: Rows, settings: Settings, now: datetime) -> Iterator[Finding]:
    deliveries = read_deliveries(Path(settings.signing_key_file))
    if not settings.checkpoints_to and not settings.witnesses:
        return
    late = timedelta(seconds=LATE * settings.checkpoints_every)
    well = True
    for label, delivery in deliveries.items():
        arrived = delivery.arrived_at
        overdue = delivery.size < rows.last_position() and (
            not arrived or datetime.fromisoformat(arrived) + late < now
        )
        if delivery.failure or overdue:
            well = False
            why = delivery.failure or f"{arrived or '—'}"
            statement = f"检查点没有送达 {label}：{why}", f"checkpoints do not reach {label}: {why}"
            yield warning("checkpoints.sent", statement, ARRIVE)
    if not deliveries:
        statement = (
            "还没有送出过检查点",
            "no checkpoint has left yet, though settings say where to",
        )
        yield warning("checkpoints.sent", statement, ("运行 serve 或 publish", "run serve or publish"))
    elif well:
        yield ok("checkpoints.sent", "检查点都已送达", "checkpoints reach where they should")


def _held(rows: Rows, place: str, was_named: bool) -> Iterator[Finding]:
    """Whether the ledger holds the checkpoints that stand at a place."""
    try:
        notes = [note for note in read_given(place) if is_checkpoint(note)]
    except Unsent as fault:
        statement = f"读不到发出的检查点：{fault}", f"checkpoints given out cannot be read: {fault}"
        yield warning("checkpoints.given", statement, ARRIVE)
        return
    if was_named and not notes:
        statement = f"{place} 没有检查点", f"there is no checkpoint at {place}"
        yield warning("checkpoints.given", statement, ARRIVE)
    tree = Tree(rows)
    for note in notes:
        given = Checkpoint.parse(parse_note(note)[0])
        try:
            check_continues(given, rows, tree)
        except (LogBehindKey, LookupError, NoteError):
            statement = (
                f"账本不含已发出的 {given.size:,} 条的检查点（{place}）",
                f"the ledger does not hold the {given.size:,} events of a checkpoint given out ({place})",
            )
            yield error("checkpoints.given", statement, FORKED)
            return
    if notes:
        count = len(notes)
        yield ok(
            "checkpoints.given", f"发出的 {count} 个检查点都在账本中", f"{count} checkpoints given out: held"
        )
