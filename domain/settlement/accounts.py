"""What one enterprise is owed, was paid and must pay back for one settled year, in fen.

An account is folded from its events; each step's function checks it and returns the event.
Invariants: paid and under way never exceed payable; clawbacks never exceed paid;
recovered never exceeds what was clawed back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.authority.roles import NotAllowed
from domain.events.accounts import (
    AwardsSettled,
    ClawbackOrdered,
    ClawbackRecovered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
)
from domain.events.content import Content
from domain.money.amounts import Amount


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose account it is, and who takes the step: what every event of an account says first."""

    policy: str
    year: int
    enterprise: str
    actor: str


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

    def apply(self, content: Content) -> None:
        """Count one event.

        Raises:
            ArithmeticError: where the invariants do not hold after it.
        """
        if isinstance(content, AwardsSettled):
            self.settled, self.payable = True, content.payable_fen
        elif isinstance(content, PaymentOrdered):
            self.payments[content.payment] = Payment(content.amount_fen, "ordered", content.batch)
        elif isinstance(content, PaymentMade):
            self.payments[content.payment].status = "made"
        elif isinstance(content, PaymentFailed):
            self.payments[content.payment].status = "failed"
        elif isinstance(content, ClawbackOrdered):
            self.clawbacks[content.clawback] = Clawback(content.amount_fen)
        elif isinstance(content, ClawbackRecovered):
            self.clawbacks[content.clawback].recovered += content.amount_fen
        if not self.holds:
            raise ArithmeticError(f"after {content}: {self}")

    @property
    def holds(self) -> bool:
        """The invariants."""
        return self.outstanding >= 0 and self.recovered <= self.clawed <= self.paid


def order_payment(account: Account, holder: Holder, batch: str) -> PaymentOrdered | None:
    """Order what is outstanding to be paid; ``None`` where nothing is.

    The payment's id, batch and credit code, is unique within a policy and year and fits the
    35 characters that banks allow.
    """
    if account.outstanding <= 0:
        return None
    return PaymentOrdered(
        policy=holder.policy,
        year=holder.year,
        enterprise=holder.enterprise,
        payment=f"{batch}-{holder.enterprise}",
        batch=batch,
        amount_fen=account.outstanding,
        actor=holder.actor,
    )


def _payment(account: Account, payment: str, amount_fen: int) -> Payment:
    ordered = account.payments.get(payment)
    if ordered is None:
        raise NotAllowed("payment.unknown", "payment", payment=payment)
    if ordered.amount != amount_fen:
        raise NotAllowed("payment.amount", "amount", ordered=Amount(ordered.amount, account.currency))
    return ordered


def confirm_payment(
    account: Account, holder: Holder, payment: str, amount_fen: int, on: str, reference: str
) -> PaymentMade:
    """The bank paid what was ordered.

    Raises:
        NotAllowed: for a payment that was never ordered, of another amount, or not under way.
    """
    ordered = _payment(account, payment, amount_fen)
    if ordered.status != "ordered":
        raise NotAllowed("payment.status", "payment", payment=payment, status=ordered.status)
    return PaymentMade(
        policy=holder.policy,
        year=holder.year,
        enterprise=holder.enterprise,
        payment=payment,
        amount_fen=amount_fen,
        on=on,
        reference=reference,
        actor=holder.actor,
    )


def fail_payment(
    account: Account, holder: Holder, payment: str, amount_fen: int, on: str, reason: str
) -> PaymentFailed:
    """The bank did not pay, or the money came back.

    Raises:
        NotAllowed: for a payment that was never ordered, of another amount, failed already, or
            whose money was clawed back.
    """
    ordered = _payment(account, payment, amount_fen)
    if ordered.status == "failed":
        raise NotAllowed("payment.status", "payment", payment=payment, status=ordered.status)
    if ordered.status == "made" and account.clawed > account.paid - amount_fen:
        raise NotAllowed("payment.clawed", "payment", clawed=Amount(account.clawed, account.currency))
    return PaymentFailed(
        policy=holder.policy,
        year=holder.year,
        enterprise=holder.enterprise,
        payment=payment,
        amount_fen=amount_fen,
        on=on,
        reason=reason,
        actor=holder.actor,
    )


def order_clawback(
    account: Account,
    holder: Holder,
    clawback: str,
    amount_fen: int,
    on: str,
    reason: str,
    measure: str | None = None,
    award_fen: int = 0,
) -> ClawbackOrdered:
    """Order back at most what was paid and is not ordered back yet.

    ``award_fen`` is by how much late facts lowered the award of ``measure`` that this answers for.

    Raises:
        NotAllowed: under a number in use, for nothing, or more than was paid.
    """
    if clawback in account.clawbacks:
        raise NotAllowed("clawback.known", "clawback", clawback=clawback)
    if amount_fen <= 0:
        raise NotAllowed("amount.zero", "amount")
    if amount_fen > account.paid - account.clawed:
        available = Amount(account.paid - account.clawed, account.currency)
        raise NotAllowed("clawback.above-paid", "amount", paid=available)
    return ClawbackOrdered(
        policy=holder.policy,
        year=holder.year,
        enterprise=holder.enterprise,
        clawback=clawback,
        amount_fen=amount_fen,
        on=on,
        reason=reason,
        actor=holder.actor,
        measure=measure,
        award_fen=award_fen,
    )


def recover_clawback(
    account: Account, holder: Holder, clawback: str, amount_fen: int, on: str, reference: str
) -> ClawbackRecovered:
    """The enterprise paid back at most what is due.

    Raises:
        NotAllowed: for a clawback that was never ordered, for nothing, or more than is due.
    """
    ordered = account.clawbacks.get(clawback)
    if ordered is None:
        raise NotAllowed("clawback.unknown", "clawback", clawback=clawback)
    if amount_fen <= 0:
        raise NotAllowed("amount.zero", "amount")
    if amount_fen > ordered.amount - ordered.recovered:
        due = Amount(ordered.amount - ordered.recovered, account.currency)
        raise NotAllowed("clawback.above-due", "amount", due=due)
    return ClawbackRecovered(
        policy=holder.policy,
        year=holder.year,
        enterprise=holder.enterprise,
        clawback=clawback,
        amount_fen=amount_fen,
        on=on,
        reference=reference,
        actor=holder.actor,
    )
