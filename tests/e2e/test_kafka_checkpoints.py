"""Checkpoints on a real broker's topic: the doctor holds the ledger against them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from ledger.intake.inbox import ingest
from ledger.log.key_record import LAST
from ledger.store.append import tracked
from ledger.store.application import Ledger
from services.doctor.findings import Finding
from services.doctor.run import examine
from services.kafka.checkpoints import TRACKED, read_published
from services.runtime.settings import Settings
from tests.brokers import KafkaCluster
from tests.e2e.processes import Commands, wait_until
from tests.e2e.test_kafka import message

DELETE = "org.apache.kafka.tools.TopicCommand"


@pytest.fixture
def commands(kafka: KafkaCluster, database_at: Callable[[str], str]) -> Iterator[Commands]:
    """Commands on topics of their own."""
    found = Commands(database_at("ledger.db"), kafka, f"c{uuid.uuid4().hex[:8]}")
    found.adopt()
    found.topics(1)
    yield found
    found.end()


@pytest.fixture
def published(commands: Commands, open_at: Callable[..., Ledger]) -> Ledger:
    """A ledger whose checkpoint stands on the topic."""
    ledger = open_at(policy=False)
    ingest(ledger, [json.dumps(message("k-1")).encode()], "tests")
    process = commands.start("publish")

    def arrived() -> bool:
        with ledger.store.reading() as rows:
            return (tracked(rows, TRACKED) or 0) == rows.last_position()

    wait_until(arrived, 60, "no checkpoint left")
    process.terminate()
    assert process.wait(30) == 0
    return ledger


def given(commands: Commands, **changes: str) -> list[Finding]:
    """What the doctor says of checkpoints that were given out."""
    environment = commands.environment | {f"SUBSIDY_LEDGER_{name}": text for name, text in changes.items()}
    found = examine(environment, None, datetime.now(UTC))
    return [each for each in found if each.check.startswith("checkpoints.")]


def test_the_doctor_holds_the_ledger_against_the_topic(
    commands: Commands, published: Ledger, kafka: KafkaCluster
) -> None:
    settings = Settings.from_env(commands.environment).kafka
    (note,) = read_published(settings, 10)
    (finding,) = given(commands)
    assert (finding.check, finding.level) == ("checkpoints.given", "ok")
    assert settings.checkpoints in finding.en

    producer: Any = KafkaProducer(bootstrap_servers=kafka.bootstrap.split(","))
    producer.send(settings.checkpoints, value=note.replace("\n", "\n9", 1).encode()).get(30)
    producer.close()

    (finding,) = given(commands)
    assert finding.level == "error"
    assert "was edited" in finding.en


def test_a_fork_that_nothing_beside_the_key_tells_of_is_told_by_the_topic(
    commands: Commands, published: Ledger, open_at: Callable[..., Ledger], database_at: Callable[[str], str]
) -> None:
    """Another history of the same key; what stood beside the key was deleted."""
    other = open_at(name="other.db")
    ingest(other, [json.dumps(message(f"other-{number}")).encode() for number in range(3)], "tests")
    key_file = Path(Settings.from_env(commands.environment).signing_key_file)
    key_file.with_name(key_file.name + LAST).unlink()

    (finding,) = given(commands, DATABASE=database_at("other.db"))

    assert (finding.check, finding.level) == ("checkpoints.given", "error")
    assert "does not hold" in finding.en
    assert "stale-copy" in finding.mend_en


def test_a_topic_that_lost_its_checkpoints_is_told(
    commands: Commands, published: Ledger, kafka: KafkaCluster
) -> None:
    topic = f"{commands.topic}.checkpoints"
    kafka.tool(DELETE, "--delete", "--topic", topic)
    wait_until(lambda: topic not in kafka.admin.list_topics(), 30, "the topic stays")
    kafka.create_topic(topic, 1)

    (finding,) = given(commands)

    assert finding.level == "error"
    assert "there no more" in finding.en
