"""The benchmark of growth runs, in a short form; its ratios are printed, not asserted."""

from __future__ import annotations

import pytest

from tests.benchmarks.growth import report


def test_the_growth_benchmark_prints_a_row_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    """At 10,000 events there is one row, and its ratios are 1."""
    rows = report(10_000)

    assert [row[1:3] for row in rows] == [(1.0, 1.0)]
    assert f"{rows[0][0]:,}" in capsys.readouterr().out
