"""The benchmark of pages runs, in a short form; sizes are held to, times are printed."""

from __future__ import annotations

import pytest

from tests.benchmarks.pages import FIRST_LOAD_MAX, report


@pytest.mark.slow
def test_no_page_sends_more_than_300_kb_with_all_that_it_loads(capsys: pytest.CaptureFixture[str]) -> None:
    rows = report(3_000, rounds=1)

    assert [row.page for row in rows if row.loaded > FIRST_LOAD_MAX] == []
    assert len(rows) > 40
    assert "slowest at the median" in capsys.readouterr().out
