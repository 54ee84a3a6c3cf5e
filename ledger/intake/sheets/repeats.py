"""Rows that report again what was reported before: in their file, or in the ledger, perhaps retracted since.

A row's id follows from what it says, so that the same file counts once. Reported anew, it has the next
id of a series that follows from the first (``next_id``): the same file sent once more finds both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

import msgspec

from domain.events.amendments import Amendment, FactRetracted
from domain.events.event import SEP, key_of
from domain.facts.folding import EnterpriseFacts, amended_key
from ledger.intake.sheets.rows import ID_PREFIX, MarkedFault, matter_of
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored


class RecordedReport(NamedTuple):
    """Where an event stands in the ledger, and where its retraction does; 0: it was not retracted."""

    position: int
    retracted_at: int = 0


@dataclass(slots=True)
class RecordedFacts:
    """What the ledger has recorded of some enterprises."""

    by_matter: dict[str, list[Stored]] = field(default_factory=dict)
    """Facts that stand, as corrections leave them, by what they are about."""
    by_key: dict[str, RecordedReport] = field(default_factory=dict)
    """Every event by what identifies it."""


class RowFinding(NamedTuple):
    """What a row was found to be without the inbox; ``next_id``: under which id it could be reported anew."""

    state: str
    marked: list[MarkedFault]
    next_id: str = ""


def read_recorded(rows: Rows, subjects: Iterable[str], names: set[str]) -> RecordedFacts:
    """What is recorded of enterprises, of some kinds."""
    recorded, facts_by_code = RecordedFacts(), dict[str, EnterpriseFacts]()
    retractions: dict[str, int] = {}
    sql = f"{SELECT} WHERE originator_id IN ({{}})"
    events = sorted((stored(row) for row in rows.all_in(sql, set(subjects))), key=attrgetter("position"))
    for event in events:
        content = event.fact.content
        if isinstance(content, Amendment):
            facts_by_code.setdefault(event.originator, EnterpriseFacts()).add(event.fact)
        if isinstance(content, FactRetracted):
            retractions[amended_key(content)] = event.position
    for event in events:
        retracted_at = retractions.get(f"{event.fact.key}{SEP}{event.fact.name}", 0)
        recorded.by_key[event.fact.key] = RecordedReport(event.position, retracted_at)
        facts = facts_by_code.get(event.originator)
        effective = facts.effective(event.fact) if facts else event.fact.content
        if event.fact.name in names and effective is not None:
            fact = msgspec.structs.replace(event.fact, content=effective)
            matter = matter_of(event.originator, fact)
            recorded.by_matter.setdefault(matter, []).append(event._replace(fact=fact))
    return recorded


def next_id(event_id: str, number: int) -> str:
    """The id under which a row is reported for the ``number``-th time more; 0: its own."""
    if number == 0:
        return event_id
    return ID_PREFIX + hashlib.blake2b(f"{event_id}{SEP}{number}".encode(), digest_size=12).hexdigest()


@dataclass(slots=True)
class ReportSeries:
    """The reports that one id and those that follow from it name: recorded ones, and ids that are free."""

    recorded: RecordedFacts
    source: str
    event_id: str
    standing: int = 0
    """How many count."""
    retracted: list[RecordedReport] = field(default_factory=list)
    free_ids: list[str] = field(default_factory=list)
    looked_at: int = 0

    def look_on(self, rows: int) -> None:
        """Look until there is an id for so many rows, were none of them recorded."""
        while len(self.free_ids) < rows:
            event_id = next_id(self.event_id, self.looked_at)
            self.looked_at += 1
            report = self.recorded.by_key.get(key_of(self.source, event_id))
            if report is None:
                self.free_ids.append(event_id)
            elif report.retracted_at:
                self.retracted.append(report)
            else:
                self.standing += 1
