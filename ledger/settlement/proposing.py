"""Proposing a year's list, publishing it, and the objections to it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TypedDict

import msgspec

from domain.authority.persons import is_same_person
from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events.second_person.requests import AcknowledgedMatters, PublishList
from domain.events.settlements import BudgetPart, SettlementProposed, settlement_id
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import figures_of
from domain.settlement.payables import Line, payable_of, shares_budget
from domain.settlement.public_list import root_over
from domain.settlement.steps import may_propose, may_publish, same_objection
from domain.settlement.streams import SettlementYear
from domain.settlement.year import SettledLine, Settlement
from ledger.budget.pools import Pool, divide, lines_now
from ledger.budget.repeatable import RepeatableLines
from ledger.policies.duties import check_parted_duties, require_parted_persons
from ledger.policies.versions import Budget, budget_of, rulebook
from ledger.projections.closings import today
from ledger.projections.registry import follow_events
from ledger.projections.settlements import put_lines
from ledger.settlement.open_matters import Acknowledging, require_acknowledgement
from ledger.settlement.published import published_lines
from ledger.store.application import Ledger
from ledger.store.repeats.keys import has_own_key
from ledger.store.rows import Rows
from ledger.store.streams import load_stream, save_streams
from ledger.waiting.second_person import writing_step


def load_year(ledger: Ledger, rows: Rows, policy: str, year: int) -> SettlementYear:
    """A year's settlement, to take a step of it."""
    return load_stream(rows, SettlementYear, settlement_id(policy, year), ledger.clock())


def save_year(ledger: Ledger, rows: Rows, settlement: SettlementYear) -> Settlement:
    """Append the steps that were taken, with the read model of stages; the state after them."""
    follow_events(rows, save_streams(rows, [settlement], ledger.clock()))
    return settlement.state


def propose(
    ledger: Ledger, policy: str, year: int, actor: Actor, acknowledging: Acknowledging | None = None
) -> Settlement:
    """Work out a year's exact apportionment and list, from all that the ledger knows now.

    Where one budget is for the whole life, the year's awards share what closed years left of it.
    What the same person has just proposed, and nothing has moved since, is not proposed again.

    Raises:
        UnknownPolicy; NotAllowed: where the year is closed, or lies outside the policy's life; see
            ``require_acknowledgement``.
    """
    with ledger.store.writing() as rows:
        book = rulebook(rows, policy)
        if not book.covers_year(year):
            raise NotAllowed("settlement.no-year", "year", year=year)
        settlement = load_year(ledger, rows, policy, year)
        may_propose(settlement.state, actor)
        check_parted_duties(rows, book, year, actor, "settlement.propose")
        pool = pool_of_year(rows, book, year)
        tally = Tally(book, pool)
        position = rows.last_position()
        digest = put_lines(rows, policy, year, tally.lines(lines_now(rows, book, year, [year])))
        proposal = proposal_of(settlement.state, actor, position, pool, tally, digest)
        if not has_own_key() and is_same_proposal(rows, settlement.state, actor, proposal):
            return settlement.state
        step = "settlement.propose"
        acknowledged = require_acknowledgement(ledger, rows, policy, year, actor, step, acknowledging)
        if acknowledged is not None:
            acknowledge_matters(ledger, rows, settlement, actor, step, acknowledged)
            proposal = msgspec.structs.replace(proposal, known=rows.last_position())
        settlement.propose(actor, proposal, ledger.clock())
        return save_year(ledger, rows, settlement)


def acknowledge_matters(
    ledger: Ledger,
    rows: Rows,
    settlement: SettlementYear,
    actor: Actor,
    step: str,
    acknowledged: AcknowledgedMatters | None,
) -> None:
    """Record that who takes a step knows what is open, where something is; before the step itself."""
    if acknowledged is not None:
        settlement.acknowledge(actor, step, acknowledged, ledger.clock())
        save_year(ledger, rows, settlement)


def is_same_proposal(rows: Rows, state: Settlement, actor: Actor, proposal: SettlementProposed) -> bool:
    """Whether a proposal says what the one that stands says, by the same person under the same rules."""
    before = state.proposal
    if state.stage != "proposed" or before is None or state.proposer is None:
        return False
    if not is_same_person(state.proposer, actor.person):
        return False
    adopted = "SELECT 1 FROM policies WHERE policy=? AND position>? LIMIT 1"
    if rows.all(adopted, [proposal.policy, before.known]):
        return False
    known = {name: getattr(before, name) for name in ("actor", "number", "known")}
    return msgspec.structs.replace(proposal, **known) == before


def pool_of_year(rows: Rows, book: Rulebook, year: int) -> Pool:
    """The pool that a settlement divides: one award year, and what closed years bring into it."""
    lines = RepeatableLines(lambda: lines_now(rows, book, year, [year]))
    return divide(lines, book, budget_of(rows, book, year), year)


def proposal_of(
    state: Settlement, actor: Actor, position: int, pool: Pool, tally: Tally, lines_digest: str
) -> SettlementProposed:
    """The proposal that a pool and the list made of it come to; ``position`` is the one they rest on."""
    budget, figures = pool.budget, figures_of(pool.shares, pool.paid)
    if tally.payable - tally.outside > budget.amount:
        raise ArithmeticError(f"{tally.payable - tally.outside} fen out of {budget.amount}")
    return SettlementProposed(
        policy=state.policy,
        year=state.year,
        actor=actor.name,
        number=state.number + 1,
        known=position,
        appropriation_fen=budget.appropriation,
        carried_fen=budget.carried,
        spent_fen=budget.spent,
        budget_fen=figures.budget_fen,
        sharing_fen=figures.sharing_fen,
        cut_remainder=figures.cut_remainder,
        cut_key=figures.cut_key,
        gross_fen=tally.gross,
        withheld_fen=tally.withheld,
        payable_fen=tally.payable,
        outside_fen=tally.outside,
        awards=tally.awards,
        enterprises=tally.enterprises,
        lines_digest=lines_digest,
        budgets=budget_parts(budget) if pool.shares.has_pots else (),
        pots=figures.pots,
    )


def budget_parts(budget: Budget) -> tuple[BudgetPart, ...]:
    """The named budgets of a period; the only one has no name."""
    return tuple(
        BudgetPart(name, part.appropriation, part.carried, part.spent)
        for name, part in (budget.parts or [("", budget)])
    )


class Tally:
    """Turns awards into the list's lines, and adds them up on the way."""

    def __init__(self, book: Rulebook, pool: Pool) -> None:
        self.book, self.pool = book, pool
        self.gross = self.withheld = self.payable = self.outside = self.awards = self.enterprises = 0
        self.last = ""

    def lines(self, awards: Iterator[Line]) -> Iterator[SettledLine]:
        """The list's lines, in the order of the awards."""
        for line in awards:
            paid = payable_of(line, self.book, self.pool.shares)
            self.awards += 1
            self.enterprises += line.code != self.last
            self.last = line.code
            self.gross += paid.gross
            self.withheld += paid.withheld
            self.payable += paid.payable
            if not shares_budget(self.book.of_year(line.year), line.measure):
                self.outside += paid.payable
            yield SettledLine(line.code, line.measure, line.year, *paid, line.pot)


def publish(
    ledger: Ledger, policy: str, year: int, actor: Actor, acknowledging: Acknowledging | None = None
) -> Settlement:
    """Publish the proposed list for objections, from today for the policy's days.

    Raises:
        UnknownPolicy; NotAllowed: where no list is proposed; see ``require_acknowledgement``.
        SecondPersonNeeded: where another person must confirm it.
    """
    with writing_step(ledger) as rows:
        book, settlement = rulebook(rows, policy), load_year(ledger, rows, policy, year)
        may_publish(settlement.state, actor)
        step = "settlement.publish"
        acknowledged = require_acknowledgement(ledger, rows, policy, year, actor, step, acknowledging)
        request = PublishList(**about_list(settlement.state, book), acknowledged=acknowledged)
        actor = require_parted_persons(ledger, rows, book, actor, request)
        acknowledge_matters(ledger, rows, settlement, actor, step, acknowledged)
        days = book.of_year(year).procedure.notice_days
        root, lines = root_over(published_lines(rows, settlement.state))
        now = ledger.clock()
        settlement.publish(actor, today(now), days, root, lines, now)
        return save_year(ledger, rows, settlement)


class AboutList(TypedDict):
    """What a step of a list is about, and rests on: which proposal, how many it pays, and how much (fen)."""

    policy: str
    year: int
    number: int
    lines_digest: str
    payable_fen: int
    enterprises: int
    currency: str


def about_list(state: Settlement, book: Rulebook) -> AboutList:
    """What a step of the proposed list is about."""
    proposal = state.present_proposal()
    return AboutList(
        policy=state.policy,
        year=state.year,
        number=proposal.number,
        lines_digest=proposal.lines_digest,
        payable_fen=proposal.payable_fen,
        enterprises=proposal.enterprises,
        currency=book.latest.currency,
    )


def raise_objection(
    ledger: Ledger, policy: str, year: int, actor: Actor, enterprise: str | None, reason: str
) -> Settlement:
    """Object to the published list; the same objection of the same person, while it is open, is one."""
    with ledger.store.writing() as rows:
        rulebook(rows, policy)
        settlement, now = load_year(ledger, rows, policy, year), ledger.clock()
        if not has_own_key() and same_objection(settlement.state, actor, enterprise, reason):
            require(actor, "settlement.object", enterprise)
            return settlement.state
        objection = f"{year}-{len(settlement.state.objections) + 1:03d}-{secrets.token_hex(2)}"
        settlement.raise_objection(actor, today(now), objection, enterprise, reason, now)
        return save_year(ledger, rows, settlement)


def resolve_objection(
    ledger: Ledger, policy: str, year: int, actor: Actor, objection: str, outcome: str, reason: str
) -> Settlement:
    """Uphold an objection, so that the list must be proposed again, or dismiss it."""
    with ledger.store.writing() as rows:
        rulebook(rows, policy)
        settlement = load_year(ledger, rows, policy, year)
        settlement.resolve_objection(actor, objection, outcome, reason, ledger.clock())
        return save_year(ledger, rows, settlement)
