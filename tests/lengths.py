"""How long the tests go on that could go on for ever: short among all tests, long on their own.

``bash .ci/test --long`` runs each at its long length; a variable sets one of them to any length, for
a soak: ``SUBSIDY_TEST_KILLS=1000 bash .ci/test tests/e2e/test_killed_ingest.py``. The page for
contributors lists all of them (a test says so).
"""

from __future__ import annotations

import os
from typing import NamedTuple

ALL_LONG = "SUBSIDY_TEST_LONG"
"""Set to 1 by ``--long``, so that the processes of a run agree."""


class Length(NamedTuple):
    """One test's length: how much of ``what`` it goes through."""

    short: int
    long: int
    what: str


LENGTHS = {
    "SUBSIDY_TEST_LINES": Length(
        10_000, 100_000, "lines of a list and payments of a file, written in bounded memory"
    ),
    "SUBSIDY_TEST_SHEET_LINES": Length(1_600, 4_000, "lines of a list as a sheet, written in bounded memory"),
    "SUBSIDY_TEST_MESSAGES": Length(150, 600, "messages with slips that both decoders judge"),
    "SUBSIDY_TEST_DIVISIONS": Length(50, 150, "divisions of a budget beside an independent reckoning"),
}


def length_of(variable: str) -> int:
    """How far a test goes in this run."""
    length = LENGTHS[variable]
    return int(os.environ.get(variable, length.long if os.environ.get(ALL_LONG) == "1" else length.short))
