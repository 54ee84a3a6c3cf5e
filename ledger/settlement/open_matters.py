"""What of a year, and of the years before it, is open now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed
from domain.events.instants import instant
from domain.events.second_person.requests import AcknowledgedMatters
from domain.events.settlements import OpenMatter
from domain.money.amounts import Amount, print_fen
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.open_matters import (
    KINDS,
    SETTLED_BY,
    AwardStanding,
    Finding,
    digest_matters,
    find_in_account,
    sum_up,
)
from domain.settlement.payables import Line, payable_as_now
from ledger.policies.versions import rulebook
from ledger.projections.closings import CHUNK, closings
from ledger.reading.open_matters.accounts import read_account_steps, read_late_event, read_open_codes
from ledger.reading.open_matters.cases import find_open_cases, sum_up_refused
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


def read_open_matters(ledger: Ledger, rows: Rows, policy: str, year: int, step: str = "") -> OpenMatters:
    """What is open of a year and the years before it, or what of it a ``step`` must acknowledge.

    It costs a pass over the awards of each closed year, and reading the events of each enterprise with
    something open.

    Raises:
        UnknownPolicy.
    """
    book = rulebook(rows, policy)
    findings = [*find_open_cases(rows, book, year, instant(ledger.clock()), step)]
    for closed in sorted(closings(rows, policy)):
        if closed <= year:
            findings += _find_in_closed_year(rows, book, closed)
    to_tell = (finding for finding in findings if not step or finding.kind not in SETTLED_BY[step])
    return OpenMatters(policy, year, book.latest.currency, (*sum_up(to_tell), *sum_up_refused(rows)))


class Acknowledging(NamedTuple):
    """What a caller acknowledges: the list of this digest, and why the step is taken all the same."""

    digest: str
    reason: str


def require_acknowledgement(
    ledger: Ledger,
    rows: Rows,
    policy: str,
    year: int,
    actor: Actor,
    step: str,
    acknowledging: Acknowledging | None,
) -> AcknowledgedMatters | None:
    """What is open before a step, as the caller acknowledges it; ``None`` where nothing is.

    Raises:
        NotAllowed: where something is open that was not acknowledged, or another list was; where the
            policy lets nobody take the step over it; and where a proposal rests on another list.
    """
    open_matters = read_open_matters(ledger, rows, policy, year, step)
    bars = rulebook(rows, policy).of_year(year).procedure.bars
    barring = [matter for matter in open_matters.matters if matter.kind in bars]
    if barring:
        raise NotAllowed("matters.barred", "year", matters=_name_matters(barring, open_matters.currency))
    if acknowledging is None and not open_matters.matters:
        return None
    if acknowledging is not None and acknowledging.digest == open_matters.digest:
        return AcknowledgedMatters(open_matters.matters, *acknowledging)
    if actor.confirming:
        raise NotAllowed("second.outdated", "waiting", waiting=actor.confirming)
    if not open_matters.matters:
        raise NotAllowed("matters.none", ACKNOWLEDGES)
    raise NotAllowed(
        "matters.open" if acknowledging is None else "matters.other",
        ACKNOWLEDGES,
        count=f"{open_matters.item_count:,}",
        amount=Amount(open_matters.amount_fen, open_matters.currency),
        matters=_name_matters(open_matters.matters, open_matters.currency),
        digest=open_matters.digest,
    )


ACKNOWLEDGES = "acknowledges"
"""The field of a request that names the digest of the list."""


def _name_matters(matters: Iterable[OpenMatter], currency: str) -> Mapping[str, str]:
    """Matters in a line, in both languages."""
    lines = [
        (KINDS[matter.kind], f"{matter.item_count:,} ({print_fen(matter.amount_fen, currency)})")
        for matter in matters
    ]
    return {
        "zh": "；".join(f"{words.zh} {sums}" for words, sums in lines),
        "en": "; ".join(f"{words.en}: {sums}" for words, sums in lines),
    }


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
        line = Line(code, measure, year, adjustment.now, 0, pot)
        right_fen = payable_as_now(line, adjustment.accepted, book, shares)
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
