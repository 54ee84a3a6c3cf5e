"""Closed years stay as they were closed, whatever facts or rules an open year is looked at by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from ledger import queries
from ledger.application import Ledger
from ledger.moments import Moment
from ledger.policies import adopt_policy
from ledger.trial import trial
from tests.events import CIXI, CIXI_TEXT, Feed, take
from tests.integration.bureau import Bureau, Clock

YEARS = (2024, 2025)
READINGS = {"budget-period": ("year", "life"), "reductions": ("final", "next-year")}


def policy_with(reading: str, budget: str) -> str:
    """The city's policy with the other value of a reading, and another budget."""
    was, now = READINGS[reading]
    before = f"  {reading}:\n    value: {was}\n"
    assert before in CIXI_TEXT
    text = CIXI_TEXT.replace(before, f"  {reading}:\n    value: {now}\n", 1)
    return text.replace('budget: {amount: "10000000.00"', f'budget: {{amount: "{budget}"', 1)


@pytest.mark.parametrize(
    ("reading", "budget", "factor", "payable"),
    [
        # For life: 2 shops take 20,000 of 30,000 in 2024; what is left is shared by 3 shops of 2025.
        ("budget-period", "30000.00", Fraction(10_000, 30_000), 10_000_00),
        # A year: 2 shops get 12,000 for 20,000 in 2024; 8,000 and 3 shops of 2025 share 12,000 again.
        ("reductions", "12000.00", Fraction(12_000, 38_000), 12_000_00),
    ],
    ids=["a budget for life", "reductions carried over"],
)
def test_an_open_year_after_a_closed_one_by_other_rules(
    open_at: Callable[..., Ledger], reading: str, budget: str, factor: Fraction, payable: int
) -> None:
    ledger = open_at(policy=False)
    bureau, text = Bureau(ledger, Clock()), policy_with(reading, budget)
    adopt_policy(ledger, text)
    feeds = [Feed(number) for number in range(1, 6)]
    for feed in feeds[:2]:
        take(ledger, feed.shop("tmall", "x", "2024-05-01"))
    bureau.settle()
    for feed in feeds[2:]:
        take(ledger, feed.shop("tmall", "x", "2025-05-01"))

    now = datetime(2026, 12, 31, tzinfo=UTC)
    moments = [Moment(), Moment(as_of=now.strftime("%Y-%m-%dT%H:%M:%S.%f")), Moment(rules=text)]
    moments.append(Moment(until=bureau.position()))
    with ledger.store.reading() as rows:
        found = [queries.budget(ledger, rows, CIXI, 2025, at) for at in moments]
        one = [queries.balance(ledger, rows, feeds[0].code, CIXI, 2025, at)["payable"] for at in moments]
        tried = trial(ledger, rows, text, 2025)
    for each in [*found, tried["before"], tried["after"]]:
        said: dict[str, Any] = each["factor"]
        assert Fraction(said["fraction"]) == factor
        assert each["payable"] == f"{payable // 100}.{payable % 100:02d}"
    assert len(set(one)) == 1
