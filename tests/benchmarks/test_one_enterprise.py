"""A message costs the same work whatever its enterprise sent before, told by calls and not by time."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.authority.roles import Actor
from domain.events.claims import ClaimSubmitted
from ledger.claims import desk
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
    report_and_correct,
)
from tests.events import CIXI, Feed

FEW, MANY = 80, 480
REACH = 1.2
MUCH, REACH_ALONE = 2_000, 1.5
COUNTED_TOGETHER = (open_shops, recognise_warehouses)
"""What an award is worked out from as a whole: decision 0031 says so."""
CALLS_A_THING = 4
"""Most calls for each thing that an award is worked out from."""
KEPT_IN_THE_ROW = (assess, *COUNTED_TOGETHER)
"""Figures of a year, and things with a day, each of which stands in the row."""


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.__name__)
def test_a_message_of_a_long_batch_costs_what_one_of_a_short_batch_costs(make: Make, tmp_path: Path) -> None:
    """Six times the messages, in one batch and after others: each makes as many calls."""
    ledger = open_warm(tmp_path / "x.db", make)
    messages = list(messages_of(make, Feed(1), FEW + MANY))

    few = cost_of(ledger, messages[:FEW], batch=len(messages))
    many = cost_of(ledger, messages[FEW:], batch=len(messages))

    assert many.calls <= REACH * few.calls
    ledger.close()


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.__name__)
def test_a_message_sent_alone_costs_what_it_costs_at_first(make: Make, tmp_path: Path) -> None:
    """After two thousand others it makes as many calls, and its enterprise's row has not grown.

    Where things with a day are counted, a few calls more for each of them.
    """
    ledger, feed = open_warm(tmp_path / "x.db", make), Feed(1)
    messages = list(messages_of(make, feed, ALONE + MUCH + 10 * ALONE))

    first = cost_of(ledger, messages[:ALONE], batch=1)
    cost_of(ledger, messages[ALONE : 9 * ALONE])
    size = row_bytes(ledger, feed)
    cost_of(ledger, messages[9 * ALONE : -ALONE])
    after_many = cost_of(ledger, messages[-ALONE:], batch=1)

    things = len(messages) if make in COUNTED_TOGETHER else 0
    assert after_many.calls <= REACH_ALONE * first.calls + CALLS_A_THING * things
    assert make in KEPT_IN_THE_ROW or row_bytes(ledger, feed) <= size + 64
    ledger.close()


def test_a_step_at_the_desk_costs_what_it_costs_at_first(tmp_path: Path) -> None:
    """After thousands of reports and corrections of its enterprise it makes as many calls."""
    ledger, feed = open_warm(tmp_path / "x.db", report_and_correct), Feed(1)
    messages = list(messages_of(report_and_correct, feed, MUCH))
    cost_of(ledger, messages[:ALONE])
    decide_at_desk(ledger, feed, "warm")

    first = calls_of(lambda: decide_at_desk(ledger, feed, "first"))
    cost_of(ledger, messages[ALONE:])
    after_many = calls_of(lambda: decide_at_desk(ledger, feed, "last"))

    assert after_many <= REACH_ALONE * first
    ledger.close()


def decide_at_desk(ledger: Ledger, feed: Feed, name: str) -> None:
    """A claim from its submission to its approval, by three persons."""
    people = [("chen", "officer"), ("wang", "officer"), ("zhao", "reviewer")]
    chen, wang, zhao = (Actor(name, frozenset({role}), issuer="os", subject=name) for name, role in people)
    claim = ClaimSubmitted(
        claim=name,
        policy=CIXI,
        measure="standard.cixi",
        item=name,
        year=2025,
        amount_fen=100,
        currency="CNY",
    )
    desk.submit(ledger, feed.code, chen, claim)
    desk.review(ledger, feed.code, CIXI, name, wang, 100, "")
    desk.approve(ledger, feed.code, CIXI, name, zhao, 100)


def calls_of(work: Callable[[], None]) -> int:
    """How many calls of functions something makes."""
    profile = cProfile.Profile()
    profile.runcall(work)
    calls: int = getattr(pstats.Stats(profile), "total_calls")  # noqa: B009 - not in its stubs
    return calls


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
