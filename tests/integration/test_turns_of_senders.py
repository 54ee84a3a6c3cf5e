"""One key that floods, or one enterprise that sends much, keeps others waiting for one turn of theirs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from domain.authority.publishers import Scope
from domain.authority.roles import Actor
from domain.authority.writes import IDENTITY, Writer
from domain.intake.authorising import Sender
from ledger.intake import inbox
from ledger.intake.batch import Batch, ReceivedMessage, Result
from ledger.intake.inbox import Offsets, ingest
from ledger.intake.machine_keys import make_key
from ledger.store.append import tracked
from ledger.store.application import Ledger, open_ledger
from ledger.store.turns import company, queues
from ledger.store.turns.company import QUIET_SECONDS
from ledger.store.turns.queues import AT_ONCE_MAX, Lanes
from ledger.store.turns.table import TurnTable
from tests.events import OPERATOR, SOURCE, Feed
from tests.integration.api_client import ONE, STREAM, is_problem
from tests.integration.test_identity import City

TURN = 40
SECONDS = 60


def sender(key: str) -> Sender:
    actor = Actor(key, frozenset({"upstream"}), publisher=key)
    return Sender(Writer(actor, IDENTITY, Scope(SOURCE)))


@pytest.mark.parametrize("is_one_enterprise", [True, False], ids=["one enterprise", "many"])
def test_others_wait_for_one_turn_of_whoever_floods(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch, is_one_enterprise: bool
) -> None:
    """Told by positions: how much of the flood was recorded between a message and its own turn."""
    monkeypatch.setattr(inbox, "CALLER_TURN_MESSAGES", TURN)
    monkeypatch.setattr(company, "QUIET_SECONDS", SECONDS)  # a slow machine does not make anyone alone
    ledger, began = open_at(), threading.Event()
    feeds = [Feed(number) for number in range(1, 2 if is_one_enterprise else 30)]
    messages = [feeds[n % len(feeds)].sales("online", 2024, "1.00") for n in range(AT_ONCE_MAX * 10 * TURN)]

    def flood(number: int) -> None:
        for start in range(0, 10 * TURN, 5 * TURN):
            part = messages[number * 10 * TURN + start :][: 5 * TURN]
            assert {result.status for result in ingest(ledger, part, "http", sender=sender("loud"))} == {
                "accepted"
            }
            began.set()

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(AT_ONCE_MAX)]
    for thread in threads:
        thread.start()
    began.wait(SECONDS)
    waited = list[int]()
    for number in range(100, 106):
        with ledger.store.reading() as rows:
            before = rows.last_position()
        [result] = ingest(
            ledger, [Feed(number).sales("online", 2024, "1.00")], "http", sender=sender("quiet")
        )
        assert result.position is not None
        waited.append(result.position - before - 1)
    for thread in threads:
        thread.join(SECONDS)

    alone, *in_company = sorted(waited[1:], reverse=True)
    assert alone <= 5 * TURN, "a turn that was begun before the first message told of company"
    assert max(in_company) <= 2 * TURN, "the turn under way, and one that stood in the queue before"


def write_on(path: str, began: Event, stop: Event) -> None:
    """A process that records turn after turn until it is told to stop."""
    ledger, feeds = open_ledger(path), [Feed(number) for number in range(1, 30)]
    while not stop.is_set():
        ingest(ledger, [feed.sales("online", 2024, "1.00") for feed in feeds[:TURN]], "http")
        began.set()
    ledger.close()


def test_a_process_that_writes_on_and_on_lets_others_in(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str]
) -> None:
    """Told by positions, as above; SQLite's own way of waiting lost hundreds of turns."""
    ledger, feed, context, waited = open_at(), Feed(100), get_context("spawn"), list[int]()
    began, stop = context.Event(), context.Event()
    process = context.Process(target=write_on, args=(database_at("ledger.db"), began, stop))
    process.start()
    try:
        assert began.wait(SECONDS)
        for _ in range(40):
            with ledger.store.reading() as rows:
                before = rows.last_position()
            [result] = ingest(ledger, [feed.sales("online", 2024, "1.00")], "http")
            waited.append((result.position or 0) - before - 1)
            time.sleep(0.02)
    finally:
        stop.set()
        process.join(SECONDS)
    assert max(waited) <= 10 * TURN, waited


def test_whoever_writes_alone_takes_long_turns(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others count from their first message on, also those of another process, and for a second."""
    monkeypatch.setattr(inbox, "TURN_MESSAGES", 3 * TURN)
    monkeypatch.setattr(inbox, "CALLER_TURN_MESSAGES", TURN)
    ledger, feed = open_at(), Feed(1)
    monotonic, taken, take_batch = [time.monotonic()], list[int](), Batch.take
    monkeypatch.setattr("ledger.store.turns.company.time.monotonic", lambda: monotonic[0])

    def take(batch: Batch, received: list[ReceivedMessage]) -> list[Result]:
        taken.append(len(received))
        return take_batch(batch, received)

    def send(messages: int, name: str) -> list[int]:
        taken.clear()
        facts = [feed.sales("online", 2024, "1.00") for _ in range(messages)]
        ingest(ledger, facts, "http", sender=sender(name))
        return list(taken)

    monkeypatch.setattr(Batch, "take", take)
    assert send(3 * TURN, "loud") == [3 * TURN]
    assert send(6 * TURN, "loud") == [3 * TURN] * 2
    send(1, "quiet")
    assert send(3 * TURN, "loud") == [TURN] * 3
    monotonic[0] += QUIET_SECONDS
    assert send(3 * TURN, "loud") == [3 * TURN]

    ingest(open_at(policy=False), [feed.sales("online", 2024, "1.00")], "file")
    assert send(6 * TURN, "loud") == [3 * TURN, *[TURN] * 3]


def test_whoever_floods_rests_beside_others_and_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seventh of the time is its to work in, and what it may owe ahead is spent first."""
    monotonic, slept, lanes = [100.0], list[float](), Lanes(TurnTable())

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        monotonic[0] += seconds

    monkeypatch.setattr("ledger.store.turns.queues.time.monotonic", lambda: monotonic[0])
    monkeypatch.setattr("ledger.store.turns.queues.time.sleep", sleep)
    monkeypatch.setattr("ledger.store.turns.queues.time.thread_time", lambda: monotonic[0] - sum(slept))
    began = monotonic[0]
    for _ in range(100):
        for sender, seconds in (("loud", 0.03), ("quiet", 0.01)):
            with lanes.counting(sender), lanes.take_beside_others(sender):
                monotonic[0] += seconds
    assert 0.14 < 100 * 0.03 / (monotonic[0] - began) < 0.18, "what loud had of the time"
    rests = len(slept)
    with lanes.take_beside_others("quiet"):
        assert len(slept) == rests, "who takes less than another does not rest"

    monotonic[0] += 10
    with lanes.take_beside_others("loud"):
        assert len(slept) == rests, "it has rested"


def test_readers_do_not_wait_for_writers_that_wait(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()

    def write() -> None:
        with ledger.store.writing() as rows:
            rows.last_position()

    with ledger.store.writing():
        threads = [threading.Thread(target=write) for _ in range(12)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            with ledger.store.reading() as rows:
                assert rows.all("SELECT COUNT(*) FROM event_keys") == [(0,)]
    for thread in threads:
        thread.join(SECONDS)


def test_a_call_of_many_turns_keeps_the_place_in_the_stream_with_each(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks off after a turn is read on from there, and nothing is taken twice."""
    monkeypatch.setattr(inbox, "TURN_MESSAGES", TURN)
    ledger, feed = open_at(), Feed(1)
    messages = [feed.sales("online", 2024, "1.00") for _ in range(3 * TURN)]
    offsets = Offsets("kafka:facts:id:0", range(10, 10 + len(messages)), "facts/0")
    taken, take_batch = list[int](), Batch.take

    def fail(batch: Batch, received: list[ReceivedMessage]) -> list[Result]:
        taken.append(len(received))
        if len(taken) == 3:
            raise RuntimeError
        return take_batch(batch, received)

    monkeypatch.setattr(Batch, "take", fail)
    with pytest.raises(RuntimeError):
        ingest(ledger, messages, "kafka", offsets)
    with ledger.store.reading() as rows:
        assert tracked(rows, offsets.name) == 10 + 2 * TURN - 1

    results = ingest(ledger, messages, "kafka", offsets)
    assert taken == [TURN, TURN, TURN, 0, 0, TURN]
    assert [result.status for result in results] == ["accepted"] * TURN


@pytest.mark.parametrize("media", [ONE, STREAM])
def test_a_request_beyond_those_at_once_is_answered_by_429(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, media: str
) -> None:
    city = City(tmp_path)
    key = make_key(city.ledger, OPERATOR, "tests", SOURCE, [])
    monkeypatch.setattr(queues, "AT_ONCE_MAX", 0)
    message = Feed(1).sales("online", 2024, "1.00")

    answer = city.ask(key, "/v1/events", "POST", data=message, content_type=media)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert [fault["code"] for fault in is_problem(answer)["faults"]] == ["rate.at-once"]
    city.ledger.close()
