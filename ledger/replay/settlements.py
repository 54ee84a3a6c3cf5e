"""The read models of settlements built again: from their events, and open lists from the facts."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events.accounts import AccountEvent, AwardsSettled
from domain.settlement.accounts import Account
from domain.settlement.payables import payable_of
from domain.settlement.year import SettledLine
from ledger.budget.pools import brought_in, divide, lines_shared
from ledger.policies.versions import budget_of, rulebook
from ledger.projections.closings import settlement_of
from ledger.projections.registry import follow_events
from ledger.projections.settlements import CHUNK, AccountRow, put_accounts, put_lines
from ledger.store.moments import Moment
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored


def rebuild_settlements(source: Rows, target: Rows, until: int) -> None:
    """Fill the empty read models of settlements in ``target`` from the events of ``source``."""
    _rebuild_accounts(source, target, until)
    stages = target.all("SELECT policy, year FROM settlements WHERE stage<>'closed' ORDER BY policy, year")
    for policy, year in stages:
        position = settlement_of(source, policy, year, until).present_proposal().known
        _put_list(source, target, policy, year, Moment(until=position))


def _put_list(source: Rows, target: Rows, policy: str, year: int, moment: Moment) -> None:
    """The list of an open proposal, from what was known at its position."""
    book = rulebook(source, policy, moment.until)
    brought_years = {line.year for line in brought_in(source, book, year, moment.until)}
    years = {year, *brought_years}
    lines = [line for line in lines_shared(source, book, year, moment) if line.year in years]
    pool = divide(lines, book, budget_of(source, book, year, moment.until), year)
    put_lines(
        target,
        policy,
        year,
        (SettledLine(*line[:3], *payable_of(line, book, pool.shares), line.pot) for line in lines),
    )


def _rebuild_accounts(source: Rows, target: Rows, until: int) -> None:
    """Fill what follows from the events of settlements and accounts up to a position, in bounded memory."""
    for events in _whole_streams(source, "settlement:", until):
        follow_events(target, events)
    for events in _whole_streams(source, "account:", until):
        _put_accounts(target, events)
        follow_events(target, events)
    for events in _whole_streams(source, "waiting:", until):
        follow_events(target, events)


def _whole_streams(source: Rows, prefix: str, until: int) -> Iterator[list[Stored]]:
    """Events of originators that begin alike, all of an originator's together."""
    sql = (
        f"{SELECT} WHERE originator_id>=? AND originator_id<? AND rowid<=? "
        "ORDER BY originator_id, originator_version"
    )
    events: list[Stored] = []
    for row in source.stream(sql, [prefix, prefix[:-1] + ";", until]):
        event = stored(row)
        if len(events) >= CHUNK and event.originator != events[-1].originator:
            yield events
            events = []
        events.append(event)
    yield events


def _put_accounts(target: Rows, events: list[Stored]) -> None:
    """Whole accounts, and the lines of lists that they settle."""
    accounts: dict[str, AccountRow] = {}
    lines: list[tuple[object, ...]] = []
    for event in events:
        content = event.fact.content
        if not isinstance(content, AccountEvent):
            continue
        key = (content.policy, content.year, content.enterprise)
        account = accounts[event.originator].account if event.originator in accounts else Account()
        account.apply(content)
        accounts[event.originator] = AccountRow(*key, account, event.version)
        if isinstance(content, AwardsSettled):
            lines += [(*key, *line) for line in content.lines]
    put_accounts(target, accounts.values())
    target.run_many(
        "INSERT INTO settlement_lines (policy, year, code, measure, award_year, gross, withheld, reduction, "
        "payable, pot) VALUES (?,?,?,?,?,?,?,?,?,?)",
        lines,
    )
