"""The city's totals held against their own past, which is written with every change of one."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store.rows import Rows

_KEYS = ("policy", "year", "kind", "name")
_FIGURES = ("gross", "withheld", "number")
_MISMATCHED = (
    "SELECT t.policy, t.year, t.kind, t.name FROM totals t LEFT JOIN totals_history h ON "
    + " AND ".join(f"h.{column}=t.{column}" for column in (*_KEYS, "position"))
    + " WHERE h.position IS NULL OR "
    + " OR ".join(f"h.{column}<>t.{column}" for column in _FIGURES)
    + " OR EXISTS (SELECT 1 FROM totals_history l WHERE "
    + " AND ".join(f"l.{column}=t.{column}" for column in _KEYS)
    + " AND l.position>t.position) ORDER BY t.policy, t.year, t.kind, t.name"
)


def total_faults(rows: Rows) -> Iterator[str]:
    """Totals that are not the last of their past, as sentences."""
    for policy, year, kind, name in rows.stream(_MISMATCHED):
        yield f"totals: the {kind} {name} of {policy} {year} is not the last of its past in totals_history"
