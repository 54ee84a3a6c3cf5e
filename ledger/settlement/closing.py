"""Closing a year: the published list becomes what is paid, all of it in one transaction or none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby

from domain.authority.roles import Actor, NotAllowed
from domain.events.accounts import AwardLine, AwardsSettled, account_id
from domain.events.content import Content
from domain.events.second_person.requests import CloseYear
from domain.events.settlements import BudgetPart, MeasureSum, SettlementProposed
from domain.events.speaking import attribute_step
from domain.policy.rulebook import Rulebook
from domain.settlement.accounts import Account
from domain.settlement.steps import may_close
from domain.settlement.year import SettledLine, Settlement, line_bytes
from ledger.budget.pools import brought_in_sums
from ledger.policies.duties import require_parted_persons
from ledger.policies.versions import budget_of, rulebook
from ledger.projections.closings import CHUNK, today
from ledger.projections.registry import follow_events
from ledger.projections.settlements import AccountRow, lines_listed, put_accounts
from ledger.settlement.open_matters import Acknowledging, require_acknowledgement
from ledger.settlement.proposing import (
    about_list,
    acknowledge_matters,
    budget_parts,
    load_year,
    save_year,
)
from ledger.store.append import append_ours
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree
from ledger.store.rows import Rows
from ledger.waiting.second_person import writing_step


def close(
    ledger: Ledger, policy: str, year: int, actor: Actor, acknowledging: Acknowledging | None = None
) -> Settlement:
    """Make the published list final.

    Every enterprise's part is an event of its account, the closing itself is the last event;
    a crash at any instruction leaves the year published, or closed.

    Raises:
        UnknownPolicy; NotAllowed: see ``domain.settlement.steps.may_close`` and
            ``require_acknowledgement``; also where the budget or the rules have moved since, or the
            stored list is no longer the one that was published.
        SecondPersonNeeded: where another person must confirm it.
    """
    with writing_step(ledger) as rows:
        book = rulebook(rows, policy)
        settlement, now = load_year(ledger, rows, policy, year), ledger.clock()
        may_close(settlement.state, actor, today(now))
        proposal = settlement.state.present_proposal()
        _must_still_hold(rows, book, year, proposal)
        step = "settlement.close"
        acknowledged = require_acknowledgement(ledger, rows, policy, year, actor, step, acknowledging)
        request = CloseYear(**about_list(settlement.state, book), acknowledged=acknowledged)
        actor = require_parted_persons(ledger, rows, book, actor, request)
        acknowledge_matters(ledger, rows, settlement, actor, step, acknowledged)
        first = rows.last_position() + 1
        freeze = _Freeze(ledger, rows, policy, year, actor)
        freeze.run()
        if freeze.digest.hexdigest() != proposal.lines_digest or freeze.payable != proposal.payable_fen:
            raise NotAllowed("settlement.list-altered", "year", year=year)
        size = rows.last_position()
        root = Tree(rows).root(size).hex()
        settlement.close(actor, today(now), first, freeze.sums(), size, root, now)
        return save_year(ledger, rows, settlement)


def _must_still_hold(rows: Rows, book: Rulebook, year: int, proposal: SettlementProposed) -> None:
    """Refuse a list whose money or rules have moved since it was worked out; late facts do not matter.

    Raises:
        NotAllowed: after another budget, another closing or accepted adjustment that bears on the
            year, or another version of the policy for it.
    """
    position = proposal.known
    only = BudgetPart("", proposal.appropriation_fen, proposal.carried_fen, proposal.spent_fen)
    moved = budget_parts(budget_of(rows, book, year)) != (proposal.budgets or (only,))
    brought = brought_in_sums(rows, book, year) != brought_in_sums(rows, book, year, position)
    sql = "SELECT 1 FROM policies WHERE policy=? AND position>? AND effective_from<=? LIMIT 1"
    if moved or brought or rows.all(sql, [book.id, position, f"{year:04d}-12-31"]):
        raise NotAllowed("settlement.outdated", "year", year=year)


class _Freeze:
    """Writes every enterprise's part, a chunk of accounts at a time."""

    def __init__(self, ledger: Ledger, rows: Rows, policy: str, year: int, actor: Actor) -> None:
        self.ledger, self.rows, self.policy, self.year = ledger, rows, policy, year
        self.attribution = attribute_step(actor, "settlement.close")
        self.digest = hashlib.sha256()
        self.payable = 0
        self.measure_sums: dict[tuple[int, str], MeasureSum] = {}

    def run(self) -> None:
        waiting: list[tuple[str, list[SettledLine]]] = []
        for code, lines in groupby(self._counted(), key=lambda line: line.code):
            waiting.append((code, list(lines)))
            if len(waiting) == CHUNK:
                self._write(waiting)
                waiting = []
        if waiting:
            self._write(waiting)

    def _counted(self) -> Iterator[SettledLine]:
        for line in lines_listed(self.rows, self.policy, self.year):
            self.digest.update(line_bytes(line))
            self.payable += line.payable
            key = line.award_year, line.measure
            before = self.measure_sums.get(key) or MeasureSum(*key, 0, 0, 0, 0)
            self.measure_sums[key] = MeasureSum(
                *key,
                before.gross_fen + line.gross,
                before.withheld_fen + line.withheld,
                before.payable_fen + line.payable,
                before.enterprises + 1,
            )
            yield line

    def _write(self, parts: list[tuple[str, list[SettledLine]]]) -> None:
        events: list[tuple[str, int, Content]] = []
        accounts: list[AccountRow] = []
        for code, lines in parts:
            payable = sum(line.payable for line in lines)
            settled = AwardsSettled(
                policy=self.policy,
                year=self.year,
                enterprise=code,
                lines=tuple(AwardLine(*line[1:]) for line in lines),
                payable_fen=payable,
            )
            events.append((account_id(self.policy, self.year, code), 1, settled))
            account = Account(settled=True, payable=payable)
            accounts.append(AccountRow(self.policy, self.year, code, account, 1))
        settled_events = append_ours(self.rows, self.ledger.clock(), events, self.attribution)
        put_accounts(self.rows, accounts)
        follow_events(self.rows, settled_events)

    def sums(self) -> tuple[MeasureSum, ...]:
        """The sums of each award year and measure, in order."""
        return tuple(sums for _, sums in sorted(self.measure_sums.items()))
