"""Worked years, from facts to the last recovered clawback: file, bookkeeper and ledger agree to the fen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger, open_ledger
from tests.oracle.years import EXPECTING, differences, expected
from tests.years import Bookkeeper, Clock, read_scenario

SCENARIOS = sorted((Path(__file__).parent / "cases" / "years").glob("*.json"))
by_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)


@pytest.fixture
def clock() -> Clock:
    """A clock that the scenario moves."""
    return Clock()


@pytest.fixture
def ledger(database_at: Callable[[str], str], clock: Clock) -> Iterator[Ledger]:
    """An empty ledger."""
    found = open_ledger(database_at("years.db"), clock=clock)
    yield found
    found.close()


def expecting(scenario: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a scenario that say what comes of it."""
    return [step for step in scenario["steps"] if step["do"] in EXPECTING and "refused" not in step]


@by_scenario
def test_the_years_figures_are_those_of_an_independent_bookkeeper(path: Path) -> None:
    assert differences(read_scenario(path)) == []


@by_scenario
def test_the_ledger_comes_to_the_years_figures(path: Path, ledger: Ledger, clock: Clock) -> None:
    scenario = read_scenario(path)
    keeper = Bookkeeper(scenario, ledger, clock)

    for number, step in enumerate(scenario["steps"], start=1):
        answer = keeper.take(step)
        if step["do"] in EXPECTING and "refused" not in step:
            assert answer == expected(step), f"step {number}"


@by_scenario
def test_a_scenario_says_how_its_figures_were_worked_out(path: Path) -> None:
    scenario = read_scenario(path)

    assert scenario["title"]
    assert [step for step in expecting(scenario) if step["do"] == "list" and not step.get("working")] == []
    assert [step for step in scenario["steps"] if step["do"] == "list"] != []
