"""Sample cities whose books are exported."""

from __future__ import annotations

from pathlib import Path

from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from tests.conftest import LATER
from tests.events import CIXI_TEXT

OTHER_READINGS = (
    CIXI_TEXT.replace("value: after-highest-only", "value: standards-first")
    .replace("  budget-period:\n    value: year", "  budget-period:\n    value: life")
    .replace("  talent-funds:\n    value: inside", "  talent-funds:\n    value: outside")
)


def filled(path: Path, policy: str, enterprises: int, years: tuple[int, ...] = (2024,)) -> Ledger:
    """A ledger of a sample city."""
    ledger = open_ledger(str(path), clock=lambda: LATER)
    adopt_policy(ledger, policy)
    for year in years:
        for _ in ingest_all(ledger, city(enterprises, 1, year), "tests", 2_000):
            pass
    return ledger
