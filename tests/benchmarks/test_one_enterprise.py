"""A message costs the same work whatever its enterprise sent before, told by calls and not by time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.one_enterprise import MAKES, Make, approve, cost_of, main, messages_of, open_warm
from tests.events import Feed

FEW, MANY = 80, 480
REACH = 1.2


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.__name__)
def test_a_message_of_a_long_batch_costs_what_one_of_a_short_batch_costs(make: Make, tmp_path: Path) -> None:
    """Six times the messages, in one batch and after others: each makes as many calls."""
    ledger = open_warm(tmp_path / "x.db", make)
    messages = list(messages_of(make, Feed(1), FEW + MANY))

    few = cost_of(ledger, messages[:FEW], batch=len(messages))
    many = cost_of(ledger, messages[FEW:], batch=len(messages))

    assert many.calls <= REACH * few.calls
    ledger.close()


def test_claims_that_a_batch_leaves_as_they_are_are_not_written_again(tmp_path: Path) -> None:
    """Each row keeps the position of the batch that changed it."""
    ledger = open_warm(tmp_path / "x.db", approve)
    messages = list(messages_of(approve, Feed(1), 20))

    cost_of(ledger, messages, batch=10)

    with ledger.store.reading() as rows:
        sql = "SELECT position, COUNT(*) FROM claims WHERE code=? GROUP BY position ORDER BY position"
        written = rows.all(sql, [Feed(1).code])
    assert [count for _, count in written] == [10, 10]
    ledger.close()


def test_the_benchmark_prints_a_row_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its first quarter, and the others beside it."""
    main(40)

    assert len(capsys.readouterr().out.splitlines()) == len(MAKES)
