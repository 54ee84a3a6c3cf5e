"""What of a year, and of the years before it, is open now."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from domain.events.instants import instant
from domain.events.settlements import OpenMatter
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.open_matters import AwardStanding, Finding, digest_matters, find_in_account, sum_up
from domain.settlement.payables import Line, payable_of
from ledger.policies.versions import rulebook
from ledger.projections.closings import CHUNK, closings
from ledger.reading.open_matters.accounts import read_account_steps, read_late_event, read_open_codes
from ledger.reading.open_matters.cases import find_open_cases
from ledger.reading.years import list_years
from ledger.settlement.pending import Pending, pending, pot_now
from ledger.store.application import Ledger
from ledger.store.rows import Rows, read_row

PENDING_MAX = 2**31


class OpenMatters(NamedTuple):
    """What is open of a policy's years up to one, those with most money first."""

    policy: str
    year: int
    currency: str
    matters: tuple[OpenMatter, ...]

    @property
    def digest(self) -> str:
        """By which an acknowledgement names the list (SHA-256, hex)."""
        return digest_matters(self.policy, self.year, self.matters)

    @property
    def item_count(self) -> int:
        """How many things there are, of all kinds."""
        return sum(matter.item_count for matter in self.matters)

    @property
    def amount_fen(self) -> int:
        """What they are about, in fen; what has no amount is not in it."""
        return sum(matter.amount_fen for matter in self.matters)


def read_open_matters(ledger: Ledger, rows: Rows, policy: str, year: int) -> OpenMatters:
    """What is open of a year and the years before it.

    It costs a pass over the awards of each closed year, and reading the events of each enterprise with
    something open.

    Raises:
        UnknownPolicy.
    """
    book = rulebook(rows, policy)
    findings = [*find_open_cases(rows, book, year, instant(ledger.clock()))]
    for closed in sorted(closings(rows, policy)):
        if closed <= year:
            findings += _find_in_closed_year(rows, book, closed)
    return OpenMatters(policy, year, book.latest.currency, sum_up(findings))


def list_open_matters(ledger: Ledger, rows: Rows) -> list[OpenMatters]:
    """What is open of each policy, up to its last year in the ledger; see ``read_open_matters``."""
    policies = (str(policy) for (policy,) in rows.all("SELECT DISTINCT policy FROM policies ORDER BY policy"))
    last_years = ((policy, max(list_years(rows, policy), default=0)) for policy in policies)
    return [read_open_matters(ledger, rows, policy, year) for policy, year in last_years if year]


def _find_in_closed_year(rows: Rows, book: Rulebook, year: int) -> Iterator[Finding]:
    """What late facts, payments and clawbacks left open of a closed year."""
    standings = {
        code: list(awards)
        for code, awards in groupby(_read_standings(rows, book, year), key=lambda each: each.code)
    }
    codes = sorted({*standings, *read_open_codes(rows, book.id, year)})
    for start in range(0, len(codes), CHUNK):
        chunk = codes[start : start + CHUNK]
        steps = read_account_steps(rows, book.id, year, chunk)
        for code in chunk:
            awards = [each.award for each in standings.get(code, [])]
            yield from find_in_account(code, year, steps.get(code, ()), awards)


class _Standing(NamedTuple):
    code: str
    award: AwardStanding


def _read_standings(rows: Rows, book: Rulebook, year: int) -> Iterator[_Standing]:
    """The awards of a closed year that are no longer what was settled, by enterprise."""
    closing = closings(rows, book.id)[year]
    shares, late = division_of(closing), dict[str, tuple[int, str]]()
    for adjustment in pending(rows, book.id, year, limit=PENDING_MAX):
        code, measure = adjustment.code, adjustment.measure
        if code not in late:
            late[code] = read_late_event(rows, code, closing.known)
        settled_fen, pot = _read_settled(rows, book, year, adjustment)
        should = max(adjustment.now - max(adjustment.accepted, 0), 0)
        right_fen = payable_of(Line(code, measure, year, should, 0, pot), book, shares).payable
        award = AwardStanding(measure, adjustment.amount, settled_fen, right_fen, *late[code])
        yield _Standing(code, award)


def _read_settled(rows: Rows, book: Rulebook, year: int, adjustment: Pending) -> tuple[int, str]:
    """What the closed list paid of an award, in fen, and the pot that pays it."""
    sql = (
        "SELECT payable, pot FROM settlement_lines "
        "WHERE policy=? AND year=? AND code=? AND measure=? AND award_year=?"
    )
    row = read_row(rows, sql, [book.id, year, adjustment.code, adjustment.measure, year])
    if row is None:
        return 0, pot_now(rows, book, adjustment.code, adjustment.measure, year)
    return int(row[0]), str(row[1])
