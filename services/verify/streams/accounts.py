"""An enterprise's account of a closed year, followed event by event.

``domain.settlement.accounts`` folds it and holds the sums; what each event may do is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.events.accounts import (
    AccountEvent,
    AdjustmentAccepted,
    AwardsSettled,
    ClawbackOrdered,
    ClawbackRecovered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
    amount_of,
)
from domain.money.amounts import print_fen
from domain.settlement.accounts import Account
from services.verify.streams.procedure import Closing, PlacedEvent, ReportFault


class Owner(NamedTuple):
    """Whose account it is."""

    policy: str
    year: int
    code: str


def check_account(
    owner: Owner, events: list[PlacedEvent], closings: Mapping[int, Closing], fault: ReportFault
) -> Account:
    """Follow an account to its end; whatever must not be is a fault."""
    account = Account()
    for placed_event in events:
        position, event = placed_event.position, placed_event.event
        content, of_owner = event.content, f"{owner.code} {owner.year}: {event.name}"
        if (
            not isinstance(content, AccountEvent)
            or Owner(content.policy, content.year, content.enterprise) != owner
        ):
            fault(position, f"{event.name} stands in the account of {owner.code} {owner.year}")
            continue
        reason = _misplacement(placed_event, closings.get(owner.year)) or _reason_against(
            account, placed_event, content, closings
        )
        if reason:
            fault(position, f"{of_owner}: {reason}")
            if "unknown" in reason:
                continue
        try:
            account.apply(content)
        except ArithmeticError:
            sums = ", ".join(
                f"{name.replace('_', ' ')} {print_fen(fen)}" for name, fen in sums_of(account).items()
            )
            fault(position, f"{of_owner}: the sums do not hold: {sums}")
    return account


def sums_of(account: Account) -> dict[str, int]:
    """An account's sums in fen, under the names that receipts give them."""
    return {
        "payable": account.payable,
        "ordered": account.ordered,
        "paid": account.paid,
        "clawed_back": account.clawed,
        "recovered": account.recovered,
    }


def _misplacement(placed_event: PlacedEvent, closing: Closing | None) -> str:
    """Settled just before the closing, and nothing else before it; empty where that holds."""
    if closing is None:
        return "the year is not closed"
    position = placed_event.position
    if isinstance(placed_event.event.content, AwardsSettled):
        within = closing.content.first_position <= position < closing.position
        in_place = within and placed_event.version == 1
        return "" if in_place else "it does not stand just before the closing"
    return "" if position > closing.position else "it stands before the closing"


def _reason_against(
    account: Account, placed_event: PlacedEvent, content: AccountEvent, closings: Mapping[int, Closing]
) -> str:
    """Why the account forbids an event; empty where it does not."""
    if isinstance(content, AwardsSettled):
        total = sum(line.payable_fen for line in content.lines)
        payable = content.payable_fen
        return (
            "" if total == payable else f"payable {print_fen(payable)}, its lines come to {print_fen(total)}"
        )
    if amount_of(content) <= 0:
        return f"{print_fen(amount_of(content))} is no amount"
    if isinstance(content, PaymentOrdered):
        return "the payment was ordered before" if content.payment in account.payments else ""
    if isinstance(content, PaymentMade | PaymentFailed):
        return _reason_against_payment(account, content)
    if isinstance(content, ClawbackOrdered):
        return "it was ordered before" if content.clawback in account.clawbacks else ""
    if isinstance(content, ClawbackRecovered):
        return _reason_against_recovery(account, content)
    if isinstance(content, AdjustmentAccepted):
        into = closings.get(content.into_year)
        late = into is not None and into.position < placed_event.position
        if late or content.into_year <= content.year:
            return f"into {content.into_year}, which is no open year"
    return ""


def _reason_against_payment(account: Account, content: PaymentMade | PaymentFailed) -> str:
    payment = account.payments.get(content.payment)
    if payment is None:
        return "the payment is unknown"
    if payment.amount != content.amount_fen:
        return f"{print_fen(content.amount_fen)} of a payment of {print_fen(payment.amount)}"
    before = ("ordered", "failed") if isinstance(content, PaymentMade) else ("ordered", "made")
    return "" if payment.status in before else f"the payment was {payment.status}"


def _reason_against_recovery(account: Account, content: ClawbackRecovered) -> str:
    clawback = account.clawbacks.get(content.clawback)
    if clawback is None:
        return "the clawback is unknown"
    due = clawback.amount - clawback.recovered
    return "" if content.amount_fen <= due else f"{print_fen(content.amount_fen)} of {print_fen(due)} due"
