"""The workbench opens a closed and paid year and writes all papers within its memory, in a short form."""

from __future__ import annotations

import pytest

from tests.benchmarks.workbench import report


def test_a_year_of_two_hundred_enterprises_is_opened_within_the_memory_that_is_promised(
    capfd: pytest.CaptureFixture[str],
) -> None:
    report(200)

    assert "peak RSS" in capfd.readouterr().out
