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

    def deal(self, blows: int, still: Callable[[], bool]) -> None:
        """Deal blows in turn while there is something left to disturb."""
        kinds = [self.consumer_killed, self.postgres_killed, self.broker_killed, self.rebalance_forced]
        for number in range(blows):
            if not still():
                return
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
    feeder = threading.Thread(
        target=lambda: sent.append(produce(cluster3, "survival", city(CITY, seed=SEED)))
    )
    siege = Siege(commands, cluster3, postgres)
    ledger = open_at(policy=False)
    feeder.start()
    try:
        siege.deal(BLOWS, lambda: feeder.is_alive() or taken(ledger) < sum(sent))
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
