"""One budget period's awards, as every export reads them: streamed, in order of credit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from domain.awards import awards_of
from domain.policy.model import Policy, Words
from domain.policy.rulebook import Rulebook
from domain.postings import (
    Meta,
    Transaction,
    appropriated,
    appropriation_account,
    awarded,
    funds_account,
    liability_account,
    measure_accounts,
)
from domain.settlement import Line, Payable, payable_of, shares_budget
from ledger import queries
from ledger.application import Ledger
from ledger.moments import NOW, Moment
from ledger.policies import rulebook
from ledger.pools import Pool, facts_stream, pool
from ledger.store import Rows

Tick = Callable[[], None]
"""Called after each thing that was written."""


class NotExportable(ValueError):
    """What was asked for does not fit the format; the text says the mend."""


def no_tick() -> None:
    """For callers that show no progress."""


@dataclass(frozen=True, slots=True)
class Books:
    """The awards of the budget period that a year belongs to, at one position of the ledger."""

    ledger: Ledger
    rows: Rows
    book: Rulebook
    year: int
    at: Moment
    pool: Pool
    position: int

    @property
    def period(self) -> str:
        """A calendar year, or ``life``."""
        return self.pool.budget.period

    @property
    def policy(self) -> Policy:
        """The version that governs the year."""
        return self.book.of_year(self.year)

    def lines(self) -> Iterator[Line]:
        """Every award of the period in order of credit code, measure and year."""
        if not self.at.is_now:
            yield from self._lines_at()
            return
        found = self.rows.all("SELECT DISTINCT year FROM awards WHERE policy=? ORDER BY year", [self.book.id])
        years = [year for (year,) in found if self.book.period_of(year) == self.period]
        if years:
            sql = (
                "SELECT code, measure, year, gross, withheld FROM awards "
                f"WHERE policy=? AND year IN ({','.join('?' * len(years))}) ORDER BY code, measure, year"
            )
            for row in self.rows.stream(sql, [self.book.id, *years]):
                yield Line(*row)

    def _lines_at(self) -> Iterator[Line]:
        for code, facts in facts_stream(self.rows, self.at):
            yield from sorted(
                Line(code, measure, year, award.gross, award.withheld)
                for year, awards in awards_of(facts, self.book).items()
                if self.book.period_of(year) == self.period
                for measure, award in awards.items()
                if award.gross
            )

    def awards(self) -> Iterator[tuple[Line, Payable]]:
        """Every award with what is paid of it."""
        for line in self.lines():
            yield line, payable_of(line, self.book, self.pool.shares)

    def inside(self, line: Line) -> bool:
        """Whether an award is paid from the budget."""
        return shares_budget(self.book.of_year(line.year), line.measure)

    def title(self, line: Line) -> Words:
        """An award's measure in words."""
        measure = self.book.measure_of_year(line.measure, line.year)
        return measure.title if measure else {"zh": line.measure, "en": line.measure}

    def day_of(self, year: int) -> str:
        """The day that a year's awards are booked on: its last within the policy's life."""
        return min(f"{year:04d}-12-31", self.book.life_until)

    def first_day(self) -> str:
        """The day that the budget is booked on."""
        return f"{self.period}-01-01" if self.period.isdigit() else self.book.life_from

    def accounts(self) -> Iterator[str]:
        """Every account that the transactions post to, each once."""
        yield funds_account(self.period)
        yield appropriation_account(self.period)
        for measure in sorted(self.book.segments):
            yield from measure_accounts(measure)
        last = ""
        for line in self.lines():
            if line.code != last:
                yield liability_account(line.code)
                last = line.code

    def transactions(self) -> Iterator[Transaction]:
        """The appropriation, then every award."""
        meta: Meta = {"policy": self.book.id, "position": self.position}
        first = f"预算拨款 · Appropriation {self.period}"
        yield appropriated(self.first_day(), first, self.period, self.pool.budget.amount, meta)
        for line, paid in self.awards():
            about: Meta = {"enterprise": line.code, "measure": line.measure, "year": line.year, **meta}
            said = f"{self.title(line)['zh']} {line.year}"
            yield awarded(self.day_of(line.year), said, line.code, line.measure, paid, about)


def books_of(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> Books:
    """The books of one policy and the budget period of a year.

    Raises:
        UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook(rows, policy, at.until, at.rules_as_of)
    found = pool(ledger, rows, book, year, at)
    return Books(ledger, rows, book, year, at, found, queries.position(rows, at))
