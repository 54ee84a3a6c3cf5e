"""Backups by pgBackRest as the compose file and docs/operations set them, and the drill that restores them.

The server is one of its own, since archiving is set for a whole server.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import yaml

from ledger.store.application import open_ledger
from tests.conftest import HERE, POLICY
from tests.e2e.test_operator import batches, command, equal, fill, now_of, state
from tests.lengths import length_of
from tests.postgres import Server
from tests.programs import program

ROOT = HERE.parent
DRILL = ROOT / "docs" / "operations" / "restore-drill"
SCHEDULE = ROOT / "docs" / "operations" / "compose" / "back-up"


class Archiving(NamedTuple):
    """A server whose log goes to a repository, and the environment in which all of them run."""

    server: Server
    repository: Path


@pytest.fixture
def archiving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archiving]:
    """As docker-compose.yml sets it, in folders of the test."""
    program("pgbackrest")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["postgres"]
    server = Server()
    try:
        server.stop()
        repository = server.folder / "repository"
        places = {
            "PGBACKREST_PG1_PATH": server.data,
            "PGBACKREST_PG1_SOCKET_PATH": server.folder,
            "PGBACKREST_PG1_PORT": server.port,
            "PGBACKREST_REPO1_PATH": repository,
            "PGBACKREST_LOCK_PATH": server.folder / "lock",
        }
        given = {name: value for name, value in compose["environment"].items() if "PGBACKREST" in name}
        for name, value in (given | places).items():
            monkeypatch.setenv(name, str(value))
        settings = [word for word in compose["command"] if word.startswith(("wal_level", "archive"))]
        with (server.data / "postgresql.conf").open("a") as file:
            file.write(f"unix_socket_directories = '{server.folder}'\n")
            file.writelines("{} = '{}'\n".format(*setting.split("=", 1)) for setting in settings)
        server.start()
        back_up(server, "stanza-create")
        yield Archiving(server, repository)
    finally:
        server.remove()


def back_up(server: Server, *words: str) -> None:
    """Run pgBackRest as the server's user."""
    with (server.folder / "log").open("ab") as log:
        ended = subprocess.run(
            ["pgbackrest", *words], user=server.user, cwd=server.folder, stdout=log, stderr=log, check=False
        )
    assert ended.returncode == 0, server.log()


def drill(server: Server, database: str, *moment: str) -> subprocess.CompletedProcess[str]:
    """Run the drill, on the ledger's command of this tree."""
    ledger = server.folder / "subsidy-ledger"
    ledger.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m services.cli "$@"\n', "utf-8")
    ledger.chmod(0o755)
    names = {"DATABASE": database, "OWNER": "ledger", "LEDGER": str(ledger), "SCRATCH": str(server.folder)}
    user = {"LEDGER_USER": "root"} if server.user else {}
    return subprocess.run(
        [str(DRILL), *moment],
        env={**os.environ, **names, **user},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def fill_around_a_moment(server: Server, database: str) -> tuple[str, tuple[int, str, list[bytes]]]:
    """Events before a full backup, after it, and after a moment, all archived; that moment, and its state."""
    command(database, "migrate")
    command(database, "adopt", str(POLICY))
    stream = batches()
    with closing(open_ledger(database)) as ledger:
        fill(ledger, stream, 1)
        back_up(server, "--type=full", "backup")
        time.sleep(1)  # the end of a backup is known to the second
        fill(ledger, stream, 1)
        before = state(database)
        time.sleep(0.05)
        moment = now_of(server)
        time.sleep(0.05)
        fill(ledger, stream, 1)
    back_up(server, "check")  # the segment at hand is archived
    return moment, before


@pytest.mark.slow
def test_a_backup_is_restored_by_the_drill(archiving: Archiving) -> None:
    server = archiving.server
    name = server.create()
    database = server.url(name)
    moment, (before, *_) = fill_around_a_moment(server, database)
    after = state(database)[0]

    drills = length_of("SUBSIDY_TEST_DRILLS")
    to_the_moment = drill(server, name, moment)
    assert to_the_moment.returncode == 0, to_the_moment
    assert f"{before} 条数据" in to_the_moment.stdout
    assert state(database)[0] == after > before
    if drills > 1:
        to_the_end = drill(server, name)
        assert to_the_end.returncode == 0, to_the_end
        assert f"{after} 条数据" in to_the_end.stdout
    if drills > 2:  # a ledger that was altered behind its back is no good, and nor is its backup
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("UPDATE balances SET eligible=eligible+1")
        back_up(server, "--type=diff", "backup")
        altered = drill(server, name)
        assert altered.returncode != 0
        assert "恢复演练通过" not in altered.stdout
    assert not list(server.folder.glob("restore-drill.*"))


@pytest.mark.slow
def test_a_ledger_is_restored_in_its_place_to_the_moment_that_was_asked_for(archiving: Archiving) -> None:
    """Backup, more events, the moment, more events, the folder lost; restored, and all sent again."""
    server = archiving.server
    database = server.url(server.create())
    moment, before = fill_around_a_moment(server, database)
    after = state(database)

    server.kill()
    server.data.rename(server.folder / "main.before")
    server.data.mkdir(mode=0o700)
    if server.user:
        shutil.chown(server.data, server.user, server.user)
    back_up(server, "--type=time", f"--target={moment}", "--target-action=promote", "restore")
    server.start()
    promoted(server)

    assert state(database) == before
    assert after[0] > before[0]
    assert equal(database)
    # What came after the moment is sent again: what is known changes nothing, what was lost is back.
    with closing(open_ledger(database)) as ledger:
        fill(ledger, batches(), 3)
    assert state(database) == after
    assert equal(database)


def promoted(server: Server) -> None:
    """Wait until the restored server takes writes."""
    until = time.monotonic() + 30
    while True:
        with psycopg.connect(server.url("postgres")) as connection:
            if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                return
        assert time.monotonic() < until, server.log()
        time.sleep(0.1)


@pytest.mark.slow
def test_what_no_backup_needs_any_more_goes(archiving: Archiving) -> None:
    """Of the log only what follows the older of two full backups is kept, and an idle segment is small."""
    server = archiving.server
    name = server.create()
    for number in range(length_of("SUBSIDY_TEST_BACKUPS")):
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            connection.execute(f"CREATE TABLE some_{number} (x INTEGER)")
            connection.execute("SELECT pg_switch_wal()")
        back_up(server, "--type=full", "backup")

    backups = [
        each for each in (archiving.repository / "backup" / "ledger").iterdir() if each.name.endswith("F")
    ]
    segments = sorted((archiving.repository / "archive" / "ledger").rglob("0*-*.zst"))
    assert len({each.resolve() for each in backups}) == 2
    assert 0 < len(segments) <= 8
    sizes = [each.stat().st_size for each in segments]
    print(f"segments of the archive, bytes: {sizes}")
    assert max(sizes) < 1_000_000


@pytest.mark.slow
def test_the_schedule_of_compose_takes_a_full_backup_first_and_each_week(archiving: Archiving) -> None:
    server, measurements = archiving.server, archiving.server.folder / "measurements"
    measurements.mkdir()
    if server.user:
        shutil.chown(measurements, server.user)
    environment = {**os.environ, "MEASUREMENTS": str(measurements)}

    def back_up_on(day: int) -> list[str]:
        """Take the backup of a day of the week; what kinds of backups there are."""
        command = [str(SCHEDULE), str(day)]
        subprocess.run(command, user=server.user, cwd=server.folder, env=environment, check=True)
        told = subprocess.run(
            ["pgbackrest", "info", "--output=json"], user=server.user, capture_output=True, check=True
        )
        return [each["type"] for each in json.loads(told.stdout)[0]["backup"]]

    assert back_up_on(3) == ["full"]  # there was none
    assert back_up_on(7) == ["full", "diff"]
    began = int(time.time())
    assert back_up_on(6) == ["full", "diff", "full"]
    (told,) = measurements.iterdir()
    assert (told.name, told.stat().st_mode & 0o777) == ("subsidy-backup.prom", 0o644)
    name, completed = told.read_text("utf-8").split()
    assert name == "subsidy_backup_completed_timestamp_seconds"
    assert began <= int(completed) <= time.time(), "the last one, by the repository"
