"""A ledger without a single event: new, or emptied, or not the one that was meant."""

from __future__ import annotations

from pathlib import Path

from ledger.store.rows import Rows, UnsuitableStore, read_row

NEW = "database.new"
"""The code of a ledger in which nothing says that there ever was an event."""
_TRACES = {
    "checkpoints": "SELECT 1 FROM checkpoints WHERE size>0 LIMIT 1",
    "batches": "SELECT 1 FROM batches LIMIT 1",
    "tiles": "SELECT 1 FROM tiles LIMIT 1",
    "event_keys": "SELECT 1 FROM event_keys LIMIT 1",
    "enterprises": "SELECT 1 FROM enterprises LIMIT 1",
    "policies": "SELECT 1 FROM policies LIMIT 1",
    "tracking": "SELECT 1 FROM tracking WHERE application_name='outbox' AND notification_id>0 LIMIT 1",
}
"""What there is only once events were recorded, by table; what is refused moves a place in a stream too."""


def has_events(rows: Rows) -> bool:
    """Whether the ledger holds any event."""
    return read_row(rows, "SELECT 1 FROM stored_events LIMIT 1") is not None


def what_is_emptied(rows: Rows, key_file: Path | None = None, place: str = "") -> UnsuitableStore | None:
    """Why nothing can be answered from a ledger that holds no event; ``None`` where it holds some.

    Args:
        key_file: where the signing key stands; one that is there signed for a ledger with events.
        place: what the sentence begins with.
    """
    if has_events(rows):
        return None
    traces = [(table, table) for table, sql in _TRACES.items() if read_row(rows, sql) is not None]
    if rows.last_position() > 0:
        traces.append(("已给出的序号", "the positions that were given out"))
    if key_file is not None and key_file.exists():
        traces.append((f"签署密钥 {key_file}", f"the signing key {key_file}"))
    if not traces:
        return UnsuitableStore(NEW, place=place)
    named = {"zh": "、".join(zh for zh, _ in traces), "en": ", ".join(en for _, en in traces)}
    return UnsuitableStore("database.emptied", place=place, traces=named)


def require_events(rows: Rows, database: str) -> None:
    """Refuse to answer from a ledger without events, as from one that was emptied or is another.

    Raises:
        UnsuitableStore: saying so.
    """
    emptied = what_is_emptied(rows, place="" if "://" in database else f"{database}: ")
    if emptied is None or (emptied.fault.code == NEW and read_row(rows, "SELECT 1 FROM refused LIMIT 1")):
        return  # whoever sent a first file in which nothing was right must be able to see why
    raise emptied
