"""Rows that are no events, stated in the log by their digest, period after period."""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content

DIGESTS = "digest"
"""Before the name of a table, in the id of the stream of its digests."""


class RowsDigested(Content, frozen=True, kw_only=True):
    """So many rows of a table stood there, numbered from ``first`` to ``last``, when this was recorded.

    ``first`` follows the ``last`` of the event before it. ``digest`` is the SHA-256 (hex) over the digest of
    that event and the rows in order of their number, as ``ledger.log.digests`` writes them.
    """

    aggregate_topic: ClassVar[str] = "domain.events.aggregate:Stream"
    table: str
    first: int
    last: int
    rows: int
    digest: str


def digests_id(table: str) -> str:
    """The originator of the digests of a table."""
    return f"{DIGESTS}:{table}"
