"""One transaction around several: what a step writes, and that it was taken, are committed together.

While one is open, every transaction of the same store in the same context is a part of it: its own
writes are undone where it fails, and nothing is committed before the whole is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ledger.store.rows import Rows, Store

R = TypeVar("R", bound=Rows)
_joined: ContextVar[tuple[object, Rows] | None] = ContextVar("joined", default=None)


@contextmanager
def joined_transaction(store: Store) -> Iterator[Rows]:
    """A writing transaction that those within it join."""
    with store.writing() as rows:
        before = _joined.set((store, rows))
        try:
            yield rows
        finally:
            _joined.reset(before)


def joined_rows(store: object) -> Rows | None:
    """The transaction that a new one of this store belongs to; ``None`` where it stands by itself."""
    joined = _joined.get()
    return joined[1] if joined is not None and joined[0] is store else None


@contextmanager
def part_of(rows: R) -> Iterator[R]:
    """A part of a transaction: undone by itself where it is left by an exception."""
    rows.run("SAVEPOINT part")
    try:
        yield rows
    except BaseException:
        rows.run("ROLLBACK TO SAVEPOINT part")
        rows.run("RELEASE SAVEPOINT part")
        raise
    rows.run("RELEASE SAVEPOINT part")
