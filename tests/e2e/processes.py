"""The ledger's own commands as processes, against a real broker and a real database."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaProducer

from ledger.store.application import Ledger
from ledger.store.rows import StoreUnavailable
from services.kafka.records import subject_of
from tests.brokers import KafkaCluster
from tests.commands import Forked, run_command, start_command
from tests.events import CITY_TEXT


@dataclass(slots=True)
class Commands:
    """Runs ``subsidy-ledger`` with one environment; whatever still runs is killed at the end."""

    database: str
    cluster: KafkaCluster
    topic: str
    more: dict[str, str] = field(default_factory=dict)
    """Further settings, by their names without the prefix."""
    running: list[Forked] = field(default_factory=list)

    @property
    def signing_key(self) -> str:
        """Beside the database's file; for a server, in a folder of this run."""
        if "://" not in self.database:
            return f"{self.database}.key"
        return str(Path(tempfile.gettempdir()) / f"{self.topic}-{os.getpid()}.key")

    @property
    def environment(self) -> dict[str, str]:
        """What an operator would set."""
        prefix = "SUBSIDY_LEDGER_"
        return {
            **os.environ,
            f"{prefix}DATABASE": self.database,
            f"{prefix}KAFKA_BROKERS": self.cluster.bootstrap,
            f"{prefix}KAFKA_TOPIC": self.topic,
            f"{prefix}KAFKA_DEAD_LETTERS": f"{self.topic}.dead",
            f"{prefix}KAFKA_PUBLISHED": f"{self.topic}.published",
            f"{prefix}KAFKA_CHECKPOINTS": f"{self.topic}.checkpoints",
            f"{prefix}SIGNING_KEY": self.signing_key,
            f"{prefix}KAFKA_GROUP": f"{self.topic}.group",
            f"{prefix}KAFKA_SESSION_MS": "6000",
            **{f"{prefix}{name}": value for name, value in self.more.items()},
        }

    def run(self, *arguments: str) -> str:
        """Run a command to its end; its standard output."""
        return run_command(*arguments, environment=self.environment)

    def start(self, *arguments: str) -> Forked:
        """Start a command that runs until it is told to stop."""
        process = start_command(*arguments, environment=self.environment)
        self.running.append(process)
        return process

    def adopt(self) -> None:
        """Adopt the policy of Cixi, which lets the sample city's bureaus decide claims."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(CITY_TEXT)
            file.flush()
            self.run("adopt", file.name)

    def topics(self, partitions: int) -> None:
        """Create the topics."""
        self.cluster.create_topic(self.topic, partitions)
        self.cluster.create_topic(f"{self.topic}.dead", 1)
        self.cluster.create_topic(f"{self.topic}.published", partitions)
        self.cluster.create_topic(f"{self.topic}.checkpoints", 1)

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        if "://" in self.database:
            Path(self.signing_key).unlink(missing_ok=True)


def produce(cluster: KafkaCluster, topic: str, messages: Iterable[bytes]) -> int:
    """Send messages keyed by their subject; how many."""
    producer = KafkaProducer(
        bootstrap_servers=cluster.bootstrap.split(","), acks="all", enable_idempotence=True, linger_ms=20
    )
    count = 0
    for message in messages:
        subject = subject_of(message)
        producer.send(topic, key=subject.encode() if subject else None, value=message)
        count += 1
    producer.flush(timeout=120)
    producer.close()
    return count


def taken(ledger: Ledger) -> int:
    """How many records the ledger has passed, over all partitions; -1 while the database is away."""
    sql = "SELECT SUM(notification_id + 1) FROM tracking WHERE application_name LIKE 'kafka:%'"
    try:
        with ledger.store.reading() as rows:
            return int(rows.all(sql)[0][0] or 0)
    except StoreUnavailable:
        return -1


def wait_until(holds: Callable[[], bool], within: float, otherwise: str) -> None:
    """Wait for something, or fail in words."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, otherwise
        time.sleep(0.1)
