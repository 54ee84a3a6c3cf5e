"""The books of a closed year say which payment, batch and reference of the bank each entry is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.events.accounts import AwardsSettled
from domain.settlement.postings import Transaction
from ledger.export import beancount, journal
from ledger.export.books import FAILED, PAID, RETURNED, Books, books_of
from ledger.settlement import paying
from ledger.settlement.paying import Result
from ledger.store.application import Ledger
from ledger.store.stored_events import SELECT, stored
from tests import programs
from tests.events import CIXI
from tests.integration.closings import FINANCE, closed
from tests.integration.test_books import beancount_balances, wanted


def entries(books: Books, narration: str) -> list[Transaction]:
    return [entry for entry in books.transactions() if entry.narration == narration]


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    """2024 is closed and paid; one payment failed and was ordered again, and another came back."""
    year = closed(open_at, enterprises=20, years=(2024,))
    with year.ledger.store.reading() as rows:
        sql = "SELECT payment, amount FROM payments WHERE status='made' AND code NOT IN (?,?) LIMIT 1"
        [(payment, fen)] = rows.all(sql, [year.code, year.other])
    day = year.clock().date().isoformat()
    back = Result(str(payment), "failed", int(fen), day, "RJCT: closed, date:2020-01-01; |x")
    paying.record_results(year.ledger, CIXI, 2024, FINANCE, [back])
    return year.ledger


def test_each_movement_names_payment_batch_and_what_the_bank_said(ledger: Ledger) -> None:
    with ledger.store.reading() as rows:
        books = books_of(ledger, rows, CIXI, 2024)
        made = rows.all("SELECT payment, batch, said, amount FROM payments WHERE status='made'")
        failed = rows.all("SELECT payment, said, amount FROM payments WHERE status='failed' ORDER BY payment")
        paid, refused = entries(books, PAID), entries(books, FAILED)
        [returned] = {entry.meta["payment"]: entry for entry in entries(books, RETURNED)}.values()

    named = {entry.meta["payment"]: entry.meta for entry in paid}
    for payment, batch, said, _ in made:
        assert (named[payment]["batch"], named[payment]["reference"]) == (batch, said)
    told = {entry.meta["payment"]: entry.meta["reason"] for entry in [*refused, returned]}
    assert sorted(told.items()) == [(payment, said) for payment, said, _ in failed]
    assert all(entry.postings[0].account == entry.postings[1].account for entry in refused)
    assert named[returned.meta["payment"]]["batch"] == "2024-001"


def test_awards_of_a_closed_year_stand_where_they_were_settled(ledger: Ledger) -> None:
    """On the day of the closing, in Asia/Shanghai, at the position of the event that settled them."""
    with ledger.store.reading() as rows:
        books = books_of(ledger, rows, CIXI, 2024)
        awards = [entry for entry in books.transactions() if "measure" in entry.meta]
        positions = {
            event.fact.content.enterprise: event.position
            for event in map(stored, rows.stream(f"{SELECT} ORDER BY rowid"))
            if isinstance(event.fact.content, AwardsSettled)
        }

    assert len(awards) == len({(entry.meta["enterprise"], entry.meta["measure"]) for entry in awards}) >= 20
    assert {entry.meta["enterprise"]: entry.meta["position"] for entry in awards} == positions
    assert {entry.day for entry in awards} == {"2025-05-15"}


def test_other_programs_read_the_books_of_a_closed_year(ledger: Ledger, tmp_path: Path) -> None:
    plain, counted = tmp_path / "books.journal", tmp_path / "books.beancount"
    with ledger.store.reading() as rows:
        books = books_of(ledger, rows, CIXI, 2024)
        transactions = list(books.transactions())
        with plain.open("w", encoding="utf-8") as out:
            journal.write(out, books.accounts(), transactions)
        with counted.open("w", encoding="utf-8") as out:
            beancount.write(out, "x", books.first_day(), books.accounts(), transactions)

    programs.run(programs.program("hledger"), "-f", str(plain), "check", "--strict")
    assert programs.hledger_balances(plain) == programs.ledger_balances(plain) == wanted(transactions)
    assert beancount_balances(counted) == wanted(transactions)
