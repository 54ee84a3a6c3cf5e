"""What an appended event and a read of a balance cost as history grows; every side is a size."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import closing

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.sample.city import city
from services.sample.policy import POLICY, YEAR, policy_text
from tests import answers as queries
from tests.benchmarks.growth import batches, position
from tests.benchmarks.measured import clock
from tests.benchmarks.suite.samples import Work

BATCH, SEED, APPENDS, READS = 500, 3, 15, 200


def measure(sizes: list[int]) -> Iterator[Work]:
    """Two rows: the smallest size stands first, so that others are told beside it."""
    appends: dict[str, list[float]] = {}
    reads: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, closing(open_ledger(f"{folder}/growth.db")) as ledger:
        adopt_policy(ledger, policy_text())
        stream = batches(city(10_000_000, seed=SEED), BATCH)
        codes: list[str] = []
        for size in sizes:
            while position(ledger) < size - BATCH * APPENDS:
                ingest(ledger, next(stream), "bench")
            with ledger.store.reading() as rows:
                codes = codes or [e["enterprise"] for e in queries.enterprises(rows, POLICY, YEAR, "", 50)]
            turn = itertools.cycle(codes)

            def read(turn: Iterator[str] = turn) -> None:
                with ledger.store.reading() as rows:
                    queries.balance(ledger, rows, next(turn), POLICY, YEAR)

            side = f"at {size:,} events"
            appended = [clock(lambda: ingest(ledger, next(stream), "bench")) for _ in range(APPENDS)]
            appends[side] = [each / BATCH * 1e6 for each in appended]
            read()
            reads[side] = [clock(read) * 1e6 for _ in range(READS)]
    yield Work("growth: a message taken in", "µs", appends, "SQLite, batches of 500")
    yield Work("growth: a balance read", "µs", reads, "SQLite, the same 50 enterprises")
