"""A read model that is declared is told of every event of settlements and accounts, live and replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ledger.projections import registry
from ledger.projections.registry import READ_MODELS, ReadModel
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored
from tests.integration.closings import closed


def test_a_follower_sees_each_event_once_as_it_comes_and_once_in_a_replay(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def follow(_: Rows, events: Sequence[Stored]) -> None:
        seen.extend(event.position for event in events)

    monkeypatch.setattr(registry, "READ_MODELS", (*READ_MODELS, ReadModel("followed", follow=follow)))

    ledger = closed(open_at, years=(2024,)).ledger
    with ledger.store.reading() as rows:
        sql = f"{SELECT} WHERE originator_id LIKE 'settlement:%' OR originator_id LIKE 'account:%'"
        recorded = sorted(row[0] for row in rows.all(sql))
    assert sorted(seen) == recorded
    assert len(recorded) > 20

    seen.clear()
    assert replay(ledger, str(tmp_path / "replica.db")).equal
    assert sorted(seen) == recorded
