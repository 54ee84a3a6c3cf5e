"""What balances, factor and targets would become, were the new rows of a file recorded.

The awards as they stand and what the trial moves of them are read together, in order, in two
streams; the budget is divided over both by the very functions that divide it every day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from domain.money.amounts import yuan
from domain.money.wire import print_percent
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, payable_of
from ledger.budget.columns import RepeatableLines
from ledger.budget.pools import Pool, brought_in, divide, lines_now, merged, open_years, pool
from ledger.intake.sheets.holding import Holding
from ledger.policies.versions import rulebooks
from ledger.projections.closings import closings
from ledger.settlement.pending import pot_now
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from ledger.store.rows import Rows

NAMED_MAX = 20
"""Enterprises that are named: those whose awards of the period move most."""


def consequences(ledger: Ledger, rows: Rows, holding: Holding) -> list[dict[str, Any]]:
    """What would become of each policy and budget period that the new rows touch; empty: nothing moves.

    Amounts are yuan as text. Awards of closed years stay as they are: for them the entry has
    ``closed`` true and only the sums by which later facts differ.
    """
    found: list[dict[str, Any]] = []
    added = holding.read_note("added", [])
    for policy, book in sorted(rulebooks(rows).items()):
        years = _years(holding.db, policy)
        targets = [each for each in added if each[0] == policy and each[3]]
        closed = closings(rows, policy)
        periods: dict[str, int] = {}
        for year in years:
            if year in closed:
                found.append(_closed(holding.db, policy, year))
            else:
                periods.setdefault(book.period_of(year), year)
        found += [_period(ledger, rows, holding.db, book, period, year) for period, year in periods.items()]
        found += _targets(rows, book, targets)
    return found


def _years(db: sqlite3.Connection, policy: str) -> list[int]:
    found = db.execute("SELECT DISTINCT year FROM moved WHERE policy=? ORDER BY year", [policy])
    return [year for (year,) in found]


def _closed(db: sqlite3.Connection, policy: str, year: int) -> dict[str, Any]:
    sql = "SELECT COUNT(DISTINCT code), SUM(gross) FROM moved WHERE policy=? AND year=?"
    enterprises, gross = db.execute(sql, [policy, year]).fetchone()
    said = {"policy": policy, "period": str(year), "kind": "closed"}
    return {**said, "enterprises": enterprises, "difference": yuan(int(gross or 0))}


def _period(
    ledger: Ledger, rows: Rows, db: sqlite3.Connection, book: Rulebook, period: str, year: int
) -> dict[str, Any]:
    """One budget period before and after."""
    before = pool(ledger, rows, book, year, NOW)
    years = sorted({*open_years(rows, book, year), *_of_period(db, book, period)})
    lines = RepeatableLines(
        lambda: merged_lines(lines_now(rows, book, year, years), _moved(rows, db, book, years))
    )
    after = divide(lines, book, before.budget, year)
    names = _largest(db, book.id, years)
    return {
        "policy": book.id,
        "period": period,
        "kind": "period",
        "before": _state(before),
        "after": _state(after),
        "enterprises": _count(db, book.id, years),
        "largest": [_enterprise(rows, db, book, code, year, years, before, after) for code in names],
    }


def _of_period(db: sqlite3.Connection, book: Rulebook, period: str) -> Iterator[int]:
    return (year for year in _years(db, book.id) if book.period_of(year) == period)


def _marks(years: list[int]) -> str:
    return ",".join("?" * len(years))


def _moved(
    rows: Rows, db: sqlite3.Connection, book: Rulebook, years: list[int], code: str = ""
) -> Iterator[Line]:
    """By how much awards move, in order of their keys."""
    mine, values = (" AND code=?", [code]) if code else ("", list[str]())
    sql = (
        f"SELECT code, measure, year, SUM(gross), SUM(withheld) FROM moved WHERE policy=? "
        f"AND year IN ({_marks(years)}){mine} GROUP BY code, measure, year ORDER BY code, measure, year"
    )
    for row in db.execute(sql, [book.id, *years, *values]):
        yield _line(rows, book, row)


def _line(rows: Rows, book: Rulebook, row: Sequence[Any]) -> Line:
    """An award with the pot that would pay it, by its enterprise's town as it now stands."""
    code, measure, year, gross, withheld = row
    return Line(code, measure, year, gross, withheld, pot_now(rows, book, code, measure, year))


def merged_lines(standing: Iterator[Line], moved: Iterator[Line]) -> Iterator[Line]:
    """Awards as they would stand: two streams in order of their keys as one; what is gone is left out."""
    move = next(moved, None)
    for line in standing:
        while move is not None and move[:3] < line[:3]:
            yield move
            move = next(moved, None)
        if move is not None and move[:3] == line[:3]:
            line = line._replace(gross=line.gross + move.gross, withheld=line.withheld + move.withheld)
            move = next(moved, None)
        if line.gross:
            yield line
    while move is not None:
        yield move
        move = next(moved, None)


def _state(found: Pool) -> dict[str, Any]:
    value = found.factor
    return {
        "appropriation": yuan(found.budget.amount),
        "sharing": yuan(found.total),
        "factor": {"fraction": f"{value.numerator}/{value.denominator}", "percent": print_percent(value)},
        "payable": yuan(sum(found.payable.values())),
    }


def _count(db: sqlite3.Connection, policy: str, years: list[int]) -> int:
    sql = f"SELECT COUNT(DISTINCT code) FROM moved WHERE policy=? AND year IN ({_marks(years)})"
    return int(db.execute(sql, [policy, *years]).fetchone()[0])


def _largest(db: sqlite3.Connection, policy: str, years: list[int]) -> list[str]:
    sql = (
        f"SELECT code FROM moved WHERE policy=? AND year IN ({_marks(years)}) GROUP BY code "
        "ORDER BY ABS(SUM(gross-withheld)) DESC, code LIMIT ?"
    )
    return [code for (code,) in db.execute(sql, [policy, *years, NAMED_MAX])]


def _enterprise(
    rows: Rows,
    db: sqlite3.Connection,
    book: Rulebook,
    code: str,
    year: int,
    years: list[int],
    before: Pool,
    after: Pool,
) -> dict[str, Any]:
    """One enterprise's awards of the period before and after, and what of them would be paid."""
    standing = _standing(rows, book, code, year, years)
    then = list(merged_lines(iter(standing), _moved(rows, db, book, years, code)))
    return {
        "enterprise": code,
        "gross_before": yuan(sum(line.gross - line.withheld for line in standing)),
        "gross_after": yuan(sum(line.gross - line.withheld for line in then)),
        "payable_before": yuan(sum(payable_of(line, book, before.shares).payable for line in standing)),
        "payable_after": yuan(sum(payable_of(line, book, after.shares).payable for line in then)),
    }


def _standing(rows: Rows, book: Rulebook, code: str, year: int, years: list[int]) -> list[Line]:
    sql = (
        f"SELECT code, measure, year, gross, withheld FROM awards WHERE policy=? AND code=? "
        f"AND year IN ({_marks(years)}) ORDER BY measure, year"
    )
    own = [_line(rows, book, row) for row in rows.all(sql, [book.id, code, *years])]
    return merged(own + brought_in(rows, book, year, code=code))


def _targets(rows: Rows, book: Rulebook, added: list[list[Any]]) -> list[dict[str, Any]]:
    """The city's targets that would move."""
    found = []
    for _, year, target, moved in sorted(added):
        sql = "SELECT gross FROM totals WHERE policy=? AND year=? AND kind='target' AND name=?"
        row = rows.all(sql, [book.id, year, target])
        before = int(row[0][0]) if row else 0
        known = book.latest.targets[target]
        shown = yuan if known.counts == "amount" else str
        found.append(
            {
                "policy": book.id,
                "period": str(year),
                "kind": "target",
                "target": target,
                "title": known.title,
                "before_value": shown(before),
                "after_value": shown(before + moved),
            }
        )
    return found
