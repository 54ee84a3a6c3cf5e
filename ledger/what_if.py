"""What if: other readings, figures or budgets, run on the real facts, never written down."""

from __future__ import annotations

from typing import Any

from domain.money import yuan
from domain.policy.load import Changes
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, payable_of
from ledger import queries
from ledger.application import Ledger
from ledger.moments import NOW, Moment
from ledger.policies import Budget, budget_of, rulebook
from ledger.pools import Pool, divide, lines_at, lines_now, pool
from ledger.store import Rows


def what_if(
    ledger: Ledger,
    rows: Rows,
    policy: str,
    year: int,
    readings: dict[str, str] | None = None,
    figures: dict[str, str] | None = None,
    budget: int | None = None,
    limit: int = 20,
) -> dict[str, Any]:
    """Compare a year as it stands with the year under changed rules or another budget.

    Args:
        readings: values by reading, e.g. ``{"dtc-units": "pro-rata"}``.
        figures: yuan text by path, e.g. ``{"store.tmall/amount": "20000.00"}``.
        budget: fen, in place of the period's budget.
        limit: how many of the largest winners and losers to name.

    Raises:
        PolicyError: for a reading or figure that the policy does not have, or a bad value.
    """
    changes = Changes(readings or {}, figures or {})
    now = rulebook(rows, policy)
    then = rulebook(rows, policy, changes=changes)
    before_pool = pool(ledger, rows, now, year, NOW)
    before_lines = lines_now(rows, policy, _years(rows, now, before_pool.budget))
    before = _paid(before_lines, now, before_pool)
    after_budget = budget_of(rows, then, year)
    if budget is not None or "budget" in (figures or {}) or "budget/amount" in (figures or {}):
        amount = budget if budget is not None else then.of_year(year).budget
        after_budget = Budget(after_budget.period, amount, None)
    if then is now or (not readings and not figures):
        lines = list(lines_now(rows, policy, _years(rows, now, after_budget)))
    else:
        lines = [
            line
            for line in lines_at(rows, then, Moment())
            if then.period_of(line.year) == after_budget.period
        ]
    after_pool = divide(lines, then, after_budget)
    after = _paid(iter(lines), then, after_pool)
    moves = {code: after.get(code, 0) - before.get(code, 0) for code in before.keys() | after.keys()}
    ordered = sorted(moves.items(), key=lambda move: (-move[1], move[0]))
    return {
        "policy": policy,
        "year": year,
        "position": queries.position(rows),
        "changes": {
            "readings": readings or {},
            "figures": figures or {},
            "budget": yuan(after_budget.amount),
        },
        "before": _state(before_pool, before),
        "after": _state(after_pool, after),
        "gaining": sum(move > 0 for move in moves.values()),
        "losing": sum(move < 0 for move in moves.values()),
        "unchanged": sum(move == 0 for move in moves.values()),
        "winners": [_move(code, before, after) for code, move in ordered[:limit] if move > 0],
        "losers": [_move(code, before, after) for code, move in ordered[: -limit - 1 : -1] if move < 0],
    }


def _years(rows: Rows, book: Rulebook, budget: Budget) -> list[int]:
    years = rows.all("SELECT DISTINCT year FROM totals WHERE policy=? ORDER BY year", [book.id])
    return [row[0] for row in years if book.period_of(row[0]) == budget.period]


def _paid(lines: Any, book: Rulebook, found: Pool) -> dict[str, int]:
    """Fen payable by enterprise."""
    paid: dict[str, int] = {}
    line: Line
    for line in lines:
        paid[line.code] = paid.get(line.code, 0) + payable_of(line, book, found.shares).payable
    return paid


def _state(found: Pool, paid: dict[str, int]) -> dict[str, Any]:
    value = found.factor
    return {
        "appropriation": yuan(found.budget.amount),
        "sharing": yuan(found.total),
        "factor": {"fraction": f"{value.numerator}/{value.denominator}", "percent": queries.percent(value)},
        "payable": yuan(sum(paid.values())),
        "enterprises": sum(1 for fen in paid.values() if fen),
    }


def _move(code: str, before: dict[str, int], after: dict[str, int]) -> dict[str, str]:
    was, now = before.get(code, 0), after.get(code, 0)
    return {"enterprise": code, "before": yuan(was), "after": yuan(now), "difference": yuan(now - was)}
