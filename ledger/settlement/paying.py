"""Paying a closed year: ordering what is outstanding, the bank's answers, clawbacks.

A call is one transaction: either all of what it asks for is recorded, or nothing and every reason
why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed, require
from domain.events.accounts import account_id
from domain.settlement.accounts import Account
from domain.settlement.streams import AccountStream
from ledger.policies.versions import rulebook
from ledger.projections.closings import CHUNK, must_be_closed, today
from ledger.projections.disagreements import undecided
from ledger.projections.registry import follow_events
from ledger.projections.settlements import AccountRow, put_accounts
from ledger.settlement.pending import lowered
from ledger.store.application import Ledger
from ledger.store.rows import Rows, read_row
from ledger.store.streams import load_streams, save_streams

RESULTS_MAX = 5_000
"""Most results of payments in one call."""


class StepsRefused(Exception):
    """Some of several steps are not allowed; ``faults`` are (index, reason)."""

    def __init__(self, faults: list[tuple[int, NotAllowed]]) -> None:
        super().__init__(f"{len(faults)} steps are not allowed")
        self.faults = faults


class Ordered(NamedTuple):
    """A batch of payments that was ordered."""

    batch: str
    payments: int
    total: int
    """Fen."""
    currency: str


class Result(NamedTuple):
    """What the bank says of one payment; ``on`` is a day in Asia/Shanghai."""

    payment: str
    status: str
    amount: int
    on: str
    remark: str
    """The bank's reference, or its reason."""


class _RecordedPayment(NamedTuple):
    """A payment as it stands: whose it is, and the bank's last word of it."""

    code: str
    result: Result


def load_accounts(
    ledger: Ledger, rows: Rows, policy: str, year: int, codes: Iterable[str]
) -> dict[str, AccountStream]:
    """The accounts of some enterprises by credit code, to take steps of them."""
    currency = rulebook(rows, policy).latest.currency
    originators = {account_id(policy, year, code): code for code in codes}
    streams = load_streams(rows, AccountStream, originators, ledger.clock())
    for stream in streams.values():
        stream.account.currency = currency
    return {originators[originator]: stream for originator, stream in streams.items()}


def save_accounts(ledger: Ledger, rows: Rows, streams: Iterable[AccountStream]) -> int:
    """Append the steps that were taken, with the read models that follow; the last position comes back."""
    changed = [stream for stream in streams if stream.pending_events]
    events = save_streams(rows, changed, ledger.clock())
    put_accounts(rows, [AccountRow(s.policy, s.year, s.enterprise, s.account, s.version) for s in changed])
    follow_events(rows, events)
    return events[-1].position if events else rows.last_position()


def order_payments(
    ledger: Ledger, policy: str, year: int, actor: Actor, codes: Sequence[str] | None = None
) -> Ordered:
    """Order everything that is outstanding (of some enterprises) to be paid, as one batch.

    Raises:
        UnknownPolicy; NotAllowed: before the closing, or where nothing is outstanding.
    """
    require(actor, "payment.order")
    with ledger.store.writing() as rows:
        currency = rulebook(rows, policy).latest.currency
        must_be_closed(rows, policy, year)
        batch = f"{year}-{_batches(rows, policy, year) + 1:03d}"
        now, count, total = ledger.clock(), 0, 0
        for chunk in _outstanding(rows, policy, year, codes):
            accounts = load_accounts(ledger, rows, policy, year, chunk)
            amounts = [account.order_payment(actor, batch, now) for account in accounts.values()]
            count, total = count + sum(amount > 0 for amount in amounts), total + sum(amounts)
            save_accounts(ledger, rows, accounts.values())
        if not count:
            raise NotAllowed("payment.nothing", "year", year=year)
        return Ordered(batch, count, total, currency)


def _batches(rows: Rows, policy: str, year: int) -> int:
    number = f"CAST(SUBSTR(batch, {len(f'{year}-') + 1}) AS BIGINT)"
    row = read_row(rows, f"SELECT MAX({number}) FROM payments WHERE policy=? AND year=?", [policy, year])
    return int(row[0] or 0) if row else 0


def _outstanding(rows: Rows, policy: str, year: int, codes: Sequence[str] | None) -> Iterator[list[str]]:
    """Enterprises with something outstanding, in chunks."""
    if codes is not None:
        yield sorted(set(codes))
        return
    sql = (
        "SELECT code FROM accounts WHERE policy=? AND year=? AND payable>ordered+paid AND code>? "
        f"ORDER BY code LIMIT {CHUNK}"
    )
    last = ""
    while chunk := [code for (code,) in rows.all(sql, [policy, year, last])]:
        yield chunk
        last = chunk[-1]


def record_results(
    ledger: Ledger, policy: str, year: int, actor: Actor, results: Sequence[Result]
) -> tuple[int, int]:
    """Record what the bank did with payments; what is recorded already in the same words is passed over.

    Returns:
        how many were recorded, and how many were known or stood twice.

    Raises:
        NotAllowed; StepsRefused: where one of them must not be; then none is recorded.
    """
    require(actor, "payment.record")
    with ledger.store.writing() as rows:
        rulebook(rows, policy)
        must_be_closed(rows, policy, year)
        payments = _read_payments(rows, policy, year, [result.payment for result in results])
        codes = {payment.code for payment in payments.values()}
        accounts = load_accounts(ledger, rows, policy, year, codes)
        now, repeated = ledger.clock(), 0
        faults = list[tuple[int, NotAllowed]]()
        for index, result in enumerate(results):
            payment = payments.get(result.payment)
            if payment is not None and payment.result == result:
                repeated += 1
                continue
            try:
                code = _code_of(payment, result, today(now))
                account = accounts[code]
                record = account.confirm_payment if result.status == "made" else account.fail_payment
                record(actor, result.payment, result.amount, result.on, result.remark, now)
                payments[result.payment] = _RecordedPayment(code, result)
            except NotAllowed as error:
                faults.append((index, error))
        if faults:
            raise StepsRefused(faults)
        save_accounts(ledger, rows, accounts.values())
        return len(results) - repeated, repeated


def _read_payments(rows: Rows, policy: str, year: int, payments: list[str]) -> dict[str, _RecordedPayment]:
    """These payments as they stand, by their id; those that were never ordered are left out."""
    sql = (
        "SELECT code, payment, status, amount, day, said FROM payments "
        "WHERE policy=? AND year=? AND payment IN ({})"
    )
    recorded = (
        _RecordedPayment(code, Result(*values))
        for code, *values in rows.all_in(sql, payments, [policy, year])
    )
    return {payment.result.payment: payment for payment in recorded}


def _code_of(payment: _RecordedPayment | None, result: Result, day: str) -> str:
    if payment is None:
        raise NotAllowed("payment.unknown", "payment", payment=result.payment)
    if result.on > day:
        raise NotAllowed("date.future", "on")
    return payment.code


def take_account_step(
    ledger: Ledger,
    policy: str,
    year: int,
    code: str,
    step: Callable[[Rows, AccountStream, datetime], None],
) -> Account:
    """Take one step of one account; the account after it comes back."""
    with ledger.store.writing() as rows:
        rulebook(rows, policy)
        must_be_closed(rows, policy, year)
        stream = load_accounts(ledger, rows, policy, year, [code])[code]
        step(rows, stream, ledger.clock())
        save_accounts(ledger, rows, [stream])
        return stream.account


def claw_back(
    ledger: Ledger,
    policy: str,
    year: int,
    code: str,
    actor: Actor,
    amount: int,
    reason: str,
    measure: str | None = None,
) -> tuple[str, Account]:
    """Order back what was paid too much; the clawback's id and the account come back.

    With a ``measure`` it answers for what late facts took from that award, and must be just what
    was paid of it too much (``pending`` names it).

    Raises:
        UnknownPolicy; NotAllowed: before the closing, more than was paid, another amount than the
            award's difference, or while a fact of the enterprise is held for a decision.
    """
    require(actor, "clawback.order")

    def step(rows: Rows, stream: AccountStream, now: datetime) -> None:
        for disagreement in undecided(rows, [code]).values():
            raise NotAllowed("clawback.undecided", "enterprise", disagreement=disagreement)
        clawback = f"{year}-{code}-{len(stream.account.clawbacks) + 1:02d}"
        award = lowered(rows, policy, year, code, measure, amount) if measure else 0
        stream.order_clawback(actor, clawback, amount, today(now), reason, now, measure, award)

    account = take_account_step(ledger, policy, year, code, step)
    return list(account.clawbacks)[-1], account


def recover(
    ledger: Ledger,
    policy: str,
    year: int,
    code: str,
    actor: Actor,
    clawback: str,
    amount: int,
    on: str,
    reference: str,
) -> Account:
    """Record that an enterprise paid back.

    Raises:
        UnknownPolicy; NotAllowed: for an unknown clawback, more than is due, or a day to come.
    """
    require(actor, "clawback.record")
    if on > today(ledger.clock()):
        raise NotAllowed("date.future", "on")
    return take_account_step(
        ledger,
        policy,
        year,
        code,
        lambda _, stream, now: stream.recover_clawback(actor, clawback, amount, on, reference, now),
    )
