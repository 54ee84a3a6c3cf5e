"""Paying a closed year: ordering what is outstanding, the bank's answers, clawbacks.

A call is one transaction: either all of what it says is recorded, or nothing and every reason
why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from domain.authority.roles import Actor, NotAllowed, require
from domain.events import account_id
from domain.events.instants import instant
from domain.facts.folding import Fact
from domain.settlement import accounts
from domain.settlement.accounts import Account
from ledger.policies.versions import rulebook
from ledger.projections.closings import CHUNK, accounts_of, must_be_closed, today
from ledger.projections.disagreements import undecided
from ledger.projections.settlements import Changed, put_accounts, put_adjustments, put_clawbacks, put_payments
from ledger.settlement.pending import lowered
from ledger.store.append import OUR_SOURCE, append_ours
from ledger.store.application import Ledger
from ledger.store.rows import Row, Rows, one
from ledger.store.stored_events import Stored

RESULTS_MAX = 5_000
"""Most results of payments in one call."""
KNOWN_CHUNK = 500
"""Payments looked up at a time."""


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


class Result(NamedTuple):
    """What the bank says of one payment; ``on`` is a day in Asia/Shanghai."""

    payment: str
    status: str
    amount: int
    on: str
    said: str
    """The bank's reference, or its reason."""


class _Writer:
    """Appends steps of accounts and keeps their read models with them."""

    def __init__(self, ledger: Ledger, rows: Rows) -> None:
        self.ledger, self.rows = ledger, rows
        self.said: list[tuple[str, int, str, dict[str, Any]]] = []
        self.changed: dict[str, Changed] = {}

    def take(self, code: str, account: Account, version: int, said: accounts.Said) -> int:
        """Count one step; the account's next version comes back."""
        name, content = said
        account.apply(name, content)
        policy, year = content["policy"], content["year"]
        self.said.append((account_id(policy, year, code), version + 1, name, content))
        self.changed[code] = (policy, year, code, account, version + 1)
        return version + 1

    def write(self) -> int:
        """Write what was taken; the last position comes back."""
        if not self.said:
            return self.rows.last_position()
        now = self.ledger.clock()
        first = append_ours(self.rows, now, self.said)
        events = [
            Stored(at, originator, version, "", Fact(name, OUR_SOURCE, "", instant(now), content))
            for at, (originator, version, name, content) in enumerate(self.said, start=first)
        ]
        put_accounts(self.rows, self.changed.values())
        put_payments(self.rows, events)
        put_adjustments(self.rows, events)
        put_clawbacks(self.rows, events)
        last = first + len(self.said) - 1
        self.said, self.changed = [], {}
        return last


def head_of(policy: str, year: int, code: str, actor: Actor) -> dict[str, Any]:
    """What every event of an account says: whose it is, and who took the step."""
    return {"policy": policy, "year": year, "enterprise": code, "actor": actor.name}


def order_payments(
    ledger: Ledger, policy: str, year: int, actor: Actor, codes: Sequence[str] | None = None
) -> Ordered:
    """Order everything that is outstanding (of some enterprises) to be paid, as one batch.

    Raises:
        UnknownPolicy; NotAllowed: before the closing, or where nothing is outstanding.
    """
    require(actor, "payment.order")
    with ledger.store.writing() as rows:
        rulebook(rows, policy)
        must_be_closed(rows, policy, year)
        batch = f"{year}-{_batches(rows, policy, year) + 1:03d}"
        writer, count, total = _Writer(ledger, rows), 0, 0
        for chunk in _outstanding(rows, policy, year, codes):
            for code, (account, version) in accounts_of(rows, policy, year, chunk).items():
                said = accounts.order(account, head_of(policy, year, code, actor), batch, code)
                if said is not None:
                    writer.take(code, account, version, said)
                    count, total = count + 1, total + said[1]["amount_fen"]
            writer.write()
        if not count:
            raise NotAllowed("payment.nothing", "year", year=year)
        return Ordered(batch, count, total)


def _batches(rows: Rows, policy: str, year: int) -> int:
    number = f"CAST(SUBSTR(batch, {len(f'{year}-') + 1}) AS BIGINT)"
    row = one(rows, f"SELECT MAX({number}) FROM payments WHERE policy=? AND year=?", [policy, year])
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
    while found := [code for (code,) in rows.all(sql, [policy, year, last])]:
        yield found
        last = found[-1]


def record_results(
    ledger: Ledger, policy: str, year: int, actor: Actor, results: Sequence[Result]
) -> tuple[int, int]:
    """Record what the bank did with payments; what is recorded already in the same words is passed over.

    Returns:
        how many were recorded, and how many were known or said twice.

    Raises:
        NotAllowed; StepsRefused: where one of them must not be; then none is recorded.
    """
    require(actor, "payment.record")
    with ledger.store.writing() as rows:
        currency = rulebook(rows, policy).latest.currency
        must_be_closed(rows, policy, year)
        known = _known(rows, policy, year, [result.payment for result in results])
        codes = {row[0] for row in known.values()}
        held = accounts_of(rows, policy, year, codes)
        writer, faults, repeated = _Writer(ledger, rows), list[tuple[int, NotAllowed]](), 0
        for index, result in enumerate(results):
            row = known.get(result.payment)
            if row is not None and (row[1], row[2], row[3], row[4]) == result[1:]:
                repeated += 1
                continue
            try:
                code = _code_of(row, result, today(ledger.clock()))
                account, version = held[code]
                account.currency = currency
                decide = accounts.made if result.status == "made" else accounts.failed
                said = decide(account, head_of(policy, year, code, actor), result.payment, *result[2:])
                held[code] = (account, writer.take(code, account, version, said))
                known[result.payment] = (code, *result[1:])
            except NotAllowed as error:
                faults.append((index, error))
        if faults:
            raise StepsRefused(faults)
        writer.write()
        return len(results) - repeated, repeated


def _known(rows: Rows, policy: str, year: int, payments: list[str]) -> dict[str, Any]:
    """(code, status, amount, day, said) by payment."""
    found: list[Row] = []
    for start in range(0, len(payments), KNOWN_CHUNK):
        chunk = payments[start : start + KNOWN_CHUNK]
        sql = (
            "SELECT payment, code, status, amount, day, said FROM payments "
            f"WHERE policy=? AND year=? AND payment IN ({','.join('?' * len(chunk))})"
        )
        found += rows.all(sql, [policy, year, *chunk])
    return {row[0]: tuple(row[1:]) for row in found}


def _code_of(row: Any, result: Result, day: str) -> str:
    if row is None:
        raise NotAllowed("payment.unknown", "payment", payment=result.payment)
    if result.on > day:
        raise NotAllowed("date.future", "on")
    return str(row[0])


def one_step(
    ledger: Ledger,
    policy: str,
    year: int,
    code: str,
    decide: Callable[[Rows, Account], accounts.Said],
) -> tuple[Account, int]:
    """Take one step of one account; the account and the position after it come back."""
    with ledger.store.writing() as rows:
        currency = rulebook(rows, policy).latest.currency
        must_be_closed(rows, policy, year)
        account, version = accounts_of(rows, policy, year, [code]).get(code, (Account(), 0))
        account.currency = currency
        writer = _Writer(ledger, rows)
        writer.take(code, account, version, decide(rows, account))
        return account, writer.write()


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
    head = head_of(policy, year, code, actor)
    name = ""

    def decide(rows: Rows, account: Account) -> accounts.Said:
        nonlocal name
        for each in undecided(rows, [code]).values():
            raise NotAllowed("clawback.undecided", "enterprise", disagreement=each)
        name = f"{year}-{code}-{len(account.clawbacks) + 1:02d}"
        award = lowered(rows, policy, year, code, measure, amount) if measure else 0
        day = today(ledger.clock())
        return accounts.claw_back(account, head, name, amount, day, reason, measure, award)

    account, _ = one_step(ledger, policy, year, code, decide)
    return name, account


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
    head = head_of(policy, year, code, actor)
    return one_step(
        ledger, policy, year, code, lambda _, a: accounts.recover(a, head, clawback, amount, on, reference)
    )[0]
