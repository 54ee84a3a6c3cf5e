"""One partition of a province: a sorted stream of event rows in, awards out. It needs no engine.

Rows are those of the columnar export (``ledger.export.columnar.EVENTS``), in order of originator
and version. An enterprise at a time is held as events, a chunk of them as columns; so memory does
not grow with the partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.events import STATES, is_enterprise
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.rulebook import Rulebook
from ledger.simulation.packing import Packed, awards_in, pack

COLUMNS_READ = ("originator", "version", "event", "source", "event_id", "time", "content")
"""The columns of the export that an award depends on; the others are not read."""
CHUNK_ROWS = 1 << 14
"""Enterprises of a chunk; here their facts are kept until it is computed, so it is a small one."""
INSTANT = "%Y-%m-%dT%H:%M:%SZ"

AWARDS = pa.schema(
    [
        ("rules", pa.int16()),
        ("code", pa.string()),
        ("measure", pa.string()),
        ("year", pa.int32()),
        ("gross", pa.int64()),
        ("withheld", pa.int64()),
    ]
)
"""``rules`` numbers the rulebooks that were asked for."""


class BrokenHistory(ValueError):
    """An enterprise's versions do not count up from 1: the export lacks events or has some twice."""


def awards_of_partition(
    batches: Iterable[pa.RecordBatch], books: list[Rulebook], chunk_rows: int = CHUNK_ROWS
) -> Iterator[pa.RecordBatch]:
    """Every award of a partition's enterprises under each rulebook, in order of their keys.

    Raises:
        BrokenHistory: where the export is not whole.
    """
    facts_by_code: dict[str, EnterpriseFacts] = {}

    def remembered() -> Iterator[tuple[str, EnterpriseFacts]]:
        for code, facts in enterprises(batches):
            facts_by_code[code] = facts
            yield code, facts

    for packed in pack(remembered(), chunk_rows):
        for number, book in enumerate(books):
            yield _batch(number, packed, book, facts_by_code)
        facts_by_code.clear()


def enterprises(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, EnterpriseFacts]]:
    """Each enterprise's facts, folded from all of its events."""
    for code, rows in groupby(_rows(batches), key=itemgetter(0)):
        if not is_enterprise(code):
            continue
        facts = []
        for version, row in enumerate(rows, start=1):
            if row[1] != version:
                raise BrokenHistory(f"{code}: version {row[1]} stands where {version} should")
            _, _, kind, source, event_id, time, content = row
            facts.append(
                Event(STATES.read_content(kind, msgspec.json.decode(content)), source, event_id, time)
            )
        yield code, fold(facts)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        columns = [batch.column(name) for name in COLUMNS_READ]
        texts = [
            pc.strftime(each.cast(pa.timestamp("us", tz="UTC")), INSTANT)
            if pa.types.is_timestamp(each.type)
            else each
            for each in columns
        ]
        yield from zip(*(each.to_pylist() for each in texts), strict=True)


def _batch(
    number: int, packed: Packed, book: Rulebook, facts_by_code: dict[str, EnterpriseFacts]
) -> pa.RecordBatch:
    """A chunk's awards as rows, in order of code, measure and year."""
    awards = awards_in(packed, book, lambda codes: {code: facts_by_code[code] for code in codes})
    groups = sorted(awards, key=lambda group: (group[1], group[0]))
    sizes = [len(awards[group].rows) for group in groups]
    if not groups:
        return pa.RecordBatch.from_pylist([], schema=AWARDS)
    rows = np.concatenate([awards[group].rows for group in groups])
    order = (rows.astype(np.int64) * len(groups) + np.repeat(np.arange(len(groups)), sizes)).argsort()
    columns = [
        np.full(len(rows), number, np.int16),
        packed.codes[rows[order]].astype(str),
        np.repeat(np.array([measure for _, measure in groups], object), sizes)[order],
        np.repeat(np.array([year for year, _ in groups], np.int32), sizes)[order],
        np.concatenate([awards[group].gross for group in groups])[order],
        np.concatenate([awards[group].withheld for group in groups])[order],
    ]
    arrays = [pa.array(values, each.type) for values, each in zip(columns, AWARDS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=AWARDS)
