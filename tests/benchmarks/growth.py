"""Do reads and appends stay as fast as history grows? Ratios inside one run.

``python -m tests.benchmarks.growth --events 1000000`` fills one ledger step by step and, at
each size, times a balance read of the same enterprises and an append of a batch of the same
make. Both are printed beside the smallest size; 1.00 means that history costs nothing.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from services.sample.policy import POLICY, YEAR, policy_text
from tests import answers as queries

READS = 300
BATCH = 500
ROUNDS = 9


def peak_mb() -> float:
    """The peak of this process's resident memory, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median_time(work: Callable[[], object], rounds: int) -> float:
    """The median time of a piece of work, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def batches(messages: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Messages in lists of one size."""
    while batch := list(itertools.islice(messages, size)):
        yield batch


def read_time(ledger: Ledger, codes: list[str]) -> float:
    """Seconds for one balance read, the median over many."""
    turn = itertools.cycle(codes)

    def read() -> None:
        with ledger.store.reading() as rows:
            queries.balance(ledger, rows, next(turn), POLICY, YEAR)

    read()
    return median_time(read, READS)


def grow(ledger: Ledger, sizes: list[int]) -> Iterator[tuple[int, float, float]]:
    """Fill a ledger; at each size, (events, seconds a read, seconds an appended event)."""
    stream = batches(city(10_000_000, seed=3), BATCH)
    codes: list[str] = []
    for size in sizes:
        while position(ledger) < size - BATCH * ROUNDS:
            ingest(ledger, next(stream), "bench")
        if not codes:
            with ledger.store.reading() as rows:
                codes = [e["enterprise"] for e in queries.enterprises(rows, POLICY, YEAR, "", 50)]
        append = median_time(lambda: ingest(ledger, next(stream), "bench"), ROUNDS) / BATCH
        yield position(ledger), read_time(ledger, codes), append


def position(ledger: Ledger) -> int:
    """How many events the ledger holds."""
    with ledger.store.reading() as rows:
        return rows.last_position()


class Grown(NamedTuple):
    """What reads and appends cost at a size, beside the smallest size, and the peak of memory so far."""

    events: int
    read: float
    append: float
    peak_mb: float


def report(events: int) -> list[Grown]:
    """Print the table."""
    sizes = [size for size in (10_000, 100_000, 1_000_000, 10_000_000) if size <= events]
    rows: list[Grown] = []
    base: tuple[float, float] | None = None
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"{folder}/growth.db")
        adopt_policy(ledger, policy_text())
        print(f"{'events':>12} {'read':>10} {'ratio':>6} {'append/event':>14} {'ratio':>6} {'peak':>11}")
        for size, read, append in grow(ledger, sizes):
            base = base or (read, append)
            rows.append(Grown(size, read / base[0], append / base[1], peak_mb()))
            print(
                f"{size:>12,} {read * 1e6:>8.0f}us {read / base[0]:>6.2f} "
                f"{append * 1e6:>12.1f}us {append / base[1]:>6.2f} {rows[-1].peak_mb:>7.0f} MiB",
                flush=True,
            )
        ledger.close()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    report(parser.parse_args().events)
