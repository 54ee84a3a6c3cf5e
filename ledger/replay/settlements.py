"""The read models of settlements built again: from their events, and open lists from the facts."""

from __future__ import annotations

from domain.settlement.payables import payable_of
from domain.settlement.year import SettledLine
from ledger.budget.pools import brought_in, divide, lines_shared
from ledger.policies.versions import budget_of, rulebook
from ledger.projections.closings import settlement_of
from ledger.projections.settlements import put_lines, rebuild_accounts
from ledger.store.moments import Moment
from ledger.store.rows import Rows


def rebuild_settlements(source: Rows, target: Rows, until: int) -> None:
    """Fill the empty read models of settlements in ``target`` from the events of ``source``."""
    rebuild_accounts(source, target, until)
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
