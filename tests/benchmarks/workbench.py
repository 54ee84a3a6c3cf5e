"""How long the auditor's workbench takes for a closed and paid year, and how much memory.

``python -m tests.benchmarks.workbench --enterprises 100000`` makes a year of two awards each, closes and
pays it, writes its bundle, and opens it and writes all papers in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from domain.log.notes import SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.checkpoints import current
from ledger.policies.versions import adopt_policy
from ledger.settlement.paying import Result, record_results
from ledger.store.application import open_ledger
from services.sample.policy import POLICY, YEAR, policy_text
from services.workbench.command import main as workbench
from tests.benchmarks.closing import FINANCE, NOW, fill, peak_mb, settle

KEY = SignerKey("benchmark", b"\x01" * 32)
PEAK_MAX_MB = 500
BATCH = 5_000


def make_paid_year(bundle: Path, folder: Path, enterprises: int) -> None:
    """Write the bundle of a closed and paid year of so many enterprises."""
    with closing(open_ledger(str(folder / "ledger.db"), clock=lambda: NOW)) as ledger:
        adopt_policy(ledger, policy_text())
        fill(ledger, 2 * enterprises)
        settle(ledger)
        day = (NOW + timedelta(days=8)).date().isoformat()
        with ledger.store.reading() as rows:
            sql = "SELECT payment, amount FROM payments WHERE policy=? AND year=?"
            ordered = rows.all(sql, [POLICY, YEAR])
        results = [Result(payment, "made", fen, day, f"R-{payment}") for payment, fen in ordered]
        for first in range(0, len(results), BATCH):
            record_results(ledger, POLICY, YEAR, FINANCE, results[first : first + BATCH])
        note = current(ledger, KEY)
        write_year(ledger, bundle, POLICY, YEAR, note, int(note.split("\n")[1]))


def measure(bundle: Path) -> int:
    """Open a bundle and write all papers in this process; print times, and give the peak in MiB."""
    folder = bundle.with_suffix("")
    for name, words in (
        ("open", ["open", str(bundle), str(folder), "--key", str(KEY.verifier)]),
        ("papers", ["papers", str(folder)]),
        ("opinion", ["opinion", str(folder)]),
    ):
        began = time.perf_counter()
        if workbench(words):
            raise ArithmeticError(f"{name} ended with faults")
        print(f"{name:<10} {time.perf_counter() - began:>8.1f} s  peak RSS {peak_mb():>5.0f} MiB", flush=True)
    return int(peak_mb())


def report(enterprises: int) -> None:
    """Make the bundle, and measure in a process of its own.

    Raises:
        CalledProcessError: where the workbench fails, or its peak is above ``PEAK_MAX_MB``.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "year.zip"
        make_paid_year(bundle, Path(folder), enterprises)
        print(f"{enterprises:,} enterprises, bundle {bundle.stat().st_size:,} bytes", flush=True)
        command = [sys.executable, "-m", "tests.benchmarks.workbench", "--only", str(bundle)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enterprises", type=int, default=2_000)
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        sys.exit(measure(given.only) > PEAK_MAX_MB)
    report(given.enterprises)
