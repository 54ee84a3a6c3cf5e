"""What one enterprise is owed, was paid and must pay back for one settled year, in fen.

An account is folded from its events; each step's function checks it and returns the event's
content. Invariants: paid and under way never exceed payable; clawbacks never exceed paid;
recovered never exceeds what was clawed back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from domain.authority.roles import NotAllowed
from domain.money.amounts import Amount

Said = tuple[str, dict[str, Any]]
"""(class name of the event, its content)."""


@dataclass(slots=True)
class Payment:
    """One payment: ``ordered``, ``made`` or ``failed``."""

    amount: int
    status: str
    batch: str


@dataclass(slots=True)
class Clawback:
    """What was ordered back, and what of it came."""

    amount: int
    recovered: int = 0


@dataclass(slots=True)
class Account:
    """One enterprise's account of one policy and year."""

    settled: bool = False
    payable: int = 0
    payments: dict[str, Payment] = field(default_factory=dict)
    clawbacks: dict[str, Clawback] = field(default_factory=dict)
    currency: str = field(default="CNY", compare=False)
    """That of the policy, for whoever is told of an amount."""

    def _sum(self, status: str) -> int:
        return sum(each.amount for each in self.payments.values() if each.status == status)

    @property
    def paid(self) -> int:
        """What the bank paid and did not take back."""
        return self._sum("made")

    @property
    def ordered(self) -> int:
        """What the bank was told to pay and has not answered for."""
        return self._sum("ordered")

    @property
    def clawed(self) -> int:
        """What was ordered back."""
        return sum(each.amount for each in self.clawbacks.values())

    @property
    def recovered(self) -> int:
        """What came back."""
        return sum(each.recovered for each in self.clawbacks.values())

    @property
    def outstanding(self) -> int:
        """What is still to be ordered."""
        return self.payable - self.paid - self.ordered

    def apply(self, name: str, content: dict[str, Any]) -> None:
        """Count one event."""
        if name == "AwardsSettled":
            self.settled, self.payable = True, content["payable_fen"]
        elif name == "PaymentOrdered":
            payment = Payment(content["amount_fen"], "ordered", content["batch"])
            self.payments[content["payment"]] = payment
        elif name == "PaymentMade":
            self.payments[content["payment"]].status = "made"
        elif name == "PaymentFailed":
            self.payments[content["payment"]].status = "failed"
        elif name == "ClawbackOrdered":
            self.clawbacks[content["clawback"]] = Clawback(content["amount_fen"])
        elif name == "ClawbackRecovered":
            self.clawbacks[content["clawback"]].recovered += content["amount_fen"]
        if not self.holds:
            raise ArithmeticError(f"after {name} {content}: {self}")

    @property
    def holds(self) -> bool:
        """The invariants."""
        return self.outstanding >= 0 and self.recovered <= self.clawed <= self.paid


def order(account: Account, head: dict[str, Any], batch: str, code: str) -> Said | None:
    """Order what is outstanding to be paid; ``None`` where nothing is.

    The payment's id, batch and credit code, is unique within a policy and year and fits the
    35 characters that banks allow. ``head`` holds policy, year, enterprise and actor.
    """
    if account.outstanding <= 0:
        return None
    said = {"payment": f"{batch}-{code}", "batch": batch, "amount_fen": account.outstanding}
    return "PaymentOrdered", {**head, **said}


def _payment(account: Account, payment: str, amount: int) -> Payment:
    found = account.payments.get(payment)
    if found is None:
        raise NotAllowed("payment.unknown", "payment", payment=payment)
    if found.amount != amount:
        raise NotAllowed("payment.amount", "amount", ordered=Amount(found.amount, account.currency))
    return found


def made(account: Account, head: dict[str, Any], payment: str, amount: int, on: str, reference: str) -> Said:
    """The bank paid what was ordered.

    Raises:
        NotAllowed: for a payment that was never ordered, of another amount, or not under way.
    """
    found = _payment(account, payment, amount)
    if found.status != "ordered":
        raise NotAllowed("payment.status", "payment", payment=payment, status=found.status)
    said = {"payment": payment, "amount_fen": amount, "on": on, "reference": reference}
    return "PaymentMade", {**head, **said}


def failed(account: Account, head: dict[str, Any], payment: str, amount: int, on: str, reason: str) -> Said:
    """The bank did not pay, or the money came back."""
    found = _payment(account, payment, amount)
    if found.status == "failed":
        raise NotAllowed("payment.status", "payment", payment=payment, status=found.status)
    if found.status == "made" and account.clawed > account.paid - amount:
        raise NotAllowed("payment.clawed", "payment", clawed=Amount(account.clawed, account.currency))
    said = {"payment": payment, "amount_fen": amount, "on": on, "reason": reason}
    return "PaymentFailed", {**head, **said}


def claw_back(
    account: Account,
    head: dict[str, Any],
    clawback: str,
    amount: int,
    on: str,
    reason: str,
    measure: str | None = None,
    award: int = 0,
) -> Said:
    """Order back at most what was paid and is not ordered back yet.

    ``award`` is by how many fen late facts lowered the award of ``measure`` that this answers for.
    """
    if clawback in account.clawbacks:
        raise NotAllowed("clawback.known", "clawback", clawback=clawback)
    if amount <= 0:
        raise NotAllowed("amount.zero", "amount")
    if amount > account.paid - account.clawed:
        left = Amount(account.paid - account.clawed, account.currency)
        raise NotAllowed("clawback.above-paid", "amount", paid=left)
    said = {"clawback": clawback, "amount_fen": amount, "on": on, "reason": reason}
    return "ClawbackOrdered", {**head, **said, "measure": measure, "award_fen": award}


def recover(
    account: Account, head: dict[str, Any], clawback: str, amount: int, on: str, reference: str
) -> Said:
    """The enterprise paid back at most what is due."""
    found = account.clawbacks.get(clawback)
    if found is None:
        raise NotAllowed("clawback.unknown", "clawback", clawback=clawback)
    if amount <= 0:
        raise NotAllowed("amount.zero", "amount")
    if amount > found.amount - found.recovered:
        due = Amount(found.amount - found.recovered, account.currency)
        raise NotAllowed("clawback.above-due", "amount", due=due)
    said = {"clawback": clawback, "amount_fen": amount, "on": on, "reference": reference}
    return "ClawbackRecovered", {**head, **said}
