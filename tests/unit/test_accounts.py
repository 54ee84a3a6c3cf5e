"""What one enterprise is owed, paid and must pay back: each step checked, the sums kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.authority.roles import NotAllowed
from domain.events.accounts import AccountEvent, reference_of
from domain.settlement import accounts
from domain.settlement.accounts import Account, Holder
from tests.contents import content_of

HEAD = Holder("p", 2024, "E", "Qian", "2025-07-01")


def took(account: Account, step: AccountEvent | None) -> str:
    """Count a step; the name of what it brought about."""
    assert step is not None
    account.apply(step)
    return str(reference_of(step))


def settled(payable: int) -> Account:
    """An account of a closed year."""
    account = Account()
    account.apply(content_of("AwardsSettled", payable_fen=payable))
    return account


def code(error: pytest.ExceptionInfo[NotAllowed]) -> str:
    """Why a step is not allowed."""
    return error.value.code


def test_what_is_outstanding_is_ordered_whole_and_only_once() -> None:
    account = settled(500)
    assert took(account, accounts.order_payment(account, HEAD, "2024-001")) == "2024-001-E"
    assert (account.ordered, account.paid, account.outstanding) == (500, 0, 0)
    assert accounts.order_payment(account, HEAD, "2024-002") is None
    assert accounts.order_payment(settled(0), HEAD, "2024-001") is None


def test_a_payment_that_failed_or_came_back_is_payable_again() -> None:
    account = settled(500)
    for batch in ("b1", "b2"):
        payment = took(account, accounts.order_payment(account, HEAD, batch))
        if batch == "b2":
            took(account, accounts.confirm_payment(account, HEAD, payment, 500, "2025-06-01", "R"))
        took(account, accounts.fail_payment(account, HEAD, payment, 500, "2025-06-02", "closed"))
        assert (account.ordered, account.paid, account.outstanding) == (0, 0, 500)
    with pytest.raises(NotAllowed) as error:
        accounts.fail_payment(account, HEAD, "b2-E", 500, "2025-06-02", "closed")
    assert code(error) == "payment.status"


@pytest.mark.parametrize(
    ("payment", "amount", "why"), [("x", 500, "payment.unknown"), ("b-E", 501, "payment.amount")]
)
def test_the_bank_can_only_have_paid_what_was_ordered(payment: str, amount: int, why: str) -> None:
    account = settled(500)
    took(account, accounts.order_payment(account, HEAD, "b"))
    with pytest.raises(NotAllowed) as error:
        accounts.confirm_payment(account, HEAD, payment, amount, "2025-06-01", "R")
    assert code(error) == why


def test_no_more_is_clawed_back_than_was_paid_nor_recovered_than_is_due() -> None:
    account = settled(500)
    payment = took(account, accounts.order_payment(account, HEAD, "b"))
    took(account, accounts.confirm_payment(account, HEAD, payment, 500, "2025-06-01", "R"))
    took(account, accounts.order_clawback(account, HEAD, "c1", 300, "2025-06-03", "why"))
    tries: list[tuple[str, Callable[[], object]]] = [
        ("clawback.known", lambda: accounts.order_clawback(account, HEAD, "c1", 1, "2025-06-03", "why")),
        (
            "clawback.above-paid",
            lambda: accounts.order_clawback(account, HEAD, "c2", 201, "2025-06-03", "why"),
        ),
        ("amount.zero", lambda: accounts.order_clawback(account, HEAD, "c2", 0, "2025-06-03", "why")),
        ("clawback.unknown", lambda: accounts.recover_clawback(account, HEAD, "c2", 1, "2025-06-03", "R")),
        (
            "clawback.above-due",
            lambda: accounts.recover_clawback(account, HEAD, "c1", 301, "2025-06-03", "R"),
        ),
        ("amount.zero", lambda: accounts.recover_clawback(account, HEAD, "c1", -1, "2025-06-03", "R")),
        ("payment.clawed", lambda: accounts.fail_payment(account, HEAD, payment, 500, "2025-06-03", "back")),
        (
            "payment.status",
            lambda: accounts.confirm_payment(account, HEAD, payment, 500, "2025-06-03", "other"),
        ),
    ]
    for why, step in tries:
        with pytest.raises(NotAllowed) as error:
            step()
        assert code(error) == why
    for part in (299, 1):
        took(account, accounts.recover_clawback(account, HEAD, "c1", part, "2025-06-04", "R"))
    assert (account.clawed, account.recovered, account.outstanding) == (300, 300, 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("PaymentOrdered", {"payment": "b2", "batch": "b2", "amount_fen": 501}),
        ("ClawbackOrdered", {"clawback": "c", "amount_fen": 1}),
    ],
)
def test_events_that_break_the_sums_are_never_counted(name: str, content: dict[str, Any]) -> None:
    account = settled(500)
    with pytest.raises(ArithmeticError, match=name):
        account.apply(content_of(name, **content))
