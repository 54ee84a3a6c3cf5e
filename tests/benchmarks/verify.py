"""How long a bundle takes to verify, beside just reading and hashing the same bytes.

python -m tests.benchmarks.verify --events 1000000
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from domain.log.notes import SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.checkpoints import current
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.sample.city import city
from services.verify import verify
from tests.events import CIXI, CIXI_TEXT

KEY = SignerKey("benchmark", b"\x01" * 32)
EVENTS_AN_ENTERPRISE = 5.2
BATCH = 5_000


def make(path: Path, folder: Path, events: int) -> None:
    """Write a bundle of about this many events."""
    ledger = open_ledger(str(folder / "ledger.db"))
    try:
        adopt_policy(ledger, CIXI_TEXT)
        waiting: list[bytes] = []
        for message in city(int(events / EVENTS_AN_ENTERPRISE)):
            waiting.append(message)
            if len(waiting) == BATCH:
                ingest(ledger, waiting, "benchmark")
                waiting = []
        ingest(ledger, waiting, "benchmark")
        note = current(ledger, KEY)
        write_year(ledger, path, CIXI, 2024, note, int(note.split("\n")[1]))
    finally:
        ledger.close()


def hashed(path: Path) -> float:
    """Seconds to read and hash every member."""
    begin = time.perf_counter()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            digest = hashlib.sha256()
            with archive.open(name) as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return time.perf_counter() - begin


def measure(path: Path) -> None:
    """Verify in this process, and print what it took."""
    begin = time.perf_counter()
    _, verdict = verify(path, [KEY.verifier])
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"verified {verdict.events:,} events, {verdict.awards:,} awards, {len(verdict.faults)} faults")
    print(f"verify {seconds:.1f} s  peak RSS {peak:.0f} MB")


def main() -> None:
    """Make the bundle, and verify it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        measure(given.only)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "year.zip"
        make(path, Path(folder), given.events)
        print(
            f"bundle {path.stat().st_size:,} bytes; reading and hashing alone {hashed(path):.1f} s",
            flush=True,
        )
        command = [sys.executable, "-m", "tests.benchmarks.verify", "--only", str(path)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
