"""The suite's command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from services.runtime.starting import relax
from tests.benchmarks.suite import appends, awards, balances, exports, growing
from tests.benchmarks.suite.samples import HEAD, Work
from tests.benchmarks.table import machine

FULL = {
    "appends": 60_000,
    "balances": 300_000,
    "awards": 500_000,
    "growth": [10_000, 100_000, 500_000],
    "exports": 2_000,
}
SHORT = {"appends": 6_000, "balances": 6_000, "awards": 10_000, "growth": [9_000, 18_000], "exports": 50}
FORMAT = "subsidy-ledger-benchmark/1"


def works(sizes: dict[str, object], only: list[str]) -> Iterator[Work]:
    """Everything, one after the other."""
    parts = {
        "appends": appends.measure,
        "balances": balances.measure,
        "awards": awards.measure,
        "growth": growing.measure,
        "exports": exports.measure,
    }
    for name, measure in parts.items():
        if not only or name in only:
            yield from measure(sizes[name])  # type: ignore[operator]


def main() -> None:
    """Print the table, and write every sample."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.suite", description=__doc__)
    parser.add_argument("--out", type=Path, help="a JSON file for every sample")
    parser.add_argument("--short", action="store_true", help="the same work, small: does it run")
    parser.add_argument("--only", action="append", default=[], choices=list(FULL), help="only this part")
    given = parser.parse_args()
    relax()
    began, found = time.monotonic(), list[Work]()
    print(f"{machine()}\n\n{HEAD}")
    for work in works(SHORT if given.short else FULL, given.only):
        found.append(work)
        print("\n".join(work.lines()), flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"\n{minutes:.1f} minutes", file=sys.stderr)
    if given.out:
        said = {"format": FORMAT, "machine": machine(), "works": [work.document() for work in found]}
        given.out.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
