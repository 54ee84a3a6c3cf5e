"""``kill -9`` in the middle of an ingest, over and over, on a real process: nothing lost, nothing twice."""

from __future__ import annotations

import itertools
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import fingerprint, replay
from ledger.store.application import Ledger, open_ledger
from services.cli.statuses import ExitStatus
from services.sample.city import city
from tests.commands import run_command, start_command
from tests.events import CITY_TEXT
from tests.lengths import length_of

KILLS = length_of("SUBSIDY_TEST_KILLS")
ENTERPRISES = 4_000
BATCH = 20
SEED = 20241231


def events_in(path: Path) -> int:
    """How many events a database file holds, read from outside."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
            row = connection.execute("SELECT MAX(rowid) FROM stored_events").fetchone()
        return row[0] or 0
    except sqlite3.OperationalError:
        return 0


def kill_in_the_middle(command: list[str], database: Path, rng: random.Random) -> bool:
    """Start an ingest, let it make progress, and kill it; whether it was still running."""
    before = events_in(database)
    process = start_command(*command)
    deadline = time.monotonic() + 60
    while process.poll() is None and events_in(database) <= before and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(rng.random() * 0.08)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


def kill_through(command: list[str], database: Path, kills: int, rng: random.Random) -> int:
    """Kill one ingest until it was hit ``kills`` times or reached its end; how many times it was hit."""
    hits = 0
    while hits < kills and kill_in_the_middle(command, database, rng):
        hits += 1
    return hits


def same(whole: Ledger, disturbed: Ledger, replica: Path) -> None:
    """Fail unless two ledgers hold the same events, read models and refusals, and the second replays."""
    refused = "SELECT digest FROM refused ORDER BY digest"
    with whole.store.reading() as rows, disturbed.store.reading() as again:
        assert fingerprint(rows) == fingerprint(again)
        assert rows.last_position() == again.last_position()
        assert [tuple(row) for row in rows.all(refused)] == [tuple(row) for row in again.all(refused)]
    assert replay(disturbed, str(replica)).equal


@pytest.mark.slow
def test_an_ingest_killed_over_and_over_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Goal: exactly once, whatever dies when. Method: kill, resume, compare with an undisturbed ingest.

    A machine that reaches the end of the file sooner kills several ingests instead of one.
    """
    messages = list(city(ENTERPRISES, seed=7))
    file = tmp_path / "city.ndjson"
    file.write_bytes(b"\n".join(messages) + b"\n")
    undisturbed = open_ledger(str(tmp_path / "whole.db"))
    policy = tmp_path / "policy.yaml"
    policy.write_text(CITY_TEXT, "utf-8")
    adopt_policy(undisturbed, CITY_TEXT)
    for _ in ingest_all(undisturbed, messages, "file"):
        pass

    rng, killed = random.Random(SEED), 0
    for number in itertools.count():
        database = tmp_path / f"killed-{number}.db"
        base = ["--database", str(database)]
        run_command(*base, "adopt", str(policy))
        hits = kill_through(
            [*base, "ingest", str(file), "--batch", str(BATCH)], database, KILLS - killed, rng
        )
        assert hits, "no kill hit a running ingest"
        run_command(*base, "ingest", str(file), ends=[ExitStatus.REFUSED])
        same(undisturbed, open_ledger(str(database)), tmp_path / f"replica-{number}.db")
        killed += hits
        if killed == KILLS:
            break
    print(f"killed {killed} times in mid-ingest; {len(messages)} messages, all there once")
