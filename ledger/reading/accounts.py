"""What enterprises were paid, and must pay back, for a closed year."""

from __future__ import annotations

import msgspec

from domain.events import account_id
from domain.settlement.accounts import Account
from ledger.store.moments import NOW, Moment
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import events_of

SUMS = ("payable", "ordered", "paid", "clawed", "recovered")


class AccountSums(msgspec.Struct, frozen=True):
    """An account's sums, or those of a year's accounts together, in fen of the policy's currency."""

    payable_fen: int = 0
    ordered_fen: int = 0
    paid_fen: int = 0
    outstanding_fen: int = 0
    clawed_back_fen: int = 0
    recovered_fen: int = 0


def sums_of_account(account: Account) -> AccountSums:
    """The sums of an account as it stands."""
    return _sums(account.payable, account.ordered, account.paid, account.clawed, account.recovered)


def read_account(rows: Rows, code: str, policy: str, year: int, at: Moment = NOW) -> AccountSums:
    """What one enterprise was paid and must pay back for a year, as known at a moment."""
    if at.until is None:
        sql = f"SELECT {', '.join(SUMS)} FROM accounts WHERE policy=? AND year=? AND code=?"
        return _sums(*(read_row(rows, sql, [policy, year, code]) or (0, 0, 0, 0, 0)))
    account = Account()
    for event in events_of(rows, account_id(policy, year, code), at.until):
        account.apply(event.fact.content)
    return sums_of_account(account)


def sum_accounts(rows: Rows, policy: str, year: int) -> AccountSums:
    """What a year's accounts add up to; nothing before it is closed."""
    sums = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT)" for name in SUMS)
    row = rows.all(f"SELECT {sums} FROM accounts WHERE policy=? AND year=?", [policy, year])[0]
    return _sums(*row)


def _sums(payable: int, ordered: int, paid: int, clawed: int, recovered: int) -> AccountSums:
    return AccountSums(payable, ordered, paid, payable - ordered - paid, clawed, recovered)
