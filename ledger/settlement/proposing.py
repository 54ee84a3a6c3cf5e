"""Proposing a year's list, publishing it, and the objections to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from domain.authority.roles import Actor, NotAllowed
from domain.events import settlement_id
from domain.events.instants import instant
from domain.facts.folding import Fact
from domain.policy.rulebook import Rulebook
from domain.settlement import year as settling
from domain.settlement.payables import payable_of, shares_budget
from domain.settlement.public_list import root_over
from domain.settlement.year import SettledLine, Settlement
from ledger.budget.columns import Again
from ledger.budget.pools import Pool, divide, lines_now
from ledger.policies.versions import budget_of, rulebook
from ledger.projections.closings import settlement_of, today
from ledger.projections.settlements import put_lines, put_stage
from ledger.settlement.published import lines_published
from ledger.store.append import OUR_SOURCE, append_ours, recorded_time
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored, events_of


def append_step(ledger: Ledger, rows: Rows, state: Settlement, said: settling.Said) -> Settlement:
    """Append one step of a settlement; the state after it comes back."""
    originator = settlement_id(state.policy, state.year)
    version = len(events_of(rows, originator)) + 1
    now = ledger.clock()
    recorded = recorded_time(rows, now)
    position = append_ours(rows, now, [(originator, version, *said)])
    fact = Fact(said[0], OUR_SOURCE, f"{originator}:{version}", instant(now), said[1])
    put_stage(rows, Stored(position, originator, version, recorded, fact))
    return settlement_of(rows, state.policy, state.year)


def propose(ledger: Ledger, policy: str, year: int, actor: Actor) -> Settlement:
    """Work out a year's exact apportionment and list, from all that the ledger knows now.

    Where one budget is for the whole life, the year's awards share what closed years left of it.

    Raises:
        UnknownPolicy; NotAllowed: where the year is closed, or lies outside the policy's life.
    """
    with ledger.store.writing() as rows:
        book = rulebook(rows, policy)
        if not book.covers_year(year):
            raise NotAllowed("settlement.no-year", "year", year=year)
        state = settlement_of(rows, policy, year)
        settling.propose(state, actor, {})
        found = pool_of_year(rows, book, year)
        tally = Tally(book, found)
        known = rows.last_position()
        digest = put_lines(rows, policy, year, tally.lines(lines_now(rows, book, year, [year])))
        figures = {"known": known, **figures_of(found), **tally.sums(), "lines_digest": digest}
        return append_step(ledger, rows, state, settling.propose(state, actor, figures))


def pool_of_year(rows: Rows, book: Rulebook, year: int) -> Pool:
    """The pool that a settlement divides: one award year, and what closed years bring into it."""
    lines = Again(lambda: lines_now(rows, book, year, [year]))
    return divide(lines, book, budget_of(rows, book, year), year)


def figures_of(found: Pool) -> dict[str, Any]:
    """What decides every payment of a pool."""
    return {
        "appropriation_fen": found.budget.appropriation,
        "carried_fen": found.budget.carried,
        "spent_fen": found.budget.spent,
        "budgets": [
            [name, each.appropriation, each.carried, each.spent]
            for name, each in (found.budget.parts or [("", found.budget)])
        ]
        if found.shares.several
        else [],
        **settling.figures_of(found.shares, found.paid),
    }


class Tally:
    """Turns awards into the list's lines, and adds them up on the way."""

    def __init__(self, book: Rulebook, found: Pool) -> None:
        self.book, self.found = book, found
        self.gross = self.withheld = self.payable = self.outside = self.awards = self.enterprises = 0
        self.last = ""

    def lines(self, awards: Iterator[Any]) -> Iterator[SettledLine]:
        """The list's lines, in the order of the awards."""
        for line in awards:
            paid = payable_of(line, self.book, self.found.shares)
            self.awards += 1
            self.enterprises += line.code != self.last
            self.last = line.code
            self.gross += paid.gross
            self.withheld += paid.withheld
            self.payable += paid.payable
            if not shares_budget(self.book.of_year(line.year), line.measure):
                self.outside += paid.payable
            yield SettledLine(line.code, line.measure, line.year, *paid, line.pot)

    def sums(self) -> dict[str, int]:
        """The sums over all lines, in fen, and how many there are."""
        if self.payable - self.outside > self.found.budget.amount:
            raise ArithmeticError(f"{self.payable - self.outside} fen out of {self.found.budget.amount}")
        return {
            "gross_fen": self.gross,
            "withheld_fen": self.withheld,
            "payable_fen": self.payable,
            "outside_fen": self.outside,
            "awards": self.awards,
            "enterprises": self.enterprises,
        }


def _step(
    ledger: Ledger, policy: str, year: int, decide: Callable[[Rulebook, Settlement], settling.Said]
) -> Settlement:
    with ledger.store.writing() as rows:
        book = rulebook(rows, policy)
        state = settlement_of(rows, policy, year)
        return append_step(ledger, rows, state, decide(book, state))


def publish(ledger: Ledger, policy: str, year: int, actor: Actor) -> Settlement:
    """Publish the proposed list for objections, from today for the policy's days."""
    with ledger.store.writing() as rows:
        state = settlement_of(rows, policy, year)
        settling.may_publish(state, actor)
        days = rulebook(rows, policy).of_year(year).procedure.notice_days
        listed = root_over(lines_published(rows, state))
        return append_step(
            ledger, rows, state, settling.publish(state, actor, today(ledger.clock()), days, listed)
        )


def raise_objection(
    ledger: Ledger, policy: str, year: int, actor: Actor, enterprise: str | None, reason: str
) -> Settlement:
    """Object to the published list."""

    def decide(_: Rulebook, state: Settlement) -> settling.Said:
        name = f"{year}-{len(state.objections) + 1:03d}-{secrets.token_hex(2)}"
        return settling.object_to(state, actor, today(ledger.clock()), name, enterprise, reason)

    return _step(ledger, policy, year, decide)


def resolve_objection(
    ledger: Ledger, policy: str, year: int, actor: Actor, objection: str, outcome: str, reason: str
) -> Settlement:
    """Uphold an objection, so that the list must be proposed again, or dismiss it."""
    return _step(
        ledger, policy, year, lambda _, state: settling.resolve(state, actor, objection, outcome, reason)
    )
