"""Messages about closed years: the closing, and each event of an enterprise's account.

A range of positions holds at most so many accounts, so a closing of a million enterprises is
published in as little memory as any other backlog.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.events.accounts import AccountEvent, amount_of, reference_of
from domain.events.settlements import SettlementClosed
from domain.money.amounts import print_fen
from domain.money.wire import wire_form
from domain.settlement.figures import division_of
from domain.vocabulary.kinds import kebab
from ledger.reading.accounts import AccountSums
from ledger.reading.changes import Accounts
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored
from services.kafka.envelope import Outgoing, message

CLOSED = "subsidy.settlement-closed.v1"
ACCOUNT = "subsidy.account-changed.v1"
ACCOUNT_EVENTS = (
    *("AwardsSettled", "PaymentOrdered", "PaymentMade", "PaymentFailed"),
    *("ClawbackOrdered", "ClawbackRecovered", "AdjustmentAccepted"),
)


def settled(rows: Rows, after: int, until: int) -> Iterator[Outgoing]:
    """The messages of closings and accounts that events after one position and up to another cause."""
    sql = f"{SELECT} WHERE rowid>? AND rowid<=? AND originator_id LIKE ? ORDER BY rowid"
    for row in rows.all(sql, [after, until, "settlement:%"]):
        event = stored(row)
        if event.fact.name == "SettlementClosed":
            yield _closed(event)
    originators = {row[1] for row in rows.all(sql, [after, until, "account:%"])}
    yield from _accounts(rows, sorted(originators), after, until)


def _accounts(rows: Rows, originators: list[str], after: int, until: int) -> Iterator[Outgoing]:
    """Each account is folded from its beginning, so that a message says how it stands after its event."""
    sql = f"{SELECT} WHERE originator_id IN ({{}}) ORDER BY originator_id, originator_version"
    accounts = Accounts()
    for event in map(stored, rows.all_in(sql, originators)):
        if event.position <= until:
            sums = accounts.take(event).after
            if event.position > after:
                yield _changed(event, sums)


def _closed(event: Stored) -> Outgoing:
    content = event.fact.content
    assert isinstance(content, SettlementClosed)
    share = division_of(content).factor
    data = {
        "policy": content.policy,
        "year": content.year,
        "position": event.position,
        "factor": f"{share.numerator}/{share.denominator}",
        "budget": print_fen(content.budget_fen),
        "sharing": print_fen(content.sharing_fen),
        "payable": print_fen(content.payable_fen),
        "awards": content.awards,
        "enterprises": content.enterprises,
        "lines_digest": content.lines_digest,
        "log_size": content.log_size,
        "log_root": content.log_root,
    }
    return message(event, CLOSED, event.originator, f"{event.position}:{event.originator}", data)


def _changed(event: Stored, sums: AccountSums) -> Outgoing:
    content = event.fact.content
    assert isinstance(content, AccountEvent)
    data: dict[str, Any] = {
        "policy": content.policy,
        "year": content.year,
        "position": event.position,
        "event": kebab(event.fact.name),
        "reference": reference_of(content),
        "amount": print_fen(amount_of(content)),
        **wire_form(sums),
    }
    return message(event, ACCOUNT, content.enterprise, f"{event.position}:{event.originator}", data)
