"""Every kind of tampering of the registry, straight on the database: named, or listed with its reason."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from docs.generate.tampering import AUDIT, OUTSIDE, REPLAY, UNSEEN, Tampering
from docs.generate.tamperings import TAMPERINGS
from domain.log.notes import SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.audit.looks import Look, note
from ledger.audit.stating import state_tables
from ledger.disagreements.deciding import decide
from ledger.intake.inbox import ingest
from ledger.intake.machine_keys import make_key, revoke_key
from ledger.intake.settling import dismiss_refusal
from ledger.replay.comparison import replay
from ledger.replay.rebuild import certified
from ledger.store.append import track
from ledger.store.application import Ledger, open_ledger
from ledger.store.guard import begin_sums
from ledger.store.rows import UnsuitableStore
from services.cli.main import main
from services.sample.city import city
from services.verify import verify
from tests.events import CIXI, OPERATOR
from tests.integration.closings import OFFICER, closed
from tests.integration.test_disagreements import found_in
from tests.integration.test_tampering import cut
from tests.postgres import Server

KEY = SignerKey("ledger", b"\x01" * 32)
KINDS = [(store, each) for each in TAMPERINGS for store in each.stores]


def build(address: str, folder: Path) -> None:
    """A ledger in which every table has rows."""
    scene = closed(lambda policy: open_ledger(address), years=(2024,))
    ledger = scene.ledger
    disagreement = next(each for each in found_in(ledger) if each.facts)
    first = disagreement.facts[0]
    decide(ledger, disagreement.id, OFFICER, [(first.source, first.id)], "looked into")
    make_key(ledger, OPERATOR, "statistics", "urn:cixi:statistics", ["subsidy.sales-reported.v1"])
    ended = make_key(ledger, OPERATOR, "tax", "urn:cixi:tax", ["subsidy.sales-reported.v1"])
    assert revoke_key(ledger, OPERATOR, ended.split("_")[1])
    with ledger.store.writing() as rows:
        note(rows, [Look("2026-01-01T00:00:00.000000Z", "lin", "::1", "GET", "/", "code")])
        track(rows, "kafka:topic:id:0", 7)
        rows.run("INSERT INTO person_keys VALUES (?,?,?,?)", ["p", "c", "e", b"key"])
        rows.run("INSERT INTO used_keys VALUES (?,?,?,?,?)", ["p", "k", b"r", "2099", b"a"])
        rows.run("INSERT INTO used_tokens (token_id, until) VALUES (?,?)", ["t", "2099"])
        rows.run("INSERT INTO correlations VALUES (?,?,?,?)", ["c", 1, 2, ""])
    current(ledger, KEY)
    assert certified(ledger, str(folder / "rebuilt.db")).swapped
    ingest(ledger, list(city(3, seed=9)), "tests")
    state_tables(ledger)
    dismissed = str(ingest(ledger, [b"[1]"], "tests")[0].refusal)
    scene.clock.pass_(hours=1)
    dismiss_refusal(ledger, dismissed, OFFICER, "sent twice")
    ingest(ledger, [b"[2]"], "late")
    state_tables(ledger)
    current(ledger, KEY)
    ledger.close()


@pytest.fixture(scope="session")
def sqlite_scene(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The scene as a file's bytes."""
    folder = tmp_path_factory.mktemp("scene")
    build(str(folder / "ledger.db"), folder)
    with closing(sqlite3.connect(folder / "ledger.db")) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / "ledger.db").read_bytes()


@pytest.fixture(scope="session")
def postgres_scene(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The scene as a database that others are copies of."""
    name = postgres.create()
    build(postgres.url(name), tmp_path_factory.mktemp("scene"))
    return name


@pytest.fixture
def address(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A copy of the scene of one's own."""
    if store_kind == "sqlite":
        (tmp_path / "ledger.db").write_bytes(request.getfixturevalue("sqlite_scene"))
        yield str(tmp_path / "ledger.db")
        return
    scene = request.getfixturevalue("postgres_scene")
    server: Server = request.getfixturevalue("postgres")
    name = server.create(scene)
    yield server.url(name)
    server.drop(name)


def tamper(address: str, tampering: Tampering) -> None:
    """What it does, past the product."""
    is_server = "://" in address
    position = "notification_id" if is_server else "rowid"
    zero = "decode(repeat('00', 64), 'hex')" if is_server else "zeroblob(64)"
    statements = [
        re.sub(r"\bP\b", position, statement).replace("ZERO", zero) for statement in tampering.statements
    ]
    if is_server:
        with psycopg.connect(address, autocommit=True) as connection:
            for sql in statements:
                connection.execute(sql.encode())
    else:
        with closing(sqlite3.connect(address, isolation_level=None)) as raw:
            for sql in statements:
                raw.execute(sql)
    if tampering.fits_sums:
        with closing(open_ledger(address, create=False)) as ledger, ledger.store.writing() as rows:
            rows.run("DELETE FROM table_sums")
            begin_sums(rows)


def findings(address: str, *trusted: str) -> list[str]:
    ledger = open_ledger(address, create=False)
    try:
        with ledger.store.reading() as rows:
            return [each.description for each in check_log(rows, [KEY.verifier], list(trusted))]
    finally:
        ledger.close()


def differences(address: str, folder: Path) -> tuple[str, ...]:
    with closing(open_ledger(address, create=False)) as ledger:
        return replay(ledger, str(folder / "replica.db")).differences


@pytest.mark.parametrize("store_kind", ["sqlite", "postgres"])
def test_the_scene_is_well(address: str, tmp_path: Path) -> None:
    assert findings(address) == []
    assert differences(address, tmp_path) == ()


@pytest.mark.parametrize(
    ("store_kind", "tampering"), KINDS, ids=[f"{store}-{each.en}" for store, each in KINDS]
)
def test_it_is_named_or_listed(address: str, tampering: Tampering, tmp_path: Path) -> None:
    if tampering.seen_by == OUTSIDE:
        found = cut_and_found(address)
    else:
        tamper(address, tampering)
        found = findings(address)
    if tampering.seen_by == AUDIT:
        assert any(tampering.words in description for description in found), found[:5]
    elif tampering.seen_by == REPLAY:
        assert any(tampering.words in each for each in differences(address, tmp_path))
    else:
        assert tampering.seen_by in (UNSEEN, OUTSIDE)
        assert tampering.why_zh
        assert tampering.why_en
        if tampering.seen_by == UNSEEN:
            assert found == []


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_an_index_that_lacks_a_row_is_named(address: str) -> None:
    """A row that no look-up finds: the index is hidden while the row is taken out and put back."""
    hidden = "name='refused_number'"
    with closing(sqlite3.connect(address, isolation_level=None)) as raw:
        (entry,) = raw.execute(f"SELECT * FROM sqlite_master WHERE {hidden}").fetchall()
        raw.execute("PRAGMA writable_schema=ON")
        raw.execute(f"DELETE FROM sqlite_master WHERE {hidden}")
    with closing(sqlite3.connect(address, isolation_level=None)) as raw:
        raw.execute("CREATE TEMP TABLE held AS SELECT * FROM refused ORDER BY number LIMIT 1")
        raw.execute("DELETE FROM refused WHERE number=(SELECT number FROM held)")
        raw.execute("INSERT INTO refused SELECT * FROM held")
        raw.execute("PRAGMA writable_schema=ON")
        raw.execute("INSERT INTO sqlite_master VALUES (?,?,?,?,?)", entry)

    found = findings(address)

    assert any("the file is damaged" in each and "refused_number" in each for each in found), found


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_file_whose_pages_do_not_fit_is_told_with_the_mend(address: str) -> None:
    with closing(sqlite3.connect(address, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema=ON")
        other = "(SELECT rootpage FROM sqlite_master WHERE name='batches')"
        raw.execute(f"UPDATE sqlite_master SET rootpage={other} WHERE name='refused_number'")

    done = CliRunner().invoke(main, ["--database", address, "--language=en", "audit"])

    assert done.exit_code == 1
    assert f"{address} is damaged" in done.output
    assert "restore a backup" in done.output


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_a_subscription_that_writes_rows_by_itself_is_named(address: str) -> None:
    subscribe = (
        "CREATE SUBSCRIPTION elsewhere CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p "
        "WITH (connect=false, slot_name=NONE, enabled=false)"
    )
    tamper(address, Tampering("", "", (subscribe,), ""))
    try:
        assert any("a subscription elsewhere" in each for each in findings(address))
    finally:
        tamper(address, Tampering("", "", ("DROP SUBSCRIPTION elsewhere",), ""))


def cut_and_found(address: str) -> list[str]:
    """What is found once the end is cut off, by a checkpoint that was kept elsewhere."""
    with closing(open_ledger(address)) as ledger:
        note_kept, size = current(ledger, KEY), 0
        with ledger.store.reading() as rows:
            size = rows.last_position()
        cut(ledger, size - 3)
    found = findings(address, note_kept)
    assert any("checkpoint is of" in each for each in found)
    return found


def test_there_are_sixty_kinds_on_each_store() -> None:
    for store in ("sqlite", "postgres"):
        assert sum(kind == store for kind, _ in KINDS) >= 60
    assert len({(each.en, each.stores) for each in TAMPERINGS}) == len(TAMPERINGS)


DROPPING = {
    "sqlite": [
        "CREATE TRIGGER drops BEFORE INSERT ON {} BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER adds AFTER INSERT ON {} "
        "BEGIN INSERT INTO used_tokens VALUES (hex(randomblob(8)), 'x'); END",
    ],
    "postgres": [
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE TRIGGER drops BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION nothing()",
        "CREATE RULE drops AS ON INSERT TO {} DO INSTEAD NOTHING",
    ],
}


@pytest.mark.parametrize("table", ["stored_events", "event_keys", "batches", "matters"])
@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("store_kind", ["sqlite", "postgres"])
def test_what_the_database_does_not_store_as_sent_is_not_confirmed(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], store_kind: str, table: str, way: int
) -> None:
    ledger = open_at()
    with ledger.store.reading() as rows:
        before = rows.last_position()
    statement = DROPPING[store_kind][way].format(table)
    if store_kind == "sqlite":
        with closing(sqlite3.connect(database_at("ledger.db"))) as raw:
            raw.execute(statement)
    else:
        with psycopg.connect(database_at("ledger.db"), autocommit=True) as connection:
            connection.execute(statement.encode())

    with pytest.raises(UnsuitableStore, match="nothing was recorded"):
        ingest(ledger, list(city(20)), "tests")

    with ledger.store.reading() as rows:
        assert rows.last_position() == before
        assert rows.all("SELECT COUNT(*) FROM event_keys")[0][0] == 0


def test_a_message_taken_twice_is_told_by_audit_and_verifier(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], store_kind: str, tmp_path: Path
) -> None:
    """Identities are emptied by hand, and the same file goes in again."""
    ledger = open_at()
    messages = list(city(5))
    ingest(ledger, messages, "tests")
    address, sql = database_at("ledger.db"), "DELETE FROM event_keys"
    tamper(address, Tampering("", "", (sql,), ""))
    assert any(result.status == "accepted" for result in ingest(ledger, messages, "tests"))

    found = findings(address)
    note_signed = current(ledger, KEY)
    write_year(ledger, tmp_path / "year.zip", CIXI, 2024, note_signed, int(note_signed.split("\n")[1]))
    faults = verify(tmp_path / "year.zip", [KEY.verifier])[1].faults

    assert any("have one identity" in each for each in found)
    assert any("the same source and id" in each for each in faults)
