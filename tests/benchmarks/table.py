"""The whole table of performance by one command, each answer checked in the same run.

``python -m tests.benchmarks.table`` prints the table of docs/performance.en.md, with this machine described:
the worked cases first, then a row for each piece of work beside its limit. ``--short`` does all of it
small, to see that it works; ``--growth 10000000`` says how far the ledger of the last row grows. The
row of OpenFisca needs requirements-bench.lock. Durability, validation, deduplication, every
projection and the log are on throughout; a figure that is not exact ends the run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from services.runtime.starting import relax
from tests.benchmarks import appending, closing, growth, policy, replaying, serving
from tests.benchmarks.measured import HEAD, Measured

LIBRARIES = ("eventsourcing", "msgspec", "numpy", "psycopg", "flask", "granian", "marshmallow")
ROOT = Path(__file__).resolve().parents[2]
AT_10_000 = "at 10,000"


def machine() -> str:
    """What the table was measured on."""
    about = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if ":" in line
    )
    names = {key.strip(): value.strip() for key, value in about.items()}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    said = [
        f"{os.cpu_count()} × {names.get('model name', platform.machine())}",
        f"{memory:.0f} GiB",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {version(name)}" for name in LIBRARIES),
    ]
    return ", ".join(said)


def worked_cases() -> None:
    """Run the worked cases.

    Raises:
        SystemExit: where one fails.
    """
    cases = ["tests/test_worked_cases.py", "tests/test_worked_years.py", "-k", "sqlite or not postgres"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *cases]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit("a worked case fails: nothing is measured")


def columns(enterprises: int) -> Iterator[Measured]:
    """The rows of OpenFisca."""
    found = policy.measured(enterprises)
    ours, theirs = found["ours"], found["openfisca"]
    work = f"awards of {found['enterprises']:,} enterprises recomputed"
    times = f"{ours['seconds']:.2f} s and {theirs['seconds']:.2f} s of processor time"
    floats = f"its 32-bit floats give {found['same'] * 100:.1f} % of enterprises the same fen"
    yield Measured(
        work,
        "the same measures in OpenFisca",
        1,
        theirs["seconds"] / ours["seconds"],
        f"{times}; {floats}, and the others up to {found['largest_difference_fen']} fen more or less",
    )
    peak = f"{ours['peak_mb']:.0f} MiB and {theirs['peak_mb']:.0f} MiB"
    yield Measured("the same, peak memory", "OpenFisca's", 1, ours["peak_mb"] / theirs["peak_mb"], peak, True)


def apportioned(awards: int) -> Measured:
    """The row of pro-rata."""
    ratio = closing.sorted_beside(awards, closing.BUDGET_FEN)
    detail = f"{awards:,} awards, held to an apportionment in Python's integers elsewhere"
    return Measured("pro-rata apportionment", "a NumPy sort of the same numbers", 3, ratio, detail, most=True)


def grown(events: int) -> Iterator[Measured]:
    """The rows of a long history."""
    rows = growth.report(events)
    size, read, append = rows[-1][:3]
    detail = f"{size:,} events; peak memory {rows[-1].peak_mb:.0f} MiB beside {rows[0].peak_mb:.0f}"
    yield Measured("cost of an appended event", AT_10_000, 1.2, append, detail, most=True)
    yield Measured("a read of a balance", AT_10_000, 1.2, read, detail, most=True)


def rows(short: bool, events: int, growing: int) -> Iterator[Measured]:
    """Every row, measured one after the other."""
    some = 6_000 if short else appending.EVENTS
    for postgres in (False, True):
        yield appending.measure(some, postgres)
    yield from replaying.measure(events)
    yield from serving.measure(events)
    yield from columns(20_000 if short else 1_000_000)
    yield apportioned(100_000 if short else 1_000_000)
    yield from grown(growing)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--growth", type=int, help="events of the last row (by default 1,000,000)")
    given = parser.parse_args()
    relax()
    worked_cases()
    events = 20_000 if given.short else 1_000_000
    found = []
    for row in rows(given.short, events, given.growth or events):
        found.append(row)
        print(row.line(), file=sys.stderr, flush=True)
    print(f"\n{machine()}\n\n{HEAD}")
    print("\n".join(row.line() for row in found))


if __name__ == "__main__":
    main()
