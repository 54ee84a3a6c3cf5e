"""Closing a year: the published list becomes what is paid, all of it in one transaction or none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from domain.authority.roles import Actor, NotAllowed
from domain.events import account_id
from domain.policy.rulebook import Rulebook
from domain.settlement import year as settling
from domain.settlement.accounts import Account
from domain.settlement.year import SettledLine, Settlement, line_bytes
from ledger.budget.pools import brought_in_sums
from ledger.policies.versions import budget_of, rulebook
from ledger.projections.closings import CHUNK, settlement_of, today
from ledger.projections.settlements import Changed, lines_listed, put_accounts
from ledger.settlement.proposing import append_step
from ledger.store.append import append_ours
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree
from ledger.store.rows import Rows

FROZEN = (
    *("known", "appropriation_fen", "carried_fen", "spent_fen", "budget_fen", "sharing_fen"),
    *("cut_remainder", "cut_key", "payable_fen", "outside_fen", "awards", "enterprises"),
    *("budgets", "pots"),
)
"""What a closing takes over from the proposal that was published."""


def close(ledger: Ledger, policy: str, year: int, actor: Actor) -> Settlement:
    """Make the published list final.

    Every enterprise's part is an event of its account, the closing itself is the last event;
    a crash at any instruction leaves the year published, or closed.

    Raises:
        UnknownPolicy; NotAllowed: see ``domain.settlement.year.may_close``; also where the budget or the
            rules have moved since, or the stored list is no longer the one that was published.
    """
    with ledger.store.writing() as rows:
        book = rulebook(rows, policy)
        state = settlement_of(rows, policy, year)
        settling.may_close(state, actor, today(ledger.clock()))
        _must_still_hold(rows, book, year, state.proposal)
        first = rows.last_position() + 1
        freeze = _Freeze(ledger, rows, policy, year)
        freeze.run()
        proposal = state.proposal
        if freeze.digest.hexdigest() != proposal["lines_digest"] or freeze.payable != proposal["payable_fen"]:
            raise NotAllowed("settlement.list-altered", "year", year=year)
        size = rows.last_position()
        content = {
            **{name: proposal[name] for name in FROZEN},
            "policy": policy,
            "year": year,
            "actor": actor.name,
            "number": state.number,
            "lines_digest": proposal["lines_digest"],
            "first_position": first,
            "measures": freeze.sums(),
            "log_size": size,
            "log_root": Tree(rows).root(size).hex(),
        }
        return append_step(ledger, rows, state, ("SettlementClosed", content))


def _must_still_hold(rows: Rows, book: Rulebook, year: int, proposal: dict[str, Any]) -> None:
    """Refuse a list whose money or rules have moved since it was worked out; late facts do not matter.

    Raises:
        NotAllowed: after another budget, another closing or accepted adjustment that bears on the
            year, or another version of the policy for it.
    """
    known, budget = proposal["known"], budget_of(rows, book, year)
    said = ("appropriation_fen", "carried_fen", "spent_fen")
    divided = proposal["budgets"] or [["", *(proposal[name] for name in said)]]
    figures = [[n, e.appropriation, e.carried, e.spent] for n, e in budget.parts or [("", budget)]]
    brought = brought_in_sums(rows, book, year) != brought_in_sums(rows, book, year, known)
    sql = "SELECT 1 FROM policies WHERE policy=? AND position>? AND effective_from<=? LIMIT 1"
    if figures != divided or brought or rows.all(sql, [book.id, known, f"{year:04d}-12-31"]):
        raise NotAllowed("settlement.outdated", "year", year=year)


class _Freeze:
    """Writes every enterprise's part, a chunk of accounts at a time."""

    def __init__(self, ledger: Ledger, rows: Rows, policy: str, year: int) -> None:
        self.ledger, self.rows, self.policy, self.year = ledger, rows, policy, year
        self.digest = hashlib.sha256()
        self.payable = 0
        self.measures: dict[tuple[int, str], list[int]] = {}

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
            sums = self.measures.setdefault((line.award_year, line.measure), [0, 0, 0, 0])
            sums[0] += line.gross
            sums[1] += line.withheld
            sums[2] += line.payable
            sums[3] += 1
            yield line

    def _write(self, parts: list[tuple[str, list[SettledLine]]]) -> None:
        events: list[tuple[str, int, str, dict[str, Any]]] = []
        accounts: list[Changed] = []
        for code, lines in parts:
            payable = sum(line.payable for line in lines)
            content = {
                "policy": self.policy,
                "year": self.year,
                "enterprise": code,
                "lines": [list(line.said[1:]) for line in lines],
                "payable_fen": payable,
            }
            events.append((account_id(self.policy, self.year, code), 1, "AwardsSettled", content))
            accounts.append((self.policy, self.year, code, Account(settled=True, payable=payable), 1))
        append_ours(self.rows, self.ledger.clock(), events)
        put_accounts(self.rows, accounts)

    def sums(self) -> list[list[Any]]:
        """[award year, measure, gross, withheld, payable, enterprises] in order."""
        return [[*key, *sums] for key, sums in sorted(self.measures.items())]
