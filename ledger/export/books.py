"""One budget period's awards, as every export reads them: streamed, in order of credit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from domain.events import (
    AccountEvent,
    AwardsSettled,
    ClawbackOrdered,
    ClawbackRecovered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
    account_id,
)
from domain.events.accounts import AwardLine
from domain.events.instants import day_of
from domain.money.amounts import print_fen
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
    payment_refused,
)
from ledger.budget.pools import Pool, lines_shared, pool
from ledger.policies.versions import rulebook_at
from ledger.reading.records import read_position
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


class PaidAward(NamedTuple):
    """An award with what is paid of it."""

    line: Line
    payable: Payable


class Entered(NamedTuple):
    """Where an award stands in the books: its day, and the position of the event that says it."""

    day: str
    position: int


@dataclass(frozen=True, slots=True)
class Books:
    """The awards of the budget period that a year belongs to, at one position of the ledger."""

    ledger: Ledger
    rows: Rows
    book: Rulebook
    year: int
    moment: Moment
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
        return lines_shared(self.rows, self.book, self.year, self.moment)

    def awards(self) -> Iterator[PaidAward]:
        """Every award with what is paid of it."""
        for line in self.lines():
            yield PaidAward(line, payable_of(line, self.book, self.pool.shares))

    def inside(self, line: Line) -> bool:
        """Whether an award is paid from the budget."""
        return shares_budget(self.book.of_year(line.year), line.measure)

    def title(self, line: Line) -> Words:
        """An award's measure in words."""
        measure = self.book.measure_of_year(line.measure, line.year)
        return measure.title if measure else {"zh": line.measure, "en": line.measure}

    def day_of(self, year: int) -> str:
        """The day that the awards of an open year are booked on: its last within the policy's life."""
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
        """The appropriation, then every award; of a closed year also what was paid and came back.

        An award of a closed year is of the day of the closing, and carries the position of the event that
        settled it; one of an open year has none of its own, and carries that of the books.
        """
        meta: Meta = {"policy": self.book.id, "position": self.position}
        narration = f"预算拨款 · Appropriation {self.period}"
        yield appropriated(self.first_day(), narration, self.period, self.pool.budget.amount, meta)
        settlements = self._settlements()
        settled = next(settlements, None)
        for line, paid in self.awards():
            while settled is not None and settled[0] < line.code:
                settled = next(settlements, None)
            entered = Entered(self.day_of(line.year), self.position)
            if settled is not None and settled[0] == line.code:
                entered = settled[1]
            award_meta: Meta = {"enterprise": line.code, "measure": line.measure, "year": line.year, **meta}
            award_meta = {**award_meta, "position": entered.position}
            narration = f"{self.title(line)['zh']} {line.year}"
            yield awarded(entered.day, narration, line.code, line.measure, paid, award_meta)
        if self.pool.closing:
            yield from self.movements()

    def _account_events(self, where: str = "") -> Iterator[Stored]:
        """The events of the year's accounts up to the books' position, in order of credit code."""
        sql = (
            f"{SELECT} WHERE originator_id>=? AND originator_id<? AND rowid<=? {where}"
            "ORDER BY originator_id, originator_version"
        )
        begin = account_id(self.book.id, self.year, "")
        yield from map(stored, self.rows.stream(sql, [begin, begin[:-1] + ";", self.position]))

    def _settlements(self) -> Iterator[tuple[str, Entered]]:
        """When each enterprise's awards of a closed year were settled, in order of credit code."""
        if self.pool.closing is None:
            return
        for event in self._account_events("AND originator_version=1 "):
            content = event.fact.content
            if isinstance(content, AwardsSettled):
                yield content.enterprise, Entered(day_of(event.fact.time), event.position)

    def movements(self) -> Iterator[Transaction]:
        """Payments and clawbacks of a closed year, in order of credit code."""
        outside_fen: dict[str, int] = {}
        orders: dict[str, PaymentOrdered] = {}
        clawbacks: dict[str, ClawbackOrdered] = {}
        payments_made: set[str] = set()
        for event in self._account_events():
            content = event.fact.content
            if not isinstance(content, AccountEvent):
                continue
            if isinstance(content, AwardsSettled):
                outside_fen = {content.enterprise: self._outside_fen(content.lines)}
                payments_made, orders, clawbacks = set(), {}, {}
            elif isinstance(content, PaymentOrdered):
                orders[content.payment] = content
            elif isinstance(content, ClawbackOrdered):
                clawbacks[content.clawback] = content
            elif isinstance(content, PaymentMade):
                payments_made.add(content.payment)
            elif isinstance(content, PaymentFailed) and content.payment not in payments_made:
                meta = {**self._meta(content, event.position), **_describe(content, orders, clawbacks)}
                code, fen = content.enterprise, content.amount_fen
                yield payment_refused(content.on, FAILED, code, fen, meta)
                continue
            meta = {**self._meta(content, event.position), **_describe(content, orders, clawbacks)}
            yield from self._movement(content, meta, outside_fen.get(content.enterprise, 0))
            if isinstance(content, PaymentFailed):
                payments_made.discard(content.payment)

    def _meta(self, content: AccountEvent, position: int) -> Meta:
        return {"enterprise": content.enterprise, "policy": self.book.id, "position": position}

    def _outside_fen(self, lines: Iterable[AwardLine]) -> int:
        """What of an enterprise's payment comes from other funds."""
        return sum(
            line.payable_fen
            for line in lines
            if not shares_budget(self.book.of_year(line.award_year), line.measure)
        )

    def _movement(self, content: AccountEvent, meta: Meta, outside_fen: int) -> Iterator[Transaction]:
        code = content.enterprise
        if isinstance(content, ClawbackOrdered):
            day, fen = content.on, content.amount_fen
            yield award_taken_back(day, CLAWED_BACK, code, self.period, fen, meta)
            yield clawback_ordered(day, CLAWED_BACK, code, fen, meta)
        elif isinstance(content, ClawbackRecovered):
            funds = funds_account(self.period)
            yield clawback_recovered(content.on, RECOVERED, code, funds, content.amount_fen, meta)
        elif isinstance(content, PaymentMade | PaymentFailed):
            is_made = isinstance(content, PaymentMade)
            move, narration = (payment_made, PAID) if is_made else (payment_failed, RETURNED)
            for fen, inside in ((content.amount_fen - outside_fen, True), (outside_fen, False)):
                if fen:
                    funds = funds_account(self.period, inside=inside)
                    yield move(content.on, narration, code, funds, fen, meta)


def _describe(
    content: AccountEvent, orders: Mapping[str, PaymentOrdered], clawbacks: Mapping[str, ClawbackOrdered]
) -> Meta:
    """What a bank's statement is compared by: payment, batch, reference or reason; of a clawback its number.

    A clawback that answers for a lowered award names its measure and by how much the gross award fell.
    """
    if isinstance(content, PaymentMade | PaymentFailed):
        ordered = orders.get(content.payment)
        batch = ordered.batch if ordered else content.payment.rpartition("-")[0]
        meta = {"payment": content.payment, "batch": batch}
        if ordered and ordered.bank_batch:
            meta["bank_batch"] = ordered.bank_batch
        if isinstance(content, PaymentMade):
            return {**meta, "reference": content.reference}
        return {**meta, "reason": content.reason}
    if isinstance(content, ClawbackOrdered):
        return {"clawback": content.clawback, **_award_of(content), "reason": content.reason}
    if isinstance(content, ClawbackRecovered):
        ordered_back = _award_of(clawbacks[content.clawback])
        return {"clawback": content.clawback, **ordered_back, "reference": content.reference}
    return {}


def _award_of(clawback: ClawbackOrdered) -> Meta:
    """The lowered award that a clawback answers for; nothing where it has another reason."""
    if clawback.measure is None:
        return {}
    lowered = print_fen(clawback.award_fen)
    return {"measure": clawback.measure, "year": clawback.year, "award_lowered": lowered}


PAID = "拨付 · Paid"
FAILED = "付款失败 · Not paid by the bank"
RETURNED = "退回 · Returned by the bank"
CLAWED_BACK = "追回 · Clawed back"
RECOVERED = "追回到账 · Recovered"


def books_of(ledger: Ledger, rows: Rows, policy: str, year: int, moment: Moment = NOW) -> Books:
    """The books of one policy and the budget period of a year.

    Raises:
        UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, moment)
    period_pool = pool(ledger, rows, book, year, moment)
    return Books(ledger, rows, book, year, moment, period_pool, read_position(rows, moment))
