"""What waits between preview and confirmation: the rows of one file, in a file beside it.

A file of the SQLite kind that nobody else opens: the rows as messages, what is wrong with each,
and what the trial found. It keeps a hundred thousand rows out of memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from domain.faults.fault import Fault
from domain.things.personal_number import wipe_alike, wipe_personal_numbers
from ledger.intake.messages.wiping import wipe_fault
from ledger.intake.sheets.faults import SheetError
from ledger.intake.sheets.rows import MarkedFault, SheetRow
from ledger.store.things.wiping import wipe_message

LEFT_OUT = ("retracted", "repeated")
"""What rows are that say what was said before: they are not recorded unless they are reported anew."""
STATES = ("new", "known", *LEFT_OUT, "contradictory", "wrong")
"""What a row is, as the preview counts them."""
RETURNED = ("wrong", "contradictory")
"""What rows are that go back to whoever sent them, and are kept as refused."""
MARKED = (*RETURNED, *LEFT_OUT)
"""What rows are that the marked workbook tells of."""
FETCHED = 1_000
_TABLES = """
CREATE TABLE IF NOT EXISTS layout (sheet TEXT, name TEXT, columns TEXT, PRIMARY KEY (sheet, name));
CREATE TABLE IF NOT EXISTS rows (
  n INTEGER PRIMARY KEY, sheet TEXT, row INTEGER, name TEXT, subject TEXT, matter TEXT, id TEXT,
  digest BLOB, raw BLOB, cells TEXT, state TEXT, marked TEXT, own_id TEXT, next_id TEXT DEFAULT '');
CREATE TABLE IF NOT EXISTS moved (
  policy TEXT, code TEXT, measure TEXT, year INTEGER, gross INTEGER, withheld INTEGER);
CREATE TABLE IF NOT EXISTS said (name TEXT PRIMARY KEY, value TEXT);
"""
_UPGRADE = """
ALTER TABLE rows ADD COLUMN own_id TEXT;
ALTER TABLE rows ADD COLUMN next_id TEXT DEFAULT '';
UPDATE rows SET own_id=id;
"""
"""For a file that waited while the program was upgraded."""
_COLUMNS = "n, sheet, row, name, subject, matter, id, raw, cells, state, marked, own_id, next_id"


class HeldRow(NamedTuple):
    """One row as it is held."""

    n: int
    sheet: str
    row: int
    name: str
    subject: str
    matter: str
    event_id: str
    raw: bytes
    cells: dict[int, str]
    state: str
    marked: list[MarkedFault]
    next_id: str = ""
    """Under which id it may be reported anew; none: it may not."""

    @property
    def place(self) -> str:
        """Where it stands, as it is named when it is to be reported anew."""
        return f"{self.sheet}!{self.row}"


class EarlierRow(NamedTuple):
    """The first row of a file that has the id of another, and how many in between say what that one says."""

    sheet: str
    row: int
    says_the_same: bool
    reports: int


@dataclass(slots=True)
class Holding:
    """The rows of one file."""

    db: sqlite3.Connection

    @classmethod
    def open_file(cls, path: Path) -> Holding:
        """Open, or make, the file of the rows."""
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        db.executescript("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA cache_size=-8000;")
        db.executescript(_TABLES)
        if "own_id" not in {name for _, name, *_ in db.execute("PRAGMA table_info(rows)")}:
            db.executescript(_UPGRADE)
        return cls(db)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def take(self, rows: Iterable[SheetRow]) -> Iterator[int]:
        """Hold rows as they are read; yields how many there are, now and then."""
        self.db.executescript("DELETE FROM rows; DELETE FROM layout; DELETE FROM moved;")
        self.db.execute("BEGIN")
        count, laid_out = 0, set[tuple[str, str]]()
        for count, row in enumerate(rows, 1):
            if (row.sheet, row.name) not in laid_out:
                laid_out.add((row.sheet, row.name))
                values = [row.sheet, row.name, json.dumps(row.columns)]
                self.db.execute("INSERT OR REPLACE INTO layout VALUES (?,?,?)", values)
            self.db.execute(f"INSERT INTO rows VALUES ({','.join('?' * 14)})", _values(count, row))
            if count % FETCHED == 0:
                yield count
        self.db.execute("COMMIT")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_subject ON rows (subject, n)")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_id ON rows (own_id, n)")
        yield count

    def note(self, name: str, value: Any) -> None:
        """Note something about the file."""
        self.db.execute("INSERT OR REPLACE INTO said VALUES (?,?)", [name, json.dumps(value)])

    def read_note(self, name: str, otherwise: Any = None) -> Any:
        """What was noted."""
        row = self.db.execute("SELECT value FROM said WHERE name=?", [name]).fetchone()
        return json.loads(row[0]) if row else otherwise

    def has_personal_numbers(self) -> bool:
        """Whether a row was refused since the number of a natural person's identity card stands in it."""
        return bool(self.db.execute("SELECT 1 FROM rows WHERE marked LIKE '%number.personal%'").fetchone())

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        numbers = dict(self.db.execute("SELECT state, COUNT(*) FROM rows GROUP BY state").fetchall())
        return {state: int(numbers.get(state, 0)) for state in STATES}

    def rows_in(self, states: Iterable[str], after: int = 0, limit: int | None = None) -> Iterator[HeldRow]:
        """Rows of some states in the order of the file, read on as they are asked for."""
        names = list(states)
        marks = ",".join("?" * len(names))
        remaining = limit
        while remaining is None or remaining > 0:
            size = FETCHED if remaining is None else min(FETCHED, remaining)
            sql = f"SELECT {_COLUMNS} FROM rows WHERE n>? AND state IN ({marks}) ORDER BY n LIMIT ?"
            page = self.db.execute(sql, [after, *names, size]).fetchall()
            yield from (_held_row(row) for row in page)
            if len(page) < size:
                return
            after = page[-1][0]
            remaining = None if remaining is None else remaining - size

    def by_subject(self, most: int) -> Iterator[list[HeldRow]]:
        """The rows that are right in themselves, whole enterprises together, about ``most`` at a time."""
        columns = _COLUMNS.replace("cells", "'{}'")
        sql = (
            f"SELECT {columns} FROM rows WHERE state<>'wrong' AND (subject, n)>(?,?) "
            "ORDER BY subject, n LIMIT ?"
        )
        group, last = list[HeldRow](), ("", 0)
        while page := [_held_row(row) for row in self.db.execute(sql, [*last, FETCHED]).fetchall()]:
            for row in page:
                if len(group) >= most and row.subject != group[-1].subject:
                    yield group
                    group = []
                group.append(row)
            last = (page[-1].subject, page[-1].n)
        if group:
            yield group

    def earlier_of_id(self) -> dict[int, EarlierRow]:
        """Rows whose id an earlier row has, with that row."""
        sql = (
            "SELECT n, first_sheet, first_row, digest=first_digest, reports FROM (SELECT n, digest, "
            "FIRST_VALUE(sheet) OVER ids AS first_sheet, FIRST_VALUE(row) OVER ids AS first_row, "
            "FIRST_VALUE(digest) OVER ids AS first_digest, ROW_NUMBER() OVER ids AS place, "
            "ROW_NUMBER() OVER (PARTITION BY own_id, digest ORDER BY n) - 1 AS reports "
            "FROM rows WHERE state<>'wrong' WINDOW ids AS (PARTITION BY own_id ORDER BY n)) WHERE place>1"
        )
        return {
            n: EarlierRow(sheet, row, bool(same), reports)
            for n, sheet, row, same, reports in self.db.execute(sql)
        }

    def settle(self, rows: Iterable[HeldRow]) -> None:
        """Note what the trial found of rows: state, what is wrong, and under which id it is."""
        values = [(row.state, _marks(row.marked), row.event_id, row.next_id, row.n) for row in rows]
        self.db.execute("BEGIN")
        self.db.executemany("UPDATE rows SET state=?, marked=?, id=?, next_id=? WHERE n=?", values)
        self.db.execute("COMMIT")

    def choose_anew(self, places: Iterable[str]) -> set[int]:
        """The rows that are to be reported anew, by number; nothing is noted yet.

        Args:
            places: each a sheet and row (``HeldRow.place``), a row alone, or ``retracted`` for all those.

        Raises:
            SheetError: for a place where no row is that may be reported anew.
        """
        chosen, unknown = set[int](), list[str]()
        sql = "SELECT n FROM rows WHERE next_id<>'' AND (sheet||'!'||row=? OR CAST(row AS TEXT)=? OR state=?)"
        for place in places:
            state = place if place == "retracted" else ""
            rows = {n for (n,) in self.db.execute(sql, [place, place, state])}
            chosen |= rows
            unknown += [] if rows or state else [place]
        if unknown:
            raise SheetError(*(Fault("row.anew", place[:100]) for place in unknown))
        return chosen

    def move(self, moved: Iterable[tuple[str, str, str, int, int, int]]) -> None:
        """Note by how much awards would move: (policy, code, measure, year, gross, withheld)."""
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO moved VALUES (?,?,?,?,?,?)", moved)
        self.db.execute("COMMIT")

    def forget_moved(self) -> None:
        """Forget by how much awards would move."""
        self.db.execute("DELETE FROM moved")

    def begin_trial(self) -> None:
        """Forget an earlier trial's findings."""
        self.db.executescript("DELETE FROM moved;")
        self.db.execute(
            "UPDATE rows SET state='new', marked='[]', id=own_id, next_id='' "
            "WHERE state<>'wrong' OR digest IS NOT NULL"
        )

    def layouts(self) -> dict[tuple[str, str], dict[int, str]]:
        """Keys of the columns by place, of each sheet and table."""
        layout_rows = self.db.execute("SELECT sheet, name, columns FROM layout").fetchall()
        return {
            (sheet, name): {int(open_file): key for open_file, key in json.loads(columns).items()}
            for sheet, name, columns in layout_rows
        }


def _values(n: int, row: SheetRow) -> list[Any]:
    state = "wrong" if row.marked else "new"
    digest = row.message.digest if row.message else None
    cells = json.dumps({at: wipe_alike(text) for at, text in row.cells.items()}, ensure_ascii=True)
    raw = wipe_message(row.raw) if row.marked else row.raw
    subject = wipe_personal_numbers(row.subject, as_code=True)
    event_id = _plain(wipe_alike(row.event_id))
    return [
        *(n, row.sheet, row.row, row.name, _plain(subject), row.matter, event_id),
        *(digest, raw, cells, state, _marks(row.marked), event_id, ""),
    ]


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _marks(marked: list[MarkedFault]) -> str:
    faults = [(wipe_fault(each.fault), each.column) for each in marked]
    values = [[fault.code, fault.field, fault.args, column] for fault, column in faults]
    return json.dumps(values, ensure_ascii=True)


def with_id(raw: bytes, event_id: str) -> bytes:
    """A message under another id."""
    return json.dumps({**json.loads(raw), "id": event_id}, ensure_ascii=False).encode("utf-8", "replace")


def _held_row(row: tuple[Any, ...]) -> HeldRow:
    cells = {int(at): text for at, text in json.loads(row[8]).items()}
    marked = [MarkedFault(Fault(code, field, args), at) for code, field, args, at in json.loads(row[10])]
    n, sheet, number, name, subject, matter, event_id, raw = row[:8]
    own_id, following = row[11:]
    message = bytes(raw) if event_id == own_id else with_id(bytes(raw), event_id)
    named = (n, sheet, number, name, subject, matter, event_id, message, cells)
    return HeldRow(*named, row[9], marked, following)
