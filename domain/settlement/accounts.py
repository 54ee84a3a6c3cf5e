"""What one enterprise is owed, was paid and must pay back for one settled year, in fen.

An account is folded from its events; each step's function checks it and returns the event.
Invariants: paid and under way never exceed payable; clawbacks never exceed paid;
recovered never exceeds what was clawed back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

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
from domain.things.spelling import fold_reference


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose account it is, and who takes the step: what every event of an account says first."""

    policy: str
    year: int
    enterprise: str
    actor: str
    day: str
    """On which the step is taken, in Asia/Shanghai."""

    def precedes(self, on: str, ordered_on: str) -> bool:
        """Whether a day lies before that of an order.

        None does before one that is dated ahead of the step: a clock that stood wrong dated it.
        """
        return on < ordered_on <= self.day


class BankWord(NamedTuple):
    """What the bank said of a payment: ``made`` or ``failed``, its day, and its reference or reason."""

    status: str
    on: str
    remark: str


@dataclass(slots=True)
class Payment:
    """One payment: ``ordered``, ``made`` or ``failed``.

    ordered -> made      the bank paid
    ordered -> failed    it did not: the amount may be ordered again
    made    -> failed    the money came back, on that day or later
    failed  -> made      it arrived after all, on that day or later, unless the amount was ordered again
    """

    amount: int
    status: str
    batch: str
    ordered_on: str = field(default="", compare=False)
    """The day of the order in Asia/Shanghai; empty where only contents were counted."""
    words: list[BankWord] = field(default_factory=list, compare=False)
    """All that the bank said, in the order of recording; the last one holds."""


@dataclass(slots=True)
class Clawback:
    """What was ordered back, and what of it came."""

    amount: int
    recovered: int = 0
    ordered: ClawbackOrdered | None = field(default=None, compare=False)


@dataclass(slots=True)
class Account:
    """One enterprise's account of one policy and year."""

    settled: bool = False
    payable: int = 0
    payments: dict[str, Payment] = field(default_factory=dict)
    clawbacks: dict[str, Clawback] = field(default_factory=dict)
    currency: str = field(default="CNY", compare=False)
    """That of the policy, for whoever is told of an amount."""
    repeated: bool = field(default=False, compare=False)
    """Whether the step that was asked for last had been recorded before, and was not again."""

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

    def apply(self, content: Content, day: str = "") -> None:
        """Count one event, of a ``day`` in Asia/Shanghai.

        Raises:
            ArithmeticError: where the invariants do not hold after it.
        """
        if isinstance(content, AwardsSettled):
            self.settled, self.payable = True, content.payable_fen
        elif isinstance(content, PaymentOrdered):
            self.payments[content.payment] = Payment(content.amount_fen, "ordered", content.batch, day)
        elif isinstance(content, PaymentMade):
            self._hear(content.payment, BankWord("made", content.on, content.reference))
        elif isinstance(content, PaymentFailed):
            self._hear(content.payment, BankWord("failed", content.on, content.reason))
        elif isinstance(content, ClawbackOrdered):
            self.clawbacks[content.clawback] = Clawback(content.amount_fen, ordered=content)
        elif isinstance(content, ClawbackRecovered):
            self.clawbacks[content.clawback].recovered += content.amount_fen
        if not self.holds:
            raise ArithmeticError(f"after {content}: {self}")

    def _hear(self, payment: str, word: BankWord) -> None:
        self.payments[payment].status = word.status
        self.payments[payment].words.append(word)

    @property
    def holds(self) -> bool:
        """The invariants."""
        return self.outstanding >= 0 and self.recovered <= self.clawed <= self.paid


def order_payment(
    account: Account, holder: Holder, batch: str, bank_batch: str | None = None
) -> PaymentOrdered | None:
    """Order what is outstanding to be paid; ``None`` where nothing is.

    The payment's id, batch and credit code, is unique within a policy and year and fits the
    35 characters that banks allow; ``bank_batch`` is the bank's name of a batch whose own is taken.
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
        bank_batch=bank_batch,
    )


def _payment(account: Account, payment: str, amount_fen: int) -> Payment:
    ordered = account.payments.get(payment)
    if ordered is None:
        raise NotAllowed("payment.unknown", "payment", payment=payment)
    if ordered.amount != amount_fen:
        raise NotAllowed("payment.amount", "amount", ordered=Amount(ordered.amount, account.currency))
    return ordered


def _must_follow(holder: Holder, payment: Payment, on: str) -> None:
    """Hold the day of the bank's word to the order and to its word before: of two, the later one holds.

    Raises:
        NotAllowed.
    """
    if holder.precedes(on, payment.ordered_on):
        raise NotAllowed("date.before", "on", earliest=payment.ordered_on)
    if payment.words and on < payment.words[-1].on:
        word = payment.words[-1]
        raise NotAllowed("payment.contradiction", "on", status=word.status, on=word.on, remark=word.remark)


def was_heard(account: Account, payment: str, amount_fen: int, word: BankWord) -> bool:
    """Whether the bank said just this of a payment before, in whatever order its words came."""
    known = account.payments.get(payment)
    return known is not None and known.amount == amount_fen and word in known.words


def confirm_payment(
    account: Account, holder: Holder, payment: str, amount_fen: int, on: str, reference: str
) -> PaymentMade:
    """The bank paid what was ordered, also where it had said before that it failed.

    Raises:
        NotAllowed: for a payment that was never ordered, of another amount, made already, on a day
            before the order or before the bank's last word, or whose amount was ordered again.
    """
    ordered = _payment(account, payment, amount_fen)
    if ordered.status == "made":
        raise NotAllowed("payment.status", "payment", payment=payment, status=ordered.status)
    _must_follow(holder, ordered, on)
    if ordered.status == "failed" and amount_fen > account.outstanding:
        others = [name for name, each in account.payments.items() if each.status != "failed"]
        raise NotAllowed("payment.ordered-again", "payment", payment=payment, others=", ".join(others))
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
        NotAllowed: for a payment that was never ordered, of another amount, failed already, on a
            day before the order or before the bank said it was made, or whose money was clawed back.
    """
    ordered = _payment(account, payment, amount_fen)
    _must_follow(holder, ordered, on)  # first: a failure of a day before the recorded one is old news
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
    reference: str | None = None,
) -> ClawbackOrdered:
    """Order back at most what was paid and is not ordered back yet.

    ``award_fen`` is by how much late facts lowered the award of ``measure`` that this answers for,
    ``reference`` what the caller knows it by.

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
        reference=reference,
    )


def repeated_clawback(
    account: Account,
    amount_fen: int | None,
    on: str,
    reason: str,
    measure: str | None,
    reference: str | None,
) -> str | None:
    """The clawback that the same request led to before; ``None`` for a new one.

    Under a ``reference`` it is the one of that reference, else the one of the same amount, reason and
    measure on the same day; a request that left the amount out is the same whatever it came to.

    Raises:
        NotAllowed: where the reference stands on a clawback that says something else.
    """
    for name, clawback in account.clawbacks.items():
        ordered = clawback.ordered
        if ordered is None or fold_reference(ordered.reference or "") != fold_reference(reference or ""):
            continue
        is_same_sum = amount_fen in (None, ordered.amount_fen)
        if is_same_sum and (ordered.reason, ordered.measure) == (reason, measure):
            if reference or ordered.on == on:
                return name
        elif reference:
            raise NotAllowed("clawback.reference", "reference", reference=reference, clawback=name)
    return None


def recover_clawback(
    account: Account, holder: Holder, clawback: str, amount_fen: int, on: str, reference: str
) -> ClawbackRecovered:
    """The enterprise paid back at most what is due.

    Raises:
        NotAllowed: for a clawback that was never ordered, for nothing, more than is due, or before
            the day of the clawback.
    """
    ordered = account.clawbacks.get(clawback)
    if ordered is None:
        raise NotAllowed("clawback.unknown", "clawback", clawback=clawback)
    if ordered.ordered is not None and holder.precedes(on, ordered.ordered.on):
        raise NotAllowed("date.before", "on", earliest=ordered.ordered.on)
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
