"""What if: other readings, figures or budgets, run on the real facts, never written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.money import yuan
from domain.policy.load import Changes
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, payable_of
from ledger import queries
from ledger.application import Ledger
from ledger.moments import NOW
from ledger.policies import Budget, budget_of, rulebook
from ledger.pools import Pool, brought_in, divide, lines_at, lines_now, open_years, pool
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
    before = _paid(lines_now(rows, now, year), now, before_pool)
    after_budget = budget_of(rows, then, year)
    if budget is not None or "budget" in (figures or {}) or "budget/amount" in (figures or {}):
        amount = budget if budget is not None else then.of_year(year).budget
        carried, spent = after_budget.carried, after_budget.spent
        after_budget = Budget(after_budget.period, amount + carried - spent, None, carried, spent)
    if then is now or (not readings and not figures):
        lines = list(lines_now(rows, now, year))
    else:
        lines = sorted(lines_under(rows, now, then, year))
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


def lines_under(rows: Rows, now: Rulebook, then: Rulebook, year: int) -> Iterator[Line]:
    """What would share a year's budget under other rules: every award computed again."""
    years = open_years(rows, now, year)
    yield from (line for line in lines_at(rows, then, NOW) if line.year in years)
    yield from brought_in(rows, then, year)


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
