"""What the ledger holds of settlements, read back: the state of a year, closings, accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.authority.roles import NotAllowed
from domain.events import account_id, settlement_id
from domain.events.instants import SHANGHAI
from domain.events.settlements import SettlementClosed
from domain.settlement.accounts import Account
from domain.settlement.year import Settlement, fold
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, events_of, stored

CHUNK = 2_000
"""Accounts taken into memory at a time."""


def today(now: datetime) -> str:
    """The day in Asia/Shanghai."""
    return now.astimezone(SHANGHAI).date().isoformat()


def settlement_of(rows: Rows, policy: str, year: int, until: int | None = None) -> Settlement:
    """Where a year's settlement stands (at a position)."""
    events = events_of(rows, settlement_id(policy, year), until)
    return fold(policy, year, [event.fact for event in events])


def closings(rows: Rows, policy: str, until: int | None = None) -> dict[int, SettlementClosed]:
    """The closings of a policy's years by year, as known at a position."""
    sql = "SELECT year, position FROM settlements WHERE policy=? AND stage='closed' AND position<=?"
    places = rows.all(sql, [policy, 2**62 if until is None else until])
    return {int(year): _closing_at(rows, position) for year, position in places}


def closing_of(rows: Rows, policy: str, year: int, until: int | None = None) -> SettlementClosed | None:
    """The closing of one year, where it is closed."""
    sql = "SELECT position FROM settlements WHERE policy=? AND year=? AND stage='closed' AND position<=?"
    places = rows.all(sql, [policy, year, 2**62 if until is None else until])
    return _closing_at(rows, places[0][0]) if places else None


def _closing_at(rows: Rows, position: int) -> SettlementClosed:
    content = stored(rows.all(f"{SELECT} WHERE rowid=?", [position])[0]).fact.content
    if not isinstance(content, SettlementClosed):
        raise TypeError(f"position {position} holds no closing, but a {type(content).__name__}")
    return content


def must_be_closed(rows: Rows, policy: str, year: int) -> SettlementClosed:
    """The closing of a year.

    Raises:
        NotAllowed: where the year is not closed.
    """
    closing = closing_of(rows, policy, year)
    if closing is None:
        raise NotAllowed("settlement.not-closed", "year", year=year)
    return closing


def accounts_of(rows: Rows, policy: str, year: int, codes: Iterable[str]) -> dict[str, tuple[Account, int]]:
    """The accounts of some enterprises, each with the version of its last event."""
    originators = [account_id(policy, year, code) for code in codes]
    sql = f"{SELECT} WHERE originator_id IN ({{}}) ORDER BY originator_id, originator_version"
    accounts: dict[str, tuple[Account, int]] = {}
    for event in map(stored, rows.all_in(sql, originators)):
        code = event.originator.rpartition(":")[2]
        account = accounts[code][0] if code in accounts else Account()
        account.apply(event.fact.content)
        accounts[code] = (account, max(event.version, accounts[code][1] if code in accounts else 0))
    return accounts
