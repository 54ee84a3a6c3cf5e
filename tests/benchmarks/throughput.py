"""How fast facts on Kafka become committed balances, beside the library's own raw append.

``python -m tests.benchmarks.throughput --events 100000 --postgres`` puts a sample city on a topic of
two partitions of a real broker, and has it consumed into SQLite by one consumer, and into
PostgreSQL by one and by two, each a process. Beside it, the eventsourcing library's
``recorder.insert_events`` stores the same events in the same batches in a fresh database of the
same kind: no decoding, no checks, no balances. The ratios are of one run.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from eventsourcing.persistence import StoredEvent

from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from tests.brokers import KafkaCluster
from tests.e2e.processes import Commands, produce, taken
from tests.postgres import Server

TOPIC = "throughput"
PARTITIONS = 2
SECONDS_MAX = 900
Rate = tuple[int, float]
"""Events, and the seconds that they took."""


def consumed(cluster: KafkaCluster, database: str, records: int, consumers: int) -> Rate:
    """Consume the topic; events and seconds from the first commit that was seen to the last."""
    commands = Commands(database, cluster, TOPIC)
    commands.adopt()
    try:
        with closing(open_ledger(database)) as ledger:
            before, began = 0, 0.0
            processes = [commands.start("consume") for _ in range(consumers)]
            until = time.monotonic() + SECONDS_MAX
            while (passed := taken(ledger)) < records:
                if passed > 0 and not before:
                    before, began = position(ledger), time.perf_counter()
                if time.monotonic() > until or any(p.poll() is not None for p in processes):
                    raise SystemExit(f"only {passed} of {records} records were passed")
                time.sleep(0.1)
            found = position(ledger) - before, time.perf_counter() - began
        for process in processes:
            process.terminate()
            process.wait(60)
        return found
    finally:
        commands.end()


def position(ledger: Ledger) -> int:
    """How many events the ledger holds."""
    with ledger.store.reading() as rows:
        return rows.last_position()


def batches(ledger: Ledger) -> Iterator[list[StoredEvent]]:
    """What a ledger stored, in the batches in which it did."""
    with ledger.store.reading() as rows:
        ends = [int(row[0]) for row in rows.all("SELECT last_position FROM batches ORDER BY last_position")]
    for before, last in itertools.pairwise([0, *ends]):
        found = ledger.application.recorder.select_notifications(start=before + 1, limit=last - before)
        yield [StoredEvent(n.originator_id, n.originator_version, n.topic, n.state) for n in found]


def appended(source: str, target: str) -> Rate:
    """Store the events of one database in another by the library's recorder alone."""
    with closing(open_ledger(source)) as ledger, closing(open_ledger(target)) as fresh:
        recorder, count, seconds = fresh.application.recorder, 0, 0.0
        for batch in batches(ledger):
            began = time.perf_counter()
            recorder.insert_events(batch)
            seconds += time.perf_counter() - began
            count += len(batch)
    return count, seconds


def line(name: str, rate: Rate, beside: Rate) -> float:
    """Print a row; how it compares."""
    speed, base = rate[0] / rate[1], beside[0] / beside[1]
    print(f"{name:<34} {rate[0]:>9,} {rate[1]:>8.1f}s {speed:>9,.0f}/s {speed / base:>6.2f}", flush=True)
    return speed / base


def report(events: int, postgres: bool) -> dict[str, float]:
    """Print the table; the ratios by row."""
    ratios: dict[str, float] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(KafkaCluster(folder / "kafka", 1))
        Commands("", cluster, TOPIC).topics(PARTITIONS)
        records = produce(cluster, TOPIC, itertools.islice(city(10_000_000, seed=9), events))
        print(f"{records:,} records on {PARTITIONS} partitions")
        print(f"{'':<34} {'events':>9} {'time':>9} {'rate':>11} {'ratio':>6}")
        places = {"SQLite": [str(folder / f"{n}.db") for n in range(3)]}
        if postgres:
            server = Server()
            stack.callback(server.remove)
            places["PostgreSQL"] = [server.url(server.create()) for _ in range(3)]
        for kind, (one, raw, two) in places.items():
            ours = consumed(cluster, one, records, 1)
            theirs = appended(one, raw)
            line(f"{kind}, raw append", theirs, theirs)
            ratios[kind] = line(f"{kind}, one consumer / raw", ours, theirs)
            if kind != "SQLite":
                both = consumed(cluster, two, records, 2)
                ratios["two"] = line(f"{kind}, two consumers / one", both, ours)
    return ratios


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    report(arguments.events, arguments.postgres)
