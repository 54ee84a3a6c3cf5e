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
from ledger.intake.disagreements import Changes
from ledger.projections.disagreements import COUNTS, NOT, Entry, Found, Hold, Kept, Span, entry
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
        for gone, told in ((1, changes.gone), (0, changes.new)):
            write(
                "INSERT OR REPLACE INTO matters VALUES (?,?,?,?,?,?)", [(m, *each, gone) for m, each in told]
            )
        marks = ",".join("?" * 11)
        write(f"INSERT OR REPLACE INTO doubts VALUES ({marks},NULL)", map(self._values, changes.listed))
        listed = [(each.disagreement, each.party.key) for each in changes.listed]
        write("DELETE FROM ends WHERE disagreement=? AND key=?", listed)
        ends = [(outcome, named, key) for named, key, outcome in changes.ended]
        write("UPDATE doubts SET outcome=? WHERE disagreement=? AND key=?", ends)
        after = [(each.disagreement, each.key, each.outcome, each.held) for each in changes.told]
        write("INSERT OR REPLACE INTO ends VALUES (?,?,?,?)", after)
        over = [(named, key, outcome) for outcome, named, key in ends]
        write("INSERT OR REPLACE INTO ends VALUES (?,?,?,NULL)", over)
        holds = [
            (hold.code, type(hold.content).__name__, msgspec.json.encode(hold.content).decode())
            for hold in changes.holds
        ]
        write("INSERT INTO holds VALUES (?,?,?)", holds)
        self.db.execute("COMMIT")

    def _values(self, each: Found) -> list[Any]:
        source, _, event_id = each.party.key.partition(SEP)
        return [*each.row(), event_id if source == self.source else ""]

    def holds(self, codes: Iterable[str]) -> list[Hold]:
        """The events that would hold facts of these enterprises, or let them count again."""
        sql = "SELECT code, name, content FROM holds WHERE code=? ORDER BY rowid"
        found = [row for code in codes for row in self.db.execute(sql, [code])]
        return [Hold(code, _hold_of(name, content)) for code, name, content in found]

    def any_held(self) -> bool:
        """Whether anything would be held or released, of the file or of what is recorded."""
        return bool(self.db.execute("SELECT 1 FROM holds LIMIT 1").fetchone())

    def others(self, most: int) -> Iterator[list[str]]:
        """Enterprises of whom recorded facts would be held, and of whom the file has no row to try."""
        sql = (
            "SELECT DISTINCT code FROM holds WHERE code>? AND code NOT IN "
            "(SELECT subject FROM rows WHERE state='new') ORDER BY code LIMIT ?"
        )
        at = ""
        while codes := [code for (code,) in self.db.execute(sql, [at, most])]:
            yield codes
            at = codes[-1]

    def counts(self) -> dict[str, int]:
        """How many rows of the file would be noted only, and how many held."""
        rows = f"SELECT MAX(d.held) AS held FROM {_OF_FILE} GROUP BY r.n"
        found = dict(self.db.execute(f"SELECT held, COUNT(*) FROM ({rows}) GROUP BY held").fetchall())
        return {"noted": found.get(0, 0), "held": found.get(1, 0)}

    def listed(self, limit: int) -> Iterator[dict[str, Any]]:
        """Rows of the file that disagree: sheet, row, enterprise, whether held, and why in words."""
        sql = (
            "SELECT r.sheet, r.row, d.code, d.kind, d.event, d.matter, d.held, d.disagreement "
            f"FROM {_OF_FILE} ORDER BY r.n, d.disagreement LIMIT ?"
        )
        for sheet, row, code, kind, event, matter, held, named in self.db.execute(sql, [limit]):
            said = {"sheet": sheet, "row": row, "enterprise": code, "kind": kind, "held": bool(held)}
            yield {**said, "words": self._words(named, kind, event, matter)}

    def _words(self, named: str, kind: str, event: str, matter: str) -> dict[str, str]:
        sql = "SELECT DISTINCT value FROM doubts WHERE disagreement=? AND value<>'' ORDER BY value LIMIT 10"
        values = [value for (value,) in self.db.execute(sql, [named])]
        sql = "SELECT COUNT(DISTINCT code) FROM doubts WHERE disagreement=?"
        (codes,) = self.db.execute(sql, [named]).fetchone()
        if kind == "outlier":
            sql = "SELECT SUM(CAST(value AS INTEGER)) FROM doubts WHERE disagreement=? AND outcome IS NULL"
            values = [str(self.db.execute(sql, [named]).fetchone()[0] or 0)]
        return words_of(kind, event, matter, values, codes, names_of_values())


class Supposed(Kept):
    """What is kept, as it would be with the rows of a file that were tried before."""

    def __init__(self, rows: Rows, doubts: Doubts) -> None:
        super().__init__(rows)
        self.db = doubts.db

    def spans(self, matters: Iterable[str]) -> dict[str, Span]:
        """Who is first and last among those of each matter."""
        wanted = list(matters)
        found = super().spans(wanted)
        sql = "SELECT MIN(code), MAX(code), MAX(gone) FROM matters WHERE matter=?"
        for matter in wanted:
            first, last, gone = self.db.execute(sql, [matter]).fetchone()
            if gone:
                codes = [party.code for party in self.parties(matter)]
            else:
                codes = [code for code in (first, last, *found.get(matter, ())) if code is not None]
            found.pop(matter, None)
            if codes:
                found[matter] = min(codes), max(codes)
        return found

    def disputed(self, disagreements: Iterable[str]) -> set[str]:
        """Which of these disagreements were found before."""
        wanted = list(disagreements)
        sql = "SELECT 1 FROM doubts WHERE disagreement=? LIMIT 1"
        return super().disputed(wanted) | {each for each in wanted if self.db.execute(sql, [each]).fetchone()}

    def parties(self, matter: str) -> list[Party]:
        """The facts of a matter."""
        found = {each.key: each for each in super().parties(matter)}
        sql = "SELECT key, code, source, value, gone FROM matters WHERE matter=?"
        for *told, gone in self.db.execute(sql, [matter]):
            if gone:
                found.pop(told[0], None)
            else:
                found[told[0]] = Party(*told)
        return list(found.values())

    def about(self, keys: Iterable[str]) -> list[tuple[str, Party]]:
        """(matter, party) of these facts."""
        wanted = list(keys)
        found = {(matter, each.key): each for matter, each in super().about(wanted)}
        sql = "SELECT matter, key, code, source, value, gone FROM matters WHERE key=?"
        for key in wanted:
            for matter, *told, gone in self.db.execute(sql, [key]):
                if gone:
                    found.pop((matter, key), None)
                else:
                    found[matter, key] = Party(*told)
        return [(matter, each) for (matter, _), each in found.items()]

    def entries(self, keys: Iterable[str]) -> dict[tuple[str, str], Entry]:
        """What was found of these facts."""
        wanted = list(keys)
        return self._tried(super().entries(wanted) | self._found("key=?", [[key] for key in wanted]))

    def waiting(self, disagreements: Iterable[str]) -> dict[tuple[str, str], Entry]:
        """What ends in these disagreements once nothing disagrees."""
        wanted = list(disagreements)
        ours = self._found("disagreement=?", [[each] for each in wanted])
        found = self._tried(super().waiting(wanted) | ours)
        return {at: each for at, each in found.items() if each.settles}

    def decided(self, disagreements: Iterable[str]) -> list[Entry]:
        """What somebody decided in these disagreements, and the file leaves as it is."""
        found = {(each.disagreement, each.key): each for each in super().decided(disagreements)}
        return [each for each in self._tried(found).values() if each.outcome in (COUNTS, NOT)]

    def of_enterprises(self, codes: Iterable[str], kind: str) -> dict[tuple[str, str], Entry]:
        """What was found of a kind of disagreement in these enterprises."""
        wanted = list(codes)
        ours = self._found("code=? AND kind=?", [[code, kind] for code in wanted])
        return self._tried(super().of_enterprises(wanted, kind) | ours)

    def _tried(self, found: dict[tuple[str, str], Entry]) -> dict[tuple[str, str], Entry]:
        """With what the rows that were tried would change of them."""
        sql = "SELECT outcome, held FROM ends WHERE disagreement=? AND key=?"
        after = {}
        for at, each in found.items():
            row = self.db.execute(sql, at).fetchone()
            after[at] = each if row is None else each._replace(outcome=row[0], held=row[1] or each.held)
        return after

    def _found(self, where: str, each: Iterable[list[str]]) -> dict[tuple[str, str], Entry]:
        rows = [row for values in each for row in self.db.execute(f"{_ENTRY} WHERE {where}", values)]
        return {(row[0], row[1]): entry(row) for row in rows}


def _hold_of(name: str, content: str) -> FactHeld | FactDecided:
    if name == FactHeld.__name__:
        return msgspec.json.decode(content, type=FactHeld)
    return msgspec.json.decode(content, type=FactDecided)
