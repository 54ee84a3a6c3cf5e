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
    "SUBSIDY_TEST_MACHINE": Length(20, 60, "lives of two years, step by step beside a model"),
    "SUBSIDY_TEST_EXAMPLES": Length(25, 60, "histories that every property of the ledger is tried on"),
    "SUBSIDY_TEST_MOMENTS": Length(30, 60, "moments whose answers are held against a replay"),
    "SUBSIDY_TEST_REQUESTS": Length(600, 600, "requests at the API, generated from its document"),
    "SUBSIDY_TEST_KILLS": Length(10, 100, "kills of one ingest"),
    "SUBSIDY_TEST_CLOSING_KILLS": Length(5, 15, "kills of one closing"),
    "SUBSIDY_TEST_CLOSING_AWARDS": Length(5_000, 20_000, "awards of that closing"),
    "SUBSIDY_TEST_CITY": Length(
        1_500, 6_000, "enterprises whose facts stream in while everything dies in turn"
    ),
    "SUBSIDY_TEST_BLOWS": Length(4, 8, "processes and servers killed meanwhile"),
    "SUBSIDY_TEST_SOAK": Length(15, 25, "seconds of mixed load while the database and workers die"),
    "SUBSIDY_TEST_BACKUPS": Length(3, 6, "full backups of a server, of which two are kept"),
    "SUBSIDY_TEST_STALLS": Length(4, 600, "seconds of requests beside clients that stall in ten ways"),
    "SUBSIDY_TEST_STALL_SECONDS": Length(1, 30, "seconds after which the service ends who makes no progress"),
    "SUBSIDY_TEST_STALLED": Length(4, 20, "clients that stall in each way"),
    "SUBSIDY_TEST_FLOOD": Length(
        800, 100_000, "messages of one enterprise, beside which others are answered"
    ),
    "SUBSIDY_TEST_DRILLS": Length(1, 3, "restore drills: to a moment, to the end, of an altered ledger"),
    "SUBSIDY_TEST_REBUILD": Length(300, 300, "enterprises of a ledger that is rebuilt while more arrive"),
    "SUBSIDY_TEST_SHEET_ROWS": Length(10_000, 100_000, "rows of a spreadsheet, previewed in bounded memory"),
    "SUBSIDY_TEST_COLUMNS": Length(25, 60, "histories computed by enterprise and by column"),
    "SUBSIDY_TEST_CELLS": Length(150, 400, "cells that a spreadsheet may hold, read"),
    "SUBSIDY_TEST_SHEETS": Length(25, 60, "spreadsheets of any text, read"),
    "SUBSIDY_TEST_DISAGREEMENTS": Length(25, 60, "sets of facts that disagree, in any order"),
    "SUBSIDY_TEST_LINES": Length(
        10_000, 100_000, "lines of a list and payments of a file, written in bounded memory"
    ),
    "SUBSIDY_TEST_SHEET_LINES": Length(1_600, 4_000, "lines of a list as a sheet, written in bounded memory"),
    "SUBSIDY_TEST_MESSAGES": Length(150, 600, "messages with slips that both decoders judge"),
    "SUBSIDY_TEST_DIVISIONS": Length(50, 150, "divisions of a budget beside an independent reckoning"),
    "SUBSIDY_TEST_LOOKS": Length(1, 4, "schemes and sizes in which each page is held against axe"),
    "SUBSIDY_TEST_DAMAGES": Length(15, 100, "damages of a database file, each met by every command"),
    "SUBSIDY_TEST_MISSPELT": Length(60, 300, "names of fields misspelt, which the type check must report"),
}


def length_of(variable: str) -> int:
    """How far a test goes in this run."""
    length = LENGTHS[variable]
    return int(os.environ.get(variable, length.long if os.environ.get(ALL_LONG) == "1" else length.short))
