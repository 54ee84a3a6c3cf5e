"""Awards and events as Parquet, in row groups of a bounded size; amounts are int64 fen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from domain.events.event import SupportingDocument
from ledger.export.books import Books, Tick, no_tick
from ledger.store.stored_events import SELECT, Stored, stored

GROUP_ROWS = 20_000
"""Rows of a row group; also the most that is held in memory."""

_NAME = pa.dictionary(pa.int32(), pa.string())
_INSTANT = pa.timestamp("us", tz="UTC")

AWARDS = pa.schema(
    [
        ("policy", _NAME),
        ("year", pa.int32()),
        ("code", pa.string()),
        ("measure", _NAME),
        ("inside_budget", pa.bool_()),
        ("budget", _NAME),
        ("gross_fen", pa.int64()),
        ("withheld_fen", pa.int64()),
        ("reduction_fen", pa.int64()),
        ("payable_fen", pa.int64()),
    ]
)
"""``budget`` is the id of the named budget that pays an award; empty where the policy has only one."""
EVENTS = pa.schema(
    [
        ("position", pa.int64()),
        ("originator", pa.string()),
        ("version", pa.int64()),
        ("event", _NAME),
        ("source", _NAME),
        ("event_id", pa.string()),
        ("time", _INSTANT),
        ("recorded_at", _INSTANT),
        ("amount_fen", pa.int64()),
        ("currency", _NAME),
        ("content", pa.string()),
        *((f"document_{name}", pa.string()) for name in SupportingDocument.__struct_fields__),
    ]
)
"""``amount_fen`` is US cents where ``currency`` is USD; ``content`` is the whole content as JSON.

What an event says of the document that it rests on is null where it names none, or not that.
"""


def write_awards(out: Path, books: Books, tick: Tick = no_tick) -> int:
    """Write the period's awards.

    Returns:
        how many rows there are.
    """
    return _write(out, AWARDS, _award_rows(books), _metadata(books), tick)


def write_events(out: Path, books: Books, tick: Tick = no_tick) -> int:
    """Write every event of the ledger up to the books' position, in order.

    Returns:
        how many rows there are.
    """
    rows = books.rows.stream(f"{SELECT} WHERE rowid<=? ORDER BY rowid", [books.position])
    return _write(out, EVENTS, (_event_row(stored(row)) for row in rows), _metadata(books), tick)


def _metadata(books: Books) -> dict[str, str]:
    budget = {"period": books.period, "budget_fen": str(books.pool.budget.amount)}
    digest = {"policy_digest": books.policy.digest}
    return {"policy": books.book.id, "position": str(books.position), **budget, **digest}


class AwardRow(NamedTuple):
    """A row of ``AWARDS``."""

    policy: str
    year: int
    code: str
    measure: str
    inside_budget: bool
    budget: str
    gross_fen: int
    withheld_fen: int
    reduction_fen: int
    payable_fen: int


class EventRow(NamedTuple):
    """A row of ``EVENTS``."""

    position: int
    originator: str
    version: int
    event: str
    source: str
    event_id: str
    time: str
    recorded_at: str
    amount_fen: int | None
    currency: str | None
    content: str
    document_number: str | None = None
    document_sha256: str | None = None
    document_issued_on: str | None = None
    document_issuer: str | None = None


def _award_rows(books: Books) -> Iterator[AwardRow]:
    for line, paid in books.awards():
        yield AwardRow(books.book.id, line.year, line.code, line.measure, books.inside(line), line.pot, *paid)


def _event_row(event: Stored) -> EventRow:
    fact = event.fact
    amount, currency = fact.content.field_value("amount_fen"), fact.content.field_value("currency")
    return EventRow(
        event.position,
        event.originator,
        event.version,
        fact.name,
        fact.source,
        fact.event_id,
        fact.time,
        event.recorded_at,
        amount if isinstance(amount, int) else None,
        currency if isinstance(currency, str) else None,
        msgspec.json.encode(fact.content.stored_values()).decode(),
        *(text or None for text in msgspec.structs.astuple(fact.based_on or SupportingDocument())),
    )


def _write(
    out: Path, schema: pa.Schema, rows: Iterable[NamedTuple], metadata: dict[str, str], tick: Tick
) -> int:
    count = 0
    described = schema.with_metadata(metadata)
    with pq.ParquetWriter(out, described, compression="zstd") as writer:
        remaining = iter(rows)
        while group := list(islice(remaining, GROUP_ROWS)):
            by_column = zip(zip(*group, strict=True), schema, strict=True)
            columns = [_column(values, each.type) for values, each in by_column]
            writer.write_table(pa.Table.from_arrays(columns, schema=described), row_group_size=GROUP_ROWS)
            count += len(group)
            for _ in group:
                tick()
    return count


def _column(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    """A column; instants come as text."""
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)
