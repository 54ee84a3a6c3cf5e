"""What a batch finds of facts that disagree, held against what was found of them before.

What is new is opened, what stands is left, what no longer disagrees is ended; what somebody decided
holds for what the fact said then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.disagreements.matters import REPLACED
from ledger.intake.findings import Findings, Series
from ledger.projections.disagreements import (
    AGREES,
    COUNTS,
    ENDED,
    NOT,
    REOPENED,
    SETTLED,
    WITHDRAWN,
    DisagreementTables,
    DisputedFact,
    Entry,
    EntryEnd,
    EntryKey,
    Hold,
    MatterParty,
    hold_fact,
    release_fact,
)


@dataclass(slots=True)
class Changes:
    """What a batch changes of what is kept, and the events that follow."""

    removed_parties: list[MatterParty] = field(default_factory=list)
    added_parties: list[MatterParty] = field(default_factory=list)
    disputed_facts: list[DisputedFact] = field(default_factory=list)
    ended_entries: list[EntryEnd] = field(default_factory=list)
    updated_entries: list[Entry] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    def write(self, tables: DisagreementTables, position: int) -> None:
        """Write all of it; ``position`` is that of the batch's last message."""
        tables.forget_parties(self.removed_parties)
        tables.remember_parties(self.added_parties)
        tables.add_disputed_facts(self.disputed_facts, position)
        tables.end_entries(self.ended_entries, position)
        tables.update_entries(self.updated_entries, position)


class Reconciler:
    """What a batch's findings change of what is kept."""

    def __init__(self, tables: DisagreementTables, findings: Findings) -> None:
        self.tables, self.findings = tables, findings
        self.lost: set[EntryKey] = set()
        """What somebody decided to count, and no longer says what it said then."""
        self.changes = Changes()

    def reconcile(self, amended: set[str], amended_series: set[Series]) -> Changes:
        """Open what is new, leave what stands, end what no longer disagrees; nothing is written.

        Args:
            amended: keys of facts that the batch corrects or retracts.
            amended_series: what these are of.
        """
        disputed, parted, settled = self.findings.disputed, self.findings.parted, self.findings.settled
        keys = {key for _, key in [*disputed, *parted]} | amended
        before = self.tables.entries(keys) if keys else {}
        for entry_key, fact in disputed.items():
            self._open(fact, before.get(entry_key))
        for entry_key in parted & before.keys():
            self._end(before[entry_key], WITHDRAWN)
        waiting = self.tables.waiting(settled) if settled else {}
        waiting |= {
            at: entry
            for at, entry in before.items()
            if (entry.key in amended and self._is_over(entry))
            or entry.key in self.findings.reviewed_facts.get(entry.kind, ())
        }
        for kind, reviewed in self.findings.reviewed.items():
            waiting |= self._review(kind, reviewed, amended, amended_series)
        for entry_key in waiting.keys() - disputed.keys() - parted:
            self._end(waiting[entry_key], SETTLED)
        self._reopen()
        return self.changes

    def _is_over(self, entry: Entry) -> bool:
        """Whether a fact that was decided to count stands in a matter in which nothing disagrees."""
        return entry.outcome == COUNTS and entry.disagreement in self.findings.settled

    def _review(
        self, kind: str, reviewed: set[Series], amended: set[str], amended_series: set[Series]
    ) -> dict[EntryKey, Entry]:
        """What may end of enterprises that were looked at as a whole; what was decided may open again."""
        entries = {
            entry_key: (entry, Series(entry.code, REPLACED if kind == "replaced-code" else entry.event))
            for entry_key, entry in self.tables.of_enterprises({code for code, _ in reviewed}, kind).items()
        }
        entries = {entry_key: pair for entry_key, pair in entries.items() if pair[1] in reviewed}
        self.changes.updated_entries += [
            entry._replace(outcome=None, hold=REOPENED)
            for entry_key, (entry, series) in entries.items()
            if entry.outcome == NOT
            and entry_key not in self.findings.disputed
            and entry.key not in amended
            and series in amended_series
        ]
        return {at: entry for at, (entry, _) in entries.items() if entry.settles or entry.key in amended}

    def _open(self, fact: DisputedFact, entry: Entry | None) -> None:
        """What was decided of a fact holds for what it said then."""
        if entry is not None and entry.outcome not in ENDED and entry.value == fact.party.value:
            is_decided = entry.outcome in (COUNTS, NOT)
            is_as_before = (entry.outcome == AGREES) == fact.agrees and (
                entry.outcome == AGREES or entry.hold == REOPENED or bool(entry.hold) == fact.is_held
            )
            if is_decided or is_as_before:
                if entry.matter != fact.matter:
                    self.changes.updated_entries.append(entry._replace(matter=fact.matter))
                return
        elif entry is not None and entry.outcome == COUNTS:
            self.lost.add(entry.entry_key)
        self.changes.disputed_facts.append(fact)
        if fact.agrees:
            self.changes.ended_entries.append(EntryEnd(fact.disagreement, fact.party.key, AGREES))
        if fact.is_held and not (entry is not None and entry.counts_not):
            self.changes.holds.append(hold_fact(fact))
        elif entry is not None and entry.counts_not and not fact.is_held:
            self.changes.holds.append(release_fact(entry, "corrected"))

    def _reopen(self) -> None:
        """Decide anew what was decided against, once nothing is left that it was decided for."""
        decided = self.tables.decided({disagreement for disagreement, _ in self.lost}) if self.lost else []
        changed = (
            self.findings.parted
            | self.lost
            | {entry.entry_key for entry in self.changes.updated_entries}
            | {fact.entry_key for fact in self.changes.disputed_facts}
        )
        standing = [entry for entry in decided if entry.entry_key not in changed]
        won = {entry.disagreement for entry in standing if entry.outcome == COUNTS}
        self.changes.updated_entries += [
            entry._replace(outcome=None, hold=REOPENED) for entry in standing if entry.disagreement not in won
        ]

    def _end(self, entry: Entry, outcome: str) -> None:
        if entry.outcome in ENDED:
            return
        if entry.outcome == COUNTS:
            self.lost.add(entry.entry_key)
        self.changes.ended_entries.append(EntryEnd(entry.disagreement, entry.key, outcome))
        if entry.counts_not:
            is_corrected = outcome == WITHDRAWN or entry.outcome == NOT
            reason = "corrected" if is_corrected else "nothing disagrees"
            self.changes.holds.append(release_fact(entry, reason))
