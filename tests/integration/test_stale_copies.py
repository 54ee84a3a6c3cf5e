"""A copy that lags behind takes nothing at any door: what it took would be lost, or a second history."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.events.event import NOBODY
from ledger.audit import checkpoints
from ledger.audit.restores import record_restore
from ledger.intake.inbox import Offsets, ingest
from ledger.log.holding import hold_appends
from ledger.log.key_record import LAST, load_key
from ledger.policies.versions import adopt_policy
from ledger.store.append import tracked
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import StaleStore, StoreUnavailable, UnsuitableStore
from services.cli.main import main
from services.runtime.variables import PREFIX
from services.sample.city import city
from services.server.app import create_app
from tests.conftest import LATER
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.integration.api_client import year_path
from tests.integration.test_console_desk import Browser
from tests.integration.test_sheets import THREE
from tests.integration.test_writers import messages_of
from tests.postgres import Server

FEED = Feed(3)
MESSAGE = FEED.shop("tmall", "a shop", "2024-03-05")
ONE = "application/cloudevents+json"
Run = Callable[..., Any]
Replace = Callable[[], None]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    checkpoints.load_or_make_key(tmp_path / "signing.key", "ledger")
    return tmp_path / "signing.key"


def grow(address: str, seed: int, key_file: Path | None = None) -> None:
    """One process's work: two enterprises more, and perhaps a checkpoint of them."""
    with closing(open_ledger(address, clock=lambda: LATER)) as ledger:
        ingest(ledger, list(city(2, seed=seed)), "tests")
        if key_file:
            checkpoints.current(ledger, load_key(key_file))


@pytest.fixture
def fail_over(
    store_kind: str, database_at: Callable[[str], str], request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], Replace]]:
    """Copies the ledger as it stands; what comes back puts that copy in its place."""
    address = database_at("ledger.db")
    if store_kind == "sqlite":

        def copy_file() -> Replace:
            with closing(sqlite3.connect(address)) as source:
                source.execute("VACUUM INTO ?", [str(tmp_path / "copy.db")])

            def put_file() -> None:
                for file in Path(address).parent.glob("ledger.db*"):
                    file.unlink()
                shutil.copyfile(tmp_path / "copy.db", address)

            return put_file

        yield copy_file
        return
    server: Server = request.getfixturevalue("postgres")
    name = address.rpartition("/")[2]
    copies: list[str] = []

    def cut_off(database: str) -> None:
        server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='{database}'")

    def copy_database() -> Replace:
        cut_off(name)
        copies.append(server.create(name))

        def put_database() -> None:
            cut_off(name)
            server.run(f"ALTER DATABASE {name} RENAME TO {name}_before")
            server.run(f"ALTER DATABASE {copies[0]} RENAME TO {name}")
            copies[0] = f"{name}_before"

        return put_database

    yield copy_database
    for each in copies:
        server.drop(each)


@pytest.fixture
def stale(database_at: Callable[[str], str], fail_over: Callable[[], Replace], key_file: Path) -> str:
    """The address of a copy that lags behind what its key signed for."""
    address = database_at("ledger.db")
    with closing(open_ledger(address, clock=lambda: LATER)) as ledger:
        adopt_policy(ledger, CIXI_TEXT)
    grow(address, 1, key_file)
    put_copy = fail_over()
    grow(address, 2, key_file)
    put_copy()
    return address


@pytest.fixture
def run_on(stale: str, key_file: Path) -> Run:
    env = {f"{PREFIX}DATABASE": stale, f"{PREFIX}SIGNING_KEY": str(key_file)}

    def command(*arguments: str, status: int = 0) -> Any:
        done = CliRunner().invoke(main, list(arguments), env=env)
        assert done.exit_code == status, done.output
        return done

    return command


def position_of(ledger: Ledger) -> int:
    with ledger.store.reading() as rows:
        return rows.last_position()


def test_no_door_takes_anything_and_every_door_says_the_mend(
    stale: str, key_file: Path, run_on: Run, tmp_path: Path
) -> None:
    ledger = open_ledger(stale, clock=lambda: LATER)
    before = position_of(ledger)
    client = create_app(ledger, signing_key=key_file).test_client()
    (tmp_path / "facts.ndjson").write_bytes(MESSAGE + b"\n")

    answers = [
        client.post("/v1/events", data=MESSAGE, content_type=ONE),
        client.put(f"/v1/policies/{CIXI}/budgets/2024", json={"amount": "1000000.00", "currency": "CNY"}),
        client.post(
            year_path("settlement/proposal"),
            json={},
            headers={"Subsidy-Actor": "Lin", "Subsidy-Roles": "officer"},
        ),
    ]
    browser = Browser(client, "zh").works("林晓", "officer")
    page = browser.post("settlement/propose", 503).text
    sheet = tmp_path / "shops.xlsx"
    sheet.write_bytes(THREE)
    sheeted = run_on("ingest", str(sheet), "--yes", status=1).output
    said = run_on("ingest", str(tmp_path / "facts.ndjson"), status=1).output
    budgeted = run_on("set-budget", CIXI, "2024", "1000000.00", status=1).output
    with pytest.raises(StaleStore):
        ingest(ledger, [MESSAGE], "kafka", Offsets("kafka:t:id:0", [7], "t/0"))

    for answer in answers:
        assert answer.status_code == 503, answer.get_data(as_text=True)
        assert answer.get_json()["code"] == "store-stale"
        assert "subsidy-ledger restored" in answer.get_json()["detail"]
    assert "暂不入账" in said
    assert "subsidy-ledger restored" in said
    for words in (budgeted, sheeted, page):
        assert "暂不入账" in words
    with ledger.store.reading() as rows:
        assert tracked(rows, "kafka:t:id:0") is None
    assert position_of(ledger) == before
    ledger.close()


def test_what_only_reads_goes_on(stale: str, key_file: Path, run_on: Run) -> None:
    ledger = open_ledger(stale, clock=lambda: LATER)
    client = create_app(ledger, signing_key=key_file).test_client()
    with ledger.store.reading() as rows:
        (code,) = rows.all("SELECT code FROM enterprises ORDER BY code LIMIT 1")[0]

    assert client.get(f"/v1/enterprises/{code}").status_code == 200
    assert client.get(year_path("budget")).status_code == 200
    assert run_on("balance", code)
    ledger.close()


def test_once_the_restore_is_recorded_every_door_takes_again(
    stale: str, key_file: Path, run_on: Run, tmp_path: Path
) -> None:
    (tmp_path / "facts.ndjson").write_bytes(MESSAGE + b"\n")
    run_on("ingest", str(tmp_path / "facts.ndjson"), status=1)

    assert "写明为何恢复" in run_on("restored", "--reason", " ", status=1).output
    run_on("restored", "--reason", "a failover to an older copy")
    assert "没有恢复过" in run_on("restored", "--reason", "once more", status=1).output

    assert "1" in run_on("ingest", str(tmp_path / "facts.ndjson")).output
    ledger = open_ledger(stale, clock=lambda: LATER)
    client = create_app(ledger, signing_key=key_file).test_client()
    other = FEED.shop("jd", "another", "2024-03-05")
    assert client.post("/v1/events", data=other, content_type=ONE).status_code == 201
    ledger.close()


def test_a_restore_whose_checkpoint_was_cut_off_takes_again(
    stale: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event that admits the restore is there, and the key has signed nothing since."""
    ledger = open_ledger(stale, clock=lambda: LATER)
    hold_appends(ledger, key_file)

    def cut(*_: object) -> None:
        raise OSError("the power went")

    monkeypatch.setattr("ledger.audit.restores.sign_current", cut)
    with pytest.raises(OSError, match="power"):
        record_restore(ledger, load_key(key_file), NOBODY, "root", "the disk died")

    for seed in (5, 6):
        shop = FEED.shop("jd", f"shop {seed}", "2024-03-05")
        assert [each.status for each in ingest(ledger, [shop], "tests")] == ["accepted"]
    ledger.close()


def test_a_process_that_was_writing_finds_the_copy_in_its_place(
    database_at: Callable[[str], str], fail_over: Callable[[], Replace], key_file: Path, store_kind: str
) -> None:
    """It wrote little itself; another one signed for what came since."""
    address = database_at("ledger.db")
    with closing(open_ledger(address, clock=lambda: LATER)) as first:
        adopt_policy(first, CIXI_TEXT)
    grow(address, 1, key_file)
    put_copy = fail_over()
    ledger = open_ledger(address, clock=lambda: LATER)
    hold_appends(ledger, key_file)
    ingest(ledger, [MESSAGE], "tests")
    grow(address, 2, key_file)

    put_copy()

    def write() -> None:
        ingest(ledger, [FEED.shop("jd", "another", "2024-03-05")], "tests")

    if store_kind == "sqlite":  # the process still holds the file of before, which has no name any more
        with pytest.raises(UnsuitableStore, match="replaced or removed"):
            write()
    else:
        with suppress(StoreUnavailable):  # over the connection that the failover cut off
            write()
        with pytest.raises(StaleStore, match="restored"):
            write()
    ledger.close()


def test_an_older_file_copied_over_the_open_one_takes_nothing(
    open_at: Callable[..., Ledger],
    database_at: Callable[[str], str],
    key_file: Path,
    tmp_path: Path,
    store_kind: str,
) -> None:
    """By SQLite's own restore, into the very file that a process has open; in PostgreSQL, rows cut off."""
    ledger, address = open_at(), database_at("ledger.db")
    hold_appends(ledger, key_file)
    if store_kind == "sqlite":
        with closing(sqlite3.connect(address)) as source:
            source.execute("VACUUM INTO ?", [str(tmp_path / "copy.db")])
    ingest(ledger, list(city(2)), "tests")
    checkpoints.current(ledger, load_key(key_file))
    ingest(ledger, list(city(2, seed=3)), "tests")
    if store_kind == "sqlite":
        with (
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
            closing(sqlite3.connect(address)) as live,
        ):
            copy.backup(live)
    else:
        with ledger.store.writing() as rows:
            for sql in ("stored_events WHERE rowid>1", "batches WHERE last_position>1", "tiles"):
                rows.run(f"DELETE FROM {sql}")
            rows.run("DELETE FROM event_keys")
            rows.run("DELETE FROM correlations")

    with pytest.raises(StaleStore, match="restored"):
        ingest(ledger, [MESSAGE], "tests")


def write_and_sign(address: str, number: int, key: str) -> set[str]:
    """One process among many: it appends, and signs for what all of them appended."""
    with closing(open_ledger(address, clock=lambda: LATER)) as ledger:
        hold_appends(ledger, Path(key))
        done = threading.Event()

        def sign() -> None:
            while not done.wait(0.05):
                with suppress(StoreUnavailable):  # others were at work for longer than one waits
                    checkpoints.current(ledger, load_key(Path(key)))

        signer = threading.Thread(target=sign)
        signer.start()
        try:
            return {take_patiently(ledger, each) for each in messages_of(number, same_enterprises=False)[:12]}
        finally:
            done.set()
            signer.join()


def take_patiently(ledger: Ledger, message: bytes) -> str:
    while True:
        try:
            return ingest(ledger, [message], "tests")[0].status
        except StaleStore:
            raise
        except StoreUnavailable:
            continue


def test_processes_that_write_and_sign_at_once_are_never_refused(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], key_file: Path
) -> None:
    open_at().close()
    address, key = database_at("ledger.db"), str(key_file)

    with ProcessPoolExecutor(3) as processes:
        statuses = [processes.submit(write_and_sign, address, number, key) for number in (1, 2, 3)]

    assert [each.result() for each in statuses] == [{"accepted"}] * 3


def test_a_ledger_without_a_key_or_with_another_users_is_not_held_up(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_at()
    hold_appends(ledger, tmp_path / "none.key")
    assert [each.status for each in ingest(ledger, [MESSAGE], "tests")] == ["accepted"]

    def closed(*_: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr("ledger.log.holding._stamp_of", closed)
    other = FEED.shop("jd", "another", "2024-03-05")
    assert [each.status for each in ingest(ledger, [other], "tests")] == ["accepted"]


def test_what_stands_beside_the_key_and_is_no_checkpoint_holds_writes_up(
    open_at: Callable[..., Ledger], key_file: Path
) -> None:
    ledger = open_at()
    hold_appends(ledger, key_file)
    checkpoints.current(ledger, load_key(key_file))
    beside = key_file.with_name(key_file.name + LAST)
    assert beside.stat().st_mode & 0o044 == 0o044  # other users of the machine hold their writes against it
    kept = beside.read_bytes()
    beside.write_bytes(b"not a checkpoint")

    with pytest.raises(StaleStore, match="is not what the key signed last"):
        ingest(ledger, [MESSAGE], "tests")

    beside.write_bytes(kept)
    assert [each.status for each in ingest(ledger, [MESSAGE], "tests")] == ["accepted"]


def test_holding_appends_costs_no_reading_of_the_tree(
    open_at: Callable[..., Ledger], key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_at()
    hold_appends(ledger, key_file)
    checkpoints.current(ledger, load_key(key_file))
    ingest(ledger, [MESSAGE], "tests")

    def read(*_: object) -> None:
        raise AssertionError("the tree was read again")

    monkeypatch.setattr("ledger.log.holding.check_continues", read)
    ingest(ledger, list(city(2)), "tests")
