"""The real brokers that the other tests stand on: they start, answer, compress, die and come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from tests.brokers import CONSOLE_PRODUCER, CONSUMER_GROUPS, REPOSITORY, KafkaCluster


@pytest.fixture
def topic() -> str:
    """Return a topic's name that no other test has."""
    return f"brokers-{uuid.uuid4().hex[:12]}"


def read_all(cluster: KafkaCluster, topic: str, count: int, within: float = 30.0, **config: Any) -> list[Any]:
    """Read ``count`` records of a topic from its beginning."""
    consumer: Any = KafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap.split(","), auto_offset_reset="earliest", **config
    )
    records: list[Any] = []
    until = time.monotonic() + within
    try:
        while len(records) < count and time.monotonic() < until:
            for part in consumer.poll(timeout_ms=500).values():
                records.extend(part)
    finally:
        consumer.close()
    return records


def producer_of(cluster: KafkaCluster, **config: Any) -> Any:
    return KafkaProducer(bootstrap_servers=cluster.bootstrap.split(","), acks="all", **config)


def test_a_console_producers_record_is_read_back(kafka: KafkaCluster, topic: str) -> None:
    kafka.create_topic(topic, 1)
    start = time.monotonic()
    kafka.tool(
        CONSOLE_PRODUCER,
        *("--topic", topic, "--reader-property", "parse.key=true", "--reader-property", "parse.headers=true"),
        input="ce_type:fact\t91330282MA2AAAAA1X\t慈溪\n",
    )
    produced = time.monotonic() - start
    group = f"g-{topic}"
    [record] = read_all(kafka, topic, 1, group_id=group)
    assert (record.key, record.value.decode()) == (b"91330282MA2AAAAA1X", "慈溪")
    assert record.headers == [("ce_type", b"fact")]
    table = kafka.tool(CONSUMER_GROUPS, "--describe", "--group", group)
    words = next(line.split() for line in table.splitlines() if topic in line)
    assert words[3:6] == ["1", "1", "0"], table  # offset, end, lag
    timings = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in kafka.timings.items())
    print(f"one broker: {timings}; console producer {produced:.1f} s")


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_every_compression_round_trips(kafka: KafkaCluster, topic: str, codec: str | None) -> None:
    kafka.create_topic(topic, 1)
    values = [f"{n} 元 ".encode() * 100 for n in range(2000)]
    start = time.monotonic()
    producer = producer_of(kafka, compression_type=codec, linger_ms=20, batch_size=1 << 18)
    for value in values:
        producer.send(topic, value)
    producer.flush(30)
    producer.close()
    assert [record.value for record in read_all(kafka, topic, len(values))] == values
    size = sum(file.stat().st_size for file in (kafka.folder / "broker-1-data" / f"{topic}-0").glob("*.log"))
    assert codec is None or size < sum(map(len, values)) / 4  # it did arrive compressed
    print(
        f"{codec}: 2,000 records there and back in {time.monotonic() - start:.1f} s, {size:,} bytes on disk"
    )


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_a_record_of_ten_megabytes_round_trips(kafka: KafkaCluster, topic: str, codec: str | None) -> None:
    kafka.create_topic(topic, 1)
    value = os.urandom(1 << 20) * 10
    producer = producer_of(kafka, compression_type=codec, max_request_size=1 << 24)
    producer.send(topic, value).get(30)
    producer.close()
    [record] = read_all(kafka, topic, 1)
    assert record.value == value


def test_topic_settings_reach_the_broker(kafka: KafkaCluster, topic: str) -> None:
    kafka.create_topic(topic, 3, cleanup_policy="compact", max_message_bytes=2_000_000, preallocate=False)
    [found] = kafka.admin.describe_topics([topic])
    assert len(found["partitions"]) == 3
    config = kafka.tool("org.apache.kafka.tools.TopicCommand", "--describe", "--topic", topic)
    assert "cleanup.policy=compact" in config
    assert "max.message.bytes=2000000" in config


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that starts a broker, says its id and sleeps."""
    code = (
        "import sys, threading, time; from pathlib import Path; from tests.brokers import KafkaCluster\n"
        "c = KafkaCluster(Path(sys.argv[1])); c.start(); c.kill(1)\n"
        "t = threading.Thread(target=c.restart, args=(1,)); t.start(); t.join()\n"
        "time.sleep(1.5); c.wait_ready()\n"
        "print(c.pid(1), flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
def test_no_broker_outlives_killed_tests(kafka: KafkaCluster, orphan: subprocess.Popen[str]) -> None:
    """Takes ``kafka`` to run beside no other start. A broker started in a thread outlives that thread."""
    assert orphan.stdout is not None
    broker = int(orphan.stdout.readline())
    os.kill(broker, 0)
    orphan.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while Path(f"/proc/{broker}/cmdline").exists() and Path(f"/proc/{broker}/cmdline").read_bytes():
        assert time.monotonic() < until, f"broker {broker} still runs"
        time.sleep(0.1)


def test_a_broker_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = KafkaCluster(tmp_path)
    right = cluster._properties
    monkeypatch.setattr(cluster, "_properties", lambda n: {**right(n), "process.roles": "nonsense"})
    with pytest.raises(AssertionError, match="nonsense"):
        cluster.start()
    assert cluster.pid(1) is None


def test_nobody_answers_on_a_stopped_brokers_port(tmp_path: Path) -> None:
    with KafkaCluster(tmp_path) as cluster:
        address = cluster.bootstrap
    with pytest.raises(KafkaError):
        KafkaProducer(bootstrap_servers=[address], bootstrap_timeout_ms=500)
    print(f"alone: {cluster.timings}")
