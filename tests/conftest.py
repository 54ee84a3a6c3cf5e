"""What every test may use: a clock that stands still, a ledger on a file, the shared cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.application import Ledger, open_ledger
from ledger.policies import adopt_policy

HERE = Path(__file__).parent
POLICY = HERE.parent / "domain" / "policy" / "cixi-ecommerce-2024.yaml"
LATER = datetime(2031, 1, 1, tzinfo=UTC)
"""A present after every fact of the cases."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cases-dir`` runs any folder of worked cases."""
    parser.addoption("--cases-dir", action="append", default=[], help="a folder of worked cases")


@pytest.fixture
def open_at(tmp_path: Path) -> Iterator[Callable[..., Ledger]]:
    """Open ledgers on files of their own, with a clock that stands still."""
    opened: list[Ledger] = []

    def opener(now: datetime = LATER, name: str = "ledger.db", policy: bool = True) -> Ledger:
        ledger = open_ledger(str(tmp_path / name), clock=lambda: now)
        opened.append(ledger)
        if policy:
            adopt_policy(ledger, POLICY.read_text("utf-8"))
        return ledger

    yield opener
    for ledger in opened:
        ledger.close()
