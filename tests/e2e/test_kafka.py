"""A real broker, and clients that nobody here wrote."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec

from ledger.intake import refusals
from ledger.store.application import Ledger, open_ledger
from services.kafka.consumer import LedgerConsumer
from services.kafka.metrics import ConsumerMetrics
from services.runtime.settings import Settings
from tests import acknowledging
from tests import answers as queries
from tests.brokers import KafkaCluster
from tests.e2e.processes import Commands, produce, taken, wait_until
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, list_and_close

CODE = "91330282MA0000001D"
OTHER = "91330282MA0000002G"
POLICY_ID, YEAR = "cixi-ecommerce-2024", 2024


def message(event_id: str, subject: str = CODE, **changes: Any) -> dict[str, Any]:
    """A shop on JD, which earns 5,000.00."""
    data = {"platform": "jd", "kind": "flagship", "shop": event_id, "on": "2024-03-01"}
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:test",
        "type": "subsidy.store-registered.v1",
        "subject": subject,
        "time": "2024-03-01T09:00:00+08:00",
        "data": data,
        **changes,
    }


@pytest.fixture
def commands(
    kafka: KafkaCluster, database_at: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Commands]:
    """Commands on a topic of their own."""
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    found = Commands(database_at("ledger.db"), kafka, name)
    found.adopt()
    found.topics(2)
    yield found
    found.end()


def payable(ledger: Ledger, code: str) -> str:
    """What an enterprise is paid; zero where nothing is known of it."""
    with ledger.store.reading() as rows:
        try:
            return str(queries.balance(ledger, rows, code, POLICY_ID, YEAR)["payable"])
        except queries.UnknownEnterprise:
            return "0.00"


def test_an_event_of_kafkas_own_console_producer_changes_a_balance_and_leaves_no_lag(
    commands: Commands, open_at: Callable[..., Ledger], kafka: KafkaCluster
) -> None:
    """The producer and the group tool come with Apache Kafka."""
    ledger = open_at(policy=False)
    line = f"{CODE}\t{json.dumps(message('console-1'))}\n"
    producer = "org.apache.kafka.tools.ConsoleProducer"
    kafka.tool(producer, "--topic", commands.topic, "--reader-property", "parse.key=true", input=line)
    process = commands.start("consume")

    wait_until(lambda: payable(ledger, CODE) == "5000.00", 60, "the balance did not change")

    def lag() -> list[str]:
        tool = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
        said = kafka.tool(tool, "--describe", "--group", f"{commands.topic}.group")
        rows = [line.split() for line in said.splitlines() if commands.topic in line]
        return [row[5] for row in rows if row[3] != "-"]

    wait_until(lambda: lag() == ["0"], 30, "the group tool shows a lag")
    process.terminate()
    assert process.wait(30) == 0


def poison() -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]], str]]:
    """Records that must be refused: key, value, headers, and the code of the fault."""
    fine = json.dumps(message("x")).encode()
    deep = b"[" * 5_000
    return [
        (b"k", b"\x00\xffnot json", [], "json.utf8"),
        (b"k", deep, [], "json.depth"),
        (CODE.encode(), b'{"a":"' + b"x" * 10_000_000 + b'"}', [], "size.message"),
        (CODE.encode(), None, [], "kafka.tombstone"),
        (OTHER.encode(), fine, [], "kafka.key"),
        (CODE.encode(), json.dumps(message("y", type="subsidy.nothing.v1")).encode(), [], "type.unknown"),
        (CODE.encode(), b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"\xff")], "kafka.header"),
    ]


def test_no_record_stops_the_consumer_and_each_lands_where_it_belongs(
    commands: Commands, open_at: Callable[..., Ledger], kafka: KafkaCluster
) -> None:
    """Poison, ten megabytes, a tombstone, an unknown type, a wrong key; every compression; binary mode."""
    ledger = open_at(policy=False)
    process = commands.start("consume")
    servers = kafka.bootstrap.split(",")
    bad = KafkaProducer(bootstrap_servers=servers, max_request_size=16_000_000)
    for key, value, headers, _ in poison():
        bad.send(commands.topic, key=key, value=value, headers=headers)
    bad.flush()
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        producer = KafkaProducer(bootstrap_servers=servers, compression_type=codec, linger_ms=50)
        for number in range(20):
            event = message(f"{codec}-{number}", subject=OTHER, type="subsidy.brand-certified.v1")
            event["data"] = {"kind": "service_trademark", "ref": f"{codec}-{number}", "on": "2024-05-01"}
            producer.send(commands.topic, key=OTHER.encode(), value=json.dumps(event).encode())
        producer.flush()
        producer.close()
    binary = message("binary-1")
    attributes = [(f"ce_{k}", str(v).encode()) for k, v in binary.items() if k != "data"]
    headers = [*attributes, ("content-type", b"application/json")]
    bad.send(commands.topic, key=CODE.encode(), value=json.dumps(binary["data"]).encode(), headers=headers)
    bad.flush()
    bad.close()

    wait_until(lambda: taken(ledger) == len(poison()) + 81, 90, "not every record was passed")
    wait_until(lambda: not waiting(ledger), 30, "dead letters wait")

    assert process.poll() is None
    assert payable(ledger, CODE) == "5000.00"
    assert payable(ledger, OTHER) == "5000.00"
    with ledger.store.reading() as rows:
        kept = refusals.list_refused(rows)
    assert sorted(code for *_, code in poison()) == sorted(r.faults[0].code for r in kept)
    assert sorted(dead_letter_codes(kafka, commands)) == sorted(code for *_, code in poison())


def waiting(ledger: Ledger) -> list[Any]:
    """Refusals that the dead letters do not have yet."""
    with ledger.store.reading() as rows:
        streams = {origin.partition("@")[0] for r in refusals.list_refused(rows) if (origin := r.origin)}
        return list(refusals.dead_letters_waiting(rows, 100, sorted(streams)))


def dead_letter_codes(kafka: KafkaCluster, commands: Commands) -> list[str]:
    """The reasons in the headers of the dead letters."""
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.bootstrap.split(","), auto_offset_reset="earliest", consumer_timeout_ms=4_000
    )
    consumer.assign([TopicPartition(f"{commands.topic}.dead", 0)])
    found = [dict(record.headers)["codes"].decode() for record in consumer]
    consumer.close()
    return found


def test_a_missing_topic_of_dead_letters_holds_up_no_fact_and_no_stop(
    commands: Commands, open_at: Callable[..., Ledger], kafka: KafkaCluster
) -> None:
    """Its letters stay in the refused list, and are handed over once the topic is there."""
    ledger = open_at(policy=False)
    dead = f"{commands.topic}.dead"
    kafka.admin.delete_topics([dead])
    wait_until(lambda: dead not in kafka.admin.list_topics(), 30, "the topic is still there")
    process = commands.start("consume")
    facts = [json.dumps(message(f"ok-{n}")).encode() for n in range(30)]
    produce(kafka, commands.topic, [part for fact in facts for part in (b"{", fact)])

    wait_until(lambda: taken(ledger) == 60, 40, "facts wait for the dead letters")
    assert len(waiting(ledger)) == 1, "the same refusal is kept once"
    began = time.monotonic()
    process.terminate()
    assert process.wait(20) == 0
    assert time.monotonic() - began < 10

    kafka.create_topic(dead, 1)
    commands.start("consume")
    wait_until(lambda: not waiting(ledger), 60, "the letter was not handed over")


def test_records_that_kafka_dropped_before_they_were_read_are_told_and_the_rest_is_taken(
    commands: Commands, open_at: Callable[..., Ledger], kafka: KafkaCluster
) -> None:
    """A line of the log names the topic, the partition and the offsets."""
    ledger = open_at(policy=False)
    produce(kafka, commands.topic, [json.dumps(message("first")).encode()])
    process = commands.start("consume")
    wait_until(lambda: taken(ledger) == 1, 60, "the first record was not passed")
    process.terminate()
    process.wait(20)
    produce(kafka, commands.topic, [json.dumps(message(f"gone-{n}")).encode() for n in range(3)])
    partitions = [TopicPartition(commands.topic, part) for part in (0, 1)]
    ends = kafka.admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    [full] = [part for part, end in ends.items() if end.offset == 4]
    kafka.admin.delete_records({full: 4})
    produce(kafka, commands.topic, [json.dumps(message("after")).encode()])

    lines = io.StringIO()
    stop, metrics = threading.Event(), ConsumerMetrics()
    handler = logging.StreamHandler(lines)
    logging.getLogger("services.kafka.lost_records").addHandler(handler)
    settings = Settings.from_env(commands.environment).kafka
    consumer = LedgerConsumer(ledger, settings, stop, metrics)
    running = threading.Thread(target=consumer.run)
    running.start()
    try:
        wait_until(lambda: taken(ledger) == 5, 60, "the record after was not passed")
    finally:
        stop.set()
        running.join(30)
        logging.getLogger("services.kafka.lost_records").removeHandler(handler)

    assert f"{full.topic}/{full.partition}: Kafka no longer has the records from 1 to 3" in lines.getvalue()
    assert metrics.lost.labels(commands.topic)._value.get() == 3


def test_a_corrected_dead_letter_is_sent_again_and_closes_its_refusal(
    commands: Commands, open_at: Callable[..., Ledger], kafka: KafkaCluster, tmp_path: Any
) -> None:
    """The refused list is settled by the ledger itself when the corrected message is accepted."""
    ledger = open_at(policy=False)
    wrong = message("again-1")
    wrong["data"] = {**wrong["data"], "on": "2024-13-01"}
    produce(kafka, commands.topic, [json.dumps(wrong).encode()])
    commands.start("consume")
    wait_until(lambda: taken(ledger) == 1, 60, "the record was not passed")

    corrected = tmp_path / "corrected.ndjson"
    corrected.write_text(json.dumps(message("again-1")) + "\n")
    commands.run("replay-dead-letters", "--corrected", str(corrected))

    wait_until(lambda: payable(ledger, CODE) == "5000.00", 60, "the corrected message changed nothing")
    with ledger.store.reading() as rows:
        assert [(r.resolved, r.source) for r in refusals.list_refused(rows)] == [("resubmitted", "urn:test")]


def test_a_closing_the_payments_after_it_and_checkpoints_are_published(
    commands: Commands, kafka: KafkaCluster, tmp_path: Any
) -> None:
    """In order for each key, and a checkpoint is what the ledger itself gives."""
    file = tmp_path / "events.ndjson"
    file.write_text(json.dumps(message("out-1")) + "\n" + json.dumps(message("out-2", OTHER)) + "\n")
    commands.run("ingest", str(file))
    ledger = open_ledger(commands.database, clock=Clock(datetime(2025, 5, 6, 2, tzinfo=UTC)))
    list_and_close(ledger, cast("Clock", ledger.clock), YEAR)
    acknowledging.order_payments(ledger, POLICY_ID, YEAR, FINANCE)
    ledger.close()
    note = commands.run("checkpoint")
    process = commands.start("publish")

    found = read(kafka, f"{commands.topic}.published", 7)
    (checkpoint,) = read(kafka, f"{commands.topic}.checkpoints", 1)
    process.terminate()

    assert process.wait(30) == 0
    assert (checkpoint.key.decode(), checkpoint.value.decode()) == (note.split("\n")[0], note)
    by_key: dict[str, list[Any]] = {}
    for record in found:
        by_key.setdefault(record.key.decode(), []).append(json.loads(record.value))
    assert set(by_key) == {CODE, OTHER, f"settlement:{POLICY_ID}:{YEAR}"}
    for code in (CODE, OTHER):
        said = [each["data"].get("event", "balance") for each in by_key[code]]
        assert said == ["balance", "awards-settled", "payment-ordered"]
        sums = [by_key[code][-1]["data"][name] for name in ("payable", "ordered", "outstanding")]
        assert sums == ["5000.00", "5000.00", "0.00"]
    (closed,) = by_key[f"settlement:{POLICY_ID}:{YEAR}"]
    assert (closed["data"]["payable"], closed["data"]["factor"]) == ("10000.00", "1/1")


def read(kafka: KafkaCluster, topic: str, count: int) -> list[Any]:
    """The first records of a topic."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap.split(","),
        auto_offset_reset="earliest",
        consumer_timeout_ms=30_000,
    )
    found = [next(consumer) for _ in range(count)]
    consumer.close()
    return found


def test_the_outbox_publishes_each_change_of_balance_in_order(
    commands: Commands, kafka: KafkaCluster, tmp_path: Any
) -> None:
    """Keyed by enterprise, with ids that a restart repeats."""
    file = tmp_path / "events.ndjson"
    first, second = message("out-1"), message("out-2", type="subsidy.brand-certified.v1")
    second["data"] = {"kind": "famous_export", "ref": "r", "on": "2024-05-01"}
    file.write_text(json.dumps(first) + "\n" + json.dumps(second) + "\n")
    commands.run("ingest", str(file))
    process = commands.start("publish")
    consumer = KafkaConsumer(
        f"{commands.topic}.published",
        bootstrap_servers=kafka.bootstrap.split(","),
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )

    said = [json.loads(next(consumer).value) for _ in range(2)]
    consumer.close()
    process.terminate()

    assert process.wait(30) == 0
    assert [each["data"]["eligible"] for each in said] == ["5000.00", "105000.00"]
    assert [f"2:{CODE}:{POLICY_ID}:2024", f"3:{CODE}:{POLICY_ID}:2024"] == [each["id"] for each in said]
