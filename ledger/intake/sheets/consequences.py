"""What balances, factor and targets would become, were the new rows of a file recorded.

The awards as they stand and what the trial moves of them are read together, in order, in two
streams; the budget is divided over both by the very functions that divide it every day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

import msgspec

from domain.money.amounts import Quantity
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, payable_of
from ledger.budget.pools import Pool, brought_in, divide, lines_now, merged, open_years, pool
from ledger.budget.repeatable import RepeatableLines
from ledger.intake.sheets.holding import Holding
from ledger.policies.versions import rulebooks
from ledger.projections.closings import closings
from ledger.settlement.pending import pot_now
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from ledger.store.rows import Rows

NAMED_MAX = 20
"""Enterprises that are named: those whose awards of the period move most."""


class PeriodState(msgspec.Struct, frozen=True):
    """A budget period at one time."""

    appropriation_fen: int
    sharing_fen: int
    factor: Fraction
    payable_fen: int


class EnterpriseMove(msgspec.Struct, frozen=True):
    """One enterprise's awards of a period before and after, and what of them would be paid."""

    enterprise: str
    gross_before_fen: int
    gross_after_fen: int
    payable_before_fen: int
    payable_after_fen: int


class PeriodConsequence(msgspec.Struct, frozen=True):
    """What would become of an open budget period."""

    policy: str
    period: str
    kind: Literal["period"]
    before: PeriodState
    after: PeriodState
    enterprises: int
    largest: list[EnterpriseMove]
    """Those whose awards move most, at most ``NAMED_MAX``."""


class ClosedConsequence(msgspec.Struct, frozen=True):
    """By how much the facts of a closed year would differ; its awards stay as they are."""

    policy: str
    period: str
    kind: Literal["closed"]
    enterprises: int
    difference_fen: int


class TargetConsequence(msgspec.Struct, frozen=True):
    """What would become of a target of the city: a count, or an amount."""

    policy: str
    period: str
    kind: Literal["target"]
    target: str
    title: dict[str, str]
    before_value: Quantity
    after_value: Quantity


Consequence = PeriodConsequence | ClosedConsequence | TargetConsequence


def consequences(ledger: Ledger, rows: Rows, holding: Holding) -> list[Consequence]:
    """What would become of each policy and budget period that the new rows touch; empty: nothing moves."""
    moves: list[Consequence] = []
    added = holding.read_note("added", [])
    for policy, book in sorted(rulebooks(rows).items()):
        years = _years(holding.db, policy)
        targets = [each for each in added if each[0] == policy and each[3]]
        closed = closings(rows, policy)
        periods: dict[str, int] = {}
        for year in years:
            if year in closed:
                moves.append(_closed(holding.db, policy, year))
            else:
                periods.setdefault(book.period_of(year), year)
        moves += [_period(ledger, rows, holding.db, book, period, year) for period, year in periods.items()]
        moves += _targets(rows, book, targets)
    return moves


def _years(db: sqlite3.Connection, policy: str) -> list[int]:
    years = db.execute("SELECT DISTINCT year FROM moved WHERE policy=? ORDER BY year", [policy])
    return [year for (year,) in years]


def _closed(db: sqlite3.Connection, policy: str, year: int) -> ClosedConsequence:
    sql = "SELECT COUNT(DISTINCT code), SUM(gross) FROM moved WHERE policy=? AND year=?"
    enterprises, gross = db.execute(sql, [policy, year]).fetchone()
    return ClosedConsequence(policy, str(year), "closed", enterprises, int(gross or 0))


def _period(
    ledger: Ledger, rows: Rows, db: sqlite3.Connection, book: Rulebook, period: str, year: int
) -> PeriodConsequence:
    """One budget period before and after."""
    before = pool(ledger, rows, book, year, NOW)
    years = sorted({*open_years(rows, book, year), *_of_period(db, book, period)})
    lines = RepeatableLines(
        lambda: merged_lines(lines_now(rows, book, year, years), _moved(rows, db, book, years))
    )
    after = divide(lines, book, before.budget, year)
    names = _largest(db, book.id, years)
    return PeriodConsequence(
        policy=book.id,
        period=period,
        kind="period",
        before=_state(before),
        after=_state(after),
        enterprises=_count(db, book.id, years),
        largest=[_enterprise(rows, db, book, code, year, years, before, after) for code in names],
    )


def _of_period(db: sqlite3.Connection, book: Rulebook, period: str) -> Iterator[int]:
    return (year for year in _years(db, book.id) if book.period_of(year) == period)


def _marks(years: list[int]) -> str:
    return ",".join("?" * len(years))


def _moved(
    rows: Rows, db: sqlite3.Connection, book: Rulebook, years: list[int], code: str = ""
) -> Iterator[Line]:
    """By how much awards move, in order of their keys."""
    of_code, values = (" AND code=?", [code]) if code else ("", list[str]())
    sql = (
        f"SELECT code, measure, year, SUM(gross), SUM(withheld) FROM moved WHERE policy=? "
        f"AND year IN ({_marks(years)}){of_code} GROUP BY code, measure, year ORDER BY code, measure, year"
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


def _state(divided: Pool) -> PeriodState:
    return PeriodState(
        appropriation_fen=divided.budget.amount,
        sharing_fen=divided.total,
        factor=divided.factor,
        payable_fen=sum(divided.payable.values()),
    )


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
) -> EnterpriseMove:
    standing = _standing(rows, book, code, year, years)
    then = list(merged_lines(iter(standing), _moved(rows, db, book, years, code)))
    return EnterpriseMove(
        enterprise=code,
        gross_before_fen=sum(line.gross - line.withheld for line in standing),
        gross_after_fen=sum(line.gross - line.withheld for line in then),
        payable_before_fen=sum(payable_of(line, book, before.shares).payable for line in standing),
        payable_after_fen=sum(payable_of(line, book, after.shares).payable for line in then),
    )


def _standing(rows: Rows, book: Rulebook, code: str, year: int, years: list[int]) -> list[Line]:
    sql = (
        f"SELECT code, measure, year, gross, withheld FROM awards WHERE policy=? AND code=? "
        f"AND year IN ({_marks(years)}) ORDER BY measure, year"
    )
    awards = [_line(rows, book, row) for row in rows.all(sql, [book.id, code, *years])]
    return merged(awards + brought_in(rows, book, year, code=code))


def _targets(rows: Rows, book: Rulebook, added: list[list[Any]]) -> Iterator[TargetConsequence]:
    """The city's targets that would move."""
    for _, year, name, moved in sorted(added):
        sql = "SELECT gross FROM totals WHERE policy=? AND year=? AND kind='target' AND name=?"
        row = rows.all(sql, [book.id, year, name])
        before = int(row[0][0]) if row else 0
        target = book.latest.targets[name]
        currency = book.latest.currency if target.counts == "amount" else None
        yield TargetConsequence(
            policy=book.id,
            period=str(year),
            kind="target",
            target=name,
            title=target.title,
            before_value=Quantity(before, currency),
            after_value=Quantity(before + moved, currency),
        )
