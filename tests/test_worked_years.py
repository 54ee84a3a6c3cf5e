"""Worked years, from facts to the last recovered clawback: file, bookkeeper and ledger agree to the fen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.policy.load import load_policy
from ledger.store.application import Ledger, open_ledger
from tests.events import CIXI_TEXT
from tests.oracle.years import EXPECTING, differences, expected
from tests.years import Bookkeeper, Clock, read_scenario

SCENARIOS = sorted((Path(__file__).parent / "cases" / "years").glob("*.json"))
SETTLING = (
    *("notice-days", "unspent-budget", "reductions", "budget-period", "talent-funds", "pro-rata"),
    "highest-only",
)
"""Readings that bear on how a year is settled; the other value of each is that of some scenario."""
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


def test_every_reading_that_bears_on_a_settlement_is_tried_in_a_year() -> None:
    tried: dict[str, set[str]] = {}
    for path in SCENARIOS:
        for step in read_scenario(path)["steps"]:
            for name, value in step.get("readings", {}).items():
                tried.setdefault(name, set()).add(value)
    readings = load_policy(CIXI_TEXT).readings

    others = {name: set(readings[name].options) - {readings[name].value} for name in SETTLING}
    assert {name: tried[name] for name in SETTLING} == others
