"""How the tables come to be and grow: ``MIGRATIONS``, each applied once and noted in ``schema_version``.

A table that came ``since`` a new version is made by a step of its own; other steps are written here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ledger.store.folded.upgrading import rewrite_facts
from ledger.store.guard import begin_sums, widen_sum
from ledger.store.log_tree import begin_log
from ledger.store.repeats.recoveries import fill_recoveries, refill_recoveries
from ledger.store.repeats.taken_steps import fill_taken_steps
from ledger.store.rows import Rows, Store, UnsuitableStore
from ledger.store.schema.tables import INDEXES, LIBRARY_TABLES, SQL_TYPES, TABLES
from ledger.store.things.spellings import note_spellings
from ledger.store.things.wiping import wipe_refused


class Migration(NamedTuple):
    """One step of the schema; a step that was released never changes."""

    version: int
    name: str
    apply: Callable[[Rows, str], None]
    """Called with the migrating transaction and its dialect."""


def _make(rows: Rows, dialect: str, name: str) -> None:
    types = SQL_TYPES[dialect]
    table = TABLES[name]
    without_rowid = " WITHOUT ROWID" if dialect == "sqlite" and table.clustered else ""
    text = table.definition.format(**types).replace("TEXT", types["TEXT"])
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
    """What pays a settled award."""
    _add_text(rows, dialect, "settlement_lines", "pot")


def _add_text(rows: Rows, dialect: str, table: str, column: str) -> None:
    """Add a column of text, empty at first; a ledger that has just been made has it."""
    if _has_column(rows, dialect, table, column):
        return
    text = SQL_TYPES[dialect]["TEXT"]
    with widen_sum(rows, table, column):
        rows.run(f"ALTER TABLE {table} ADD COLUMN {column} {text} NOT NULL DEFAULT ''")


def _has_column(rows: Rows, dialect: str, table: str, column: str) -> bool:
    if dialect == "sqlite":
        return bool(rows.all(f"SELECT 1 FROM pragma_table_info('{table}') WHERE name='{column}'"))
    sql = (
        "SELECT 1 FROM information_schema.columns "
        "WHERE table_schema=current_schema() AND table_name=? AND column_name=?"
    )
    return bool(rows.all(sql, [table, column]))


def _disagreements(rows: Rows, dialect: str) -> None:
    for name in ("matters", "disagreements", "disagreement_steps", "disputes"):
        _make(rows, dialect, name)
    for name in [
        each for each in INDEXES if each.partition("_")[0] in ("matters", "disagreements", "disputes")
    ]:
        rows.run(f"CREATE INDEX IF NOT EXISTS {name} ON {INDEXES[name]}")


def make_tables(rows: Rows, dialect: str, version: int) -> None:
    """Make the tables that came with a version, and their indexes."""
    names = _tables_since(version)
    for name in names:
        _make(rows, dialect, name)
    for index, target in INDEXES.items():
        if target.partition(" ")[0] in names:
            rows.run(f"CREATE INDEX IF NOT EXISTS {index} ON {target}")


def _tables_since(version: int) -> list[str]:
    return [name for name, table in TABLES.items() if table.since == version]


def _sixth(rows: Rows, dialect: str) -> None:
    """The tables that came with version 6, and what older ones and the events say of them."""
    make_tables(rows, dialect, 6)
    for column in ("issuer", "subject"):
        _add_text(rows, dialect, "looks", column)
    _add_text(rows, dialect, "refused", "sender")  # of version 8; what is wiped is summed as it is today
    fill_recoveries(rows)
    note_spellings(rows)
    wipe_refused(rows)


def _wider_spellings(rows: Rows, _dialect: str) -> None:
    """What was canonical at version 6 and has another form since: dashes, and what leaves no trace."""
    refill_recoveries(rows)
    note_spellings(rows)


def _senders(rows: Rows, dialect: str) -> None:
    """Who sent what was refused: known of what comes from now on."""
    _add_text(rows, dialect, "refused", "sender")
    for name in ("refused_open_of", "refused_settled_of"):
        rows.run(f"CREATE INDEX IF NOT EXISTS {name} ON {INDEXES[name]}")


def _entries(rows: Rows, dialect: str) -> None:
    """Facts of enterprises with many events entry by entry, and the indexes by which they are found."""
    make_tables(rows, dialect, 9)
    rewrite_facts(rows)
    rows.run("DROP INDEX IF EXISTS disagreements_by_code")  # it was of the enterprise alone
    rows.run(f"CREATE INDEX disagreements_by_code ON {INDEXES['disagreements_by_code']}")


def _taken_steps(rows: Rows, dialect: str) -> None:
    """Who took which step of a year, of all that was recorded before."""
    make_tables(rows, dialect, 10)
    fill_taken_steps(rows)


_WRITTEN = (
    Migration(1, "initial", _initial),
    Migration(2, "correlations", _correlations),
    Migration(3, "certificates", _certificates),
    Migration(4, "pots", _pots),
    Migration(5, "disagreements", _disagreements),
    Migration(6, "authority", _sixth),
    Migration(7, "spellings", _wider_spellings),
    Migration(8, "senders", _senders),
    Migration(9, "entries", _entries),
    Migration(10, "taken steps", _taken_steps),
)


def add_tables(version: int) -> Migration:
    """The step that makes the tables which came with a version, and their indexes."""
    return Migration(version, ", ".join(_tables_since(version)), partial(make_tables, version=version))


_NEWEST = max(*(step.version for step in _WRITTEN), *(table.since for table in TABLES.values()))
MIGRATIONS = (*_WRITTEN, *(add_tables(version) for version in range(_WRITTEN[-1].version + 1, _NEWEST + 1)))
"""In order; the last one's version is the schema that this program works on."""

SCHEMA_VERSION = MIGRATIONS[-1].version
ALONE_SECONDS_MAX = 3
"""How long an upgrade waits for others to leave the database."""


def version_of(rows: Rows) -> int:
    """The schema's version, 0 where there is none yet."""
    if not rows.has_table("schema_version"):
        return 0
    return int(rows.all("SELECT MAX(version) FROM schema_version")[0][0] or 0)


def version_faults(rows: Rows) -> Iterator[str]:
    """What ``schema_version`` says that no upgrade wrote, as sentences."""
    noted = {
        (int(version), str(name)) for version, name in rows.all("SELECT version, name FROM schema_version")
    }
    steps = {(step.version, step.name) for step in MIGRATIONS}
    for version, name in sorted(noted ^ steps):
        which = "missing" if (version, name) in steps else "none of ours"
        yield f"schema_version: the step {version} ({name}) is {which}"


def begin_tables(store: Store, dialect: str) -> None:
    """Make the tables of a new ledger; of one that is there they are left as they are.

    Raises:
        UnsuitableStore: where they are of another version, or tables of something else stand.
    """
    with store.reading() as rows:
        check_begun(rows)
        version = version_of(rows)
    if not version:
        create_tables(store, dialect)


def check_begun(rows: Rows) -> None:
    """As ``check_version_of``, but a database in which nothing stands yet is as good.

    Raises:
        UnsuitableStore: saying the mend.
    """
    if version_of(rows):
        check_version_of(rows)
    else:
        check_unclaimed(rows)


def create_tables(store: Store, dialect: str) -> int:
    """Bring the schema up to date; safe to run again, and from several places.

    Returns:
        the version that it found.

    Raises:
        UnsuitableStore: where a newer program has been at work, or where tables of something else stand.
    """
    with store.reading() as rows:
        check_unclaimed(rows)
        version = version_of(rows)
    if version < SCHEMA_VERSION:
        with store.migrating() as rows:
            version = version_of(rows)
            for step in MIGRATIONS:
                if step.version > version:
                    step.apply(rows, dialect)
                    rows.run("INSERT INTO schema_version VALUES (?,?)", [step.version, step.name])
            begin_sums(rows)
    _refuse_newer(version)
    return version


def upgrade_tables(store: Store, dialect: str) -> int:
    """As ``create_tables``, of a ledger that nobody else has open.

    An older program that is still at work writes as if nothing had changed: rows without their sums, and
    events without what newer tables hold of them, which every later audit names as altered.

    Raises:
        UnsuitableStore: where there is something to upgrade, and others still work on it after a while.
    """
    with store.reading() as rows:
        version = version_of(rows)
    if 0 < version < SCHEMA_VERSION:
        _wait_until_alone(store, version)
    return create_tables(store, dialect)


def _wait_until_alone(store: Store, version: int) -> None:
    """Sessions that were just closed are seen by the server for a moment."""
    until = time.monotonic() + ALONE_SECONDS_MAX
    while count := store.count_other_sessions():
        if time.monotonic() > until:
            raise UnsuitableStore("database.in-use", version=version, wanted=SCHEMA_VERSION, sessions=count)
        time.sleep(1 / 10)


def check_unclaimed(rows: Rows) -> None:
    """Refuse a database that holds no ledger, but tables of something else.

    Raises:
        UnsuitableStore: naming some of them.
    """
    if version_of(rows):
        return
    foreign = sorted(set(rows.table_names()) - {*TABLES, *LIBRARY_TABLES})
    if foreign:
        named = ", ".join(foreign[:3])
        raise UnsuitableStore("database.foreign", tables=named)


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
    version = version_of(rows)
    if version == 0:
        check_unclaimed(rows)
        raise UnsuitableStore("database.no-tables")
    if version < SCHEMA_VERSION:
        raise UnsuitableStore("database.older", version=version, wanted=SCHEMA_VERSION)
    _refuse_newer(version)


def _refuse_newer(version: int) -> None:
    if version > SCHEMA_VERSION:
        raise UnsuitableStore("database.newer", version=version, wanted=SCHEMA_VERSION)
