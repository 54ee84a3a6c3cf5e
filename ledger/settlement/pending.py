"""What late facts would change in a closed year: its awards as they would be now, beside what was settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.payables import Line, payable_of
from ledger.budget.pools import keep
from ledger.policies.versions import rulebook
from ledger.projections.closings import must_be_closed
from ledger.store.application import Ledger
from ledger.store.rows import Rows, read_row


class _AwardRow(NamedTuple):
    """An award as it is now beside what was settled and accepted of it, in fen."""

    code: str
    measure: str
    gross: int
    withheld: int
    settled: int
    accepted: int
    pot: str


class Pending(NamedTuple):
    """A proposed adjustment, in fen: what a closed year's award is now, what was settled of it and since."""

    code: str
    measure: str
    now: int
    settled: int
    accepted: int
    """What was accepted into open years, less what clawbacks answered for."""

    @property
    def amount(self) -> int:
        """Fen that are missing (above zero) or too much (below)."""
        return self.now - self.settled - self.accepted


_SUMMED = """
SELECT code, measure, CAST(SUM(gross) AS BIGINT), CAST(SUM(withheld) AS BIGINT),
    CAST(SUM(settled) AS BIGINT), CAST(SUM(accepted) AS BIGINT), MAX(pot)
FROM (
    SELECT code, measure, gross, withheld, 0 AS settled, 0 AS accepted, '' AS pot
    FROM awards WHERE policy=? AND year=?{of_code}
    UNION ALL
    SELECT code, measure, 0, 0, gross - withheld, 0, pot
    FROM settlement_lines WHERE policy=? AND year=? AND award_year=?{of_code}
    UNION ALL
    SELECT code, measure, 0, 0, 0, amount, '' FROM adjustments WHERE policy=? AND year=?{of_code}
    UNION ALL
    SELECT code, measure, 0, 0, 0, -award, '' FROM clawbacks WHERE policy=? AND year=? AND award>0{of_code}
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
    shares = division_of(closing)
    # Where the standards are reduced first, how much is withheld depends on the frozen reduction.
    reduced_first = book.of_year(year).pro_rata == "standards-first" and shares.reduces
    of_code, codes = (" AND code=?", [code]) if code else ("", [])
    of_year: list[object] = [policy, year, *codes]
    values = [*of_year, policy, year, year, *codes, *of_year, *of_year, after]
    sql = _SUMMED.format(of_code=of_code, differ="" if reduced_first else _DIFFER)
    adjustments: list[Pending] = []
    for row in rows.stream(sql, values):
        award = _AwardRow(*row)
        pot = award.pot or pot_now(rows, book, award.code, award.measure, year)
        line = Line(award.code, award.measure, year, award.gross, award.withheld, pot)
        paid = payable_of(line, book, shares)
        adjustment = Pending(
            award.code, award.measure, paid.gross - paid.withheld, award.settled, award.accepted
        )
        if adjustment.amount:
            adjustments.append(adjustment)
        if len(adjustments) == limit:
            break
    return adjustments


def pot_now(rows: Rows, book: Rulebook, code: str, measure: str, year: int) -> str:
    """The pot that an award which was not settled belongs to, by its enterprise's town as it now stands."""
    if not book.divides:
        return ""
    row = read_row(rows, "SELECT town FROM enterprises WHERE code=?", [code])
    return book.pot_of(year, measure, str(row[0]) if row else "")


def pending_count(ledger: Ledger, rows: Rows, policy: str, year: int, most: int) -> int:
    """How many adjustments are proposed, at most ``most``: counted once for what they rest on.

    Whenever an award of the year changes, its total is written anew, at a later position; what was
    accepted and clawed back is never taken out.
    """
    state = read_row(
        rows,
        "SELECT (SELECT MAX(position) FROM totals WHERE policy=? AND year=? AND kind='measure'), "
        "(SELECT COUNT(*) FROM adjustments WHERE policy=? AND year=?), "
        "(SELECT COUNT(*) FROM clawbacks WHERE policy=? AND year=?)",
        [policy, year] * 3,
    )
    key = ("pending", policy, year, most, *(state or ()))
    count: int | None = ledger.kept.get(key)
    if count is None:
        count = len(pending(rows, policy, year, limit=most))
        keep(ledger, key, count)
    return count


class OfEnterprise(Protocol):
    """What concerns one enterprise, by its credit code."""

    @property
    def code(self) -> str:
        """Of the enterprise."""


def whole_enterprises(adjustments: Sequence[OfEnterprise], limit: int) -> int:
    """How many of at most ``limit + 1`` stand on a page that no enterprise's are cut by."""
    if len(adjustments) <= limit:
        return limit
    count = limit
    while count > 1 and adjustments[count - 1].code == adjustments[count].code:
        count -= 1
    return count
