"""The enterprises of the ledger, a page at a time, with their sums of a year; and their towns."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from ledger.projections.closings import closing_of
from ledger.reading.records import UnknownEnterprise, count_events, read_facts
from ledger.reading.search import ANY, Search
from ledger.store.moments import Moment
from ledger.store.rows import Rows, read_row

CODES_A_READ = 200
SEARCHED_MAX = 2_000
"""Enterprises whose facts one page folds again in search of some; the next page goes on from there."""
TOWNS_MAX = 200
"""Most towns that one answer names."""


class EnterpriseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One enterprise with its sums of a year; name and town are empty where they are unknown."""

    enterprise: str
    name: str
    town: str
    events: int
    gross_fen: int
    withheld_fen: int
    eligible_fen: int


def list_enterprises(
    rows: Rows, policy: str, year: int, after: str, limit: int, search: Search = ANY
) -> list[EnterpriseLine]:
    """Enterprises after a credit code, in order, with their sums of one year as they now stand.

    Those of a closed year are the frozen ones.
    """
    conditions, values = search.clause()
    sums, sums_values = "b.gross, b.withheld", list[Any]()
    if closing_of(rows, policy, year) is not None:
        lines = "FROM settlement_lines s WHERE s.policy=? AND s.year=? AND s.code=e.code"
        sums = ", ".join(f"(SELECT CAST(SUM({name}) AS BIGINT) {lines})" for name in ("gross", "withheld"))
        sums_values = [policy, year, policy, year]
    sql = (
        f"SELECT e.code, e.name, e.town, e.version, {sums} "
        f"FROM (SELECT code FROM enterprises WHERE code>?{conditions} ORDER BY code LIMIT ?) found "
        "JOIN enterprises e ON e.code=found.code "
        "LEFT JOIN balances b ON b.policy=? AND b.year=? AND b.code=e.code ORDER BY e.code"
    )
    bound = [*sums_values, after, *values, limit, policy, year]
    return [
        _line(code, name, town, version, gross or 0, withheld or 0)
        for code, name, town, version, gross, withheld in rows.all(sql, bound)
    ]


def _line(code: str, name: str, town: str, events: int, gross: int, withheld: int) -> EnterpriseLine:
    return EnterpriseLine(
        enterprise=code,
        name=name,
        town=town,
        events=events,
        gross_fen=gross,
        withheld_fen=withheld,
        eligible_fen=gross - withheld,
    )


def list_enterprises_at(
    rows: Rows, book: Rulebook, year: int, after: str, limit: int, at: Moment, search: Search = ANY
) -> tuple[list[EnterpriseLine], str | None]:
    """Enterprises known at a moment, after a credit code, with their sums of a year then.

    Returns:
        the lines, and the credit code up to which was searched, where that ended before the last one.
    """
    lines: list[EnterpriseLine] = []
    passed = 0
    sql = "SELECT code FROM enterprises WHERE code>? ORDER BY code LIMIT ?"
    while codes := [row[0] for row in rows.all(sql, [after, CODES_A_READ])]:
        for code in codes:
            line = _line_at(rows, book, year, code, at)
            if line is not None and search.matches(code, line.name, line.town):
                lines.append(line)
            if len(lines) == limit:
                return lines, None
        after, passed = codes[-1], passed + len(codes)
        if search != ANY and passed >= SEARCHED_MAX:
            return lines, after
    return lines, None


def _line_at(rows: Rows, book: Rulebook, year: int, code: str, at: Moment) -> EnterpriseLine | None:
    events = count_events(rows, code, at)
    if not events:
        return None
    try:
        facts = read_facts(rows, code, at)
    except UnknownEnterprise:
        return None
    awards = awards_of(facts, book).get(year, {}).values()
    name, town = (facts.profile.name, facts.profile.town) if facts.profile else ("", "")
    return _line(code, name, town, events, sum(a.gross for a in awards), sum(a.withheld for a in awards))


def list_towns(rows: Rows) -> list[str]:
    """The towns and streets that enterprises are in: one step in the index for each."""
    towns: list[str] = []
    while len(towns) < TOWNS_MAX:
        sql = "SELECT MIN(town) FROM enterprises WHERE town>?"
        row = read_row(rows, sql, [towns[-1] if towns else ""])
        if row is None or row[0] is None:
            break
        towns.append(row[0])
    return towns
