"""A spreadsheet of many rows is previewed in bounded memory, and tells how far it is."""

from __future__ import annotations

import pytest

from tests.benchmarks import sheets
from tests.sheets import NOTHING_BEFORE


@pytest.mark.slow
def test_many_rows_are_previewed_within_500_megabytes() -> None:
    [large] = sheets.run(sheets.LARGE)
    print(large)

    wrong = sheets.LARGE // sheets.WRONG_EVERY
    assert large["counts"] == {
        "new": sheets.LARGE - wrong,
        "known": 0,
        **NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": wrong,
    }
    assert large["mb"] < sheets.LIMIT_MB
    assert large["told"]["reading"] > sheets.LARGE // 2_000
    assert large["told"]["trying"] > sheets.LARGE // 2_000
