"""The tables beside the stored events: what the ledger knows of them, and its read models.

``event_keys``, ``batches`` and ``refused`` are records of the inbox, ``person_keys`` opens what
events hold encrypted, ``looks`` says who read, ``correlations`` what came with what,
``certificates`` what rebuilds found, ``matters``, ``disagreements`` and ``disagreement_steps``
which facts disagree; all others can be dropped and rebuilt from the events. Totals are kept as
text, since they may exceed 64 bits.
The schema grows by ``MIGRATIONS``, each applied once and noted in ``schema_version``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ledger.store.log_tree import begin_log
from ledger.store.rows import Rows, Store, UnsuitableStore

TABLES: dict[str, str] = {
    "schema_version": "version {int} PRIMARY KEY, name TEXT NOT NULL",
    "event_keys": "key TEXT PRIMARY KEY, digest {blob} NOT NULL, position {int} NOT NULL",
    "batches": "last_position {int} PRIMARY KEY, recorded_at TEXT NOT NULL",
    "correlations": (
        "correlation TEXT NOT NULL, first {int} NOT NULL, last {int} NOT NULL, refused TEXT NOT NULL, "
        "PRIMARY KEY (correlation, first, refused)"
    ),
    "tiles": (
        "level {int} NOT NULL, number {int} NOT NULL, hashes {blob} NOT NULL, PRIMARY KEY (level, number)"
    ),
    "log_secret": "id {int} PRIMARY KEY, secret {blob} NOT NULL",
    "checkpoints": "size {int} PRIMARY KEY, made_at TEXT NOT NULL, root {blob} NOT NULL, note TEXT NOT NULL",
    "matters": (
        "matter TEXT NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL, source TEXT NOT NULL, "
        "value TEXT NOT NULL, PRIMARY KEY (matter, code, key)"
    ),
    "disagreements": (
        "disagreement TEXT NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL, event TEXT NOT NULL, "
        "policy TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT NOT NULL, matter TEXT NOT NULL, "
        "value TEXT NOT NULL, held {int} NOT NULL, position {int} NOT NULL, outcome TEXT, "
        "PRIMARY KEY (disagreement, key)"
    ),
    "disagreement_steps": (
        "disagreement TEXT NOT NULL, key TEXT NOT NULL, position {int} NOT NULL, outcome TEXT, "
        "matter TEXT, value TEXT, held {int}, PRIMARY KEY (disagreement, key, position)"
    ),
    "disputes": (
        "disagreement TEXT PRIMARY KEY, position {int} NOT NULL, waiting {int} NOT NULL, "
        "latest {int} NOT NULL, decided {int}, actor TEXT, reason TEXT"
    ),
    "certificates": (
        "number {int} PRIMARY KEY, made_at TEXT NOT NULL, position {int} NOT NULL, reached {int} NOT NULL, "
        "live TEXT NOT NULL, rebuilt TEXT NOT NULL, swapped {int} NOT NULL, differences TEXT NOT NULL"
    ),
    "refused": (
        "digest TEXT PRIMARY KEY, number {int} NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL, "
        "times {int} NOT NULL, channel TEXT NOT NULL, source TEXT, event_id TEXT, subject TEXT, "
        "type TEXT, raw {blob} NOT NULL, faults TEXT NOT NULL, resolved TEXT, "
        "origin TEXT, dead_lettered {int}"
    ),
    "person_keys": (
        "policy TEXT NOT NULL, claim TEXT NOT NULL, code TEXT NOT NULL, key {blob} NOT NULL, "
        "PRIMARY KEY (policy, code, claim)"
    ),
    "machine_keys": (
        "key_id TEXT PRIMARY KEY, digest TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, "
        "types TEXT NOT NULL, made_at TEXT NOT NULL, revoked_at TEXT"
    ),
    "used_tokens": "token_id TEXT PRIMARY KEY, until TEXT NOT NULL",
    "looks": (
        "number {int} PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, address TEXT NOT NULL, "
        "method TEXT NOT NULL, path TEXT NOT NULL, code TEXT NOT NULL, times {int} NOT NULL"
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
        "code TEXT PRIMARY KEY, version {int} NOT NULL, name TEXT NOT NULL DEFAULT '', "
        "town TEXT NOT NULL DEFAULT '', facts {blob} NOT NULL, outcome {blob} NOT NULL"
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
    "settlements": (
        "policy TEXT NOT NULL, year {int} NOT NULL, stage TEXT NOT NULL, position {int} NOT NULL, "
        "PRIMARY KEY (policy, year)"
    ),
    "settlement_lines": (
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, measure TEXT NOT NULL, "
        "award_year {int} NOT NULL, gross {int} NOT NULL, withheld {int} NOT NULL, "
        "reduction {int} NOT NULL, payable {int} NOT NULL, pot TEXT NOT NULL DEFAULT '', "
        "PRIMARY KEY (policy, year, code, measure, award_year)"
    ),
    "accounts": (
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, version {int} NOT NULL, "
        "payable {int} NOT NULL, ordered {int} NOT NULL, paid {int} NOT NULL, clawed {int} NOT NULL, "
        "recovered {int} NOT NULL, PRIMARY KEY (policy, year, code)"
    ),
    "payments": (
        "policy TEXT NOT NULL, year {int} NOT NULL, payment TEXT NOT NULL, code TEXT NOT NULL, "
        "batch TEXT NOT NULL, amount {int} NOT NULL, status TEXT NOT NULL, day TEXT NOT NULL, "
        "said TEXT NOT NULL, position {int} NOT NULL, PRIMARY KEY (policy, year, payment)"
    ),
    "clawbacks": (
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, clawback TEXT NOT NULL, "
        "measure TEXT NOT NULL, award {int} NOT NULL, amount {int} NOT NULL, reason TEXT NOT NULL, "
        "position {int} NOT NULL, PRIMARY KEY (policy, year, code, clawback)"
    ),
    "adjustments": (
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, adjustment TEXT NOT NULL, "
        "measure TEXT NOT NULL, into_year {int} NOT NULL, amount {int} NOT NULL, reason TEXT NOT NULL, "
        "position {int} NOT NULL, PRIMARY KEY (policy, year, code, adjustment)"
    ),
}

INDEXES = {
    "payments_by_status": "payments (policy, year, status, payment)",
    "adjustments_into": "adjustments (policy, into_year)",
    "correlations_first": "correlations (first)",
    "matters_by_key": "matters (key)",
    "disagreements_by_code": "disagreements (code)",
    "disagreements_by_key": "disagreements (key)",
    "disagreements_open": "disagreements (disagreement) WHERE outcome IS NULL",
    "disagreements_in_order": "disagreements (disagreement, position, key)",
    "disputes_in_order": "disputes (position, disagreement)",
    "disputes_waiting": "disputes (position, disagreement) WHERE waiting=1",
    "disputes_decided": "disputes (position, disagreement) WHERE waiting=0",
    "batches_recorded_at": "batches (recorded_at)",
    "refused_number": "refused (number)",
    "refused_event_id": "refused (event_id)",
    "refused_waiting": "refused (number) WHERE dead_lettered = 0",
    "refused_open": "refused (number) WHERE resolved IS NULL",
    "looks_by_code": "looks (code, number)",
    "looks_by_path": "looks (path, at)",
    "balances_by_size": "balances (policy, year, eligible)",
    "enterprises_by_name": "enterprises (code, name, town)",
    "enterprises_by_town": "enterprises (town, code, name)",
}

READ_MODELS = (
    "enterprises",
    "awards",
    "balances",
    "totals",
    "totals_history",
    "claims",
    "settlements",
    "settlement_lines",
    "accounts",
    "payments",
    "adjustments",
    "clawbacks",
)
"""Tables that a rebuild fills anew from the events."""

_CLUSTERED = (
    "correlations",
    "event_keys",
    "tiles",
    "matters",
    "awards",
    "balances",
    "totals",
    "totals_history",
    "settlement_lines",
    "accounts",
    "payments",
)

_TYPES = {
    "sqlite": {"TEXT": "TEXT", "blob": "BLOB", "int": "INTEGER"},
    "postgres": {"TEXT": 'TEXT COLLATE "C"', "blob": "BYTEA", "int": "BIGINT"},
}


class Migration(NamedTuple):
    """One step of the schema; a step that was released never changes."""

    version: int
    name: str
    apply: Callable[[Rows, str], None]
    """Called with the migrating transaction and its dialect."""


def _make(rows: Rows, dialect: str, name: str) -> None:
    types = _TYPES[dialect]
    without_rowid = " WITHOUT ROWID" if dialect == "sqlite" and name in _CLUSTERED else ""
    text = TABLES[name].format(**types).replace("TEXT", types["TEXT"])
    rows.run(f"CREATE TABLE IF NOT EXISTS {name} ({text}){without_rowid}")


def _initial(rows: Rows, dialect: str) -> None:
    for name in TABLES:
        _make(rows, dialect, name)
    for name, target in INDEXES.items():
        rows.run(f"CREATE INDEX IF NOT EXISTS {name} ON {target}")
    begin_log(rows)


def _correlations(rows: Rows, dialect: str) -> None:
    _make(rows, dialect, "correlations")
    rows.run(f"CREATE INDEX IF NOT EXISTS correlations_first ON {INDEXES['correlations_first']}")


def _certificates(rows: Rows, dialect: str) -> None:
    _make(rows, dialect, "certificates")


def _pots(rows: Rows, dialect: str) -> None:
    """What pays a settled award; a ledger that has just been made has the column."""
    if dialect == "sqlite" and rows.all(
        "SELECT 1 FROM pragma_table_info('settlement_lines') WHERE name='pot'"
    ):
        return
    missing = "" if dialect == "sqlite" else "IF NOT EXISTS "
    text = _TYPES[dialect]["TEXT"]
    rows.run(f"ALTER TABLE settlement_lines ADD COLUMN {missing}pot {text} NOT NULL DEFAULT ''")


def _disagreements(rows: Rows, dialect: str) -> None:
    for name in ("matters", "disagreements", "disagreement_steps", "disputes"):
        _make(rows, dialect, name)
    for name in [
        each for each in INDEXES if each.partition("_")[0] in ("matters", "disagreements", "disputes")
    ]:
        rows.run(f"CREATE INDEX IF NOT EXISTS {name} ON {INDEXES[name]}")


MIGRATIONS = (
    Migration(1, "initial", _initial),
    Migration(2, "correlations", _correlations),
    Migration(3, "certificates", _certificates),
    Migration(4, "pots", _pots),
    Migration(5, "disagreements", _disagreements),
)
"""In order; the last one's version is the schema that this program works on."""

SCHEMA_VERSION = MIGRATIONS[-1].version

_MIGRATE = "run: subsidy-ledger migrate"


def version_of(rows: Rows) -> int:
    """The schema's version, 0 where there is none yet."""
    if not rows.has_table("schema_version"):
        return 0
    return int(rows.all("SELECT MAX(version) FROM schema_version")[0][0] or 0)


def create_tables(store: Store, dialect: str) -> int:
    """Bring the schema up to date; safe to run again, from several places, and while others serve.

    Returns:
        the version that it found.

    Raises:
        UnsuitableStore: where a newer program has been at work.
    """
    with store.reading() as rows:
        found = version_of(rows)
    if found < SCHEMA_VERSION:
        with store.migrating() as rows:
            found = version_of(rows)
            for step in MIGRATIONS:
                if step.version > found:
                    step.apply(rows, dialect)
                    rows.run("INSERT INTO schema_version VALUES (?,?)", [step.version, step.name])
    _refuse_newer(found)
    return found


def check_version(store: Store) -> None:
    """Refuse to work on a schema that is missing, older or newer.

    Raises:
        UnsuitableStore: saying the mend.
    """
    with store.reading() as rows:
        check_version_of(rows)


def check_version_of(rows: Rows) -> None:
    """As ``check_version``, in a transaction that there is.

    Raises:
        UnsuitableStore: saying the mend.
    """
    found = version_of(rows)
    if found == 0:
        raise UnsuitableStore(f"the database holds no ledger yet — {_MIGRATE}")
    if found < SCHEMA_VERSION:
        known = f"this program works on version {SCHEMA_VERSION}"
        raise UnsuitableStore(f"the ledger's tables are of version {found}, {known} — {_MIGRATE}")
    _refuse_newer(found)


def _refuse_newer(found: int) -> None:
    if found > SCHEMA_VERSION:
        known = f"this program knows {SCHEMA_VERSION}"
        raise UnsuitableStore(
            f"the ledger's tables are of version {found}, {known} — use the newer subsidy-ledger"
        )
