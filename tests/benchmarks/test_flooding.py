"""One enterprise that sends without end holds up nobody: in a short form answered, in a long one in time."""

from __future__ import annotations

import pytest

from tests.benchmarks import flooding
from tests.lengths import LENGTHS, length_of

SHORT_SECONDS = 1.0
RATIO_MAX = 2.0


def test_others_are_answered_while_one_enterprise_sends_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A balance, and another key's messages; p99 beside the flood is held to twice that alone."""
    messages = length_of("SUBSIDY_TEST_FLOOD")
    is_short = messages <= LENGTHS["SUBSIDY_TEST_FLOOD"].short
    if is_short:
        monkeypatch.setattr(flooding, "SECONDS", SHORT_SECONDS)

    rows = flooding.report(messages, only="one enterprise, in batches")

    assert {row.what: set(row.beside.statuses) for row in rows} == {"balance": {200}, "message": {201}}
    if not is_short:  # a second of a busy machine tells nothing
        assert [row.line() for row in rows if row.ratio > RATIO_MAX] == []
