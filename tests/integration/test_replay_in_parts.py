"""A replay shared by two processes gives the very certificate that one process gives."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import fingerprint, replay
from ledger.replay.parts import ReplayWorkers, ranges
from ledger.store.application import open_ledger
from services.sample.city import city
from tests.events import CIXI_TEXT


@pytest.mark.parametrize("enterprises", [0, 3, 300])
def test_two_processes_give_what_one_gives(tmp_path: Path, enterprises: int) -> None:
    database = str(tmp_path / "live.db")
    ledger = open_ledger(database)
    adopt_policy(ledger, CIXI_TEXT)
    for _ in ingest_all(ledger, city(enterprises) if enterprises else [], "tests"):
        pass
    told: list[tuple[int, int]] = []

    one = replay(ledger, str(tmp_path / "one.db"))
    two = replay(
        ledger,
        str(tmp_path / "two.db"),
        lambda done, whole: told.append((done, whole)),
        workers=ReplayWorkers(database, 2, str(tmp_path)),
    )

    assert (one.equal, two.equal, two) == (True, True, one)
    assert told[-1][0] == told[-1][1] == one.enterprises
    with ledger.store.reading() as rows:
        assert fingerprint(rows) == two.replayed
    assert not list(tmp_path.glob("part*"))
    ledger.close()


def test_ranges_leave_no_code_out(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "live.db"))
    adopt_policy(ledger, CIXI_TEXT)
    for _ in ingest_all(ledger, city(20), "tests"):
        pass

    with ledger.store.reading() as rows:
        found = ranges(rows, 8)

    assert found[0][0] == ""
    assert found[-1][1] is None
    assert all(before == first for (_, before), (first, _) in pairwise(found))
    ledger.close()
