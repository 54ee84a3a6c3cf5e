"""A replay gives byte-identical balances: on two days, in two time zones, under any hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import fingerprint, lines
from ledger.store.application import open_ledger
from services.sample.city import city
from tests.conftest import POLICY

ROOT = Path(__file__).parent.parent.parent
ENTERPRISES = 300


def same(now: datetime) -> datetime:
    """A clock that stands still."""
    return now


def replayed(database: Path, zone: str, seed: str) -> dict[str, Any]:
    """What ``subsidy-ledger replay`` says in a process of its own."""
    command = [sys.executable, "-m", "services.cli", "--database", str(database), "replay", "--json"]
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_replay_gives_the_same_bytes_on_any_day_in_any_zone_under_any_hash_seed(tmp_path: Path) -> None:
    """Two ledgers take in the sample on two days; each is replayed twice."""
    digests, written = set(), set()
    for name, now in (
        ("a", datetime(2026, 11, 24, 15, 59, tzinfo=UTC)),
        ("b", datetime(2029, 3, 1, tzinfo=UTC)),
    ):
        ledger = open_ledger(str(tmp_path / f"{name}.db"), clock=partial(same, now))
        adopt_policy(ledger, POLICY.read_text("utf-8"))
        for _ in ingest_all(ledger, city(ENTERPRISES, seed=4), "file", batch=173 if name == "a" else 700):
            pass
        with ledger.store.reading() as rows:
            digests.add(fingerprint(rows))
            written.add(b"".join(lines(rows)))
        ledger.close()
        for zone, seed in (("America/New_York", "1"), ("Pacific/Auckland", "4294967295")):
            found = replayed(tmp_path / f"{name}.db", zone, seed)
            assert found["equal"]
            digests.add(found["replayed"])

    assert len(digests) == 1
    assert len(written) == 1
