"""What one enterprise is paid for a settled year, in fen.

The originator is ``"account:" + policy + ":" + year + ":" + credit code``: one stream for each
enterprise and year, so that a settlement never waits for an enterprise's facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from domain.events.content import Content, ContentValue


class AwardLine(NamedTuple):
    """One award of an enterprise's part, in fen; stored as an array in this order.

    ``pot`` is what pays it where the policy has several (``domain.money.dividing``), else empty, and
    then not stored.
    """

    measure: str
    award_year: int
    gross_fen: int
    withheld_fen: int
    reduction_fen: int
    payable_fen: int
    pot: str = ""


class AccountEvent(Content, frozen=True, kw_only=True):
    """Something about an enterprise's account of a settled year."""

    aggregate_topic: ClassVar[str] = "domain.settlement.streams:AccountStream"
    policy: str
    year: int
    enterprise: str


class AwardsSettled(AccountEvent, frozen=True, kw_only=True):
    """An enterprise's part of a closed year."""

    lines: tuple[AwardLine, ...]
    payable_fen: int

    def stored_values(self) -> dict[str, ContentValue]:
        """Its fields; a line without a pot ends before it, as it always did."""
        lines = [line if line.pot else line[:6] for line in self.lines]
        return {**self.fields_by_name(), "lines": tuple(lines)}


class AccountStep(AccountEvent, frozen=True, kw_only=True):
    """A step that somebody took."""

    actor: str
    if TYPE_CHECKING:
        amount_fen: int  # each step has it, in its place among the fields


class PaymentStep(AccountStep, frozen=True, kw_only=True):
    """A step of a payment; ``payment`` identifies it for ever."""

    payment: str


class ClawbackStep(AccountStep, frozen=True, kw_only=True):
    """A step of a clawback, by its number."""

    clawback: str


class PaymentOrdered(PaymentStep, frozen=True, kw_only=True):
    """The bank was told to pay.

    ``bank_batch`` is what the bank's file calls the batch, where another policy has one of its name.
    """

    desk_fields: ClassVar[frozenset[str]] = frozenset({"bank_batch"})
    batch: str
    amount_fen: int
    bank_batch: str | None = None


class PaymentMade(PaymentStep, frozen=True, kw_only=True):
    """The bank paid, on a day in Asia/Shanghai, under its own ``reference``."""

    amount_fen: int
    on: str
    reference: str


class PaymentFailed(PaymentStep, frozen=True, kw_only=True):
    """The bank did not pay, or the money came back: it is payable again."""

    amount_fen: int
    on: str
    reason: str


class ClawbackOrdered(ClawbackStep, frozen=True, kw_only=True):
    """What was paid too much is due from the enterprise.

    Where late facts lowered one award, ``measure`` names it and ``award_fen`` by how much: that
    part of the difference is settled. Else it answers for no award (a breach of conditions).
    ``reference`` is what the caller knows it by, such as the number of a decision.
    """

    desk_fields: ClassVar[frozenset[str]] = frozenset({"reference"})
    amount_fen: int
    on: str
    reason: str
    measure: str | None = None
    award_fen: int = 0
    reference: str | None = None


class ClawbackRecovered(ClawbackStep, frozen=True, kw_only=True):
    """The enterprise paid back, in whole or in part."""

    amount_fen: int
    on: str
    reference: str


class AdjustmentAccepted(AccountStep, frozen=True, kw_only=True):
    """What late facts add to an award of a closed year shares the budget of the open ``into_year``."""

    adjustment: str
    measure: str
    into_year: int
    amount_fen: int
    reason: str


def amount_of(event: AccountEvent) -> int:
    """What an event of an account is about, in fen: what is payable, or what a step moves."""
    if isinstance(event, AwardsSettled):
        return event.payable_fen
    assert isinstance(event, AccountStep)
    return event.amount_fen


def reference_of(event: AccountEvent) -> str | None:
    """The number of the payment, clawback or adjustment that an event is a step of."""
    if isinstance(event, PaymentStep):
        return event.payment
    if isinstance(event, ClawbackStep):
        return event.clawback
    return event.adjustment if isinstance(event, AdjustmentAccepted) else None


def account_id(policy: str, year: int, code: str) -> str:
    """The originator of one enterprise's account of a settled year."""
    return f"account:{policy}:{year}:{code}"
