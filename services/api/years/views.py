"""One year of one policy: its budget, its targets, its largest awards."""

from __future__ import annotations

import heapq
from typing import Any

from domain.money.wire import currency_form, wire_form
from ledger.budget.pools import lines_at
from ledger.policies.versions import rulebook, rulebook_at
from ledger.reading.balances import Balance, list_largest, read_balance
from ledger.reading.budgets import YearBudget, read_budget
from ledger.reading.records import read_position
from ledger.reading.targets import YearTargets, read_targets
from ledger.store.moments import Moment
from ledger.store.rows import Rows
from services.api.resource import Resource, ledger
from services.api.years.schemas import BudgetSchema, LargestSchema, TargetsSchema
from services.web.fields import Moments, Number, moment_of

LARGEST_DEFAULT, LARGEST_MAX = 10, 100
SUMS = ("gross", "withheld", "eligible", "reduction", "payable")

blueprint = Resource("years", __name__, "/v1/policies", "年度：预算、目标 · a year's budget and targets")


class LargestQuery(Moments):
    """How many of the largest."""

    limit = Number(1, LARGEST_MAX, load_default=LARGEST_DEFAULT)


@blueprint.reads("/<policy>/years/<year>/budget", "预算与兑现比例", Moments, BudgetSchema)
def budget(query: dict[str, Any], policy: str, year: int) -> YearBudget:
    """Give the budget that a year is paid from, what shares it, and the factor."""
    with ledger().store.reading() as rows:
        return read_budget(ledger(), rows, policy, year, moment_of(rows, query))


@blueprint.reads("/<policy>/years/<year>/targets", "目标完成情况", Moments, TargetsSchema)
def targets(query: dict[str, Any], policy: str, year: int) -> YearTargets:
    """Give the progress towards a year's targets."""
    with ledger().store.reading() as rows:
        return read_targets(ledger(), rows, policy, year, moment_of(rows, query))


@blueprint.reads("/<policy>/years/<year>/largest", "奖励最多的企业", LargestQuery, LargestSchema)
def largest(query: dict[str, Any], policy: str, year: int) -> dict[str, Any]:
    """List the enterprises with the largest awards of a year."""
    with ledger().store.reading() as rows:
        at = moment_of(rows, query)
        if at.is_now:
            balances = list_largest(ledger(), rows, policy, year, query["limit"])
        else:
            balances = _largest_at(rows, policy, year, query["limit"], at)
        position = read_position(rows, at)
        paid_in = currency_form(rulebook(rows, policy).latest.currency)
    items = [{name: balance[name] for name in ("enterprise", *SUMS)} for balance in wire_form(balances)]
    return {"policy": policy, "year": year, **paid_in, "position": position, "items": items}


def _largest_at(rows: Rows, policy: str, year: int, limit: int, at: Moment) -> list[Balance]:
    """The largest as they stood at a moment, in the same order as those of now."""
    book = rulebook_at(rows, policy, at)
    sums: dict[str, int] = {}
    for line in lines_at(rows, book, at):
        if line.year == year:
            sums[line.code] = sums.get(line.code, 0) + line.gross - line.withheld
    codes = heapq.nsmallest(limit, sums, key=lambda code: (-sums[code], code))
    return [read_balance(ledger(), rows, code, policy, year, at) for code in codes]
