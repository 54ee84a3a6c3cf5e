"""A message costs the same work whatever its enterprise sent before, told by calls and not by time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.store.application import Ledger
from tests.benchmarks.one_enterprise import (
    ALONE,
    MAKES,
    Make,
    approve,
    assess,
    cost_of,
    main,
    messages_of,
    open_shops,
    open_warm,
    recognise_warehouses,
)
from tests.events import Feed

FEW, MANY = 80, 480
REACH = 1.2
MUCH, REACH_ALONE = 2_000, 1.5
COUNTED_TOGETHER = (open_shops, recognise_warehouses, assess)
"""What an award or a comparison is worked out from as a whole: decision 0031 says so."""


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.__name__)
def test_a_message_of_a_long_batch_costs_what_one_of_a_short_batch_costs(make: Make, tmp_path: Path) -> None:
    """Six times the messages, in one batch and after others: each makes as many calls."""
    ledger = open_warm(tmp_path / "x.db", make)
    messages = list(messages_of(make, Feed(1), FEW + MANY))

    few = cost_of(ledger, messages[:FEW], batch=len(messages))
    many = cost_of(ledger, messages[FEW:], batch=len(messages))

    assert many.calls <= REACH * few.calls
    ledger.close()


@pytest.mark.parametrize(
    "make", [make for make in MAKES if make not in COUNTED_TOGETHER], ids=lambda make: make.__name__
)
def test_a_message_sent_alone_costs_what_it_costs_at_first(make: Make, tmp_path: Path) -> None:
    """After two thousand others it makes as many calls, and its enterprise's row has not grown."""
    ledger, feed = open_warm(tmp_path / "x.db", make), Feed(1)
    messages = list(messages_of(make, feed, ALONE + MUCH + 10 * ALONE))

    first = cost_of(ledger, messages[:ALONE], batch=1)
    cost_of(ledger, messages[ALONE : 9 * ALONE])
    size = row_bytes(ledger, feed)
    cost_of(ledger, messages[9 * ALONE : -ALONE])
    after_many = cost_of(ledger, messages[-ALONE:], batch=1)

    assert after_many.calls <= REACH_ALONE * first.calls
    assert row_bytes(ledger, feed) <= size + 64
    ledger.close()


def row_bytes(ledger: Ledger, feed: Feed) -> int:
    """The bytes that are read and written of an enterprise whatever of it is asked for."""
    with ledger.store.reading() as rows:
        sql = "SELECT length(facts) + length(outcome) FROM enterprises WHERE code=?"
        return int(rows.all(sql, [feed.code])[0][0])


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
    """Each with its first quarter, and the others beside it; and one for messages sent alone."""
    main(40)

    assert len(capsys.readouterr().out.splitlines()) == 2 * len(MAKES)
