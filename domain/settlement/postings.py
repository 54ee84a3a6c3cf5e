"""Awards and payments as double-entry postings, in fen; every transaction sums to zero.

Accounts are words joined by colons; the last word is a measure, a credit code or a budget period:

    expenses:award:<measure>        what the policy gives
    expenses:withheld:<measure>     what highest-only takes off (negative)
    expenses:reduced:<measure>      what the budget's reduction takes off (negative)
    liabilities:<code>              owed to an enterprise (negative)
    assets:clawback:<code>          to be paid back by an enterprise
    expenses:clawback:<period>      what is taken back of awards that were settled (negative)
    assets:treasury:<period>        the period's budget, less what was paid
    assets:other-funds:<period>     less what was paid of awards outside the budget
    equity:appropriation:<period>   the period's budget (negative)

So an enterprise's liability stands at −(payable − paid + clawback due), where what was
recovered counts as not paid. A clawback moves what was paid too much into a claim; that too
much was paid follows from the award's correction, which is a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.settlement.payables import Payable

Meta = Mapping[str, str | int]
"""What a transaction is about: enterprise, measure, policy, year, position, payment, batch, reference …"""


class Unbalanced(ArithmeticError):
    """Postings that do not sum to zero, or an amount with the wrong sign."""


class Posting(NamedTuple):
    """An amount on an account: positive is a debit, negative a credit."""

    account: str
    fen: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """Postings of one day that belong together.

    Raises:
        Unbalanced: when made of postings that do not sum to zero.
    """

    day: str
    narration: str
    postings: tuple[Posting, ...]
    meta: Meta = field(default_factory=dict)

    def __post_init__(self) -> None:
        imbalance = sum(posting.fen for posting in self.postings)
        if imbalance or len(self.postings) < 2:
            raise Unbalanced(
                f"{self.day} {self.narration}: off by {imbalance} fen in {len(self.postings)} postings"
            )


def award_account(measure: str) -> str:
    """What the policy gives by a measure."""
    return f"expenses:award:{measure}"


def withheld_account(measure: str) -> str:
    """What highest-only takes off a measure."""
    return f"expenses:withheld:{measure}"


def reduced_account(measure: str) -> str:
    """What the reduction to the budget takes off a measure."""
    return f"expenses:reduced:{measure}"


def liability_account(code: str) -> str:
    """What is owed to an enterprise."""
    return f"liabilities:{code}"


def clawback_account(code: str) -> str:
    """What an enterprise must pay back."""
    return f"assets:clawback:{code}"


def clawback_expense_account(period: str) -> str:
    """What is taken back of settled awards."""
    return f"expenses:clawback:{period}"


def appropriation_account(period: str) -> str:
    """Where a period's budget comes from."""
    return f"equity:appropriation:{period}"


def funds_account(period: str, *, inside: bool = True) -> str:
    """What awards are paid from: a period's budget, or other funds."""
    return f"assets:{'treasury' if inside else 'other-funds'}:{period}"


def measure_accounts(measure: str) -> tuple[str, str, str]:
    """The accounts of one measure."""
    return award_account(measure), withheld_account(measure), reduced_account(measure)


def appropriated(day: str, narration: str, period: str, fen: int, meta: Meta) -> Transaction:
    """The budget of a period; a later change of it is the difference, which may be negative."""
    debit, credit = Posting(funds_account(period), fen), Posting(appropriation_account(period), -fen)
    return Transaction(day, narration, (debit, credit), meta)


def awarded(day: str, narration: str, code: str, measure: str, paid: Payable, meta: Meta) -> Transaction:
    """An award; or its correction, when ``paid`` is the difference between after and before.

    Raises:
        Unbalanced: unless gross = withheld + reduction + payable.
    """
    sides = (
        Posting(award_account(measure), paid.gross),
        Posting(withheld_account(measure), -paid.withheld),
        Posting(reduced_account(measure), -paid.reduction),
        Posting(liability_account(code), -paid.payable),
    )
    return Transaction(day, narration, tuple(side for side in sides if side.fen), meta)


def corrected(before: Payable, after: Payable) -> Payable:
    """The difference that a correction posts."""
    return Payable(*(new - old for old, new in zip(before, after, strict=True)))


def payment_made(day: str, narration: str, code: str, funds: str, fen: int, meta: Meta) -> Transaction:
    """Money went to an enterprise out of ``funds`` (see ``funds_account``)."""
    return _moved(day, narration, liability_account(code), funds, fen, meta)


def payment_failed(day: str, narration: str, code: str, funds: str, fen: int, meta: Meta) -> Transaction:
    """Money came back from the bank: it is owed again."""
    return _moved(day, narration, funds, liability_account(code), fen, meta)


def payment_refused(day: str, narration: str, code: str, fen: int, meta: Meta) -> Transaction:
    """The bank did not pay: no money moved, and what was owed still is."""
    return _moved(day, narration, liability_account(code), liability_account(code), fen, meta)


def award_taken_back(day: str, narration: str, code: str, period: str, fen: int, meta: Meta) -> Transaction:
    """A settled award is less than it was by what is clawed back: the correction of a frozen year."""
    return _moved(day, narration, liability_account(code), clawback_expense_account(period), fen, meta)


def clawback_ordered(day: str, narration: str, code: str, fen: int, meta: Meta) -> Transaction:
    """What was paid too much became due."""
    return _moved(day, narration, clawback_account(code), liability_account(code), fen, meta)


def clawback_recovered(day: str, narration: str, code: str, funds: str, fen: int, meta: Meta) -> Transaction:
    """The enterprise paid back."""
    return _moved(day, narration, funds, clawback_account(code), fen, meta)


def _moved(day: str, narration: str, debit: str, credit: str, fen: int, meta: Meta) -> Transaction:
    if fen <= 0:
        raise Unbalanced(f"{day} {narration}: {fen} fen is not an amount to move")
    return Transaction(day, narration, (Posting(debit, fen), Posting(credit, -fen)), meta)


def balances(transactions: Iterable[Transaction]) -> dict[str, int]:
    """The balance of every account that was posted to, in fen."""
    fen_by_account: dict[str, int] = {}
    for transaction in transactions:
        for account, fen in transaction.postings:
            fen_by_account[account] = fen_by_account.get(account, 0) + fen
    return fen_by_account
