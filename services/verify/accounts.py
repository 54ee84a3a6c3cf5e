"""An enterprise's account of a closed year, followed event by event.

``domain.settlement.accounts`` folds it and holds the sums; what each event may do is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.events.content import Content
from domain.money.amounts import yuan
from domain.settlement.accounts import Account
from services.verify.procedure import Closing, Fault, Placed


class Owner(NamedTuple):
    """Whose account it is."""

    policy: str
    year: int
    code: str


def check_account(
    owner: Owner, events: list[Placed], closings: Mapping[int, Closing], fault: Fault
) -> Account:
    """Follow an account to its end; whatever must not be is a fault."""
    account = Account()
    for event in events:
        name, content = event.fact.name, event.fact.content
        if Owner(content["policy"], content["year"], content["enterprise"]) != owner:
            fault(event.position, f"{name} stands in the account of {owner.code} {owner.year}")
            continue
        wrong = _order_wrong(event, closings.get(owner.year)) or _wrong(account, event, closings)
        if wrong:
            fault(event.position, f"{owner.code} {owner.year}: {name}: {wrong}")
            if "unknown" in wrong:
                continue
        try:
            account.apply(content)
        except ArithmeticError:
            fault(event.position, f"{owner.code} {owner.year}: {name}: {_sums(account)}")
    return account


def _sums(account: Account) -> str:
    said = {
        "payable": account.payable,
        "ordered": account.ordered,
        "paid": account.paid,
        "clawed back": account.clawed,
        "recovered": account.recovered,
    }
    return "the sums do not hold: " + ", ".join(f"{name} {yuan(fen)}" for name, fen in said.items())


def _order_wrong(event: Placed, closing: Closing | None) -> str:
    """Settled just before the closing, and nothing else before it."""
    if closing is None:
        return "the year is not closed"
    if event.fact.name == "AwardsSettled":
        within = closing.content["first_position"] <= event.position < closing.position
        return "" if within and event.version == 1 else "it does not stand just before the closing"
    return "" if event.position > closing.position else "it stands before the closing"


def _wrong(account: Account, event: Placed, closings: Mapping[int, Closing]) -> str:
    name, content = event.fact.name, event.fact.content
    if name == "AwardsSettled":
        whole = sum(line[5] for line in content["lines"])
        right = whole == content["payable_fen"]
        return "" if right else f"payable {yuan(content['payable_fen'])}, its lines come to {yuan(whole)}"
    if content["amount_fen"] <= 0:
        return f"{yuan(content['amount_fen'])} is no amount"
    if name.startswith("Payment"):
        return _payment_wrong(account, name, content)
    if name == "ClawbackOrdered":
        return "it was ordered before" if content["clawback"] in account.clawbacks else ""
    if name == "ClawbackRecovered":
        return _recovery_wrong(account, content)
    into = closings.get(content["into_year"])
    late = content["into_year"] <= content["year"] or (into is not None and into.position < event.position)
    return f"into {content['into_year']}, which is no open year" if late else ""


def _payment_wrong(account: Account, name: str, content: Content) -> str:
    found = account.payments.get(content["payment"])
    if name == "PaymentOrdered":
        return "" if found is None else "the payment was ordered before"
    if found is None:
        return "the payment is unknown"
    if found.amount != content["amount_fen"]:
        return f"{yuan(content['amount_fen'])} of a payment of {yuan(found.amount)}"
    from_ = ("ordered",) if name == "PaymentMade" else ("ordered", "made")
    return "" if found.status in from_ else f"the payment was {found.status}"


def _recovery_wrong(account: Account, content: Content) -> str:
    found = account.clawbacks.get(content["clawback"])
    if found is None:
        return "the clawback is unknown"
    due = found.amount - found.recovered
    return "" if content["amount_fen"] <= due else f"{yuan(content['amount_fen'])} of {yuan(due)} due"
