"""Every append of a ledger is held against what its key signed last (``KEY.last``).

A copy that lags behind, or an older file put in the ledger's place, answers like the ledger itself. What it
took in would be lost when the right one is back, or be a second history: so it takes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from domain.log.notes import NoteError
from ledger.log.key_record import LAST, LogBehindKey, check_continues, read_last
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree
from ledger.store.rows import DamagedStore, Rows, StaleStore

Stamp = tuple[int, int, int]
"""By which a file that was replaced is told: inode, size, time of change."""


class _Held(NamedTuple):
    """What was found to continue: which signed checkpoint, and the last of the leaves under it."""

    stamp: Stamp
    size: int
    leaf: bytes


class AppendHold:
    """Asked within each transaction that appends; a look at a file's time and at one hash, as a rule.

    Nobody else commits meanwhile, and only what was committed is signed for: a checkpoint that another
    process signs a moment before or after is one that this transaction's log holds.
    """

    def __init__(self, key_file: Path) -> None:
        self.key_file = key_file
        self.held: _Held | None = None

    def check(self, rows: Rows) -> None:
        """Refuse an append to a log that does not continue what the key signed last.

        Where nothing stands beside the key, or this process may not read it, nothing can be held against it.

        Raises:
            StaleStore: where the log does not, or what stands beside the key is no checkpoint.
        """
        try:
            stamp = _stamp_of(self.key_file.with_name(self.key_file.name + LAST))
            tree, held_tree = Tree(rows), self.held
            if (
                held_tree is not None
                and held_tree.stamp == stamp
                and tree.leaf(held_tree.size) == held_tree.leaf
            ):
                return
            last = read_last(self.key_file)
        except (FileNotFoundError, PermissionError):
            return
        except NoteError as error:
            raise StaleStore("database.key-record", reason=str(error)) from None
        if last is None or last.size == 0:
            return
        try:
            check_continues(last, rows, tree)
        except LogBehindKey as error:
            raise StaleStore("database.behind-key", last=error.last.size, size=error.size) from None
        except LookupError as error:
            raise DamagedStore("database.unreadable-row", reason=str(error)) from None
        if leaf := tree.leaf(last.size):
            self.held = _Held(stamp, last.size, leaf)


def hold_appends(ledger: Ledger, key_file: Path) -> None:
    """Have every append of an opened ledger held against what the key in a file signed last."""
    ledger.store.append_check = AppendHold(key_file).check


def _stamp_of(file: Path) -> Stamp:
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
