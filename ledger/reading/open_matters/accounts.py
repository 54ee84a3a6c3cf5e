"""The accounts of closed years of which something may be open, read with their events."""

from __future__ import annotations

from collections.abc import Iterable

from domain.events import account_id
from domain.events.accounts import AccountEvent
from domain.events.instants import day_of
from domain.settlement.open_matters import AccountStep
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import SELECT, Stored, stored

_OPEN = """
SELECT code FROM accounts WHERE policy=? AND year=? AND (ordered>0 OR clawed>recovered)
UNION SELECT code FROM payments WHERE policy=? AND year=? AND status='failed'
"""


def read_open_codes(rows: Rows, policy: str, year: int) -> list[str]:
    """Enterprises with a payment that was not answered or failed, or with a clawback that is due."""
    return [str(code) for (code,) in rows.all(_OPEN, [policy, year] * 2)]


def read_account_steps(
    rows: Rows, policy: str, year: int, codes: Iterable[str]
) -> dict[str, list[AccountStep]]:
    """The events of some enterprises' accounts of a year, by credit code, in order."""
    by_originator = {account_id(policy, year, code): code for code in codes}
    sql = f"{SELECT} WHERE originator_id IN ({{}})"
    steps: dict[str, list[AccountStep]] = {}
    events = map(stored, rows.all_in(sql, by_originator))
    for event in sorted(events, key=lambda event: event.position):
        steps.setdefault(by_originator[event.originator], []).append(_account_step(event))
    return steps


def _account_step(event: Stored) -> AccountStep:
    assert isinstance(event.fact.content, AccountEvent)
    return AccountStep(event.position, day_of(event.recorded_at), event.fact.content)


def read_late_event(rows: Rows, code: str, known: int) -> tuple[int, str]:
    """The first event of an enterprise that a list did not know, and its day; 0 and empty for none."""
    row = read_row(rows, f"{SELECT} WHERE originator_id=? AND rowid>? ORDER BY rowid LIMIT 1", [code, known])
    if row is None:
        return 0, ""
    event = stored(row)
    return event.position, day_of(event.recorded_at)
