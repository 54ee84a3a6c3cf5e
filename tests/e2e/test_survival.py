"""Exactly once on three brokers, two consumers and PostgreSQL, while everything dies in turn.

Method: a sample city streams in; over and over a consumer is killed (-9), a broker is killed,
PostgreSQL is killed and restarted, a third consumer joins and leaves. At the end every
balance must equal that of a plain file ingest of the same messages, with no event lost or
doubled. ``SUBSIDY_TEST_CITY`` sets the city's size (the full run is 100000).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import fingerprint
from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from tests.brokers import KafkaCluster
from tests.e2e.processes import Commands, produce, taken, wait_until
from tests.events import CITY_TEXT
from tests.integration.test_brokers import producer_of, read_all
from tests.lengths import length_of
from tests.postgres import Server

CITY = length_of("SUBSIDY_TEST_CITY")
BLOWS = length_of("SUBSIDY_TEST_BLOWS")
WITHIN_SECONDS = 120 + CITY * 6 // 400
SEED = 11


class Siege:
    """Deals blows until told to stop; keeps count."""

    def __init__(self, commands: Commands, cluster: KafkaCluster, server: Server) -> None:
        self.commands, self.cluster, self.server = commands, cluster, server
        self.rng = random.Random(SEED)
        self.survived: dict[str, int] = {}
        self.parts = threading.Semaphore()
        """How many parts of the city may be sent: one, and one more with each blow."""
        self.consumers = [commands.start("consume") for _ in range(2)]

    def consumer_killed(self) -> None:
        """One of the two dies, and another takes its place."""
        index = self.rng.randrange(2)
        self.consumers[index].kill()
        self.consumers[index].wait()
        self.consumers[index] = self.commands.start("consume")

    def broker_killed(self) -> None:
        """A broker dies and comes back on its data."""
        number = self.rng.randrange(1, 4)
        self.cluster.kill(number)
        time.sleep(1.5)
        self.cluster.restart(number)
        self.cluster.wait_in_sync()

    def postgres_killed(self) -> None:
        """The database server dies and is started again."""
        self.server.kill()
        time.sleep(0.5)
        self.server.start()

    def rebalance_forced(self) -> None:
        """A third consumer joins the group and leaves it in good order."""
        third = self.commands.start("consume")
        time.sleep(3)
        third.terminate()
        third.wait(30)

    def feed(self, topic: str) -> int:
        """Send the city, a part at the beginning and one during each blow; how many records."""
        messages, sent = list(city(CITY, seed=SEED)), 0
        size = -(-len(messages) // (BLOWS + 1))
        for start in range(0, len(messages), size):
            self.parts.acquire()
            sent += produce(self.cluster, topic, messages[start : start + size])
        return sent

    def deal(self, blows: int) -> None:
        """Deal blows in turn, each while a part of the city arrives."""
        kinds = [self.consumer_killed, self.postgres_killed, self.broker_killed, self.rebalance_forced]
        for number in range(blows):
            self.parts.release()
            blow = kinds[number % len(kinds)]
            blow()
            self.survived[blow.__name__] = self.survived.get(blow.__name__, 0) + 1
            time.sleep(self.rng.random() * 2)


@pytest.mark.slow
@pytest.mark.parametrize("store_kind", ["postgres"])
def test_nothing_is_lost_or_doubled_whatever_dies(
    cluster3: KafkaCluster,
    postgres: Server,
    database_at: Callable[[str], str],
    open_at: Callable[..., Ledger],
    tmp_path: Path,
) -> None:
    """The balances equal those of a plain ingest, to the fen."""
    commands = Commands(database_at("ledger.db"), cluster3, "survival")
    commands.adopt()
    commands.topics(4)
    sent: list[int] = []
    siege = Siege(commands, cluster3, postgres)
    feeder = threading.Thread(target=lambda: sent.append(siege.feed("survival")), daemon=True)
    ledger = open_at(policy=False)
    feeder.start()
    try:
        siege.deal(BLOWS)
        feeder.join()
        wait_until(lambda: taken(ledger) == sent[0], WITHIN_SECONDS, "not every record was taken")
    finally:
        commands.end()

    plain = open_ledger(str(tmp_path / "plain.db"))
    adopt_policy(plain, CITY_TEXT)
    for _ in ingest_all(plain, city(CITY, seed=SEED), "file"):
        pass
    with plain.store.reading() as rows, ledger.store.reading() as again:
        assert rows.last_position() == again.last_position()
        events = "SELECT originator_id, COUNT(*) FROM stored_events GROUP BY originator_id ORDER BY 1"
        assert [tuple(row) for row in rows.stream(events)] == [tuple(row) for row in again.stream(events)]
        assert fingerprint(rows) == fingerprint(again)
        events_in_all = rows.last_position()
    plain.close()
    print(f"\n{sent[0]:,} records, {events_in_all:,} events, equal to the fen; survived {siege.survived}")


@pytest.mark.slow
def test_one_of_three_is_killed_and_comes_back(cluster3: KafkaCluster) -> None:
    topic = "three"
    timings = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in cluster3.timings.items())
    cluster3.create_topic(topic, 3)
    producer = producer_of(cluster3, enable_idempotence=True, delivery_timeout_ms=60_000)
    sent: list[bytes] = []

    def send(count: int) -> float:
        start = time.monotonic()
        pending = []
        for _ in range(count):
            value = str(len(sent)).encode()
            sent.append(value)
            pending.append(producer.send(topic, value, key=value))
        for future in pending:
            future.get(60)
        return time.monotonic() - start

    send(300)
    before = cluster3.pid(2)
    cluster3.kill(2)
    assert cluster3.pid(2) is None
    gap = send(300)
    cluster3.restart(2)
    assert cluster3.pid(2) not in (None, before)
    start = time.monotonic()
    cluster3.wait_in_sync()
    caught_up = time.monotonic() - start
    send(300)
    producer.close()
    found = [record.value for record in read_all(cluster3, topic, len(sent))]
    assert sorted(found, key=int) == sent
    restart = cluster3.timings["restart"]
    print(
        f"three brokers: {timings}; one killed: 300 records acknowledged after {gap:.1f} s; "
        f"restart {restart:.1f} s, in sync {caught_up:.1f} s later"
    )
