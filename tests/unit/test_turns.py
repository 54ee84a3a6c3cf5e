"""Turns are handed on in the order in which they were asked for, and a sender stands in the queue once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from ledger.store.rows import StoreUnavailable
from ledger.store.turns.company import Company
from ledger.store.turns.queues import AT_ONCE_MAX, LaneFull, Lanes, Turns
from ledger.store.turns.table import SENDERS_MAX, TurnTable, tag_of

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
    lanes, turns, order = Lanes(TurnTable()), Turns(), list[str]()
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
    lanes = Lanes(TurnTable())
    with lanes.take(""), lanes.take(""):
        assert lanes._lanes == {}


# --- over the workers of a service ------------------------------------------------------------------


def hold(file: Path, held: Event, release: Event) -> None:
    """Another worker, in which a request of the loud one's has its place; it wrote to position 10."""
    table = TurnTable(file)
    Company(table).note("loud", 0, 10)
    table.note_debt(tag_of("loud"), time.monotonic() + SECONDS)
    with table.hold_place("loud"):
        held.set()
        release.wait(SECONDS)


@contextmanager
def another_worker(file: Path) -> Iterator[Event]:
    """A process that holds a place until it is told to let go."""
    context = get_context("fork")
    held, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(file, held, release))
    process.start()
    try:
        assert held.wait(SECONDS)
        yield release
    finally:
        release.set()
        process.join(SECONDS)


def test_a_sender_has_one_place_among_the_workers_and_owes_what_it_took_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_worker(tmp_path / "turns") as release:
        table = TurnTable(tmp_path / "turns")
        lanes, slept = Lanes(table), list[float]()
        monkeypatch.setattr("ledger.store.turns.table.LOCK_SECONDS_MAX", 0.01)
        with lanes.take("loud"):
            pass  # alone, nobody waits for requests of one's own
        with pytest.raises(StoreUnavailable), lanes.take_beside_others("loud"):
            pass
        monkeypatch.setattr("ledger.store.turns.queues.time.sleep", slept.append)
        with lanes.take_beside_others("quiet"):
            pass
        assert slept == []
        release.set()
    with lanes.take_beside_others("loud"):
        assert len(slept) == 1


def test_whoever_two_workers_serve_is_no_company_to_itself(tmp_path: Path) -> None:
    with another_worker(tmp_path / "turns"):
        company = Company(TurnTable(tmp_path / "turns"))
        company.note("loud", 10, 20)
        assert not company.is_met()
        company.note_arrival("loud")
        assert not company.is_met()
        company.note_arrival("quiet")
        assert company.is_met(), "before its turn, for which it may wait behind a long one"


def test_of_many_senders_those_who_owe_most_are_remembered() -> None:
    table = TurnTable()
    for number in range(1, SENDERS_MAX + 11):
        table.note_debt(tag_of(f"sender {number}"), number)
    rested_at = table.rested_at()
    assert len(rested_at) == SENDERS_MAX
    assert min(rested_at.values()) == 11
