"""In which month of an award year something counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.events.instants import instant
from domain.facts.folding import EnterpriseFacts, fold
from domain.facts.months import month_in
from domain.policy.load import load_policy
from domain.policy.rulebook import Rulebook
from domain.rules.targets import targets_of
from tests.contents import event_of
from tests.events import CIXI_TEXT

YI = 10_000_000_000
"""A hundred million yuan in fen."""
BOOK = Rulebook([load_policy(CIXI_TEXT)])
LATEST = Rulebook(
    [
        load_policy(
            CIXI_TEXT.replace("several-reports:\n    value: add-up", "several-reports:\n    value: latest")
        )
    ]
)


@pytest.mark.parametrize("year", [2000, 2024, 2100])
def test_every_instant_counts_in_its_month_in_china(year: int) -> None:
    moment = datetime(year - 1, 12, 1, tzinfo=UTC)
    while moment.year <= year + 1 and moment.month < 13 and moment < datetime(year + 1, 2, 1, tzinfo=UTC):
        local = moment.astimezone(ZoneInfo("Asia/Shanghai"))
        expected = 1 if local.year < year else 12 if local.year > year else local.month
        assert month_in(year, instant(moment)) == expected, moment
        moment += timedelta(hours=8)


def test_a_month_begins_with_its_first_microsecond() -> None:
    assert month_in(2024, "2024-02-29T15:59:59.999999Z") == 2
    assert month_in(2024, "2024-02-29T16:00:00.000000Z") == 3


def sales(*reports: tuple[str, int], year: int = 2024) -> EnterpriseFacts:
    """Domestic online sales of a year: days of reports, and fen."""
    facts = []
    for number, (day, fen) in enumerate(reports):
        content: dict[str, Any] = {"year": year, "amount_fen": fen, "currency": "CNY", "customs_code": None}
        content["channel"] = "domestic_online"
        facts.append(event_of("SalesReported", "urn:a", f"{number}", f"{day}T00:00:00.000000Z", content))
    return fold(facts)


def over_1yi(facts: EnterpriseFacts, book: Rulebook = BOOK) -> dict[int, dict[int, int]]:
    found = targets_of(facts, book)
    return {year: targets["domestic-over-1yi"] for year, targets in found.items()}


def test_an_enterprise_counts_from_the_month_in_which_it_reaches_the_threshold() -> None:
    facts = sales(("2024-09-10", YI // 2), ("2024-03-10", YI // 2 - 1), ("2024-05-10", 1))
    assert over_1yi(facts) == {2024: {9: 1}}
    assert over_1yi(sales(("2024-05-10", YI - 1))) == {}


def test_reports_outside_the_year_count_at_its_ends() -> None:
    assert over_1yi(sales(("2023-12-01", YI))) == {2024: {1: 1}}
    assert over_1yi(sales(("2026-02-01", YI))) == {2024: {12: 1}}


def test_of_several_reports_only_the_one_that_stands_counts_from_its_own_month() -> None:
    facts = sales(("2024-03-10", 5 * YI), ("2024-07-10", YI))
    assert LATEST.latest.reports == "latest"
    assert over_1yi(facts, LATEST) == {2024: {7: 1}}
    assert over_1yi(facts) == {2024: {3: 1}}
