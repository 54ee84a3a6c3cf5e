"""The read models of settlements: stages, lists, accounts, payments, accepted adjustments.

They follow from the events alone, the list of an open proposal from the facts that were known
at its position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.events.accounts import (
    AdjustmentAccepted,
    ClawbackOrdered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
    PaymentStep,
)
from domain.events.content import Content
from domain.events.settlements import (
    SettlementClosed,
    SettlementEvent,
    SettlementProposed,
    SettlementPublished,
)
from domain.settlement.accounts import Account
from domain.settlement.year import SettledLine, line_bytes
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored

STAGES: dict[type[Content], str] = {
    SettlementProposed: "proposed",
    SettlementPublished: "published",
    SettlementClosed: "closed",
}
"""The stage that an event leads to."""
CHUNK = 1_000


def put_stages(rows: Rows, events: Iterable[Stored]) -> None:
    """Note what events of settlements make of their stages; of each its last event counts."""
    last: dict[tuple[str, int], tuple[str, int]] = {}
    for event in events:
        content = event.fact.content
        if isinstance(content, SettlementEvent) and type(content) in STAGES:
            last[content.policy, content.year] = (STAGES[type(content)], event.position)
    rows.run_many(
        "INSERT INTO settlements (policy, year, stage, position) VALUES (?,?,?,?) ON CONFLICT "
        "(policy, year) DO UPDATE SET stage=excluded.stage, position=excluded.position",
        [(*year, *stage) for year, stage in last.items()],
    )


def put_lines(rows: Rows, policy: str, year: int, lines: Iterable[SettledLine]) -> str:
    """Put a year's list in place of the one before, streamed; its digest (hex) comes back."""
    rows.run("DELETE FROM settlement_lines WHERE policy=? AND year=?", [policy, year])
    digest = hashlib.sha256()
    insert = (
        "INSERT INTO settlement_lines (policy, year, code, measure, award_year, gross, withheld, reduction, "
        "payable, pot) VALUES (?,?,?,?,?,?,?,?,?,?)"
    )
    waiting: list[tuple[object, ...]] = []
    for line in lines:
        digest.update(line_bytes(line))
        waiting.append((policy, year, *line))
        if len(waiting) == CHUNK:
            rows.run_many(insert, waiting)
            waiting = []
    rows.run_many(insert, waiting)
    return digest.hexdigest()


def lines_listed(
    rows: Rows, policy: str, year: int, first: tuple[str, str, int] = ("", "", 0)
) -> Iterator[SettledLine]:
    """A year's list from a key on, streamed in order of code, measure and award year."""
    sql = (
        "SELECT code, measure, award_year, gross, withheld, reduction, payable, pot FROM settlement_lines "
        "WHERE policy=? AND year=? AND (code, measure, award_year)>=(?,?,?) "
        "ORDER BY code, measure, award_year"
    )
    for row in rows.stream(sql, [policy, year, *first]):
        yield SettledLine(*row)


class AccountRow(NamedTuple):
    """An account as it now stands, with the version of its last event."""

    policy: str
    year: int
    code: str
    account: Account
    version: int


def put_accounts(rows: Rows, accounts: Iterable[AccountRow]) -> None:
    """Write accounts as they now stand; each at most once."""
    columns = ("policy", "year", "code", "version", "payable", "ordered", "paid", "clawed", "recovered")
    sets = ", ".join(f"{name}=excluded.{name}" for name in columns[3:])
    rows.run_many(
        f"INSERT INTO accounts ({', '.join(columns)}) VALUES (?,?,?,?,?,?,?,?,?) "
        f"ON CONFLICT (policy, year, code) DO UPDATE SET {sets}",
        [
            (policy, year, code, version, a.payable, a.ordered, a.paid, a.clawed, a.recovered)
            for policy, year, code, a, version in accounts
        ],
    )


def put_payments(rows: Rows, events: Iterable[Stored]) -> None:
    """Write what events say of payments; of each payment its last event counts."""
    columns = ("policy", "year", "payment", "code", "batch", "amount", "status", "day", "said", "position")
    sets = "status=excluded.status, day=excluded.day, said=excluded.said, position=excluded.position"
    last: dict[tuple[str, int, str], tuple[object, ...]] = {}
    for event in events:
        content = event.fact.content
        if not isinstance(content, PaymentStep):
            continue
        key = (content.policy, content.year, content.payment)
        batch = content.payment.rpartition("-")[0]
        day, remark = bank_words(content)
        payment = (*key, content.enterprise, batch, content.amount_fen)
        last[key] = (*payment, PAYMENT_STATUS[type(content)], day, remark, event.position)
    rows.run_many(
        f"INSERT INTO payments ({', '.join(columns)}) VALUES (?,?,?,?,?,?,?,?,?,?) "
        f"ON CONFLICT (policy, year, payment) DO UPDATE SET {sets}",
        list(last.values()),
    )


PAYMENT_STATUS: dict[type[Content], str] = {
    PaymentOrdered: "ordered",
    PaymentMade: "made",
    PaymentFailed: "failed",
}
"""Where an event leaves a payment."""


def bank_words(step: PaymentStep) -> tuple[str, str]:
    """The bank's day, and its reference or reason; both empty for what is only ordered."""
    if isinstance(step, PaymentMade):
        return step.on, step.reference
    if isinstance(step, PaymentFailed):
        return step.on, step.reason
    return "", ""


def put_adjustments(rows: Rows, events: Iterable[Stored]) -> None:
    """Write accepted adjustments."""
    rows.run_many(
        "INSERT INTO adjustments (policy, year, code, adjustment, measure, into_year, amount, reason, "
        "position) VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (c.policy, c.year, c.enterprise, c.adjustment, c.measure, c.into_year, c.amount_fen, c.reason, at)
            for at, c in ((event.position, event.fact.content) for event in events)
            if isinstance(c, AdjustmentAccepted)
        ],
    )


def put_clawbacks(rows: Rows, events: Iterable[Stored]) -> None:
    """Write clawbacks that were ordered, each with the award that it answers for."""
    rows.run_many(
        "INSERT INTO clawbacks (policy, year, code, clawback, measure, award, amount, reason, position) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (
                *(c.policy, c.year, c.enterprise, c.clawback, c.measure or "", c.award_fen),
                *(c.amount_fen, c.reason, at),
            )
            for at, c in ((event.position, event.fact.content) for event in events)
            if isinstance(c, ClawbackOrdered)
        ],
    )
