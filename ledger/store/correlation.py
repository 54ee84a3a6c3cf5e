"""Which call, record or command brought what: kept beside the log, never part of it.

An upstream's own ``correlationid`` (or the trace of its ``traceparent``) goes before the id of the
call that carried the message. A run of positions with one id is one row, so that a batch costs one
row however long it is. Rows may be deleted at any time: no figure and no proof depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from itertools import groupby
from typing import NamedTuple

from ledger.store.rows import Rows, read_row

CORRELATION_CHARS_MAX = 200
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

current: ContextVar[str] = ContextVar("correlation", default="")
"""The id of what this thread is working on: a request, a batch of a stream, a command."""


class Span(NamedTuple):
    """Consecutive positions that came under one id."""

    first: int
    last: int


def trace_of(traceparent: str | None) -> str | None:
    """The trace's id in a ``traceparent`` (W3C Trace Context)."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match[1] if match else None


def note_events(rows: Rows, first: int, ids: Sequence[str]) -> None:
    """Note the ids of events at consecutive positions; an empty one is not noted."""
    spans, position = [], first
    for correlation, run in groupby(ids):
        length = sum(1 for _ in run)
        if correlation:
            spans.append((correlation, position, position + length - 1, ""))
        position += length
    rows.run_many("INSERT INTO correlations (correlation, first, last, refused) VALUES (?,?,?,?)", spans)


def note_refused(rows: Rows, refused: Sequence[tuple[str, str]]) -> None:
    """Note the ids (id, digest) of refused messages."""
    noted = {pair: (pair[0], 0, 0, pair[1]) for pair in refused if pair[0]}
    rows.run_many(
        "INSERT INTO correlations (correlation, first, last, refused) VALUES (?,?,?,?) "
        "ON CONFLICT (correlation, first, refused) DO UPDATE SET last=excluded.last",
        list(noted.values()),
    )


def spans_of(rows: Rows, correlation: str, limit: int) -> list[Span]:
    """The positions that came under an id, upwards."""
    sql = "SELECT first, last FROM correlations WHERE correlation=? AND first>0 ORDER BY first LIMIT ?"
    return [Span(*row) for row in rows.all(sql, [correlation, limit])]


def refused_under(rows: Rows, correlation: str, limit: int) -> list[str]:
    """The digests of refused messages that came under an id."""
    sql = "SELECT refused FROM correlations WHERE correlation=? AND first=0 ORDER BY refused LIMIT ?"
    return [row[0] for row in rows.all(sql, [correlation, limit])]


def of_position(rows: Rows, position: int) -> str | None:
    """Under which id an event came."""
    sql = "SELECT correlation, last FROM correlations WHERE first>0 AND first<=? ORDER BY first DESC LIMIT 1"
    row = read_row(rows, sql, [position])
    return str(row[0]) if row and row[1] >= position else None
