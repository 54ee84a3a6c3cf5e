"""Commands of the ledger whose present a test moves: days pass without anybody waiting for them."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.commands import Forked
from tests.integration.bureau import Clock


class Present(Clock):
    """A present that goes on by itself, and that all processes of one file share."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @classmethod
    def begin(cls, file: Path, now: datetime) -> Present:
        """One that is ``now`` at this moment."""
        present = cls(file)
        present._move(now - datetime.now(UTC))
        return present

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._moved()

    def pass_(self, **time: float) -> None:
        """Let time pass at once."""
        self._move(self._moved() + timedelta(**time))

    def _moved(self) -> timedelta:
        return timedelta(seconds=float(self.file.read_text()))

    def _move(self, by: timedelta) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(by.total_seconds()))
        os.replace(fresh, self.file)


def start_at(present: Present, *words: str, environment: Mapping[str, str]) -> Forked:
    """Start ``subsidy-ledger`` with these words; only its ledger's clock is another one."""
    return Forked(_run_at, present.file, *words, environment=environment)


def _run_at(file: Path, *words: str) -> None:
    from ledger.store.application import open_ledger
    from services.cli.main import run

    # As in a process of its own: the server forks its workers where that is how processes begin.
    multiprocessing.set_start_method("fork", force=True)
    open_ledger.__defaults__ = (Present(file), True)
    sys.argv = ["subsidy-ledger", *words]
    run()
