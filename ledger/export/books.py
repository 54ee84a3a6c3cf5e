"""One budget period's awards, as every export reads them: streamed, in order of credit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from domain.events import account_id
from domain.policy.model import Policy, Words
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, Payable, payable_of, shares_budget
from domain.settlement.postings import (
    Meta,
    Transaction,
    appropriated,
    appropriation_account,
    award_taken_back,
    awarded,
    clawback_account,
    clawback_expense_account,
    clawback_ordered,
    clawback_recovered,
    funds_account,
    liability_account,
    measure_accounts,
    payment_failed,
    payment_made,
)
from ledger.budget.pools import Pool, lines_shared, pool
from ledger.policies.versions import rulebook_at
from ledger.reading import queries
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored

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
        return lines_shared(self.rows, self.book, self.year, self.at)

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
        if self.pool.closing:
            yield funds_account(self.period, inside=False)
            yield clawback_expense_account(self.period)
        for measure in sorted(self.book.segments):
            yield from measure_accounts(measure)
        last = ""
        for line in self.lines():
            if line.code != last:
                yield liability_account(line.code)
                if self.pool.closing:
                    yield clawback_account(line.code)
                last = line.code

    def transactions(self) -> Iterator[Transaction]:
        """The appropriation, then every award; of a closed year also what was paid and came back."""
        meta: Meta = {"policy": self.book.id, "position": self.position}
        first = f"预算拨款 · Appropriation {self.period}"
        yield appropriated(self.first_day(), first, self.period, self.pool.budget.amount, meta)
        for line, paid in self.awards():
            about: Meta = {"enterprise": line.code, "measure": line.measure, "year": line.year, **meta}
            said = f"{self.title(line)['zh']} {line.year}"
            yield awarded(self.day_of(line.year), said, line.code, line.measure, paid, about)
        if self.pool.closing:
            yield from self.movements()

    def movements(self) -> Iterator[Transaction]:
        """Payments and clawbacks of a closed year, in order of credit code."""
        sql = (
            f"{SELECT} WHERE originator_id>=? AND originator_id<? AND rowid<=? "
            "ORDER BY originator_id, originator_version"
        )
        begin = account_id(self.book.id, self.year, "")
        outside: dict[str, int] = {}
        made: set[str] = set()
        for row in self.rows.stream(sql, [begin, begin[:-1] + ";", self.position]):
            event = stored(row)
            content = event.fact.content
            if event.fact.name == "AwardsSettled":
                outside, made = {content["enterprise"]: self._outside(content["lines"])}, set()
            elif event.fact.name == "PaymentMade":
                made.add(content["payment"])
            elif event.fact.name == "PaymentFailed" and content["payment"] not in made:
                continue  # the money never left
            yield from self._moved(event, outside.get(content["enterprise"], 0))

    def _outside(self, lines: list[list[Any]]) -> int:
        """What of an enterprise's payment comes from other funds."""
        return sum(line[5] for line in lines if not shares_budget(self.book.of_year(line[1]), line[0]))

    def _moved(self, event: Stored, outside: int) -> Iterator[Transaction]:
        name, content = event.fact.name, event.fact.content
        said = MOVEMENTS.get(name)
        if said is None:
            return
        code, fen, day = content["enterprise"], content["amount_fen"], content["on"]
        meta: Meta = {"enterprise": code, "policy": self.book.id, "position": event.position}
        if name == "ClawbackOrdered":
            yield award_taken_back(day, said, code, self.period, fen, meta)
            yield clawback_ordered(day, said, code, fen, meta)
        elif name == "ClawbackRecovered":
            yield clawback_recovered(day, said, code, funds_account(self.period), fen, meta)
        else:
            move = payment_made if name == "PaymentMade" else payment_failed
            for part, inside in ((fen - outside, True), (outside, False)):
                if part:
                    yield move(day, said, code, funds_account(self.period, inside=inside), part, meta)


MOVEMENTS = {
    "PaymentMade": "拨付 · Paid",
    "PaymentFailed": "退回 · Returned by the bank",
    "ClawbackOrdered": "追回 · Clawed back",
    "ClawbackRecovered": "追回到账 · Recovered",
}


def books_of(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> Books:
    """The books of one policy and the budget period of a year.

    Raises:
        UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    found = pool(ledger, rows, book, year, at)
    return Books(ledger, rows, book, year, at, found, queries.position(rows, at))
