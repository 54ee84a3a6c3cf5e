"""Late facts: what they would change in a closed year, and what of it an open year takes over.

A closed year never changes. What its awards would now be, less what was settled and accepted
since, is a proposed adjustment: more is accepted into an open year, less is clawed back.
"""

from __future__ import annotations

from datetime import datetime

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events.second_person.requests import AcceptAdjustment
from domain.money.amounts import print_fen
from domain.settlement.accounts import Account
from domain.settlement.steps import must_be_open
from domain.settlement.streams import AccountStream
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.settlement.paying import take_account_step
from ledger.settlement.pending import Pending, pending, pending_count, whole_enterprises
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.waiting.second_person import require_second_person


def accept(
    ledger: Ledger,
    policy: str,
    year: int,
    code: str,
    measure: str,
    into_year: int,
    actor: Actor,
    amount: int,
    reason: str,
) -> tuple[str, Account]:
    """Accept what late facts add to a closed year's award into an open year's budget.

    Raises:
        UnknownPolicy; NotAllowed: where the year is open, the other one closed or earlier, or the
            amount is not the one that is missing.
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, "adjustment.accept")
    adjustments: list[str] = []

    def step(rows: Rows, stream: AccountStream, now: datetime) -> None:
        if into_year <= year or not rulebook(rows, policy).covers_year(into_year):
            raise NotAllowed("adjustment.into", "into_year", year=year)
        must_be_open(settlement_of(rows, policy, into_year))
        missing = {each.measure: each.amount for each in pending(rows, policy, year, code)}.get(measure, 0)
        if amount <= 0 or amount != missing:
            raise NotAllowed("adjustment.amount", "amount", missing=print_fen(missing))
        request = AcceptAdjustment(
            policy=policy,
            year=year,
            enterprise=code,
            measure=measure,
            into_year=into_year,
            amount_fen=amount,
            reason=reason,
            account_version=stream.version,
            currency=stream.account.currency,
        )
        who = require_second_person(ledger, rows, actor, request)
        number = rows.all(
            "SELECT COUNT(*) FROM adjustments WHERE policy=? AND year=? AND code=?", [policy, year, code]
        )[0][0]
        adjustments.append(f"{year}-{code}-{number + 1:02d}")
        stream.accept_adjustment(who, adjustments[0], measure, into_year, amount, reason, now)

    account = take_account_step(ledger, policy, year, code, step)
    return adjustments[0], account


__all__ = ["Pending", "accept", "pending", "pending_count", "whole_enterprises"]
