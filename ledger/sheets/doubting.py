"""Which rows of a file would disagree with others, in the file or the ledger, and what would be held.

Kept in the file's own database: a hundred thousand rows may all disagree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from domain.disagreements import Party, words_of
from domain.facts import SEP
from ledger.disagreements.finding import Finder, Found, Hold

_TABLES = """
CREATE TABLE IF NOT EXISTS matters (
  matter TEXT, key TEXT, code TEXT, source TEXT, value TEXT, PRIMARY KEY (matter, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doubts (
  disagreement TEXT, key TEXT, code TEXT, event TEXT, policy TEXT, rule TEXT, kind TEXT, matter TEXT,
  value TEXT, held INTEGER, id TEXT, PRIMARY KEY (disagreement, key));
CREATE INDEX IF NOT EXISTS doubted ON doubts (code);
"""
_OF_FILE = "doubts d JOIN rows r ON r.id=d.id AND r.state='new'"


@dataclass(slots=True)
class Doubts:
    """What one trial finds."""

    db: sqlite3.Connection
    source: str = ""
    """Whose facts the file's are."""

    def begin(self) -> None:
        """Forget what an earlier trial found."""
        self.db.executescript(f"{_TABLES}DELETE FROM matters; DELETE FROM doubts;")

    def remind(self, finder: Finder) -> None:
        """Tell a batch what earlier rows of the file are about."""
        for matter in list(finder.matters):
            sql = "SELECT key, code, source, value FROM matters WHERE matter=?"
            finder.remember((matter, Party(*row)) for row in self.db.execute(sql, [matter]))

    def note(self, finder: Finder) -> None:
        """Keep what a batch found."""
        self.db.execute("BEGIN")
        self.db.executemany("INSERT OR IGNORE INTO matters VALUES (?,?,?,?,?)", finder.added)
        marks = ",".join("?" * 11)
        found = [self._values(each) for each in finder.fresh()]
        self.db.executemany(f"INSERT OR IGNORE INTO doubts VALUES ({marks})", found)
        self.db.execute("COMMIT")

    def holds(self, codes: Iterable[str]) -> list[Hold]:
        """The events that would hold facts of these enterprises."""
        sql = (
            "SELECT code, disagreement, key, event, policy, rule FROM doubts WHERE code=? AND held=1 "
            "ORDER BY disagreement, key"
        )
        return [_hold(row) for code in codes for row in self.db.execute(sql, [code])]

    def any_held(self) -> bool:
        """Whether anything would be held, of the file or of what is recorded."""
        return bool(self.db.execute("SELECT 1 FROM doubts WHERE held=1 LIMIT 1").fetchone())

    def others(self, most: int) -> Iterator[list[str]]:
        """Enterprises of whom recorded facts would be held, and of whom the file has no row to try."""
        sql = (
            "SELECT DISTINCT code FROM doubts WHERE held=1 AND code>? AND code NOT IN "
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
        return words_of(kind, event, matter, values, codes)

    def _values(self, each: Found) -> list[Any]:
        source, _, event_id = each.party.key.partition(SEP)
        return [*each.row(), event_id if source == self.source else ""]


def _hold(row: tuple[str, ...]) -> Hold:
    code, disagreement, key, event, policy, rule = row
    source, _, of = key.partition(SEP)
    content = {"disagreement": disagreement, "of_source": source, "of": of, "of_type": event}
    return Hold(code, "FactHeld", {**content, "policy": policy, "rule": rule})
