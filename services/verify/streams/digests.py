"""What the log states of rows that are no events: each digest follows the one before it."""

from __future__ import annotations

from domain.events import RowsDigested
from services.verify.streams.procedure import PlacedEvent, ReportFault


def check_digests(table: str, events: list[PlacedEvent], fault: ReportFault) -> int:
    """Hold the digests of a table to each other; how many rows they state.

    The rows themselves tell of persons and stand in no bundle: the audit of the ledger compares them.
    """
    last = rows = 0
    for placed in events:
        content = placed.event.content
        if not isinstance(content, RowsDigested) or content.table != table:
            fault(placed.position, f"{placed.event.name} is no digest of {table}")
            continue
        if content.first != last + 1:
            fault(placed.position, f"a digest of {table} begins at row {content.first}, not at {last + 1}")
        if not 0 < content.rows <= content.last - content.first + 1:
            fault(placed.position, f"a digest of {table} states {content.rows} rows, which cannot be")
        last, rows = content.last, rows + content.rows
    return rows
