"""What the Spark job costs an event, a shuffled byte and an award, by one worker and by two.

``python -m tests.benchmarks.scale --events 1000000`` exports a sample city's events, lets the job of
``services.scale.spark`` audit and recompute them under two rulebooks, and prints what
docs/scale.md extrapolates from. The sums must be the ledger's own. Needs requirements-bench.lock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from domain.money.amounts import parse_fen
from domain.policy.changes import Changes
from domain.policy.rulebook import Rulebook
from ledger.export import columnar
from ledger.export.books import books_of
from ledger.policies.versions import rulebook
from ledger.store.application import open_ledger
from ledger.store.moments import NOW
from services.sample.policy import POLICY, YEAR
from tests.answers import what_if
from tests.benchmarks.replaying import fill

READINGS = {"dtc-units": "pro-rata"}
PARTITIONS = 8
WORKERS = (1, 2)


def shuffled(folder: Path) -> int:
    """Bytes that Spark wrote between its stages."""
    return sum(path.stat().st_size for path in folder.rglob("shuffle_*.data"))


def run(folder: Path, events: Path, books: list[Rulebook], workers: int) -> dict[str, Any]:
    """The job by some workers."""
    from services.scale.spark import province, session

    local = folder / f"local{workers}"
    spark = session(f"local[{workers}]", PARTITIONS, local)
    try:
        budget = books[0].of_year(YEAR).budget
        began = time.perf_counter()
        out = folder / f"awards{workers}"
        found = province(spark, [str(events)], out, books, YEAR, budget, PARTITIONS)
        return {**found, "whole": time.perf_counter() - began, "shuffled": shuffled(local)}
    finally:
        spark.stop()


def measure(events: int) -> None:
    """Print the figures.

    Raises:
        ArithmeticError: where the job's sums are not the ledger's.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(f"{name}/city.db", events)
        with closing(open_ledger(f"{name}/city.db")) as ledger, ledger.store.reading() as rows:
            path = folder / "events.parquet"
            count = columnar.write_events(path, books_of(ledger, rows, POLICY, YEAR, NOW))
            books = [rulebook(rows, POLICY), rulebook(rows, POLICY, changes=Changes(READINGS, {}))]
            tried = what_if(ledger, rows, POLICY, YEAR, READINGS)
        print(f"{count:,} events, {path.stat().st_size / count:.1f} bytes an event in Parquet")
        for workers in WORKERS:
            found = run(folder, path, books, workers)
            for year, state in zip(found["years"], (tried["before"], tried["after"]), strict=True):
                sums = (parse_fen(state["sharing"]), parse_fen(state["payable"]))
                if (year["sharing"], year["payable"]) != sums:
                    raise ArithmeticError(f"{year}, not {state}")
            each = {stage: f"{taken / count * 1e6:.2f}" for stage, taken in found["seconds"].items()}
            print(
                f"{workers} workers: {found['whole']:.1f} s; µs an event: {each}; "
                f"{found['shuffled'] / count:.1f} bytes shuffled an event; "
                f"{sum(year['awards'] for year in found['years']):,} awards",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    measure(parser.parse_args().events)
