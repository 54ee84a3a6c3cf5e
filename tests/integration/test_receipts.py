"""Receipts and published lists prove themselves; one changed digit anywhere is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.audit.checkpoints import current
from ledger.settlement import published
from ledger.settlement.receipts import receipt
from services.verify import verify
from tests.events import CIXI
from tests.integration.closings import closed
from tests.integration.test_bundles import KEY


def listed(ledger: Ledger, path: Path, year: int = 2024) -> list[str]:
    """The published list's file, as its lines."""
    with ledger.store.reading() as rows, path.open("w", encoding="utf-8", newline="\n") as out:
        published.write(rows, CIXI, year, out, KEY)
    return path.read_text("utf-8").split("\n")[:-1]


def receipted(ledger: Ledger, code: str, year: int = 2024) -> dict[str, Any]:
    note = current(ledger, KEY)
    with ledger.store.reading() as rows:
        return receipt(ledger, rows, code, CIXI, year, note, KEY)


def checked(path: Path, value: Any) -> list[str]:
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return verify(path, [KEY.verifier])[1].faults


def test_a_list_and_every_receipt_verify(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at)
    for year in (2024, 2025):
        lines = listed(scene.ledger, tmp_path / "list.ndjson", year)
        head, verdict = verify(tmp_path / "list.ndjson", [KEY.verifier])
        assert verdict.faults == []
        assert head["awards"] == len(lines) - 2 == verdict.awards
        for code in (scene.code, scene.other):
            found = receipted(scene.ledger, code, year)
            assert checked(tmp_path / "receipt.json", found) == []
