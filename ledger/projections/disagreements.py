"""What is kept of facts that disagree: what each is about (``matters``), and what was found of it.

Every look-up is by an index and of bounded size, but for the facts of a matter that begins or
ceases to be disputed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from domain.disagreements.matters import Party
from domain.events.amendments import (
    FactCorrected,
    FactDecided,
    FactHeld,
    FactRetracted,
    SpellingsDecided,
)
from domain.events.event import SEP
from domain.policy.model import DisagreementRule
from ledger.store.rows import Row, Rows

WITHDRAWN, SETTLED = "withdrawn", "settled"
"""Outcomes without a decision: the fact was taken back, or nothing is left to disagree with."""
ENDED = (WITHDRAWN, SETTLED)
COUNTS, NOT = "counts", "does-not-count"
"""Outcomes that somebody decided."""
AGREES = "agrees"
"""The outcome of a fact that another source reports alike: what both say counts once."""
REOPENED = 2
"""In place of 1 for a fact that is held: somebody decided against it, for one that was taken back."""
UNDECIDED = 10_000
"""Most enterprises with held facts that are told at once."""
Span = tuple[str, str]
"""The first and the last credit code among the facts of a matter."""


class DisputedFact(NamedTuple):
    """A fact that disagrees, under a rule."""

    disagreement: str
    party: Party
    event: str
    policy: str
    rule: DisagreementRule
    matter: str
    agrees: bool = False
    """Whether another source says the same, so that there is nothing to decide."""

    @property
    def entry_key(self) -> EntryKey:
        """What its entry is found by."""
        return EntryKey(self.disagreement, self.party.key)

    @property
    def is_held(self) -> bool:
        """Whether it counts for no award until somebody decides."""
        return self.rule.then == "hold"

    def row(self) -> tuple[str, str, str, str, str, str, str, str, str, int]:
        """Its row, but the position."""
        party, rule = self.party, self.rule
        head = (self.disagreement, party.key, party.code, self.event, self.policy, rule.id, rule.kind)
        return (*head, self.matter, party.value, int(self.is_held))


class EntryKey(NamedTuple):
    """A disagreement and the key of one of its facts."""

    disagreement: str
    key: str


class MatterParty(NamedTuple):
    """A fact and one matter that it is about."""

    matter: str
    party: Party


class EntryEnd(NamedTuple):
    """What became of a fact that disagreed."""

    disagreement: str
    key: str
    outcome: str


class Entry(NamedTuple):
    """What was found of a fact before."""

    disagreement: str
    key: str
    code: str
    event: str
    matter: str
    value: str
    hold: int
    """0 where it counts, 1 where it waits, ``REOPENED`` where somebody had decided against it."""
    outcome: str | None

    @property
    def kind(self) -> str:
        """The kind of its disagreement, with which every matter begins."""
        return self.matter.partition(SEP)[0]

    @property
    def entry_key(self) -> EntryKey:
        """What it is found by."""
        return EntryKey(self.disagreement, self.key)

    @property
    def counts_not(self) -> bool:
        """Whether it keeps its fact from counting."""
        return self.outcome in (NOT, AGREES) or (self.outcome is None and self.hold > 0)

    @property
    def settles(self) -> bool:
        """Whether it ends by itself once nothing disagrees; what a person decided, only a person undoes."""
        return self.outcome == AGREES or (self.outcome is None and self.hold != REOPENED)


_ENTRY = "SELECT disagreement, key, code, event, matter, value, held, outcome FROM disagreements"


class DisagreementTables:
    """The tables of one transaction."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def spans(self, matters: Iterable[str]) -> dict[str, Span]:
        """Who is first and last among those of each matter, however many there are."""
        first_code = "(SELECT code FROM matters WHERE matter=asked.value LIMIT 1)"
        matters_with_facts = [
            matter for matter, code in self.rows.for_each(first_code, matters) if code is not None
        ]
        ends = "(SELECT {}(code) FROM matters WHERE matter=asked.value)"
        both_ends = f"{ends.format('MIN')}, {ends.format('MAX')}"
        return {
            matter: (first, last) for matter, first, last in self.rows.for_each(both_ends, matters_with_facts)
        }

    def disputed(self, disagreements: Iterable[str]) -> set[str]:
        """Which of these disagreements were found before."""
        sql = "SELECT disagreement FROM disputes WHERE disagreement IN ({})"
        return {row[0] for row in self.rows.all_in(sql, disagreements)}

    def parties(self, matters: Iterable[str]) -> dict[str, list[Party]]:
        """The facts of each matter; a matter without any is left out."""
        parties: dict[str, list[Party]] = {}
        sql = "SELECT matter, key, code, source, value FROM matters WHERE matter IN ({})"
        for matter, *party in self.rows.all_in(sql, matters):
            parties.setdefault(matter, []).append(Party(*party))
        return parties

    def sole_sources(self, matters: Iterable[str]) -> dict[str, str]:
        """Of matters of one enterprise, the source of all facts, where it is one; others are left out."""
        end = "(SELECT key FROM matters WHERE matter=asked.value ORDER BY code {0}, key {0} LIMIT 1)"
        ends = self.rows.for_each(f"{end.format('ASC')}, {end.format('DESC')}", matters)
        sources = (
            (m, *(key.partition(SEP)[0] for key in of_ends)) for m, *of_ends in ends if None not in of_ends
        )
        return {matter: first for matter, first, last in sources if first == last}

    def sums_by_source(self, matter: str) -> dict[str, int]:
        """What the facts of a matter come to, in fen, by source; their values must be amounts."""
        fen, part = "CAST(value AS BIGINT)", 1_000_000_000  # the sum of all may be beyond 64 bits
        sums = f"SUM({fen}/{part}), SUM({fen}-{fen}/{part}*{part})"
        summed_rows = self.rows.all(
            f"SELECT source, {sums} FROM matters WHERE matter=? GROUP BY source", [matter]
        )
        return {source: int(high) * part + int(low) for source, high, low in summed_rows}

    def matters_of(self, keys: Iterable[str]) -> list[MatterParty]:
        """What these facts are about."""
        sql = "SELECT matter, key, code, source, value FROM matters WHERE key IN ({})"
        return [MatterParty(matter, Party(*party)) for matter, *party in self.rows.all_in(sql, keys)]

    def entries(self, keys: Iterable[str]) -> dict[EntryKey, Entry]:
        """What was found of these facts, by disagreement and key."""
        return _by_name(self.rows.all_in(f"{_ENTRY} WHERE key IN ({{}})", keys))

    def waiting(self, disagreements: Iterable[str]) -> dict[EntryKey, Entry]:
        """What ends in these disagreements once nothing disagrees."""
        sql = f"{_ENTRY} WHERE (outcome IS NULL OR outcome=?) AND disagreement IN ({{}})"
        entries = _by_name(self.rows.all_in(sql, disagreements, [AGREES]))
        return {at: entry for at, entry in entries.items() if entry.settles}

    def decided(self, disagreements: Iterable[str]) -> list[Entry]:
        """What somebody decided in these disagreements."""
        sql = f"{_ENTRY} WHERE (outcome=? OR outcome=?) AND disagreement IN ({{}})"
        return [Entry(*row) for row in self.rows.all_in(sql, disagreements, [COUNTS, NOT])]

    def matters_waiting(self, disagreements: Iterable[str]) -> dict[str, str]:
        """By disagreement, what one of its facts that wait is about; left out where none waits."""
        return self._matters_of_one(disagreements, "outcome IS NULL")

    def matters_counting(self, disagreements: Iterable[str]) -> dict[str, str]:
        """The same of a fact that somebody decided to count."""
        return self._matters_of_one(disagreements, f"outcome='{COUNTS}'")

    def _matters_of_one(self, disagreements: Iterable[str], condition: str) -> dict[str, str]:
        of_one = f"(SELECT matter FROM disagreements WHERE disagreement=asked.value AND {condition} LIMIT 1)"
        matters = self.rows.for_each(of_one, disagreements)
        return {disagreement: matter for disagreement, matter in matters if matter is not None}

    def is_any_aside(self, code: str, event: str) -> bool:
        """Whether a fact of a kind of an enterprise counts for nothing: it waits, or it was decided."""
        sql = (
            "SELECT 1 FROM disagreements WHERE code=? AND event=? AND "
            "(outcome=? OR outcome=? OR (outcome IS NULL AND held>0)) LIMIT 1"
        )
        return bool(self.rows.all(sql, [code, event, NOT, AGREES]))

    def of_enterprises(self, codes: Iterable[str], kind: str) -> dict[EntryKey, Entry]:
        """What was found of a kind of disagreement in these enterprises."""
        sql = f"{_ENTRY} WHERE kind=? AND code IN ({{}})"
        return _by_name(self.rows.all_in(sql, codes, [kind]))

    # --- writing ------------------------------------------------------------------------------

    def forget_parties(self, parties: Sequence[MatterParty]) -> None:
        """Facts are no longer about these matters."""
        sql = "DELETE FROM matters WHERE matter=? AND code=? AND key=?"
        self.rows.run_many(sql, [(matter, party.code, party.key) for matter, party in parties])

    def without_known(self, parties: Sequence[MatterParty]) -> list[MatterParty]:
        """Those of these facts that are not known to be about their matters yet."""
        sql = "SELECT matter, code, key FROM matters WHERE key IN ({})"
        known = {tuple(row) for row in self.rows.all_in(sql, {party.key for _, party in parties})}
        return [m for m in parties if (m.matter, m.party.code, m.party.key) not in known]

    def remember_parties(self, parties: Sequence[MatterParty]) -> None:
        """Facts are about these matters."""
        sql = "INSERT INTO matters (matter, key, code, source, value) VALUES (?,?,?,?,?)"
        self.rows.run_many(f"{sql} ON CONFLICT DO NOTHING", [(matter, *party) for matter, party in parties])

    def add_disputed_facts(self, disputed_facts: Sequence[DisputedFact], position: int) -> None:
        """Facts disagree that did not before, or not in this way."""
        columns = "disagreement, key, code, event, policy, rule, kind, matter, value, held, position"
        sql = (
            f"INSERT INTO disagreements ({columns}) VALUES ({','.join('?' * 11)}) "
            "ON CONFLICT (disagreement, key) DO UPDATE SET outcome=NULL, matter=excluded.matter, "
            "value=excluded.value, held=excluded.held"
        )
        self.rows.run_many(sql, [(*fact.row(), position) for fact in disputed_facts])
        steps = [
            (f.disagreement, f.party.key, position, None, f.matter, f.party.value, int(f.is_held))
            for f in disputed_facts
        ]
        self._note(steps)
        sql = (
            "INSERT INTO disputes (disagreement, position, waiting, latest) VALUES (?,?,1,?) "
            "ON CONFLICT (disagreement) DO UPDATE SET waiting=1, latest=excluded.latest"
        )
        disagreements = sorted({fact.disagreement for fact in disputed_facts})
        self.rows.run_many(sql, [(disagreement, position, position) for disagreement in disagreements])

    def update_entries(self, entries: Sequence[Entry], position: int) -> None:
        """Entries changed: their matter, whether they wait, what was decided."""
        sql = "UPDATE disagreements SET outcome=?, matter=?, held=? WHERE disagreement=? AND key=?"
        self.rows.run_many(sql, [(e.outcome, e.matter, e.hold, e.disagreement, e.key) for e in entries])
        self._note([(e.disagreement, e.key, position, e.outcome, e.matter, e.value, e.hold) for e in entries])
        self._stand({entry.disagreement for entry in entries}, position)

    def end_entries(self, ends: Sequence[EntryEnd], position: int) -> None:
        """Facts no longer disagree, or somebody decided."""
        sql = "UPDATE disagreements SET outcome=? WHERE disagreement=? AND key=?"
        self.rows.run_many(sql, [(end.outcome, end.disagreement, end.key) for end in ends])
        self._note([(end.disagreement, end.key, position, end.outcome, None, None, None) for end in ends])
        self._stand({end.disagreement for end in ends}, position)

    def note_decision(self, disagreement: str, position: int, actor: str, reason: str) -> None:
        """Who decided it, and why."""
        sql = "UPDATE disputes SET decided=?, actor=?, reason=? WHERE disagreement=?"
        self.rows.run(sql, [position, actor, reason, disagreement])

    def _stand(self, disagreements: Iterable[str], position: int) -> None:
        waits = "SELECT 1 FROM disagreements d WHERE d.disagreement=disputes.disagreement AND outcome IS NULL"
        sql = (
            f"UPDATE disputes SET waiting=CASE WHEN EXISTS ({waits}) THEN 1 ELSE 0 END, latest=? "
            "WHERE disagreement=?"
        )
        self.rows.run_many(sql, [(position, disagreement) for disagreement in sorted(disagreements)])

    def _note(self, steps: Sequence[tuple[Any, ...]]) -> None:
        sql = (
            "INSERT INTO disagreement_steps (disagreement, key, position, outcome, matter, value, held) "
            "VALUES (?,?,?,?,?,?,?) ON CONFLICT (disagreement, key, position) DO UPDATE SET "
            "outcome=excluded.outcome, matter=COALESCE(excluded.matter, disagreement_steps.matter), "
            "value=COALESCE(excluded.value, disagreement_steps.value), "
            "held=COALESCE(excluded.held, disagreement_steps.held)"
        )
        self.rows.run_many(sql, steps)


def undecided(rows: Rows, codes: Iterable[str] | None = None) -> dict[str, str]:
    """A disagreement by each enterprise (of these) with a fact that is held until somebody decides.

    Of all enterprises at most ``UNDECIDED`` are named.
    """
    select_held = "SELECT code, MIN(disagreement) FROM disagreements d WHERE outcome IS NULL AND held>0"
    if codes is not None:
        held_by_code = rows.all_in(f"{select_held} AND code IN ({{}}) GROUP BY code", codes)
    else:
        waits = "SELECT disagreement FROM disputes WHERE waiting=1"
        held_by_code = rows.all(
            f"{select_held} AND disagreement IN ({waits}) GROUP BY code LIMIT ?", [UNDECIDED]
        )
    return {row[0]: row[1] for row in held_by_code}


def _by_name(rows: Iterable[Row]) -> dict[EntryKey, Entry]:
    entries = (Entry(*row) for row in rows)
    return {entry.entry_key: entry for entry in entries}


class Hold(NamedTuple):
    """An event that the ledger has to record about one of an enterprise's facts."""

    code: str
    content: FactHeld | FactDecided | FactCorrected | FactRetracted | SpellingsDecided


def hold_fact(fact: DisputedFact) -> Hold:
    """The event that holds a fact."""
    source, _, event_id = fact.party.key.partition(SEP)
    hold = FactHeld(
        disagreement=fact.disagreement,
        of_source=source,
        of=event_id,
        of_type=fact.event,
        policy=fact.policy,
        rule=fact.rule.id,
    )
    return Hold(fact.party.code, hold)


def release_fact(entry: Entry, reason: str) -> Hold:
    """The event that lets a fact count again, since it no longer disagrees."""
    return decide_fact(entry.disagreement, entry.key, entry.code, entry.event, True, "", reason)


def decide_fact(
    disagreement: str, key: str, code: str, event: str, counts: bool, actor: str, reason: str
) -> Hold:
    """The event that says whether a fact counts; without an ``actor`` it follows from other facts."""
    source, _, event_id = key.partition(SEP)
    decision = FactDecided(
        disagreement=disagreement,
        of_source=source,
        of=event_id,
        of_type=event,
        counts=counts,
        actor=actor,
        reason=reason,
    )
    return Hold(code, decision)
