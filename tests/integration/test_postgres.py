"""What only PostgreSQL can do to the ledger: be killed, be away, be set wrongly, lose a reply."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from eventsourcing.persistence import PersistenceError

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import fingerprint
from ledger.store import postgres as recorder
from ledger.store.application import Ledger, open_ledger
from ledger.store.errors.postgres import errors_mapped
from ledger.store.rows import Conflict, StoreUnavailable, UnsuitableStore
from tests.conftest import LATER
from tests.events import CIXI_TEXT, Feed
from tests.integration.test_writers import batches_of, messages_of
from tests.postgres import Server

WRITERS, KILLS = 4, 5


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that the tests of this module kill."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def opener(server: Server) -> Iterator[Callable[..., Ledger]]:
    """Open ledgers on databases of that server."""
    opened: list[Ledger] = []

    def opener(url: str = "") -> Ledger:
        ledger = open_ledger(url or server.url(server.create()), clock=lambda: LATER)
        opened.append(ledger)
        adopt_policy(ledger, CIXI_TEXT)
        return ledger

    yield opener
    for ledger in opened:
        ledger.close()


def all_of(ledger: Ledger) -> tuple[str, list[int]]:
    """The figures, and the positions."""
    with ledger.store.reading() as rows:
        return fingerprint(rows), [r[0] for r in rows.all("SELECT rowid FROM stored_events ORDER BY rowid")]


def insist(ledger: Ledger, batch: list[bytes], within: float = 60) -> list[str]:
    """Ingest as every caller does that must not lose anything: again, until the store answers."""
    end = time.monotonic() + within
    while True:
        try:
            return [result.status for result in ingest(ledger, batch, "tests")]
        except StoreUnavailable:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_server_killed_in_mid_transaction_keeps_all_and_only_what_was_confirmed(
    server: Server, opener: Callable[..., Ledger]
) -> None:
    ledger = opener()
    messages = messages_of(0, same_enterprises=True)
    ingest(ledger, messages[:10], "tests")
    before = all_of(ledger)

    def killed() -> None:
        with ledger.store.writing() as rows:
            rows.append(12, [("lost", 1, "topic", b"{}")])
            rows.run("INSERT INTO batches VALUES (?,?)", [12, "9"])
            server.kill()

    with pytest.raises(StoreUnavailable):
        killed()
    server.start()

    assert all_of(ledger) == before
    assert set(insist(ledger, messages[:20])) == {"duplicate", "accepted"}
    assert all_of(ledger)[1] == list(range(1, 22))


@pytest.mark.slow
def test_writers_that_insist_lose_and_double_nothing_while_the_server_is_killed(
    server: Server, opener: Callable[..., Ledger]
) -> None:
    ledger, serial = opener(), opener()
    taken: list[str] = []

    def write(writer: int) -> None:
        for batch in batches_of(messages_of(writer, same_enterprises=True)):
            taken.extend(insist(ledger, batch))

    for writer in range(WRITERS):
        for batch in batches_of(messages_of(writer, same_enterprises=True)):
            ingest(serial, batch, "tests")
    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    whole = WRITERS * len(messages_of(0, same_enterprises=True))
    for share in range(1, KILLS + 1):
        while len(taken) < whole * share // (KILLS + 1) and any(thread.is_alive() for thread in threads):
            time.sleep(0.01)
        server.kill()
        server.start()
    for thread in threads:
        thread.join()

    assert len(taken) == whole
    assert all_of(ledger) == all_of(serial)


class DeafProxy(threading.Thread):
    """Passes everything on to the server, but hangs up on the client once it has sent COMMIT."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.deaf, self.hung_up = port, False, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self._back, args=(server, client), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if self.deaf and b"COMMIT\0" in data:
                    self.deaf = False
                    self.hung_up += 1
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(data)
                    time.sleep(0.3)
                    break
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def test_a_commit_whose_reply_is_lost_doubles_nothing(server: Server, opener: Callable[..., Ledger]) -> None:
    proxy = DeafProxy(server.port)
    proxy.start()
    url = server.url(server.create())
    direct = opener(url)
    ledger = opener(url.replace(f":{server.port}/", f":{proxy.address}/"))
    messages = messages_of(0, same_enterprises=True)[:10]

    proxy.deaf = True
    with pytest.raises(StoreUnavailable):
        ingest(ledger, messages, "tests")
    time.sleep(0.5)
    after_loss = all_of(direct)
    again = insist(ledger, messages)

    assert proxy.hung_up == 1
    assert again == ["duplicate"] * 10
    assert all_of(direct) == after_loss
    assert after_loss[1] == list(range(1, 12))
    proxy.listener.close()


def test_a_server_that_is_away_makes_the_store_unavailable_and_back_again(
    server: Server, opener: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "POOL_SECONDS_MAX", 1)
    ledger = opener()

    server.stop()
    try:
        with pytest.raises(StoreUnavailable), ledger.store.reading() as rows:
            rows.all("SELECT 1")
        with pytest.raises(StoreUnavailable):
            ingest(ledger, [Feed(1).shop("tmall", "a", "2024-05-05")], "tests")
        with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{server.port}/nothing cannot be reached"):
            open_ledger(server.url("nothing"))
    finally:
        server.start()

    assert insist(ledger, [Feed(1).shop("tmall", "a", "2024-05-05")]) == ["accepted"]


@pytest.mark.slow
def test_a_server_that_was_away_for_long_is_found_again_at_once(
    server: Server, opener: Callable[..., Ledger]
) -> None:
    ledger = opener()
    message = Feed(1).shop("tmall", "a", "2024-05-05")
    server.stop()
    back = threading.Timer(25, server.start)
    back.start()

    began = time.monotonic()
    taken = insist(ledger, [message])

    assert taken == ["accepted"]
    assert time.monotonic() - began < 25 + 8
    back.join()


def test_who_waits_too_long_for_the_turn_to_write_is_told(
    server: Server, opener: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs on one database: neither sees the other's queue, and the database's lock divides them."""
    url = server.url(server.create())
    ledger, other = opener(url), opener(url)
    monkeypatch.setattr(recorder, "_WRITE", recorder._WRITE.replace("'30s'", "'200ms'", 1))

    with ledger.store.writing() as rows:
        with pytest.raises(StoreUnavailable, match="another writer"), other.store.writing():
            pass
        rows.run("INSERT INTO batches VALUES (?,?)", [50, "z"])

    with other.store.reading() as rows:
        assert rows.all("SELECT last_position FROM batches WHERE last_position>?", [1]) == [(50,)]


def test_an_error_that_was_swallowed_never_passes_for_a_commit(opener: Callable[..., Ledger]) -> None:
    ledger = opener()

    def swallow() -> None:
        with ledger.store.writing() as rows, suppress(psycopg.Error):
            rows.run("INSERT INTO batches VALUES (?,?)", [50, "z"])
            rows.all("SELECT 1/0")

    with pytest.raises(StoreUnavailable, match="nothing was written"):
        swallow()


def test_an_error_of_a_statement_sent_ahead_undoes_the_transaction(opener: Callable[..., Ledger]) -> None:
    """Nobody waits for its answer, so it surfaces at the end."""
    ledger = opener()

    def send() -> None:
        with ledger.store.writing() as rows, suppress(psycopg.Error):
            rows.run("INSERT INTO batches VALUES (?,?)", [50, "z"])
            rows.run("SELECT 1/0")

    with pytest.raises(PersistenceError, match="division by zero"):
        send()
    with ledger.store.reading() as rows:
        assert rows.all("SELECT COUNT(*) FROM batches WHERE last_position=50") == [(0,)]


def test_a_deadlock_or_a_serialisation_failure_is_a_conflict() -> None:
    for error in (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
        with pytest.raises(Conflict), errors_mapped():
            raise error("once more")


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_could_lose_what_was_confirmed_is_refused(server: Server, setting: str) -> None:
    url = server.url(server.create())
    server.stop()
    server.start(f"{setting}=off")
    try:
        with pytest.raises(UnsuitableStore, match=f"{setting}=off.*set {setting} = on"):
            open_ledger(url)
    finally:
        server.stop()
        server.start()


def test_the_librarys_database_functions_are_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")

    with pytest.raises(UnsuitableStore, match="unset POSTGRES_ENABLE_DB_FUNCTIONS"):
        open_ledger(server.url(server.create()))


def test_a_database_that_cannot_hold_every_name_is_refused(server: Server) -> None:
    server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc")

    with pytest.raises(UnsuitableStore, match="LATIN1"):
        open_ledger(server.url("latin"))


def test_no_error_shows_the_password(server: Server) -> None:
    url = server.url("nothing").replace("ledger@", "ledger:hunter2@")

    with pytest.raises(StoreUnavailable, match='database "nothing" does not exist') as told:
        open_ledger(url)
    with pytest.raises(UnsuitableStore, match="write it like") as wrong:
        open_ledger("postgresql://ledger:hunter2@127.0.0.1/x?nothing=1")

    assert "hunter2" not in str(told.value) + str(wrong.value)


def test_tables_are_made_in_the_roles_own_schema(server: Server) -> None:
    url = server.url(server.create())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ledger")

    open_ledger(url).close()

    with psycopg.connect(url) as connection:
        sql = "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname IN ('ledger', 'public')"
        assert connection.execute(sql).fetchall() == [("ledger",)]


def test_many_that_open_an_empty_database_at_once_make_one_schema(server: Server) -> None:
    url = server.url(server.create())
    failures: list[BaseException] = []

    def create() -> None:
        try:
            open_ledger(url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    open_ledger(url, create=False).close()


def test_maintenance_of_the_events_stops_no_writer_and_no_read(
    server: Server, opener: Callable[..., Ledger]
) -> None:
    """The lock of VACUUM and ANALYZE is held by another, for as long as they would take."""
    url = server.url(server.create())
    ledger, feed = opener(url), Feed(1)
    with psycopg.connect(url) as maintenance:
        maintenance.execute("LOCK TABLE stored_events IN SHARE UPDATE EXCLUSIVE MODE")
        began = time.monotonic()
        ingest(ledger, [feed.shop("tmall", "a", "2024-03-01")], "tests")
        assert all_of(ledger)[1][-1] > 1
        assert time.monotonic() - began < 10


def test_writers_of_before_and_of_today_take_turns(server: Server, opener: Callable[..., Ledger]) -> None:
    """A program from before locks the whole table: it waits for ours, and ours for it."""
    url = server.url(server.create())
    ledger, done = opener(url), threading.Event()

    def write() -> None:
        ingest(ledger, [Feed(1).shop("tmall", "a", "2024-03-01")], "tests")
        done.set()

    with psycopg.connect(url) as former:
        former.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        writer = threading.Thread(target=write)
        writer.start()
        assert not done.wait(0.5)
    writer.join(30)
    assert done.is_set()
    with ledger.store.writing() as rows, psycopg.connect(url) as former:
        rows.last_position()
        former.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            former.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
