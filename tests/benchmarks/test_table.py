"""The table's rows are measured, in a short form; ratios are printed, never asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import answering, appending, replaying, serving, starting, working
from tests.benchmarks.measured import HEAD, Measured

EVENTS = 4_000


def told(rows: list[Measured]) -> None:
    for row in rows:
        assert row.ratio > 0
        assert row.line().count("|") == HEAD.split("\n")[0].count("|")


@pytest.mark.parametrize("postgres", [False, True], ids=["sqlite", "postgres"])
def test_appending_ends_in_what_a_replay_gives(postgres: bool) -> None:
    """``appending.exact`` raises where it does not."""
    told([appending.measure(EVENTS, postgres)])


@pytest.mark.slow
def test_every_replay_ends_in_the_ledgers_figures() -> None:
    told(replaying.measure(EVENTS))


@pytest.mark.slow
def test_balances_are_served_beside_an_empty_handler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving, "SECONDS", 0.5)
    monkeypatch.setattr(serving, "ROUNDS", 1)
    monkeypatch.setattr(serving, "STARTS", 1)
    told(serving.measure(EVENTS))


def test_a_row_says_whether_its_reach_was_met() -> None:
    most = Measured("work", "limit", 2, 2.5, most=True)
    least = Measured("work", "limit", 0.5, 0.5)

    assert (most.reached, least.reached) == (False, True)
    assert "**no**" in most.line()


def test_a_start_is_measured_beside_another_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "ROUNDS", 1)
    told(starting.measure(serving.ROOT, enterprises=20))


def test_balances_are_answered_beside_another_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few requests are less work than one start differs from another: only what is told is looked at."""
    monkeypatch.setattr(starting, "ROUNDS", 1)
    monkeypatch.setattr(answering, "REQUESTS", 40)
    assert [row.work for row in answering.measure(serving.ROOT, enterprises=20)] == ["balance over HTTP"]


def test_work_is_measured_beside_another_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few messages are less work than one start differs from another: only what is told is looked at."""
    monkeypatch.setattr(starting, "ROUNDS", 1)
    rows = working.measure(serving.ROOT, enterprises=70)
    assert [row.work for row in rows] == ["intake without its start", "replay without its start"]
    assert all(row.line().count("|") == HEAD.split("\n")[0].count("|") for row in rows)
