"""The budget of one period and its exact apportionment, now or at a moment of the past.

The total moves with every event and is read from the totals; the apportionment is worked out
once for a state of the totals and kept, so that reading a balance costs the same however many
awards there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from domain.awards import awards_of
from domain.facts import EnterpriseFacts
from domain.money import Apportionment
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, apportionment, basis, factor, payable_of, shares_budget
from ledger.application import Ledger
from ledger.moments import Moment, facts_at
from ledger.policies import Budget, budget_of
from ledger.projections.enterprises import every_row
from ledger.store import Rows
from ledger.stored import by_originator

KEPT_POOLS_MAX = 64


@dataclass(frozen=True, slots=True)
class Pool:
    """A budget, what shares it, and how it is divided."""

    budget: Budget
    total: int
    """Fen that share the budget, before the reduction."""
    shares: Apportionment
    payable: dict[tuple[int, str], int] = field(default_factory=dict)
    """Fen payable by year and measure, inside the budget and outside it."""

    @property
    def factor(self) -> Fraction:
        """The share of each award that is paid, exactly."""
        return factor(self.budget.amount, self.total)


def lines_now(rows: Rows, policy: str, years: list[int]) -> Iterator[Line]:
    """Every award of some years, from the read model, streamed."""
    sql = "SELECT code, measure, year, gross, withheld FROM awards WHERE policy=? AND year=?"
    for year in years:
        for row in rows.stream(sql, [policy, year]):
            yield Line(*row)


def lines_at(rows: Rows, book: Rulebook, at: Moment) -> Iterator[Line]:
    """Every award as it stood at a moment, by folding the facts again, streamed."""
    for code, facts in facts_stream(rows, at):
        yield from lines_of(code, book, facts)


def facts_stream(rows: Rows, at: Moment) -> Iterator[tuple[str, EnterpriseFacts]]:
    """Every enterprise's facts as they stood at a moment, streamed in order of credit code."""
    if at.as_of is None and at.until is None:
        for row in every_row(rows):
            yield row.code, row.facts
        return
    until = at.until if at.until is not None else rows.last_position()
    for code, events in by_originator(rows, until):
        yield code, facts_at([event.fact for event in events], at.as_of)


def lines_of(code: str, book: Rulebook, facts: EnterpriseFacts) -> Iterator[Line]:
    """The awards of one enterprise, every year."""
    for year, awards in awards_of(facts, book).items():
        for measure, award in awards.items():
            if award.gross:
                yield Line(code, measure, year, award.gross, award.withheld)


def pool(ledger: Ledger, rows: Rows, book: Rulebook, year: int, at: Moment) -> Pool:
    """The pool that an award year is paid from."""
    budget = budget_of(rows, book, year, at.until)
    if at.is_now:
        return _now(ledger, rows, book, year, budget)
    key = (book.id, _identity(book), budget, at)
    found: Pool | None = ledger.kept.get(key)
    if found is None:
        lines = [line for line in lines_at(rows, book, at) if book.period_of(line.year) == budget.period]
        found = divide(lines, book, budget)
        _keep(ledger, key, found)
    return found


def _identity(book: Rulebook) -> tuple[tuple[int, str], ...]:
    return tuple((version.version, version.digest) for version in book.versions)


def _now(ledger: Ledger, rows: Rows, book: Rulebook, year: int, budget: Budget) -> Pool:
    totals = rows.all(
        "SELECT year, name, gross, withheld, position FROM totals WHERE policy=? AND kind='measure'",
        [book.id],
    )
    mine = [row for row in totals if book.period_of(row[0]) == budget.period]
    state = max((row[4] for row in mine), default=0)
    key = (book.id, _identity(book), budget, state)
    found: Pool | None = ledger.kept.get(key)
    if found is not None:
        return found
    total = sum(
        basis(book.of_year(row[0]), int(row[2]), int(row[3]))
        for row in mine
        if shares_budget(book.of_year(row[0]), row[1])
    )
    if total <= budget.amount:
        payable = {(row[0], row[1]): int(row[2]) - int(row[3]) for row in mine}
        found = Pool(budget, total, Apportionment(budget.amount, total), payable)
    else:
        years = sorted({row[0] for row in mine})
        found = divide(list(lines_now(rows, book.id, years)), book, budget)
    _keep(ledger, key, found)
    return found


def divide(lines: list[Line], book: Rulebook, budget: Budget) -> Pool:
    """Divide a budget over awards.

    Raises:
        ArithmeticError: should the payments ever exceed the budget; nothing is then paid.
    """
    shares = apportionment(lines, book, budget.amount)
    payable: dict[tuple[int, str], int] = {}
    inside = 0
    for line in lines:
        paid = payable_of(line, book, shares).payable
        payable[line.year, line.measure] = payable.get((line.year, line.measure), 0) + paid
        if shares_budget(book.of_year(line.year), line.measure):
            inside += paid
    if inside > budget.amount:
        raise ArithmeticError(f"{inside} fen payable out of {budget.amount}")
    return Pool(budget, shares.total, shares, payable)


def _keep(ledger: Ledger, key: object, found: Pool) -> None:
    with ledger.keeping:
        while len(ledger.kept) >= KEPT_POOLS_MAX:
            ledger.kept.pop(next(iter(ledger.kept)))
        ledger.kept[key] = found
