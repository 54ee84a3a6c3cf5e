"""The tables beside the stored events: what the ledger knows of them, and its read models.

``event_keys``, ``batches`` and ``refused`` are records of the inbox; all others can be dropped
and rebuilt from the events. Totals are kept as text, since they may exceed 64 bits.
"""

from __future__ import annotations

from ledger.store import Rows

SCHEMA_VERSION = 1

TABLES: dict[str, str] = {
    "schema_version": "version INTEGER PRIMARY KEY",
    "event_keys": "key {blob} PRIMARY KEY, digest {blob} NOT NULL, position {int} NOT NULL",
    "batches": "last_position {int} PRIMARY KEY, recorded_at TEXT NOT NULL",
    "refused": (
        "digest TEXT PRIMARY KEY, number {int} NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL, "
        "times {int} NOT NULL, channel TEXT NOT NULL, source TEXT, event_id TEXT, subject TEXT, "
        "type TEXT, raw {blob} NOT NULL, faults TEXT NOT NULL, resolved TEXT"
    ),
    "policies": (
        "policy TEXT NOT NULL, version {int} NOT NULL, digest TEXT NOT NULL, "
        "effective_from TEXT NOT NULL, position {int} NOT NULL, document TEXT NOT NULL, "
        "PRIMARY KEY (policy, version)"
    ),
    "budgets": (
        "policy TEXT NOT NULL, period TEXT NOT NULL, position {int} NOT NULL, amount TEXT NOT NULL, "
        "PRIMARY KEY (policy, period, position)"
    ),
    "enterprises": (
        "code TEXT PRIMARY KEY, version {int} NOT NULL, facts {blob} NOT NULL, outcome {blob} NOT NULL"
    ),
    "awards": (
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, measure TEXT NOT NULL, "
        "gross {int} NOT NULL, withheld {int} NOT NULL, PRIMARY KEY (policy, year, code, measure)"
    ),
    "balances": (
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, gross {int} NOT NULL, "
        "withheld {int} NOT NULL, eligible {int} NOT NULL, PRIMARY KEY (policy, year, code)"
    ),
    "totals": (
        "policy TEXT NOT NULL, year {int} NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "position {int} NOT NULL, gross TEXT NOT NULL, withheld TEXT NOT NULL, number TEXT NOT NULL, "
        "PRIMARY KEY (policy, year, kind, name)"
    ),
    "totals_history": (
        "policy TEXT NOT NULL, year {int} NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "position {int} NOT NULL, gross TEXT NOT NULL, withheld TEXT NOT NULL, number TEXT NOT NULL, "
        "PRIMARY KEY (policy, year, kind, name, position)"
    ),
    "claims": (
        "policy TEXT NOT NULL, claim TEXT NOT NULL, code TEXT NOT NULL, measure TEXT NOT NULL, "
        "item TEXT NOT NULL, year {int} NOT NULL, status TEXT NOT NULL, amount TEXT, "
        "position {int} NOT NULL, "
        "PRIMARY KEY (policy, code, claim)"
    ),
}

INDEXES = {
    "batches_recorded_at": "batches (recorded_at)",
    "refused_number": "refused (number)",
    "balances_by_size": "balances (policy, year, eligible)",
}

READ_MODELS = ("enterprises", "awards", "balances", "totals", "totals_history", "claims")
"""Tables that a rebuild fills anew from the events."""

_CLUSTERED = ("event_keys", "awards", "balances", "totals", "totals_history")

_TYPES = {
    "sqlite": {"blob": "BLOB", "int": "INTEGER"},
    "postgres": {"blob": "BYTEA", "int": "BIGINT"},
}


def create_tables(rows: Rows, dialect: str) -> None:
    """Create what is missing; safe to run again and while others serve."""
    for name, columns in TABLES.items():
        without_rowid = " WITHOUT ROWID" if dialect == "sqlite" and name in _CLUSTERED else ""
        text = columns.format(**_TYPES[dialect])
        rows.run(f"CREATE TABLE IF NOT EXISTS {name} ({text}){without_rowid}")
    for name, target in INDEXES.items():
        rows.run(f"CREATE INDEX IF NOT EXISTS {name} ON {target}")
    if not rows.all("SELECT version FROM schema_version"):
        rows.run("INSERT INTO schema_version VALUES (?)", [SCHEMA_VERSION])
