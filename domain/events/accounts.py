"""What one enterprise is paid for a settled year, in fen.

The originator is ``"account:" + policy + ":" + year + ":" + credit code``: one stream for each
enterprise and year, so that a settlement never waits for an enterprise's facts.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from domain.events.content import Content


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

    def stored_values(self) -> dict[str, Any]:
        """Its fields; a line without a pot ends before it, as it always did."""
        lines = [line if line.pot else line[:6] for line in self.lines]
        return {**dict(self.items()), "lines": lines}


class AccountStep(AccountEvent, frozen=True, kw_only=True):
    """A step that somebody took."""

    actor: str


class PaymentOrdered(AccountStep, frozen=True, kw_only=True):
    """The bank was told to pay; ``payment`` identifies the payment for ever."""

    payment: str
    batch: str
    amount_fen: int


class PaymentMade(AccountStep, frozen=True, kw_only=True):
    """The bank paid, on a day in Asia/Shanghai, under its own ``reference``."""

    payment: str
    amount_fen: int
    on: str
    reference: str


class PaymentFailed(AccountStep, frozen=True, kw_only=True):
    """The bank did not pay, or the money came back: it is payable again."""

    payment: str
    amount_fen: int
    on: str
    reason: str


class ClawbackOrdered(AccountStep, frozen=True, kw_only=True):
    """What was paid too much is due from the enterprise.

    Where late facts lowered one award, ``measure`` names it and ``award_fen`` by how much: that
    part of the difference is settled. Else it answers for no award (a breach of conditions).
    """

    clawback: str
    amount_fen: int
    on: str
    reason: str
    measure: str | None = None
    award_fen: int = 0


class ClawbackRecovered(AccountStep, frozen=True, kw_only=True):
    """The enterprise paid back, in whole or in part."""

    clawback: str
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


def account_id(policy: str, year: int, code: str) -> str:
    """The originator of one enterprise's account of a settled year."""
    return f"account:{policy}:{year}:{code}"
