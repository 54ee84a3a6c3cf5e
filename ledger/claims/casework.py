"""Claims as people work on them: the queue of a year, and one claim's file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from domain.claims.steps import OPEN, ClaimFile, file_of
from domain.events.amendments import FollowUp
from domain.events.claims import ClaimEvent, ClaimSubmitted, Evidence
from domain.events.event import SEP, key_of
from domain.events.instants import SHANGHAI
from domain.facts.claims import file_key
from domain.policy.model import Measure
from domain.policy.rulebook import Rulebook
from ledger.policies.versions import rulebook
from ledger.projections.enterprises import load
from ledger.reading.records import list_sources, read_enterprise, read_history
from ledger.store.rows import Row, Rows
from ledger.store.stored_events import Stored

STATUSES = (*OPEN, "approved", "rejected", "withdrawn")
"""In the order in which claims are worked on."""
_COLUMNS = ("code", "claim", "measure", "item", "year", "status", "amount")

After = tuple[str, str]
"""Credit code and file number of the last claim of a page."""


@dataclass(frozen=True, slots=True)
class Casefile:
    """One claim with all that bears on it."""

    code: str
    claim: str
    measure_id: str
    measure: Measure | None
    file: ClaimFile
    events: list[Stored]
    """Its steps, in order of recording."""
    bearing: list[Stored]
    """The enterprise's other events that bear on the measure."""
    appeal_until: str | None
    """The last day of an appeal, where it was rejected."""

    @property
    def evidence(self) -> list[Evidence]:
        """References to documents, of every step."""
        contents = (event.fact.content for event in self.events)
        submitted = (content for content in contents if isinstance(content, ClaimSubmitted))
        return [document for content in submitted for document in content.evidence or ()]


class ClaimEntry(NamedTuple):
    """A claim in a list, with its enterprise's name and town."""

    code: str
    claim: str
    measure: str
    item: str
    year: int
    status: str
    amount: int | None
    """In fen; ``None`` before one is proposed."""
    name: str
    town: str
    at: str
    """When its last step was (UTC); empty where unknown."""


def counts(rows: Rows, policy: str, year: int) -> dict[str, int]:
    """How many claims of a year stand at each status."""
    sql = "SELECT status, COUNT(*) FROM claims WHERE policy=? AND year=? GROUP BY status"
    count_by_status = {status: int(number) for status, number in rows.all(sql, [policy, year])}
    return {status: count_by_status.get(status, 0) for status in STATUSES}


def queue(
    rows: Rows, policy: str, year: int, status: str | None, after: After | None, limit: int
) -> list[ClaimEntry]:
    """A year's claims at a status, or all, in order of credit code and file number."""
    where, values = "policy=? AND year=?", list[Any]([policy, year])
    if status is not None:
        where, values = f"{where} AND status=?", [*values, status]
    if after is not None:
        where, values = f"{where} AND (code, claim)>(?,?)", [*values, *after]
    sql = f"SELECT {', '.join(_COLUMNS)} FROM claims WHERE {where} ORDER BY code, claim LIMIT ?"
    return _with_names(rows, policy, rows.all(sql, [*values, limit]))


def of_enterprise(rows: Rows, policy: str, code: str, limit: int) -> list[ClaimEntry]:
    """One enterprise's claims, the newest year first."""
    sql = (
        f"SELECT {', '.join(_COLUMNS)} FROM claims WHERE policy=? AND code=? "
        "ORDER BY year DESC, claim LIMIT ?"
    )
    return _with_names(rows, policy, rows.all(sql, [policy, code, limit]))


def _with_names(rows: Rows, policy: str, claims: list[Row]) -> list[ClaimEntry]:
    """Claims with the enterprise's name and town, and when their last step was."""
    enterprises = load(rows, {claim[0] for claim in claims}, whole=False)
    entries = []
    for code, claim, measure, item, year, status, amount in claims:
        row = enterprises[code]
        latest = row.facts.claims[file_key(policy, claim)].latest
        fen = None if amount is None else int(amount)
        at = latest.partition(SEP)[0]
        entries.append(ClaimEntry(code, claim, measure, item, year, status, fen, row.name, row.town, at))
    return entries


def casefile(rows: Rows, policy: str, code: str, claim: str) -> Casefile | None:
    """One claim's file; ``None`` where there is no such claim.

    Raises:
        UnknownPolicy, UnknownEnterprise.
    """
    book = rulebook(rows, policy)
    events = read_history(rows, code)
    facts = read_enterprise(rows, code, whole=True).facts
    file = file_of(facts, [event.fact for event in events], policy, claim)
    if file is None:
        return None
    own = _steps(events, policy, claim)
    measure = _measure(book, file)
    bearing = list_sources(events, measure, facts) if measure else []
    mine = {event.position for event in own}
    return Casefile(
        code,
        claim,
        file.measure,
        measure,
        file,
        own,
        [event for event in bearing if event.position not in mine],
        _appeal_until(book, file),
    )


def _steps(events: list[Stored], policy: str, claim: str) -> list[Stored]:
    """The claim's own events, and what corrects or retracts one of them."""
    keys = {event.fact.key for event in events if _is_of(event, policy, claim)}
    return [event for event in events if event.fact.key in keys or _amends(event, keys)]


def _amends(event: Stored, keys: set[str]) -> bool:
    content = event.fact.content
    return isinstance(content, FollowUp) and key_of(content.of_source, content.of) in keys


def _is_of(event: Stored, policy: str, claim: str) -> bool:
    content = event.fact.content
    return isinstance(content, ClaimEvent) and (content.policy, content.claim) == (policy, claim)


def _measure(book: Rulebook, file: ClaimFile) -> Measure | None:
    measure = book.measure_of_year(file.measure, file.year)
    if measure is None and file.measure in book.segments:
        return book.segments[file.measure][-1].measure
    return measure


def _appeal_until(book: Rulebook, file: ClaimFile) -> str | None:
    if file.status != "rejected" or not file.rejected_at:
        return None
    day: date = datetime.fromisoformat(file.rejected_at).astimezone(SHANGHAI).date()
    return (day + timedelta(days=book.of_year(file.year).procedure.appeal_days)).isoformat()
