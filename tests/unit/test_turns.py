"""Turns are handed on in the order in which they were asked for, and a sender stands in the queue once."""

from __future__ import annotations

import threading
import time

import pytest

from ledger.store.rows import StoreUnavailable
from ledger.store.turns.queues import AT_ONCE_MAX, LaneFull, Lanes, Turns

SECONDS = 10


def waiting_for(turns: Turns, number: int) -> None:
    """Return once so many wait."""
    until = time.monotonic() + SECONDS
    while len(turns._waiting) < number:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_whoever_came_first_is_next() -> None:
    turns, order = Turns(), list[int]()

    def ask(number: int) -> None:
        with turns.take():
            order.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    with turns.take():
        for number, thread in enumerate(threads):
            thread.start()
            waiting_for(turns, number + 1)
    for thread in threads:
        thread.join(SECONDS)

    assert order == [0, 1, 2, 3, 4]


def test_a_turn_that_does_not_come_in_time_is_left_to_others() -> None:
    turns = Turns()
    with turns.take(), pytest.raises(StoreUnavailable, match="another writer held"), turns.take(0.01):
        pass
    with turns.take(0.01):
        pass


def test_a_turn_is_handed_on_where_the_work_fails() -> None:
    turns = Turns()
    with pytest.raises(RuntimeError), turns.take():
        raise RuntimeError
    with turns.take(0.01):
        pass


def test_one_sender_has_one_place_in_the_queue_and_three_requests_at_once() -> None:
    lanes, turns, order = Lanes(), Turns(), list[str]()
    entered = threading.Semaphore(0)

    def send(sender: str) -> None:
        entered.release()
        with lanes.take(sender), turns.take():
            order.append(sender)

    threads = [threading.Thread(target=send, args=("loud",)) for _ in range(AT_ONCE_MAX)]
    with turns.take():
        for thread in threads:
            thread.start()
        waiting_for(turns, 1)
        while lanes._lanes["loud"].requests < AT_ONCE_MAX:
            time.sleep(0.001)
        with pytest.raises(LaneFull), lanes.take("loud"):
            pass
        quiet = threading.Thread(target=send, args=("quiet",))
        quiet.start()
        waiting_for(turns, 2)
    for thread in (*threads, quiet):
        thread.join(SECONDS)

    assert order[:2] == ["loud", "quiet"], "two of the loud one's requests were there before"
    assert lanes._lanes == {}


def test_nobody_waits_for_no_sender() -> None:
    lanes = Lanes()
    with lanes.take(""), lanes.take(""):
        assert lanes._lanes == {}
