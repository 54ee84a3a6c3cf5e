"""``kill -9`` in the middle of a closing, over and over: the year is published, or closed, never between."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.authority.roles import Actor
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.projections.closings import settlement_of
from ledger.replay.comparison import fingerprint, replay
from ledger.store.application import Ledger, open_ledger
from tests import acknowledging
from tests.commands import Forked
from tests.conftest import POLICY
from tests.events import CIXI, message
from tests.lengths import length_of
from tests.oracle.codes import credit_code

KILLS = length_of("SUBSIDY_TEST_CLOSING_KILLS")
AWARDS = length_of("SUBSIDY_TEST_CLOSING_AWARDS")
SEED = 20250331
NOW = datetime(2025, 5, 6, 2, tzinfo=UTC)


def close_year(database: str, now: str) -> None:
    """What the process does that is killed."""
    ledger = open_ledger(database, clock=lambda: datetime.fromisoformat(now))
    print("ready", flush=True)
    acknowledging.close(ledger, CIXI, 2024, Actor("Shen", frozenset({"reviewer"})))
    print("closed", flush=True)
    ledger.close()


def published_year(path: Path) -> int:
    """A ledger with a published list; its last position."""
    ledger = open_ledger(str(path), clock=lambda: NOW)
    adopt_policy(ledger, POLICY.read_text("utf-8"))
    messages = (
        json.dumps(
            message(
                "store-registered",
                credit_code(number),
                f"shop {number}",
                "2025-01-01T00:00:00Z",
                {"platform": "tmall", "kind": "flagship", "shop": str(number), "on": "2024-03-04"},
            )
        ).encode()
        for number in range(1, AWARDS + 1)
    )
    for results in ingest_all(ledger, messages, "file", 5_000):
        assert {each.status for each in results} == {"accepted"}
    officer = Actor("Lin", frozenset({"officer"}))
    state = acknowledging.propose(ledger, CIXI, 2024, officer)
    assert state.present_proposal().awards == AWARDS
    acknowledging.publish(ledger, CIXI, 2024, officer)
    with ledger.store.reading() as rows:
        last = rows.last_position()
    ledger.close()
    return last


def begin_closing(database: Path) -> Forked:
    """A process that has opened the ledger and is about to close the year."""
    printed = printed_by(database)
    printed.unlink(missing_ok=True)
    process = Forked(close_year, str(database), (NOW + timedelta(days=8)).isoformat(), out=printed)
    while not printed.exists() or "ready" not in printed.read_text():
        assert process.poll() is None
        time.sleep(0.005)
    return process


def printed_by(database: Path) -> Path:
    return database.with_suffix(".printed")


def run(database: Path) -> float:
    """Close the year undisturbed; how many seconds it took."""
    process, start = begin_closing(database), time.monotonic()
    status = process.wait(300)
    assert (status, printed_by(database).read_text()) == (0, "ready\nclosed\n")
    return time.monotonic() - start


def everything(ledger: Ledger) -> tuple[str, str]:
    """The read models' fingerprint, and a digest of all stored events."""
    digest = hashlib.sha256()
    with ledger.store.reading() as rows:
        sql = (
            "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events ORDER BY rowid"
        )
        for row in rows.stream(sql):
            digest.update(repr((*row[:4], bytes(row[4]))).encode())
        return fingerprint(rows), digest.hexdigest()


def is_closed(database: Path, last: int) -> bool:
    """Whether the year is wholly closed; where it is not, nothing of the closing is stored."""
    ledger = open_ledger(str(database), clock=lambda: NOW)
    with ledger.store.reading() as rows:
        stage = settlement_of(rows, CIXI, 2024).stage
        [[accounts]] = rows.all("SELECT COUNT(*) FROM accounts")
        sql = "SELECT COUNT(*) FROM stored_events WHERE originator_id LIKE 'account:%'"
        [[events]] = rows.all(sql)
        wanted = (AWARDS, AWARDS, last + AWARDS + 1) if stage == "closed" else (0, 0, last)
        assert (accounts, events, rows.last_position()) == wanted
    ledger.close()
    assert stage in ("published", "closed")
    return stage == "closed"


@pytest.mark.slow
def test_a_closing_killed_at_any_instant_is_repeated_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """Goal: all of a closing or none. Method: kill, look, repeat, compare with an undisturbed closing."""
    begun, whole, database = (tmp_path / name for name in ("begun.db", "whole.db", "killed.db"))
    last = published_year(begun)
    for path in (whole, database):
        shutil.copy(begun, path)
    seconds = run(whole)
    rng = random.Random(SEED)
    killed = 0
    for _ in range(KILLS * 6):
        process = begin_closing(database)
        time.sleep(rng.random() * seconds)
        killed += process.poll() is None
        process.kill()
        process.wait()
        if is_closed(database, last):
            for path in tmp_path.glob("killed.db*"):
                path.unlink()
            shutil.copy(begun, database)
        if killed == KILLS:
            break
    assert killed == KILLS
    if not is_closed(database, last):
        run(database)
    assert is_closed(database, last)
    undisturbed, disturbed = open_ledger(str(whole)), open_ledger(str(database))
    assert everything(disturbed) == everything(undisturbed)
    assert replay(disturbed, str(tmp_path / "replica.db")).equal
    for ledger in (undisturbed, disturbed):
        ledger.close()
    print(f"killed {killed} times within {seconds:.1f} s of closing {AWARDS} awards")
