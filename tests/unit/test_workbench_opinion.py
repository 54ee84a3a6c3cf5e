"""Which opinion the stated rule suggests."""

from __future__ import annotations

import pytest

from services.workbench.opinion import BREACHES, MISSTATEMENTS, ExceptionRow, suggest_opinion
from services.workbench.papers.registry import FINDINGS_BY_SLUG
from tests.workbench import ABOUT


@pytest.mark.parametrize(
    ("finding", "fen", "verdict", "kind"),
    [
        ("paid-above-award", 99, "VERIFIED", "unqualified"),
        ("paid-above-award", 100, "VERIFIED", "qualified"),
        ("paid-above-award", 500, "VERIFIED", "adverse"),
        ("approval-without-review", 99, "VERIFIED", "unqualified"),
        ("approval-without-review", 500, "VERIFIED", "qualified"),
        ("outlier", 10_000, "VERIFIED", "unqualified"),
        ("outlier", 0, "NOT VERIFIED: 1 faults", "adverse"),
    ],
)
def test_the_opinion_follows_from_the_rule_that_it_states(
    finding: str, fen: int, verdict: str, kind: str
) -> None:
    row = ExceptionRow(1, "paper", "code", finding, fen, 1, "")

    assert suggest_opinion(ABOUT._replace(verdict=verdict), [row], 100).kind == kind


def test_the_rule_names_exceptions_that_there_are() -> None:
    assert set(FINDINGS_BY_SLUG) >= MISSTATEMENTS | BREACHES
