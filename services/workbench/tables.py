"""The workbench's file: one SQLite database, made from a bundle once and then only read.

Amounts are whole fen, ``position`` is the event's place in the log, instants are UTC text of a fixed
width, ``day`` and ``minute`` are those of Asia/Shanghai.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

FILE = "workbench.db"
"""The name of the file in the auditor's folder."""
UNFINISHED = f"{FILE}.unfinished"
"""Its name until the bundle was verified and all of it written; only then it takes the place of another."""

COLUMNS: dict[str, str] = {
    "about": "name TEXT PRIMARY KEY, value TEXT NOT NULL",
    "events": (
        "position INTEGER PRIMARY KEY, day TEXT, minute TEXT, weekday INTEGER, recorded_at TEXT, time TEXT, "
        "originator TEXT, version INTEGER, kind TEXT, source TEXT, id TEXT, speaker TEXT, speaker_id TEXT, "
        "role TEXT, on_behalf_of TEXT, document TEXT, content TEXT"
    ),
    "enterprises": "code TEXT PRIMARY KEY, name TEXT, town TEXT, size TEXT, sector TEXT, time TEXT",
    "facts": (
        "position INTEGER PRIMARY KEY, code TEXT, kind TEXT, shape TEXT, thing TEXT, date TEXT, "
        "year INTEGER, amount_fen INTEGER, currency TEXT, source TEXT, id TEXT"
    ),
    "corrections": (
        "position INTEGER PRIMARY KEY, code TEXT, step TEXT, kind TEXT, source TEXT, id TEXT, "
        "reason TEXT, changes TEXT"
    ),
    "holds": (
        "position INTEGER PRIMARY KEY, code TEXT, step TEXT, disagreement TEXT, kind TEXT, source TEXT, "
        "id TEXT, rule TEXT, person TEXT, reason TEXT"
    ),
    "claims": (
        "position INTEGER PRIMARY KEY, code TEXT, claim TEXT, step TEXT, measure TEXT, item TEXT, "
        "year INTEGER, amount_fen INTEGER, person TEXT, words TEXT"
    ),
    "evidence": "position INTEGER, code TEXT, claim TEXT, title TEXT, location TEXT, sha256 TEXT",
    "settlements": (
        "position INTEGER PRIMARY KEY, policy TEXT, year INTEGER, step TEXT, person TEXT, number INTEGER, "
        "gross_fen INTEGER, payable_fen INTEGER, awards INTEGER, enterprises INTEGER, objection TEXT, "
        "code TEXT, outcome TEXT, reason TEXT"
    ),
    "list_lines": (
        "code TEXT, measure TEXT, year INTEGER, gross_fen INTEGER, withheld_fen INTEGER, "
        "reduction_fen INTEGER, payable_fen INTEGER"
    ),
    "settled": (
        "position INTEGER, code TEXT, policy TEXT, year INTEGER, measure TEXT, award_year INTEGER, "
        "gross_fen INTEGER, withheld_fen INTEGER, reduction_fen INTEGER, payable_fen INTEGER, pot TEXT"
    ),
    "payments": (
        "position INTEGER PRIMARY KEY, code TEXT, policy TEXT, year INTEGER, step TEXT, payment TEXT, "
        "batch TEXT, amount_fen INTEGER, date TEXT, words TEXT, person TEXT"
    ),
    "clawbacks": (
        "position INTEGER PRIMARY KEY, code TEXT, policy TEXT, year INTEGER, step TEXT, clawback TEXT, "
        "measure TEXT, amount_fen INTEGER, date TEXT, words TEXT, person TEXT"
    ),
    "acts": (
        "position INTEGER, identity TEXT, person TEXT, part TEXT, step TEXT, matter TEXT, code TEXT, "
        "day TEXT, minute TEXT, weekday INTEGER, amount_fen INTEGER"
    ),
}
"""The tables, with their columns as SQL."""

INDEXES = (
    "CREATE INDEX events_originator ON events (originator, version)",
    "CREATE INDEX facts_code ON facts (code, kind)",
    "CREATE INDEX facts_identity ON facts (source, id)",
    "CREATE INDEX facts_thing ON facts (kind, thing)",
    "CREATE INDEX corrections_code ON corrections (code)",
    "CREATE INDEX claims_code ON claims (code, claim)",
    "CREATE INDEX evidence_digest ON evidence (sha256)",
    "CREATE INDEX evidence_claim ON evidence (code, claim)",
    "CREATE INDEX settled_code ON settled (code, year)",
    "CREATE INDEX list_lines_code ON list_lines (code, year)",
    "CREATE INDEX payments_code ON payments (code)",
    "CREATE INDEX payments_payment ON payments (payment)",
    "CREATE INDEX acts_identity ON acts (identity, step)",
    "CREATE INDEX acts_position ON acts (position)",
    "CREATE INDEX acts_matter ON acts (matter, step)",
)
CACHE_KIB = 65_536


class AboutBundle(NamedTuple):
    """What every paper says of what it was made from."""

    bundle: str
    """The bundle's file name."""
    sha256: str
    policy: str
    year: int
    size: int
    """How many events the checkpoint counts."""
    root: str
    signed_by: str
    verdict: str
    """``VERIFIED``, or how many faults there are."""
    faults: str
    closed: str
    """The position of the year's closing; empty where it is open."""
    opened_at: str
    program: str


def create_file(path: Path) -> sqlite3.Connection:
    """An empty file of these tables; one that was there before is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    for table, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    return connection


class NotOpened(Exception):
    """The folder holds no workbench file that was finished; says so in both languages."""


def open_file(folder: Path) -> sqlite3.Connection:
    """The file of a folder, to read.

    Raises:
        NotOpened: where there is none, or it was not finished.
    """
    path = folder / FILE
    if not path.is_file():
        raise NotOpened(f"{folder} 里没有 {FILE}：请先 open · no {FILE} in {folder}: run open first")
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    connection.execute("PRAGMA temp_store=FILE")
    try:
        read_about(connection)
    except (sqlite3.DatabaseError, TypeError, KeyError) as error:
        connection.close()
        raise NotOpened(f"{path} 不完整，请重新 open · {path} is not complete: run open again") from error
    return connection


def read_about(connection: sqlite3.Connection) -> AboutBundle:
    """What the file was made from."""
    values = dict(connection.execute("SELECT name, value FROM about").fetchall())
    fields = {name: values[name] for name in AboutBundle._fields}
    return AboutBundle(**{**fields, "year": int(fields["year"]), "size": int(fields["size"])})
