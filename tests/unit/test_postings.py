"""Double entry: every transaction sums to zero, and accounts keep their names in every program."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money.amounts import AMOUNT_FEN_MAX
from domain.settlement.payables import Payable
from domain.settlement.postings import (
    Posting,
    Transaction,
    Unbalanced,
    appropriated,
    awarded,
    balances,
    clawback_account,
    clawback_ordered,
    clawback_recovered,
    corrected,
    funds_account,
    liability_account,
    measure_accounts,
    payment_failed,
    payment_made,
)
from ledger.export import beancount, journal
from ledger.export.beancount import AccountError, account_name, account_of
from tests.oracle.codes import credit_code

DAY = "2024-12-31"
CODE = credit_code(1)
TREASURY = funds_account("2024")
FEN = st.integers(1, AMOUNT_FEN_MAX)
MEASURES = st.from_regex(r"[a-z0-9]+(?:[.-][a-z0-9]+)*", fullmatch=True)


@st.composite
def payables(draw: st.DrawFn) -> Payable:
    """Any award: gross = withheld + reduction + payable."""
    withheld, reduction, payable = (draw(st.integers(0, AMOUNT_FEN_MAX)) for _ in range(3))
    return Payable(withheld + reduction + payable, withheld, reduction, payable)


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Transaction], int]:
    """What may happen to one award: corrections, payments, failures and clawbacks; and what is due back."""
    award = draw(payables().filter(lambda paid: paid.gross > 0))
    made = [awarded(DAY, "award", CODE, "store.jd", award, {})]
    due = 0
    for kind in draw(st.lists(st.sampled_from(["correct", "pay", "fail", "order", "recover"]))):
        fen = draw(FEN)
        if kind == "correct":
            award, before = draw(payables()), award
            difference = corrected(before, award)
            if any(difference):
                made.append(awarded(DAY, kind, CODE, "store.jd", difference, {}))
        elif kind == "pay":
            made.append(payment_made(DAY, kind, CODE, TREASURY, fen, {}))
        elif kind == "fail":
            made.append(payment_failed(DAY, kind, CODE, TREASURY, fen, {}))
        elif kind == "order":
            made.append(clawback_ordered(DAY, kind, CODE, fen, {}))
            due += fen
        else:
            made.append(clawback_recovered(DAY, kind, CODE, TREASURY, fen, {}))
            due -= fen
    return made, due


@given(lives(), st.integers(0, AMOUNT_FEN_MAX))
def test_every_transaction_sums_to_zero_and_so_do_the_books(
    life: tuple[list[Transaction], int], budget: int
) -> None:
    transactions = [appropriated("2024-01-01", "budget", "2024", budget, {}), *life[0]]

    assert {sum(posting.fen for posting in each.postings) for each in transactions} == {0}
    assert sum(balances(transactions).values()) == 0


@given(lives())
def test_a_liability_is_what_is_payable_less_paid_plus_clawback_due(
    life: tuple[list[Transaction], int],
) -> None:
    transactions, due = life
    found = balances(transactions)
    award, withheld, reduced = (found.get(account, 0) for account in measure_accounts("store.jd"))
    paid = -found.get(TREASURY, 0)

    assert found.get(clawback_account(CODE), 0) == due
    assert found.get(liability_account(CODE), 0) == -((award + withheld + reduced) - paid + due)


def test_a_payment_that_failed_is_owed_again() -> None:
    award = awarded(DAY, "award", CODE, "store.jd", Payable(500, 0, 100, 400), {})
    paid = payment_made(DAY, "paid", CODE, TREASURY, 400, {})
    failed = payment_failed(DAY, "failed", CODE, TREASURY, 400, {})

    assert balances([award, paid])[liability_account(CODE)] == 0
    assert balances([award, paid, failed])[liability_account(CODE)] == -400


def test_what_was_paid_too_much_is_claimed_back_and_recovered() -> None:
    before, after = Payable(500, 0, 100, 400), Payable(300, 0, 50, 250)
    transactions = [
        awarded(DAY, "award", CODE, "store.jd", before, {}),
        payment_made(DAY, "paid", CODE, TREASURY, 400, {}),
        awarded(DAY, "correction", CODE, "store.jd", corrected(before, after), {}),
        clawback_ordered(DAY, "order", CODE, 150, {}),
    ]
    recovered = clawback_recovered(DAY, "recovered", CODE, TREASURY, 150, {})

    assert balances(transactions)[clawback_account(CODE)] == 150
    assert balances(transactions)[liability_account(CODE)] == 0
    assert balances([*transactions, recovered])[clawback_account(CODE)] == 0
    assert balances([*transactions, recovered])[TREASURY] == -250


@given(st.lists(st.tuples(MEASURES, st.integers(-1000, 1000))))
def test_postings_that_do_not_sum_to_zero_are_refused(pairs: list[tuple[str, int]]) -> None:
    postings = tuple(Posting(account, fen) for account, fen in pairs)
    if sum(fen for _, fen in pairs) == 0 and len(pairs) > 1:
        assert Transaction(DAY, "x", postings).postings == postings
    else:
        with pytest.raises(Unbalanced):
            Transaction(DAY, "x", postings)


def test_an_award_whose_parts_do_not_make_it_up_is_refused() -> None:
    with pytest.raises(Unbalanced, match="off by 1 fen"):
        awarded(DAY, "award", CODE, "store.jd", Payable(500, 0, 100, 399), {})


@pytest.mark.parametrize("fen", [0, -1])
def test_only_a_positive_amount_can_be_paid(fen: int) -> None:
    with pytest.raises(Unbalanced, match="not an amount to move"):
        payment_made(DAY, "paid", CODE, TREASURY, fen, {})


@given(MEASURES, st.sampled_from(["expenses:award", "expenses:withheld", "assets:other-funds"]))
def test_an_account_comes_back_from_its_name_in_beancount(word: str, family: str) -> None:
    name = account_name(f"{family}:{word}")

    assert all(re.fullmatch(r"[A-Z0-9][A-Za-z0-9-]*", part) for part in name.split(":"))
    assert account_of(name) == f"{family}:{word}"


@given(st.integers(0, 10_000))
def test_a_credit_code_stands_as_it_is_in_beancount(number: int) -> None:
    for account in (liability_account(credit_code(number)), clawback_account(credit_code(number))):
        assert account_name(account).endswith(f":{credit_code(number)}")
        assert account_of(account_name(account)) == account


@pytest.mark.parametrize(
    "account", ["expenses:award:A b", "expenses:award:a..b", "liabilities:91-x", "assets::x"]
)
def test_a_name_that_could_not_be_read_back_is_refused(account: str) -> None:
    with pytest.raises(AccountError):
        account_name(account)


def test_no_text_breaks_out_of_its_place_in_a_journal() -> None:
    said = 'x ; y | "z\\" \n2024-01-01 * w\n    assets:a  1 CNY'
    transaction = Transaction(
        DAY, said, (Posting("assets:treasury:2024", 1), Posting("equity:appropriation:2024", -1))
    )
    transaction = Transaction(DAY, said, transaction.postings, {"measure": "a,b: c\nd", "position": 7})

    in_journal, in_beancount = journal.entry(transaction), beancount.entry(transaction)

    assert in_journal.splitlines()[:2] == [
        f'{DAY} * x   y   "z\\"  2024-01-01 * w     assets:a  1 CNY',
        "    ; measure:a，b: c d, position:7",
    ]
    assert in_beancount.splitlines()[:3] == [
        f'{DAY} * "x ; y | \\"z\\\\\\"  2024-01-01 * w     assets:a  1 CNY"',
        '  measure: "a,b: c d"',
        "  position: 7",
    ]
