"""A ledger with closed years: reduced, objected to, paid, partly returned, clawed back and adjusted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from domain.authority.roles import Actor
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.settlement import adjusting, paying, proposing
from ledger.settlement.paying import Result
from ledger.store.application import Ledger
from services.sample.city import city
from tests import acknowledging
from tests.events import CIXI, CIXI_TEXT, take
from tests.integration.bureau import Clock

OFFICER = Actor("Lin", frozenset({"officer"}))
REVIEWER = Actor("Shen", frozenset({"reviewer"}))
FINANCE = Actor("Qian", frozenset({"finance"}))
CARRYING = CIXI_TEXT.replace('"@unspent-budget"', "next-year").replace('"@reductions"', "next-year")
LIFE = CIXI_TEXT.replace('per: "@budget-period"', "per: life")
SALES = "brand.domestic-sales"


class Closed(NamedTuple):
    """A ledger whose 2024 (and 2025) are closed, and two enterprises of its list."""

    ledger: Ledger
    clock: Clock
    code: str
    """Paid in a second attempt, clawed back from, and adjusted."""
    other: str
    """Objected to the first list."""


def list_and_close(ledger: Ledger, clock: Clock, year: int) -> None:
    """From here to the closing, without an objection."""
    acknowledging.propose(ledger, CIXI, year, OFFICER)
    acknowledging.publish(ledger, CIXI, year, OFFICER)
    clock.pass_(days=8)
    acknowledging.close(ledger, CIXI, year, REVIEWER)


def earners(ledger: Ledger, year: int) -> list[str]:
    """Enterprises with awards of a year, those with most of them first."""
    sql = "SELECT code FROM awards WHERE year=? GROUP BY code ORDER BY COUNT(*) DESC, code"
    with ledger.store.reading() as rows:
        return [row[0] for row in rows.all(sql, [year])]


def objected(ledger: Ledger, clock: Clock, year: int, code: str, other: str) -> None:
    """A first list that was objected to and withdrawn; objections by two enterprises."""
    acknowledging.propose(ledger, CIXI, year, OFFICER)
    state = acknowledging.publish(ledger, CIXI, year, OFFICER)
    for about, reason in ((code, "the sum is wrong"), (other, f"{other} sold more")):
        clerk = Actor("clerk", frozenset({"enterprise"}), about)
        state = proposing.raise_objection(ledger, CIXI, year, clerk, about, reason)
    for objection, outcome in zip(state.open_objections, ("dismissed", "upheld"), strict=True):
        proposing.resolve_objection(ledger, CIXI, year, REVIEWER, objection, outcome, "looked into")
    clock.pass_(days=1)


def paid(ledger: Ledger, clock: Clock, year: int, code: str) -> None:
    """Everything is ordered; one payment fails and is made later, part of it is clawed back."""
    acknowledging.order_payments(ledger, CIXI, year, FINANCE)
    with ledger.store.reading() as rows:
        sql = "SELECT payment, code, amount FROM payments WHERE policy=? AND year=?"
        payments = rows.all(sql, [CIXI, year])
    day = clock().date().isoformat()
    results = [
        Result(payment, "failed" if whose == code else "made", amount, day, payment)
        for payment, whose, amount in payments
    ]
    paying.record_results(ledger, CIXI, year, FINANCE, results)
    acknowledging.order_payments(ledger, CIXI, year, FINANCE)
    again = next((p, a) for p, whose, a in payments if whose == code)
    payment = again[0].replace(f"{year}-001", f"{year}-002")
    paying.record_results(ledger, CIXI, year, FINANCE, [Result(payment, "made", again[1], day, "bank 2")])
    name, _ = paying.claw_back(ledger, CIXI, year, code, OFFICER, 1_000_00, "too much")
    paying.recover(ledger, CIXI, year, code, FINANCE, name, 400_00, day, "back")


def late_fact(ledger: Ledger, clock: Clock, year: int, code: str) -> int:
    """An honour that comes late; what it adds is accepted into the next year, in fen."""
    raw = (
        f'{{"specversion":"1.0","id":"late-{year}","source":"urn:late","subject":"{code}",'
        f'"type":"subsidy.brand-certified.v1","time":"{year}-06-01T00:00:00Z",'
        f'"data":{{"kind":"famous_export","ref":"late-{year}","on":"{year}-06-01"}}}}'
    )
    take(ledger, raw.encode())
    with ledger.store.reading() as rows:
        missing = next(each for each in adjusting.pending(rows, CIXI, year, code) if each.amount > 0)
    adjusting.accept(
        ledger, CIXI, year, code, missing.measure, year + 1, OFFICER, missing.amount, "came late"
    )
    return missing.amount


def closed(
    open_at: Callable[..., Ledger],
    text: str = CARRYING,
    budget: str = "2024",
    fen: int = 4_000_000_00,
    enterprises: int = 60,
    years: tuple[int, ...] = (2024, 2025),
) -> Closed:
    """Close the years one after the other, with everything that can happen in between."""
    ledger = open_at(policy=False)
    clock = Clock()
    ledger.clock = clock
    adopt_policy(ledger, text)
    set_budget(ledger, CIXI, budget, fen)
    code = other = ""
    for year in years:
        clock.now = datetime(year + 1, 5, 6, 2, tzinfo=UTC)
        ingest(ledger, list(city(enterprises, year=year)), "tests")  # some of a city's messages are refused
        clock.pass_(hours=1)
        code, other = (code, other) if code else tuple(earners(ledger, year)[:2])
        objected(ledger, clock, year, code, other)
        list_and_close(ledger, clock, year)
        if year == years[0]:
            paid(ledger, clock, year, code)
            late_fact(ledger, clock, year, code)
    return Closed(ledger, clock, code, other)
