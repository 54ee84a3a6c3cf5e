"""What every store promises: each test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import ApplicationRecorder, StoredEvent

from ledger.intake.inbox import ingest
from ledger.intake.refusals import list_refused
from ledger.replay.comparison import fingerprint, replay
from ledger.store.application import Ledger, migrate_ledger, open_ledger
from ledger.store.rows import Conflict, Rows, UnsuitableStore
from ledger.store.schema.migrations import (
    MIGRATIONS,
    SCHEMA_VERSION,
    Migration,
    add_tables,
    check_version,
    create_tables,
    version_of,
)
from ledger.store.schema.tables import INDEXES, TABLES, Rebuilding, Table
from tests.answers import UnknownEnterprise, balance
from tests.events import CIXI, Feed, take
from tests.postgres import Server
from tests.written import store

Opener = Callable[..., Ledger]
TOPIC = "domain.events:StoreRegistered"
MEGABYTE = 1 << 20


def events(*originators: str, version: int = 1, state: bytes = b"{}") -> list[tuple[str, int, str, bytes]]:
    return [(originator, version, TOPIC, state) for originator in originators]


def store_at(ledger: Ledger, position: int, *originators: str) -> None:
    with ledger.store.writing() as rows:
        rows.append(position, events(*originators))


def positions(ledger: Ledger) -> list[int]:
    with ledger.store.reading() as rows:
        return [row[0] for row in rows.stream("SELECT rowid FROM stored_events ORDER BY rowid")]


def counts(ledger: Ledger) -> dict[str, int]:
    tables = ("stored_events", "batches", "event_keys", "enterprises", "totals", "refused")
    with ledger.store.reading() as rows:
        return {table: rows.all(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_taken_version_is_a_conflict_that_leaves_nothing(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    store_at(ledger, 1, "a", "b")

    with pytest.raises(Conflict):
        store_at(ledger, 3, "c", "b")

    assert positions(ledger) == [1, 2]


def test_an_error_inside_a_transaction_leaves_nothing(open_at: Opener) -> None:
    ledger = open_at()
    before = counts(ledger)

    def halt() -> None:
        with ledger.store.writing() as rows:
            rows.append(rows.last_position() + 1, events("a"))
            rows.run("INSERT INTO batches VALUES (?,?)", [2, "x"])
            rows.run_many("INSERT INTO event_keys VALUES (?,?,?)", [("k", b"d", 2)])
            raise RuntimeError("halted")

    with pytest.raises(RuntimeError, match="halted"):
        halt()

    assert counts(ledger) == before


def test_positions_have_no_gaps_after_rollbacks(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    for number in range(6):
        try:
            with ledger.store.writing() as rows:
                rows.append(rows.last_position() + 1, events(f"a{number}", f"b{number}"))
                if number % 2:
                    raise RuntimeError
        except RuntimeError:
            pass

    assert positions(ledger) == [1, 2, 3, 4, 5, 6]


def test_a_position_is_not_given_again_when_its_event_was_deleted(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    take(ledger, Feed(1).shop("tmall", "a", "2024-05-05"), Feed(2).shop("tmall", "b", "2024-05-05"))
    with ledger.store.writing() as rows:
        rows.run("DELETE FROM stored_events WHERE rowid=?", [2])

    take(ledger, Feed(3).shop("tmall", "c", "2024-05-05"))

    assert positions(ledger) == [1, 3]


def test_the_library_reads_what_we_wrote_and_goes_on_after_it(open_at: Opener) -> None:
    ledger = open_at()
    feed = Feed(1)
    take(ledger, feed.shop("tmall", "a", "2024-05-05"), feed.sales("online", 2024, "5.00"))
    recorder = ledger.application.recorder
    assert isinstance(recorder, ApplicationRecorder)

    recorder.insert_events([StoredEvent("theirs", 1, TOPIC, b"{}")])
    with ledger.store.writing() as rows:
        rows.append(rows.last_position() + 1, events("ours"))

    read = recorder.select_notifications(start=1, limit=100)
    with ledger.store.reading() as rows:
        found = rows.all(
            "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events ORDER BY rowid"
        )
    assert [tuple(row) for row in found] == [
        (n.id, n.originator_id, n.originator_version, n.topic, n.state) for n in read
    ]
    assert [n.id for n in read] == list(range(1, len(read) + 1))
    assert [n.originator_id for n in read[-2:]] == ["theirs", "ours"]


def test_text_is_sorted_by_its_bytes(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    names = ["a", "B", "b", "A", "é", "中", "z", "Z", "1", "-", "a b", "ab", "𠮷", "豈"]
    with ledger.store.writing() as rows:
        rows.append(1, events(*names))
        insert = "INSERT INTO enterprises (code, version, facts, outcome) VALUES (?,?,?,?)"
        rows.run_many(insert, [(name, 1, b"", b"") for name in names])

    with ledger.store.reading() as rows:
        stored = [r[0] for r in rows.stream("SELECT originator_id FROM stored_events ORDER BY originator_id")]
        listed = [r[0] for r in rows.all("SELECT code FROM enterprises WHERE code>? ORDER BY code", ["Z"])]

    assert stored == sorted(names, key=str.encode)
    assert listed == [name for name in stored if name.encode() > b"Z"]


def test_an_answer_of_any_size_is_streamed_in_bounded_memory(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    state = os.urandom(16_384)
    with ledger.store.writing() as rows:
        for first in range(1, 8_001, 500):
            batch = [(f"e{n:05d}", 1, TOPIC, state) for n in range(first, first + 500)]
            rows.append(first, batch)
    size, most, start, seen = 8_000 * len(state), 0, resident(), 0
    assert size > 120 * MEGABYTE

    with ledger.store.reading() as rows:
        for row in rows.stream("SELECT originator_id, state FROM stored_events ORDER BY originator_id"):
            seen += len(row[1])
            most = max(most, resident() - start)

    assert seen == size
    assert most < 60 * MEGABYTE


def test_streams_may_run_side_by_side_and_be_left_early(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    with ledger.store.writing() as rows:
        rows.append(1, events(*(f"e{n:04d}" for n in range(3_000))))
    sql = "SELECT originator_id FROM stored_events ORDER BY originator_id"

    with ledger.store.reading() as rows:
        left = next(rows.stream(sql))
        pairs = sum(a == b for a, b in zip(rows.stream(sql), rows.stream(sql), strict=True))
    with ledger.store.reading() as rows:
        again = next(rows.stream(sql))

    assert (pairs, left, again) == (3_000, again, left)


def test_a_reader_sees_one_moment(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    with ledger.store.reading() as rows:
        before = rows.last_position()
        with ledger.store.writing() as other:
            other.append(1, events("a"))
        assert rows.last_position() == before == 0
    assert positions(ledger) == [1]


def test_an_upsert_of_many_rows_replaces_and_deletes_as_one_by_one(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    upsert = (
        "INSERT INTO claims (policy,claim,code,measure,item,year,status,amount,position) "
        "VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (policy,code,claim) DO UPDATE SET amount=excluded.amount"
    )
    row = ("p", "c1", "e", "m", "100% 'i' ?", 2024, "open")
    with ledger.store.writing() as rows:
        rows.run_many(upsert, [(*row, None, 1), ("p", "c2", *row[2:], None, 2)])
        rows.run_many(upsert, [(*row, "12", 1), ("p", "c3", *row[2:], None, 3)])
        rows.run_many("DELETE FROM claims WHERE claim=? AND code=?", [("c2", "e"), ("c9", "e")])
        rows.run_many(upsert, [])

    with ledger.store.reading() as rows:
        found = [tuple(row) for row in rows.all("SELECT claim, amount, item FROM claims ORDER BY claim")]
        some = rows.all_in("SELECT claim FROM claims WHERE claim IN ({})", [f"c{n}" for n in range(1_200)])
        none = rows.all_in("SELECT claim FROM claims WHERE claim IN ({})", [])

    assert found == [("c1", "12", "100% 'i' ?"), ("c3", None, "100% 'i' ?")]
    assert sorted(row[0] for row in some) == ["c1", "c3"]
    assert none == []


def test_a_replay_gives_the_same_figures_and_takes_over(open_at: Opener, tmp_path: Path) -> None:
    ledger = open_at()
    for number in range(1, 40):
        feed = Feed(number)
        ingest(
            ledger, [feed.shop("tmall", "a", "2024-05-05"), feed.sales("online", 2024, "90000000.00")], "t"
        )
    with ledger.store.reading() as rows:
        before = fingerprint(rows)

    certificate = replay(ledger, str(tmp_path / "replayed.db"), take_over=True)

    assert certificate.equal
    assert certificate.enterprises == 39
    with ledger.store.reading() as rows:
        assert fingerprint(rows) == before == certificate.replayed


@pytest.mark.parametrize("text", ["\x00", "\ud800", "A\x00", "91330282MA2\udfff"])
def test_a_question_with_text_that_cannot_be_stored_finds_nothing(open_at: Opener, text: str) -> None:
    ledger = open_at()

    with ledger.store.reading() as rows:
        with pytest.raises(UnknownEnterprise):
            balance(ledger, rows, text, CIXI, 2024)
        assert rows.all("SELECT 1 FROM policies WHERE policy=?", [text]) == []
        assert rows.all_in("SELECT 1 FROM policies WHERE policy IN ({})", [text, "x"]) == []
        assert list(rows.stream("SELECT 1 FROM policies WHERE policy=?", [text])) == []


@pytest.mark.parametrize(
    "raw",
    [
        store(id='"a\\u0000b"'),
        store(id='"a\\ud800b"'),
        store(source='"urn:\\u0000"', subject='"\\u0000"'),
        store(type='"subsidy.\\ud800.v1"', extra='"\\u0000"'),
        store(**{"id": '"a\\u0000b"', "type": '"\\u0000"'}),
        store().replace(b"tmall", b"tm\x00all"),
        b"\x00\xff\xfe\xed\xa0\x80",
    ],
)
def test_refused_bytes_are_kept_whatever_they_are(open_at: Opener, raw: bytes) -> None:
    ledger = open_at()

    results = [*ingest(ledger, [raw], "http"), *ingest(ledger, [raw, raw], "http")]

    with ledger.store.reading() as rows:
        [kept] = list_refused(rows)
    assert {result.status for result in results} == {"refused"}
    assert (kept.raw, kept.times) == (raw, 3)
    assert list(kept.faults) == list(results[0].faults)
    json.dumps([kept.event_id, kept.source, kept.subject, kept.type]).encode()


# --- the schema -------------------------------------------------------------------------------


def test_creating_twice_and_at_once_while_another_serves_changes_nothing(
    database_at: Callable[[str], str], open_at: Opener
) -> None:
    serving = open_at()
    address = database_at("ledger.db")
    failures: list[BaseException] = []

    def create() -> None:
        try:
            open_ledger(address).close()
        except BaseException as error:
            failures.append(error)

    with serving.store.reading() as rows:
        assert rows.last_position() == 1
        threads = [threading.Thread(target=create) for _ in range(6)]
        for thread in threads:
            thread.start()
        take(serving, Feed(1).shop("tmall", "a", "2024-05-05"))
        for thread in threads:
            thread.join()
        assert rows.last_position() == 1

    assert failures == []
    assert positions(serving) == [1, 2]
    with serving.store.reading() as rows:
        assert [r[0] for r in rows.all("SELECT version FROM schema_version ORDER BY version")] == [
            step.version for step in MIGRATIONS
        ]


def test_a_step_is_applied_once_and_an_older_schema_is_refused_until_then(
    database_at: Callable[[str], str], open_at: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_at()
    applied: list[int] = []

    def apply(rows: Rows, dialect: str) -> None:
        applied.append(1)
        rows.run("ALTER TABLE refused ADD COLUMN note TEXT")

    following = Migration(SCHEMA_VERSION + 1, "a note on what was refused", apply)
    monkeypatch.setattr("ledger.store.schema.migrations.MIGRATIONS", (*MIGRATIONS, following))
    monkeypatch.setattr("ledger.store.schema.migrations.SCHEMA_VERSION", following.version)

    with pytest.raises(UnsuitableStore, match="subsidy-ledger migrate"):
        open_ledger(database_at("ledger.db"), create=False)
    assert create_tables(ledger.store, ledger.dialect) == following.version - 1
    assert create_tables(ledger.store, ledger.dialect) == following.version
    check_version(ledger.store)

    assert applied == [1]


def test_tables_that_others_work_on_are_not_upgraded(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older program wrote after it, an audit would take for an alteration."""
    address = postgres.url(postgres.create())
    open_ledger(address).close()
    older = psycopg.connect(
        address, application_name="subsidy-ledger"
    )  # as 46ad05e called each of its sessions
    newer = Migration(SCHEMA_VERSION + 1, "nothing", lambda rows, dialect: None)
    monkeypatch.setattr("ledger.store.schema.migrations.MIGRATIONS", (*MIGRATIONS, newer))
    monkeypatch.setattr("ledger.store.schema.migrations.SCHEMA_VERSION", newer.version)
    monkeypatch.setattr("ledger.store.schema.migrations.ALONE_SECONDS_MAX", 1)

    with pytest.raises(UnsuitableStore, match="1 other sessions work on them"):
        migrate_ledger(address)
    assert older.execute("SELECT MAX(version) FROM schema_version").fetchone() == (SCHEMA_VERSION,)
    older.close()
    for _ in range(2):
        with closing(migrate_ledger(address)) as ledger, ledger.store.reading() as rows:
            assert version_of(rows) == newer.version


def test_a_table_that_came_with_a_later_version_is_made_by_its_step(
    open_at: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, version = open_at(), SCHEMA_VERSION + 1
    remarks = Table("批注", "remarks", Rebuilding.NEVER, "number {int} PRIMARY KEY, said TEXT", since=version)
    monkeypatch.setitem(TABLES, "remarks", remarks)
    monkeypatch.setitem(INDEXES, "remarks_said", "remarks (said)")
    step = add_tables(version)
    monkeypatch.setattr("ledger.store.schema.migrations.MIGRATIONS", (*MIGRATIONS, step))
    monkeypatch.setattr("ledger.store.schema.migrations.SCHEMA_VERSION", version)

    assert (step.version, step.name) == (version, "remarks")
    assert create_tables(ledger.store, ledger.dialect) == version - 1
    with ledger.store.writing() as rows:
        rows.run("INSERT INTO remarks VALUES (?,?)", [1, "made"])
        assert rows.all("SELECT said FROM remarks") == [("made",)]


def test_a_failing_step_changes_nothing(open_at: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = open_at()

    def apply(rows: Rows, dialect: str) -> None:
        rows.run("CREATE TABLE half_done (x INTEGER)")
        raise RuntimeError("halted")

    monkeypatch.setattr(
        "ledger.store.schema.migrations.MIGRATIONS", (*MIGRATIONS, Migration(99, "halted", apply))
    )
    monkeypatch.setattr("ledger.store.schema.migrations.SCHEMA_VERSION", 99)

    with pytest.raises(RuntimeError):
        create_tables(ledger.store, ledger.dialect)

    with ledger.store.reading() as rows:
        assert not rows.has_table("half_done")
        assert version_of(rows) == SCHEMA_VERSION


def test_a_ledger_from_before_several_budgets_gets_their_column(open_at: Opener) -> None:
    ledger = open_at()
    with ledger.store.writing() as rows:
        rows.run("ALTER TABLE settlement_lines DROP COLUMN pot")
        rows.run("DELETE FROM schema_version WHERE version>=4")

    assert create_tables(ledger.store, ledger.dialect) == 3
    check_version(ledger.store)

    with ledger.store.reading() as rows:
        assert rows.all("SELECT pot FROM settlement_lines") == []


def test_a_newer_schema_is_refused(database_at: Callable[[str], str], open_at: Opener) -> None:
    with open_at().store.writing() as rows:
        rows.run("INSERT INTO schema_version VALUES (?,?)", [SCHEMA_VERSION + 1, "of the future"])

    for create in (False, True):
        with pytest.raises(UnsuitableStore, match="use the newer subsidy-ledger"):
            open_ledger(database_at("ledger.db"), create=create)


def test_an_empty_database_is_refused_without_leave_to_create(
    store_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if store_kind == "sqlite":
        empty = tmp_path / "nothing.db"
        address: Any = str(empty)
    else:
        server = request.getfixturevalue("postgres")
        address = server.url(server.create())

    with pytest.raises(UnsuitableStore, match="subsidy-ledger migrate"):
        open_ledger(address, create=False)

    if store_kind == "sqlite":
        assert not empty.exists()
    open_ledger(address).close()
    open_ledger(address, create=False).close()
