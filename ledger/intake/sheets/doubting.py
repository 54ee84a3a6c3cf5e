"""Which rows of a file would disagree with others, in the file or the ledger, and what would be held.

Kept in the file's own database: a hundred thousand rows may all disagree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from domain.disagreements.matters import Party, words_of
from domain.events.amendments import FactDecided, FactHeld
from domain.events.event import SEP
from ledger.intake.reconciling import Changes
from ledger.projections.disagreements import (
    COUNTS,
    NOT,
    DisagreementTables,
    DisputedFact,
    Entry,
    EntryKey,
    Hold,
    MatterParty,
    Span,
)
from ledger.reading.disagreements import names_of_values
from ledger.store.rows import Rows

_TABLES = """
CREATE TABLE IF NOT EXISTS matters (
  matter TEXT, key TEXT, code TEXT, source TEXT, value TEXT, gone INTEGER, PRIMARY KEY (matter, code, key))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doubts (
  disagreement TEXT, key TEXT, code TEXT, event TEXT, policy TEXT, rule TEXT, kind TEXT, matter TEXT,
  value TEXT, held INTEGER, id TEXT, outcome TEXT, PRIMARY KEY (disagreement, key));
CREATE TABLE IF NOT EXISTS ends (
  disagreement TEXT, key TEXT, outcome TEXT, held INTEGER, PRIMARY KEY (disagreement, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (code TEXT, name TEXT, content TEXT);
CREATE INDEX IF NOT EXISTS matters_by_key ON matters (key);
CREATE INDEX IF NOT EXISTS doubts_by_key ON doubts (key);
CREATE INDEX IF NOT EXISTS doubts_by_code ON doubts (code, kind);
CREATE INDEX IF NOT EXISTS holds_by_code ON holds (code);
"""
_ENTRY = "SELECT disagreement, key, code, event, matter, value, held, outcome FROM doubts"
_OF_FILE = "doubts d JOIN rows r ON r.id=d.id AND r.state='new' AND d.outcome IS NULL"


@dataclass(slots=True)
class Doubts:
    """What one trial finds."""

    db: sqlite3.Connection
    source: str = ""
    """Whose facts the file's are."""

    def begin(self) -> None:
        """Forget what an earlier trial found."""
        self.db.executescript(
            f"{_TABLES}DELETE FROM matters; DELETE FROM doubts; DELETE FROM ends; DELETE FROM holds;"
        )

    def note(self, changes: Changes) -> None:
        """Keep what a batch would change."""
        write = self.db.executemany
        self.db.execute("BEGIN")
        for is_gone, parties in ((1, changes.removed_parties), (0, changes.added_parties)):
            values = [(matter, *party, is_gone) for matter, party in parties]
            write("INSERT OR REPLACE INTO matters VALUES (?,?,?,?,?,?)", values)
        marks = ",".join("?" * 11)
        facts = changes.disputed_facts
        write(f"INSERT OR REPLACE INTO doubts VALUES ({marks},NULL)", map(self._values, facts))
        write("DELETE FROM ends WHERE disagreement=? AND key=?", [fact.entry_key for fact in facts])
        ends = changes.ended_entries
        outcomes = [(end.outcome, end.disagreement, end.key) for end in ends]
        write("UPDATE doubts SET outcome=? WHERE disagreement=? AND key=?", outcomes)
        entries = [(*entry.entry_key, entry.outcome, entry.hold) for entry in changes.updated_entries]
        write("INSERT OR REPLACE INTO ends VALUES (?,?,?,?)", entries)
        write("INSERT OR REPLACE INTO ends VALUES (?,?,?,NULL)", ends)
        holds = [
            (hold.code, type(hold.content).__name__, msgspec.json.encode(hold.content).decode())
            for hold in changes.holds
        ]
        write("INSERT INTO holds VALUES (?,?,?)", holds)
        self.db.execute("COMMIT")

    def _values(self, fact: DisputedFact) -> tuple[object, ...]:
        source, _, event_id = fact.party.key.partition(SEP)
        return (*fact.row(), event_id if source == self.source else "")

    def holds(self, codes: Iterable[str]) -> list[Hold]:
        """The events that would hold facts of these enterprises, or let them count again."""
        sql = "SELECT code, name, content FROM holds WHERE code=? ORDER BY rowid"
        rows = [row for code in codes for row in self.db.execute(sql, [code])]
        return [Hold(code, _hold_of(name, content)) for code, name, content in rows]

    def any_held(self) -> bool:
        """Whether anything would be held or released, of the file or of what is recorded."""
        return bool(self.db.execute("SELECT 1 FROM holds LIMIT 1").fetchone())

    def other_enterprises(self, most: int) -> Iterator[list[str]]:
        """Enterprises of whom recorded facts would be held, and of whom the file has no row to try."""
        sql = (
            "SELECT DISTINCT code FROM holds WHERE code>? AND code NOT IN "
            "(SELECT subject FROM rows WHERE state='new') ORDER BY code LIMIT ?"
        )
        last_code = ""
        while codes := [code for (code,) in self.db.execute(sql, [last_code, most])]:
            yield codes
            last_code = codes[-1]

    def counts(self) -> dict[str, int]:
        """How many rows of the file would be noted only, and how many held."""
        rows = f"SELECT MAX(d.held) AS held FROM {_OF_FILE} GROUP BY r.n"
        counts_by_hold = dict(
            self.db.execute(f"SELECT held, COUNT(*) FROM ({rows}) GROUP BY held").fetchall()
        )
        return {"noted": counts_by_hold.get(0, 0), "held": counts_by_hold.get(1, 0)}

    def list_rows(self, limit: int) -> Iterator[dict[str, Any]]:
        """Rows of the file that disagree: sheet, row, enterprise, whether held, and why in words."""
        sql = (
            "SELECT r.sheet, r.row, d.code, d.kind, d.event, d.matter, d.held, d.disagreement "
            f"FROM {_OF_FILE} ORDER BY r.n, d.disagreement LIMIT ?"
        )
        for sheet, row, code, kind, event, matter, is_held, disagreement in self.db.execute(sql, [limit]):
            row_document = {
                "sheet": sheet,
                "row": row,
                "enterprise": code,
                "kind": kind,
                "held": bool(is_held),
            }
            yield {**row_document, "words": self._words(disagreement, kind, event, matter)}

    def _words(self, disagreement: str, kind: str, event: str, matter: str) -> dict[str, str]:
        sql = "SELECT DISTINCT value FROM doubts WHERE disagreement=? AND value<>'' ORDER BY value LIMIT 10"
        values = [value for (value,) in self.db.execute(sql, [disagreement])]
        sql = "SELECT COUNT(DISTINCT code) FROM doubts WHERE disagreement=?"
        (codes,) = self.db.execute(sql, [disagreement]).fetchone()
        if kind == "outlier":
            sql = "SELECT SUM(CAST(value AS INTEGER)) FROM doubts WHERE disagreement=? AND outcome IS NULL"
            values = [str(self.db.execute(sql, [disagreement]).fetchone()[0] or 0)]
        return words_of(kind, event, matter, values, codes, names_of_values())


class SupposedTables(DisagreementTables):
    """What is kept, as it would be with the rows of a file that were tried before."""

    def __init__(self, rows: Rows, doubts: Doubts) -> None:
        super().__init__(rows)
        self.db = doubts.db

    def spans(self, matters: Iterable[str]) -> dict[str, Span]:
        """Who is first and last among those of each matter."""
        names = list(matters)
        spans = super().spans(names)
        sql = "SELECT MIN(code), MAX(code), MAX(gone) FROM matters WHERE matter=?"
        for matter in names:
            first, last, is_gone = self.db.execute(sql, [matter]).fetchone()
            if is_gone:
                codes = [party.code for party in self.parties([matter])[matter]]
            else:
                codes = [code for code in (first, last, *spans.get(matter, ())) if code is not None]
            spans.pop(matter, None)
            if codes:
                spans[matter] = min(codes), max(codes)
        return spans

    def disputed(self, disagreements: Iterable[str]) -> set[str]:
        """Which of these disagreements were found before."""
        names = list(disagreements)
        sql = "SELECT 1 FROM doubts WHERE disagreement=? LIMIT 1"
        return super().disputed(names) | {name for name in names if self.db.execute(sql, [name]).fetchone()}

    def parties(self, matters: Iterable[str]) -> dict[str, list[Party]]:
        """The facts of each matter."""
        names = list(matters)
        stored = super().parties(names)
        return {matter: self._with_file(matter, stored.get(matter, ())) for matter in names}

    def _with_file(self, matter: str, stored: Iterable[Party]) -> list[Party]:
        """The facts of a matter, with those of the file and without those that it takes back."""
        parties = {party.key: party for party in stored}
        sql = "SELECT key, code, source, value, gone FROM matters WHERE matter=?"
        for *values, is_gone in self.db.execute(sql, [matter]):
            party = Party(*values)
            if is_gone:
                parties.pop(party.key, None)
            else:
                parties[party.key] = party
        return list(parties.values())

    def matters_of(self, keys: Iterable[str]) -> list[MatterParty]:
        """What these facts are about."""
        fact_keys = list(keys)
        parties = {(matter, party.key): party for matter, party in super().matters_of(fact_keys)}
        sql = "SELECT matter, key, code, source, value, gone FROM matters WHERE key=?"
        for key in fact_keys:
            for matter, *values, is_gone in self.db.execute(sql, [key]):
                if is_gone:
                    parties.pop((matter, key), None)
                else:
                    parties[matter, key] = Party(*values)
        return [MatterParty(matter, party) for (matter, _), party in parties.items()]

    def entries(self, keys: Iterable[str]) -> dict[EntryKey, Entry]:
        """What was found of these facts."""
        fact_keys = list(keys)
        of_file = self._entries_of_file("key=?", [[key] for key in fact_keys])
        return self._with_trial(super().entries(fact_keys) | of_file)

    def waiting(self, disagreements: Iterable[str]) -> dict[EntryKey, Entry]:
        """What ends in these disagreements once nothing disagrees."""
        names = list(disagreements)
        of_file = self._entries_of_file("disagreement=?", [[name] for name in names])
        entries = self._with_trial(super().waiting(names) | of_file)
        return {entry_key: entry for entry_key, entry in entries.items() if entry.settles}

    def decided(self, disagreements: Iterable[str]) -> list[Entry]:
        """What somebody decided in these disagreements, and the file leaves as it is."""
        entries = {entry.entry_key: entry for entry in super().decided(disagreements)}
        return [entry for entry in self._with_trial(entries).values() if entry.outcome in (COUNTS, NOT)]

    def of_enterprises(self, codes: Iterable[str], kind: str) -> dict[EntryKey, Entry]:
        """What was found of a kind of disagreement in these enterprises."""
        some_codes = list(codes)
        of_file = self._entries_of_file("code=? AND kind=?", [[code, kind] for code in some_codes])
        return self._with_trial(super().of_enterprises(some_codes, kind) | of_file)

    def _with_trial(self, entries: dict[EntryKey, Entry]) -> dict[EntryKey, Entry]:
        """With what the rows that were tried would change of them."""
        sql = "SELECT outcome, held FROM ends WHERE disagreement=? AND key=?"
        changed = {}
        for entry_key, entry in entries.items():
            end = self.db.execute(sql, entry_key).fetchone()
            if end is not None:
                outcome, hold = end
                changed[entry_key] = entry._replace(outcome=outcome, hold=hold or entry.hold)
        return entries | changed

    def _entries_of_file(self, condition: str, values: Iterable[list[str]]) -> dict[EntryKey, Entry]:
        sql = f"{_ENTRY} WHERE {condition}"
        entries = [Entry(*row) for marks in values for row in self.db.execute(sql, marks)]
        return {entry.entry_key: entry for entry in entries}


def _hold_of(name: str, content: str) -> FactHeld | FactDecided:
    if name == FactHeld.__name__:
        return msgspec.json.decode(content, type=FactHeld)
    return msgspec.json.decode(content, type=FactDecided)
