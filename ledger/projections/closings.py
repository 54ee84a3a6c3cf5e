"""What the ledger holds of settlements, read back: the state of a year, closings, accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from domain.authority.roles import NotAllowed
from domain.events import account_id, settlement_id
from domain.events.instants import SHANGHAI
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


def closings(rows: Rows, policy: str, until: int | None = None) -> dict[int, dict[str, Any]]:
    """The closings of a policy's years, as known at a position: the content of ``SettlementClosed``."""
    sql = "SELECT year, position FROM settlements WHERE policy=? AND stage='closed' AND position<=?"
    found = rows.all(sql, [policy, 2**62 if until is None else until])
    return {int(year): _content(rows, position) for year, position in found}


def closing_of(rows: Rows, policy: str, year: int, until: int | None = None) -> dict[str, Any] | None:
    """The closing of one year, where it is closed."""
    sql = "SELECT position FROM settlements WHERE policy=? AND year=? AND stage='closed' AND position<=?"
    found = rows.all(sql, [policy, year, 2**62 if until is None else until])
    return _content(rows, found[0][0]) if found else None


def _content(rows: Rows, position: int) -> dict[str, Any]:
    return stored(rows.all(f"{SELECT} WHERE rowid=?", [position])[0]).fact.content


def must_be_closed(rows: Rows, policy: str, year: int) -> dict[str, Any]:
    """The closing of a year.

    Raises:
        NotAllowed: where the year is not closed.
    """
    found = closing_of(rows, policy, year)
    if found is None:
        raise NotAllowed("settlement.not-closed", "year", year=year)
    return found


def accounts_of(rows: Rows, policy: str, year: int, codes: Iterable[str]) -> dict[str, tuple[Account, int]]:
    """The accounts of some enterprises, each with the version of its last event."""
    wanted = [account_id(policy, year, code) for code in codes]
    sql = f"{SELECT} WHERE originator_id IN ({{}}) ORDER BY originator_id, originator_version"
    found: dict[str, tuple[Account, int]] = {}
    for event in map(stored, rows.all_in(sql, wanted)):
        code = event.originator.rpartition(":")[2]
        account = found[code][0] if code in found else Account()
        account.apply(event.fact.name, event.fact.content)
        found[code] = (account, max(event.version, found[code][1] if code in found else 0))
    return found
