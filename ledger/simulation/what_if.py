"""What if: other readings, figures or budgets, run on the real facts, never written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import msgspec

from domain.policy.changes import Changes
from domain.policy.faults import PolicyError, PolicyFault
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, payable_of
from ledger.budget.pools import Pool, brought_in, divide, lines_at, lines_now, open_years, pool
from ledger.policies.versions import Budget, budget_of, rulebook, rulebook_at, whole_budget
from ledger.projections.closings import closing_of
from ledger.reading.records import read_position
from ledger.simulation.city import CityColumns, Paid, city_columns
from ledger.simulation.effects import Move, YearState, find_extremes, state_of
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.rows import Rows


class ChangesMade(msgspec.Struct, frozen=True, kw_only=True):
    """What a what-if changes: readings by id, figures by path as a policy file has them, the budget."""

    readings: dict[str, str]
    figures: dict[str, str]
    budget_fen: int


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The year as it stands, the year as it would be, and who gains and loses."""

    policy: str
    year: int
    currency: str
    position: int
    changes: ChangesMade
    before: YearState
    after: YearState
    gaining: int
    losing: int
    unchanged: int
    winners: tuple[Move, ...]
    losers: tuple[Move, ...]


def simulate_year(
    ledger: Ledger,
    rows: Rows,
    policy: str,
    year: int,
    readings: dict[str, str] | None = None,
    figures: dict[str, str] | None = None,
    budget: int | None = None,
    limit: int = 20,
    at: Moment = NOW,
) -> WhatIf:
    """Compare a year as it stands with the year under changed rules or another budget.

    Args:
        at: other rules to begin from: ``rules_as_of`` a day, or an edited file (``rules``).
        readings: values by reading, e.g. ``{"dtc-units": "pro-rata"}``.
        figures: yuan text by path, e.g. ``{"store.tmall/amount": "20000.00"}``.
        budget: fen, in place of the period's budget.
        limit: how many of the largest winners and losers to name.

    Raises:
        PolicyError: for a reading or figure that the policy does not have, or a bad value.
    """
    changes = Changes(readings or {}, figures or {})
    now = rulebook(rows, policy)
    then = rulebook_at(rows, policy, Moment(rules_as_of=at.rules_as_of, rules=at.rules), changes)
    after_budget = budget_of(rows, then, year)
    if budget is not None and after_budget.parts:
        raise PolicyError([PolicyFault(0, "budget", "policy.amounts-several")])
    if budget is not None or any(path.partition("/")[0] == "budget" for path in figures or {}):
        after_budget = _other_budget(after_budget, then.of_year(year).amounts, budget)
    unchanged = at.own_rules and not readings and not figures
    city = city_columns(ledger, rows)
    closed = closing_of(rows, policy, year) is not None
    if closed and now.period_of(year) == "life":  # both sides anew, out of what earlier closings left
        before = city.paid(rows, now, [year], budget_of(rows, now, year))
        after = city.paid(rows, then, [year], after_budget)
    else:
        before = _before(ledger, rows, city, now, year)
        frozen = unchanged and closed
        after = _after(rows, city, (now, then), year, after_budget, unchanged=unchanged, frozen=frozen)
    moves = after.fen - before.fen
    winners, losers = find_extremes(city.code, before.fen, after.fen, limit)
    return WhatIf(
        policy=policy,
        year=year,
        currency=then.latest.currency,
        position=read_position(rows),
        changes=ChangesMade(readings=readings or {}, figures=figures or {}, budget_fen=after_budget.amount),
        before=state_of(before.budget.amount, before.shares, before.fen),
        after=state_of(after.budget.amount, after.shares, after.fen),
        gaining=int((moves > 0).sum()),
        losing=int((moves < 0).sum()),
        unchanged=int(((moves == 0) & (before.named | after.named)).sum()),
        winners=winners,
        losers=losers,
    )


def _other_budget(now: Budget, amounts: dict[str, int], amount: int | None) -> Budget:
    """The budget with the amounts that rules say (or one given) in place of those that were set."""
    parts = [
        (name, replace(part, amount=fen + part.carried - part.spent, position=None))
        for name, part in now.parts or [("", now)]
        for fen in [amounts[name] if amount is None else amount]
    ]
    return whole_budget(now.period, parts)


def lines_under(rows: Rows, now: Rulebook, then: Rulebook, year: int) -> Iterator[Line]:
    """What would share a year's budget under other rules: every award computed again."""
    years = open_years(rows, now, year)
    yield from (line for line in lines_at(rows, then, NOW) if line.year in years)
    yield from brought_in(rows, then, year)


def _after(
    rows: Rows,
    city: CityColumns,
    books: tuple[Rulebook, Rulebook],
    year: int,
    budget: Budget,
    *,
    unchanged: bool,
    frozen: bool,
) -> Paid:
    """A year by other rules (the second of ``books``) or out of another budget."""
    now, then = books
    if not (frozen or brought_in(rows, then, year)):
        return city.paid(rows, then, open_years(rows, now, year), budget)
    lines = list(lines_now(rows, now, year)) if unchanged else sorted(lines_under(rows, now, then, year))
    divided = divide(lines, then, budget, year)
    return city.spread(_paid(lines, then, divided), divided.budget, divided.shares)


def _before(ledger: Ledger, rows: Rows, city: CityColumns, book: Rulebook, year: int) -> Paid:
    """A year as it stands; worked out once for a position, since only the other side moves with a slider."""
    year_pool = pool(ledger, rows, book, year, NOW)
    key = (book.id, tuple(version.digest for version in book.versions), year, year_pool.budget)
    paid = city.kept.get(key)
    if paid is None:
        by_code = _paid(lines_now(rows, book, year), book, year_pool)
        paid = city.keep(key, city.spread(by_code, year_pool.budget, year_pool.shares))
    return paid


def _paid(lines: Iterable[Line], book: Rulebook, year_pool: Pool) -> dict[str, int]:
    """Fen payable by enterprise."""
    paid: dict[str, int] = {}
    for line in lines:
        paid[line.code] = paid.get(line.code, 0) + payable_of(line, book, year_pool.shares).payable
    return paid
