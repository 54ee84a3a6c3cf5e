"""Enterprises as they stood at a moment of the past, a page at a time."""

from __future__ import annotations

from typing import Any

from domain.money import yuan
from domain.policy.rulebook import Rulebook
from ledger import queries
from ledger.moments import Moment
from ledger.queries import UnknownEnterprise
from ledger.store import Rows, one

CODES_A_READ = 200


def enterprises_at(
    rows: Rows, book: Rulebook, year: int, after: str, limit: int, at: Moment
) -> list[dict[str, Any]]:
    """Enterprises known at a moment, after a credit code, with their sums of a year then."""
    found: list[dict[str, Any]] = []
    sql = "SELECT code FROM enterprises WHERE code>? ORDER BY code LIMIT ?"
    while codes := [row[0] for row in rows.all(sql, [after, CODES_A_READ])]:
        for code in codes:
            line = _line(rows, book, year, code, at)
            if line is not None:
                found.append(line)
            if len(found) == limit:
                return found
        after = codes[-1]
    return found


def _line(rows: Rows, book: Rulebook, year: int, code: str, at: Moment) -> dict[str, Any] | None:
    events = events_known(rows, code, at)
    if not events:
        return None
    try:
        awards = queries.awards_at(rows, code, book, at).get(year, {}).values()
    except UnknownEnterprise:
        return None
    gross, withheld = sum(a.gross for a in awards), sum(a.withheld for a in awards)
    return {
        "enterprise": code,
        "events": events,
        "gross": yuan(gross),
        "withheld": yuan(withheld),
        "eligible": yuan(gross - withheld),
    }


def events_known(rows: Rows, code: str, at: Moment) -> int:
    """How many events of an enterprise the ledger knew at a moment."""
    sql = "SELECT COUNT(*) FROM stored_events WHERE originator_id=? AND rowid<=?"
    row = one(rows, sql, [code, 2**62 if at.until is None else at.until])
    return int(row[0]) if row else 0
