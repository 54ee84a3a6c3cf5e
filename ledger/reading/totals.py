"""The city's totals, as the projections keep them: now, or as known at a position."""

from __future__ import annotations

from typing import Any

from ledger.store.moments import Moment
from ledger.store.rows import Rows, read_row


def totals_of(rows: Rows, policy: str, kind: str, at: Moment, year: int | None = None) -> list[Any]:
    """(year, name, gross, withheld, number) of one kind of total, ordered by year and name.

    The last three are whole numbers as text. See ``ledger.projections.enterprises.TotalKey``.
    """
    where, values = "policy=? AND kind=?", [policy, kind, *([] if year is None else [year])]
    if year is not None:
        where += " AND year=?"
    if at.until is None:
        sql = f"SELECT year, name, gross, withheld, number FROM totals WHERE {where}"
        return list(rows.all(f"{sql} ORDER BY year, name", values))
    totals = []
    names = f"SELECT year, name FROM totals WHERE {where} ORDER BY year, name"
    then = (
        "SELECT gross, withheld, number FROM totals_history "
        "WHERE policy=? AND year=? AND kind=? AND name=? AND position<=? ORDER BY position DESC LIMIT 1"
    )
    for of_year, name in rows.all(names, values):
        row = read_row(rows, then, [policy, of_year, kind, name, at.until])
        if row is not None:
            totals.append((of_year, name, *row))
    return totals
