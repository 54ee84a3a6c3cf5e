"""A year's factor over time, as the ledger knew it: from the history of totals, never by a replay."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction

from domain.events.instants import SHANGHAI, instant
from domain.money.amounts import Apportionment
from domain.money.dividing import in_turn
from domain.settlement.figures import division_of
from domain.settlement.payables import basis, shares_budget
from ledger.budget.pools import brought_in_sums, open_years
from ledger.policies.versions import UnknownPolicy, budget_of, rulebook
from ledger.projections.closings import closing_of
from ledger.store.moments import known_between, position_before
from ledger.store.rows import Rows, read_row

POINTS_MAX = 60
"""Most days that one answer names."""


class NoFactor(LookupError):
    """Towns say which budget pays, and the history of totals does not tell towns apart."""


def factor_over_time(rows: Rows, policy: str, year: int) -> list[tuple[str, Fraction]]:
    """(day in Asia/Shanghai, factor by its end) from the ledger's first record to its last.

    At most ``POINTS_MAX`` days, equally far apart; days before the policy came are left out. Where
    towns say which budget pays, an open year has none (``NoFactor``).
    """
    ends = known_between(rows)
    if ends is None:
        return []
    first, last = (datetime.fromisoformat(at).astimezone(SHANGHAI).date() for at in ends)
    days = (last - first).days
    step = max(1, -(-days // (POINTS_MAX - 1)))
    wanted = sorted({min(first + timedelta(days=n), last) for n in range(0, days + step, step)})
    points = []
    for day in wanted:
        position = _position_at_end(rows, day)
        try:
            points.append((day.isoformat(), factor_at(rows, policy, year, position)))
        except (UnknownPolicy, NoFactor):
            continue
    return points


def read_adoption(rows: Rows, policy: str) -> int:
    """The position at which a policy that the ledger holds was first adopted: before it, nothing is known."""
    return int(rows.all("SELECT MIN(position) FROM policies WHERE policy=?", [policy])[0][0])


def _position_at_end(rows: Rows, day: date) -> int:
    after = day + timedelta(days=1)
    bound = instant(datetime(after.year, after.month, after.day, tzinfo=SHANGHAI))
    return position_before(rows, bound) or 0


def factor_at(rows: Rows, policy: str, year: int, position: int) -> Fraction:
    """The factor as it stood after a position: O(measures · log n), without folding a fact.

    Raises:
        UnknownPolicy: where the ledger did not hold the policy then.
        NoFactor: of an open year whose budgets are told apart by town.
    """
    book = rulebook(rows, policy, position)
    closing = closing_of(rows, policy, year, position)
    if closing is not None:
        return division_of(closing).factor
    if book.by_town:
        raise NoFactor(policy)
    budget, pots = budget_of(rows, book, year, position), book.of_year(year).pots
    totals = dict.fromkeys(pots, 0)

    def add(of: int, measure: str, fen: int) -> None:
        if shares_budget(book.of_year(of), measure):
            pot = book.pot_of(of, measure, "")
            totals[pot] = totals.get(pot, 0) + fen

    names = "SELECT year, name FROM totals WHERE policy=? AND kind='measure'"
    then = (
        "SELECT gross, withheld FROM totals_history WHERE policy=? AND year=? AND kind='measure' AND name=? "
        "AND position<=? ORDER BY position DESC LIMIT 1"
    )
    years = open_years(rows, book, year, position)
    for of, measure in rows.all(names, [policy]):
        row = read_row(rows, then, [policy, of, measure, position]) if of in years else None
        if row:
            add(of, measure, basis(book.of_year(of), int(row[0]), int(row[1])))
    for (of, measure), fen in brought_in_sums(rows, book, year, position).items():
        add(of, measure, fen)
    return in_turn(totals, budget.amounts, lambda pot, fen: Apportionment(fen, totals[pot])).factor
