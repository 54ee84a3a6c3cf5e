"""Enterprises as they stood at a moment of the past, a page at a time."""

from __future__ import annotations

from typing import Any

from domain.money.amounts import yuan
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from ledger.reading import queries
from ledger.reading.queries import UnknownEnterprise
from ledger.reading.search import ANY, Search
from ledger.store.moments import Moment
from ledger.store.rows import Rows, one

CODES_A_READ = 200
SEARCHED_MAX = 2_000
"""Enterprises whose facts one page folds again in search of some; the next page goes on from there."""


def enterprises_at(
    rows: Rows, book: Rulebook, year: int, after: str, limit: int, at: Moment, search: Search = ANY
) -> tuple[list[dict[str, Any]], str | None]:
    """Enterprises known at a moment, after a credit code, with their sums of a year then.

    Returns:
        those found, and the credit code up to which it was searched, where it ended before the last one.
    """
    found: list[dict[str, Any]] = []
    passed = 0
    sql = "SELECT code FROM enterprises WHERE code>? ORDER BY code LIMIT ?"
    while codes := [row[0] for row in rows.all(sql, [after, CODES_A_READ])]:
        for code in codes:
            line = _line(rows, book, year, code, at)
            if line is not None and search.matches(code, line["name"], line["town"]):
                found.append(line)
            if len(found) == limit:
                return found, None
        after, passed = codes[-1], passed + len(codes)
        if search != ANY and passed >= SEARCHED_MAX:
            return found, after
    return found, None


def _line(rows: Rows, book: Rulebook, year: int, code: str, at: Moment) -> dict[str, Any] | None:
    events = events_known(rows, code, at)
    if not events:
        return None
    try:
        facts = queries.facts_of(rows, code, at)
    except UnknownEnterprise:
        return None
    awards = awards_of(facts, book).get(year, {}).values()
    gross, withheld = sum(a.gross for a in awards), sum(a.withheld for a in awards)
    return {
        "enterprise": code,
        "name": facts.profile.name if facts.profile else "",
        "town": facts.profile.town if facts.profile else "",
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
