"""Late facts: what they would change in a closed year, and what of it an open year takes over.

A closed year never changes. What its awards would now be, less what was settled and accepted
since, is a proposed adjustment: more is accepted into an open year, less is clawed back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from domain.accounts import Account
from domain.money import yuan
from domain.roles import Actor, NotAllowed, require
from domain.settlement import Line, payable_of
from domain.settling import apportionment_of, must_be_open
from ledger.application import Ledger
from ledger.policies import rulebook
from ledger.settlement.paying import head_of, one_step
from ledger.settlement.reading import must_be_closed, settlement_of
from ledger.store import Rows


class Pending(NamedTuple):
    """A proposed adjustment: what a closed year's award is now (fen), and what was settled of it."""

    code: str
    measure: str
    now: int
    settled: int
    accepted: int

    @property
    def amount(self) -> int:
        """Fen that are missing (above zero) or too much (below)."""
        return self.now - self.settled - self.accepted


_SUMMED = """
SELECT code, measure, CAST(SUM(gross) AS BIGINT), CAST(SUM(withheld) AS BIGINT),
    CAST(SUM(settled) AS BIGINT), CAST(SUM(accepted) AS BIGINT)
FROM (
    SELECT code, measure, gross, withheld, 0 AS settled, 0 AS accepted
    FROM awards WHERE policy=? AND year=?{mine}
    UNION ALL
    SELECT code, measure, 0, 0, gross - withheld, 0
    FROM settlement_lines WHERE policy=? AND year=? AND award_year=?{mine}
    UNION ALL
    SELECT code, measure, 0, 0, 0, amount FROM adjustments WHERE policy=? AND year=?{mine}
) AS each_side
WHERE code>?
GROUP BY code, measure{differ}
ORDER BY code, measure
"""
_DIFFER = "\nHAVING SUM(gross) - SUM(withheld) <> SUM(settled) + SUM(accepted)"


def pending(
    rows: Rows, policy: str, year: int, code: str | None = None, after: str = "", limit: int = 1_000
) -> list[Pending]:
    """Proposed adjustments of a closed year, in order of credit code and measure.

    Of all enterprises it costs one pass over the year's awards; of one, nothing to speak of.
    """
    book, closing = rulebook(rows, policy), must_be_closed(rows, policy, year)
    shares = apportionment_of(closing)
    # Where the standards are reduced first, how much is withheld depends on the frozen reduction.
    reduced_first = book.of_year(year).pro_rata == "standards-first" and shares.reduces
    mine, whose = (" AND code=?", [code]) if code else ("", [])
    values: list[Any] = [policy, year, *whose, policy, year, year, *whose, policy, year, *whose, after]
    sql = _SUMMED.format(mine=mine, differ="" if reduced_first else _DIFFER)
    found: list[Pending] = []
    for of, measure, gross, withheld, settled, accepted in rows.stream(sql, values):
        paid = payable_of(Line(of, measure, year, gross, withheld), book, shares)
        each = Pending(of, measure, paid.gross - paid.withheld, settled, accepted)
        if each.amount:
            found.append(each)
        if len(found) == limit:
            break
    return found


def whole_enterprises(found: list[Pending], limit: int) -> int:
    """How many of at most ``limit + 1`` found stand on a page that no enterprise's are cut by."""
    if len(found) <= limit:
        return limit
    shown = limit
    while shown > 1 and found[shown - 1].code == found[shown].code:
        shown -= 1
    return shown


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
    """
    require(actor, "adjustment.accept")
    name = ""

    def decide(rows: Rows, _: Account) -> tuple[str, dict[str, Any]]:
        nonlocal name
        if into_year <= year or not rulebook(rows, policy).covers_year(into_year):
            raise NotAllowed("adjustment.into", "into_year", year=year)
        must_be_open(settlement_of(rows, policy, into_year))
        missing = {each.measure: each.amount for each in pending(rows, policy, year, code)}.get(measure, 0)
        if amount <= 0 or amount != missing:
            raise NotAllowed("adjustment.amount", "amount", missing=yuan(missing))
        found = rows.all(
            "SELECT COUNT(*) FROM adjustments WHERE policy=? AND year=? AND code=?", [policy, year, code]
        )
        name = f"{year}-{code}-{found[0][0] + 1:02d}"
        said = {"adjustment": name, "measure": measure, "into_year": into_year, "amount_fen": amount}
        return "AdjustmentAccepted", {**head_of(policy, year, code, actor), **said, "reason": reason}

    account, _ = one_step(ledger, policy, year, code, decide)
    return name, account
