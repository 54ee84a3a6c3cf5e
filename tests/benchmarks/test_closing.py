"""The benchmark of closing is exact, in a short form; its times are printed, not asserted."""

from __future__ import annotations

import pytest

from tests.benchmarks.closing import BUDGET_FEN, amounts, report


def test_payments_of_two_thousand_awards_use_the_budget_to_the_fen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sum(amounts(2_000)) > BUDGET_FEN

    assert report(2_000) == BUDGET_FEN

    assert "exact: 10000000.00 yuan" in capsys.readouterr().out
