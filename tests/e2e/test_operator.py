"""What docs/operator.md tells an operator to do, done: dump and restore, copies of files, upgrade.

The commands are those of the page: pg_dump, pg_restore, sqlite3's .backup. Backups of PostgreSQL, and a
restore to a moment, are in ``test_backups``.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import fingerprint
from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from tests.commands import run_command
from tests.conftest import POLICY
from tests.postgres import Server

BATCH = 200


def command(database: str, *arguments: str) -> str:
    """Run ``subsidy-ledger``; its standard output."""
    return run_command(*arguments, environment={**os.environ, "SUBSIDY_LEDGER_DATABASE": database})


def program(server: Server, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's as the server's user."""
    assert server._run(name, *arguments).wait() == 0, server.log()


def equal(database: str) -> bool:
    """Whether everything replays from position 0 to the very same rows."""
    return bool(json.loads(command(database, "replay", "--json"))["equal"])


def state(database: str) -> tuple[int, str, list[bytes]]:
    """Last position, fingerprint of the balances, and the log's secret."""
    with closing(open_ledger(database, create=False)) as ledger, ledger.store.reading() as rows:
        secret = [bytes(row[0]) for row in rows.all("SELECT secret FROM log_secret")]
        return rows.last_position(), fingerprint(rows), secret


def batches() -> Iterator[list[bytes]]:
    """The sample city, a batch at a time."""
    stream = city(100_000, seed=5)
    while batch := list(itertools.islice(stream, BATCH)):
        yield batch


def fill(ledger: Ledger, stream: Iterator[list[bytes]], count: int) -> None:
    """Take in some batches."""
    for _ in range(count):
        ingest(ledger, next(stream), "file")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that these tests alone use."""
    found = Server()
    try:
        yield found
    finally:
        found.remove()


def now_of(server: Server) -> str:
    """The server's time, as an operator would note it."""
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute("SELECT clock_timestamp()::text").fetchone()
        assert row is not None
        return str(row[0])


@pytest.mark.slow
def test_a_dump_is_restored_into_another_database(server: Server) -> None:
    name, other = server.create(), server.create()
    database = server.url(name)
    command(database, "adopt", str(POLICY))
    with closing(open_ledger(database)) as ledger:
        fill(ledger, batches(), 2)
    dump = str(server.folder / "ledger.dump")

    program(server, "pg_dump", "-d", database, "-Fc", "-f", dump)
    program(server, "pg_restore", "-d", server.url(other), "--no-owner", "--exit-on-error", dump)

    assert state(server.url(other)) == state(database)
    assert equal(server.url(other))
    with closing(open_ledger(server.url(other))) as ledger:
        before = state(server.url(other))[0]
        fill(ledger, itertools.islice(batches(), 2, 3), 1)
        assert state(server.url(other))[0] > before


def test_a_file_is_backed_up_while_it_is_written_to(tmp_path: Path) -> None:
    """The .backup of SQLite's own API, which is what its shell calls."""
    database, copy = str(tmp_path / "ledger.db"), str(tmp_path / "copy.db")
    ledger = open_ledger(database)
    adopt_policy(ledger, POLICY.read_text("utf-8"))
    stream = batches()
    fill(ledger, stream, 2)
    with (
        Writing(lambda: fill(ledger, stream, 1)),
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    ledger.close()

    assert state(copy)[0] > BATCH
    assert equal(copy)


class Writing:
    """Write over and over beside what the block does; what goes wrong is raised at its end."""

    def __init__(self, write: Callable[[], None]) -> None:
        self.write, self.stop, self.times = write, threading.Event(), 0
        self.faults: list[BaseException] = []
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self.stop.is_set():
                self.write()
                self.times += 1
        except BaseException as error:
            self.faults.append(error)

    def __enter__(self) -> Writing:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(60)
        assert not self.faults, self.faults
        assert self.times > 0


@pytest.mark.slow
def test_an_upgrade_runs_twice_while_a_writer_goes_on(server: Server) -> None:
    """Migrate is what an upgrade runs before the new processes start; the old ones serve meanwhile."""
    database = server.url(server.create())
    command(database, "migrate")
    command(database, "adopt", str(POLICY))
    ledger = open_ledger(database)
    stream = batches()

    with Writing(lambda: fill(ledger, stream, 1)) as writer:
        said = [command(database, "migrate") for _ in range(2)]
    ledger.close()

    assert said[0] == said[1]
    assert state(database)[0] > writer.times
    assert equal(database)
