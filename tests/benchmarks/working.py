"""What the work of a command costs beside another checkout, its start left out: intake and replay.

``python -m tests.benchmarks.working --old FOLDER`` runs ``ingest`` and ``replay`` of both checkouts with
this interpreter, taking turns, and prints the ratios of the medians of their processor time
(``resource``). Of each run that of the same command on the first few hundred messages is taken off, so
that what is loaded at a start or at its first use is left out. The messages are a sample city's without
decisions of claims and amendments, which later versions take from fewer senders: both checkouts must
accept the same number.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from services.sample.city import city
from services.sample.policy import policy_text
from tests.benchmarks.measured import Measured
from tests.benchmarks.serving import ROOT
from tests.benchmarks.starting import (
    ENTERPRISES,
    compare,
    print_beside,
    processor_seconds,
    run,
)

FEW = 400
REACH = 1.02
NOT_FROM_ALL = (b".claim-approved.", b".claim-rejected.", b".fact-corrected.", b".fact-retracted.")
"""Types of messages that depend on who sends them."""


class Side:
    """One checkout with a ledger that has the policy and a few messages, and one that has them all."""

    def __init__(self, checkout: Path, folder: Path, messages: Sequence[bytes]) -> None:
        self.checkout, self.folder = checkout, folder
        folder.mkdir()
        self.file, self.first = folder / "messages.ndjson", folder / "first.ndjson"
        self.file.write_bytes(b"\n".join(messages))
        self.first.write_bytes(b"\n".join(messages[:FEW]))
        policy = folder / "policy.yaml"
        policy.write_text(policy_text(), encoding="utf-8")
        self._run("empty", "adopt", str(policy))
        self.accepted = self._ingest("full", self.file)
        self._ingest("begun", self.first)

    def ingest(self) -> float:
        """Seconds of processor time to take in all messages."""
        return self._seconds("new", "ingest", str(self.file)) - self._seconds(
            "new", "ingest", str(self.first)
        )

    def replay(self) -> float:
        """Seconds of processor time to replay them."""
        return self._seconds("full", "replay") - self._seconds("begun", "replay")

    def _seconds(self, name: str, *arguments: str) -> float:
        if name == "new":
            shutil.copy(self._database("empty"), self._database("new"))
        return processor_seconds(lambda _: self._run(name, *arguments), self.checkout)

    def _ingest(self, name: str, file: Path) -> int:
        """Fill a ledger; how many messages it accepted."""
        shutil.copy(self._database("empty"), self._database(name))
        return int(json.loads(self._run(name, "ingest", str(file), "--json"))["accepted"])

    def _run(self, name: str, *arguments: str) -> str:
        return run(self.checkout, "--database", str(self._database(name)), *arguments)

    def _database(self, name: str) -> Path:
        return self.folder / f"{name}.db"


def measure(old: Path, enterprises: int = ENTERPRISES) -> list[Measured]:
    """Both rows."""
    messages = [m for m in city(enterprises) if not any(type_ in m for type_ in NOT_FROM_ALL)]
    with tempfile.TemporaryDirectory() as folder:
        ours = Side(ROOT, Path(folder, "ours"), messages)
        theirs = Side(old, Path(folder, "theirs"), messages)
        if ours.accepted != theirs.accepted:
            raise SystemExit(f"{ours.accepted} messages were accepted here, {theirs.accepted} there")
        return [
            compare("intake without its start", REACH, ours.ingest, theirs.ingest),
            compare("replay without its start", REACH, ours.replay, theirs.replay),
        ]


if __name__ == "__main__":
    print_beside(__doc__, measure)
