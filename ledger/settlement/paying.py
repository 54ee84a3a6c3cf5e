"""Paying a closed year: ordering what is outstanding, the bank's answers, clawbacks.

A call is one transaction: either all of what it asks for is recorded, or nothing and every reason
why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events.accounts import account_id
from domain.events.second_person.requests import OrderClawback, OrderPayments
from domain.settlement.accounts import Account, BankWord, repeated_clawback, was_heard
from domain.settlement.streams import AccountStream
from domain.things.spelling import canonical_reference, fold_reference
from ledger.policies.duties import check_parted_duties, require_parted_persons
from ledger.policies.versions import rulebook
from ledger.projections.closings import CHUNK, must_be_closed, today
from ledger.projections.disagreements import undecided
from ledger.projections.registry import follow_events
from ledger.projections.settlements import AccountRow, put_accounts
from ledger.settlement.bank_names import name_bank_batch, own_names
from ledger.settlement.open_matters import Acknowledging, require_acknowledgement
from ledger.settlement.overpaid import name_clawback
from ledger.settlement.proposing import acknowledge_matters, load_year
from ledger.store.application import Ledger
from ledger.store.repeats.keys import has_own_key
from ledger.store.repeats.recoveries import Recovery, recoveries_under
from ledger.store.rows import Rows
from ledger.store.streams import load_streams, save_streams
from ledger.waiting.second_person import writing_step

RESULTS_MAX = 5_000
"""Most results of payments in one call."""


class StepsRefused(Exception):
    """Some of several steps are not allowed: ``faults`` are (index, reason), ``lines`` those of a file."""

    def __init__(self, faults: list[tuple[int, NotAllowed]], lines: Sequence[int] = ()) -> None:
        super().__init__(f"{len(faults)} steps are not allowed")
        self.faults = faults
        self.lines = lines
        """In which line of a file each step stands, by index; empty where they came in no file."""


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
    ledger: Ledger,
    policy: str,
    year: int,
    actor: Actor,
    codes: Sequence[str] | None = None,
    acknowledging: Acknowledging | None = None,
) -> Ordered:
    """Order everything that is outstanding (of some enterprises) to be paid, as one batch.

    Raises:
        UnknownPolicy; NotAllowed: before the closing, for nothing, or over open matters (``open_matters``).
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, step := "payment.order")
    with writing_step(ledger) as rows:
        book = rulebook(rows, policy)
        currency = book.latest.currency
        must_be_closed(rows, policy, year)
        batch = f"{year}-{_last_batch(rows, policy, year) + 1:03d}"
        asked = None if codes is None else tuple(sorted(set(codes)))
        payments, total_fen = _sum_outstanding(rows, policy, year, asked)
        if not payments:
            raise NotAllowed("payment.nothing", "year", year=year)
        acknowledged = require_acknowledgement(ledger, rows, policy, year, actor, step, acknowledging)
        request = OrderPayments(
            policy=policy,
            year=year,
            enterprises=asked,
            batch=batch,
            payments=payments,
            total_fen=total_fen,
            currency=currency,
            acknowledged=acknowledged,
        )
        actor = require_parted_persons(ledger, rows, book, actor, request)
        acknowledge_matters(ledger, rows, load_year(ledger, rows, policy, year), actor, step, acknowledged)
        bank_batch = name_bank_batch(rows, policy, year, batch)
        now, count, total = ledger.clock(), 0, 0
        for chunk in _outstanding(rows, policy, year, codes):
            accounts = load_accounts(ledger, rows, policy, year, chunk)
            amounts = [account.order_payment(actor, batch, now, bank_batch) for account in accounts.values()]
            count, total = count + sum(amount > 0 for amount in amounts), total + sum(amounts)
            save_accounts(ledger, rows, accounts.values())
        if (count, total) != (payments, total_fen):
            raise ArithmeticError(f"ordered {count}, {total} fen; outstanding {payments}, {total_fen} fen")
        return Ordered(batch, count, total, currency)


def _last_batch(rows: Rows, policy: str, year: int) -> int:
    number = f"CAST(SUBSTR(batch, {len(f'{year}-') + 1}) AS BIGINT)"
    sql = f"SELECT MAX({number}) FROM payments WHERE policy=? AND year=?"
    return int(rows.all(sql, [policy, year])[0][0] or 0)


def _sum_outstanding(rows: Rows, policy: str, year: int, codes: tuple[str, ...] | None) -> tuple[int, int]:
    """How many enterprises have something outstanding, and how much it is in all, in fen."""
    sql = (
        "SELECT COUNT(*), CAST(COALESCE(SUM(payable - ordered - paid), 0) AS BIGINT) FROM accounts "
        "WHERE policy=? AND year=? AND payable>ordered+paid"
    )
    if codes is None:
        sums = rows.all(sql, [policy, year])
    else:
        sums = list(rows.all_in(f"{sql} AND code IN ({{}})", codes, [policy, year]))
    return sum(int(row[0]) for row in sums), sum(int(row[1]) for row in sums)


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
    """Record what the bank did with payments; what it said before in the same words is passed over.

    Of one payment they are taken in order of their days, so that the bank's last word holds however
    its answers are sorted.

    Returns:
        how many were recorded, and how many were known or stood twice.

    Raises:
        NotAllowed; StepsRefused: where one of them must not be; then none is recorded.
    """
    require(actor, "payment.record")
    with ledger.store.writing() as rows:
        accounts, repeated = _take_results(ledger, rows, policy, year, actor, results)
        save_accounts(ledger, rows, accounts)
        return len(results) - repeated, repeated


def check_results(
    ledger: Ledger, policy: str, year: int, actor: Actor, results: Sequence[Result]
) -> list[tuple[int, NotAllowed]]:
    """Why results could not be recorded now, by index; nothing is recorded.

    Raises:
        NotAllowed: where none could be.
    """
    require(actor, "payment.record")
    with ledger.store.reading() as rows:
        try:
            _take_results(ledger, rows, policy, year, actor, results)
        except StepsRefused as refused:
            return refused.faults
    return []


def _take_results(
    ledger: Ledger, rows: Rows, policy: str, year: int, actor: Actor, results: Sequence[Result]
) -> tuple[list[AccountStream], int]:
    """The accounts with the steps that results are, not saved; and how many were known."""
    book = rulebook(rows, policy)
    must_be_closed(rows, policy, year)
    check_parted_duties(rows, book, year, actor, "payment.record")
    names = own_names(rows, policy, year, [result.payment for result in results])
    own = [result._replace(payment=name) for result, name in zip(results, names, strict=True)]
    codes = _read_codes(rows, policy, year, names)
    accounts = load_accounts(ledger, rows, policy, year, set(codes.values()))
    references = _read_references(rows, own)
    now, repeated = ledger.clock(), 0
    faults = list[tuple[int, NotAllowed]]()
    for index, result in sorted(enumerate(own), key=lambda numbered: numbered[1].on):
        try:
            if result.payment not in codes:
                raise NotAllowed("payment.unknown", "payment", payment=result.payment)
            account, place = accounts[codes[result.payment]], f"{policy} {year} {result.payment}"
            repeated += not _record_result(account, references, place, actor, result, now)
        except NotAllowed as error:
            faults.append((index, error))
    if faults:
        raise StepsRefused(sorted(faults, key=lambda fault: fault[0]))
    return list(accounts.values()), repeated


def _read_references(rows: Rows, results: Sequence[Result]) -> dict[str, str]:
    """Which payment each of these references of the bank is recorded for, as references are compared."""
    said = {result.remark for result in results if result.status == "made"}
    sql = "SELECT policy, year, payment, said FROM payments WHERE status='made' AND said IN ({})"
    found = rows.all_in(sql, sorted(said | set(map(canonical_reference, said))))
    return {fold_reference(reference): " ".join(map(str, place)) for *place, reference in found}


def _record_result(
    account: AccountStream,
    references: dict[str, str],
    place: str,
    actor: Actor,
    result: Result,
    now: datetime,
) -> bool:
    """Record one of the bank's answers, of the payment at ``place``; false where it was heard before."""
    word = BankWord(result.status, result.on, result.remark)
    if was_heard(account.account, result.payment, result.amount, word):
        return False
    if result.on > today(now):
        raise NotAllowed("date.future", "on")
    if result.status == "made":
        other = references.setdefault(fold_reference(result.remark), place)
        if other != place:
            raise NotAllowed("payment.reference", "said", reference=result.remark, place=other)
    record = account.confirm_payment if result.status == "made" else account.fail_payment
    record(actor, result.payment, result.amount, result.on, result.remark, now)
    return True


def _read_codes(rows: Rows, policy: str, year: int, payments: list[str]) -> dict[str, str]:
    """Whose these payments are, by their id; those that were never ordered are left out."""
    sql = "SELECT payment, code FROM payments WHERE policy=? AND year=? AND payment IN ({})"
    return {str(payment): str(code) for payment, code in rows.all_in(sql, payments, [policy, year])}


def take_account_step(
    ledger: Ledger,
    policy: str,
    year: int,
    code: str,
    step: Callable[[Rows, AccountStream, datetime], None],
) -> Account:
    """Take one step of one account; the account after it comes back."""
    with writing_step(ledger) as rows:
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
    amount: int | None,
    reason: str,
    measure: str | None = None,
    reference: str | None = None,
) -> tuple[str, Account]:
    """Order back what was paid too much; the clawback's id and the account come back.

    The same once more on the same day is the same clawback (``Account.repeated``): a second one has
    another ``reference``, or comes under a key of its own.

    With a ``measure`` it answers for what late facts took from that award, and is just what was paid of it
    too much (``overpaid.list_overpayments``), which ``amount`` may leave out. Without one it answers for
    something else, and waits until nothing of an award is to be ordered back.

    Raises:
        UnknownPolicy; NotAllowed: before the closing, more than was paid, another amount than was paid
            too much, without the name of an award that has something to be ordered back, or while a
            fact of the enterprise is held for a decision.
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, "clawback.order")
    reference = canonical_reference(reference or "") or None
    names: list[str] = []

    def step(rows: Rows, stream: AccountStream, now: datetime) -> None:
        day = today(now)
        if reference or not has_own_key():
            before = repeated_clawback(stream.account, amount, day, reason, measure, reference)
            if before is not None:
                names.append(before)
                stream.account.repeated = True
                return
        for disagreement in undecided(rows, [code]).values():
            raise NotAllowed("clawback.undecided", "enterprise", disagreement=disagreement)
        clawback = f"{year}-{code}-{len(stream.account.clawbacks) + 1:02d}"
        if measure is None and amount is not None:
            stream.may_claw_back(clawback, amount)
        currency = stream.account.currency
        ordered = name_clawback(rows, policy, year, code, measure, amount, currency)
        stream.may_claw_back(clawback, ordered.amount_fen)
        request = OrderClawback(
            policy=policy,
            year=year,
            enterprise=code,
            amount_fen=ordered.amount_fen,
            reason=reason,
            measure=measure,
            reference=reference,
            account_version=stream.version,
            currency=currency,
        )
        who = require_parted_persons(ledger, rows, rulebook(rows, policy), actor, request)
        sums = (ordered.amount_fen, day, reason, now, measure, ordered.award_fen)
        stream.order_clawback(who, clawback, *sums, reference)
        names.append(clawback)

    account = take_account_step(ledger, policy, year, code, step)
    return names[0], account


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
    """Record that an enterprise paid back; a bank's reference counts once, wherever it was recorded.

    The same once more records nothing (``Account.repeated``).

    Raises:
        UnknownPolicy; NotAllowed: for an unknown clawback, more than is due, a day to come or before
            the clawback, or a reference under which other money came back.
    """
    require(actor, "clawback.record")
    reference = canonical_reference(reference)
    if not reference:
        raise NotAllowed("recovery.no-reference", "reference")
    if on > today(ledger.clock()):
        raise NotAllowed("date.future", "on")
    asked = Recovery(policy, year, code, clawback, amount, on)

    def step(rows: Rows, stream: AccountStream, now: datetime) -> None:
        check_parted_duties(rows, rulebook(rows, policy), year, actor, "clawback.record")
        before = recoveries_under(rows, reference)
        if asked in before:
            stream.account.repeated = True
        elif before:
            used = before[0]
            place = f"{used.policy} {used.year} {used.clawback}"
            raise NotAllowed("recovery.reference", "reference", reference=reference, place=place, on=used.on)
        else:
            stream.recover_clawback(actor, clawback, amount, on, reference, now)

    return take_account_step(ledger, policy, year, code, step)
