"""Two publishers on a real broker: a topic of one's own that the broker's ACL holds, and signatures."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kafka import KafkaProducer
from kafka.errors import KafkaError

from docs.generate.authority import (
    MESSAGES,
    OTHER,
    OWN,
    SENDERS,
    SOME_TYPES,
    MessageRow,
    SenderColumn,
    judge_cell,
)
from domain.authority.signatures import HEADER, SIGNED_AS
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from ledger.store.stored_events import events_of
from tests.brokers import KafkaCluster
from tests.doors import NAMING_TEXT, column, message, messages_of, outcome_of, take_before
from tests.e2e.processes import Commands, taken, wait_until
from tests.events import CIXI_TEXT, Feed

pytestmark = pytest.mark.slow
NAMED = ("other-retracted-named", "approved-named")
ACLS = "org.apache.kafka.tools.AclCommand"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
PUBLISHERS = ("statistics", "tax")
SECONDS_MAX = 60


class GuardedCluster(KafkaCluster):
    """One broker whose second listener asks publishers for passwords, and holds them to its ACLs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.guarded = self._ports.take()

    def _properties(self, n: int) -> dict[str, object]:
        found = super()._properties(n)
        users = " ".join(f'user_{name}="{name}-secret"' for name in PUBLISHERS)
        more = f",GUARDED://127.0.0.1:{self.guarded}"
        return found | {
            "listeners": f"{found['listeners']}{more}",
            "advertised.listeners": f"{found['advertised.listeners']}{more}",
            "listener.security.protocol.map": (
                f"{found['listener.security.protocol.map']},GUARDED:SASL_PLAINTEXT"
            ),
            "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.guarded.plain.sasl.jaas.config": f"{LOGIN} required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def producer(self, publisher: str) -> KafkaProducer:
        """A producer that logs in as a publisher."""
        return KafkaProducer(
            bootstrap_servers=[f"127.0.0.1:{self.guarded}"],
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username=publisher,
            sasl_plain_password=f"{publisher}-secret",
            max_block_ms=10_000,
        )

    def allow(self, publisher: str, topic: str) -> None:
        """Let a publisher write to a topic."""
        named = ("--allow-principal", f"User:{publisher}", "--operation", "Write", "--operation", "Describe")
        self.tool(ACLS, "--add", *named, "--topic", topic)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedCluster]:
    """The broker."""
    with GuardedCluster(tmp_path_factory.mktemp("guarded")) as cluster:
        yield cluster


@pytest.fixture
def started(guarded: GuardedCluster) -> Iterator[Callable[..., Commands]]:
    """Begin to consume into a ledger from topics of a name."""
    found: list[Commands] = []

    def start(database: str, name: str, **more: str) -> Commands:
        commands = Commands(database, guarded, name, more=more)
        found.append(commands)
        commands.topics(1)
        for entry in filter(None, more.get("KAFKA_TOPICS", "").split(";")):
            guarded.create_topic(entry.partition("=")[0].strip(), 1)
        commands.start("consume")
        return commands

    yield start
    for commands in found:
        commands.end()


def send(
    producer: KafkaProducer, topic: str, sent: dict[str, Any], key: Ed25519PrivateKey | None, name: str
) -> None:
    value = json.dumps(sent).encode()
    headers = []
    if key is not None:
        signature = base64.b64encode(key.sign(SIGNED_AS + value))
        headers = [(HEADER, name.encode() + b" " + signature)]
    producer.send(topic, key=sent["subject"].encode(), value=value, headers=headers).get(timeout=20)


def registered(commands: Commands, folder: Path, sender: SenderColumn) -> tuple[Ed25519PrivateKey, str]:
    """A publisher's own key, and the number under which the ledger knows it."""
    key = Ed25519PrivateKey.generate()
    file = folder / "public.pem"
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert sender.writer.scope is not None
    types = [word for type_ in sorted(sender.writer.scope.types) for word in ("--type", type_)]
    source = sender.writer.scope.source
    return key, commands.run(
        "keys", "add", "统计局", "--source", source, *types, "--public-key", str(file)
    ).strip()


Tried = tuple[SenderColumn, str, MessageRow, dict[str, Any]]
"""A cell that was tried: sender, door, row, and the message."""


@dataclass(slots=True)
class Walk:
    """All that is sent to one consumer: from every sender that its mode has, by topic and signature."""

    cluster: GuardedCluster
    commands: Commands
    ledger: Ledger
    folder: Path
    numbers: Iterator[int]
    tried: list[Tried] = field(default_factory=list)

    def send_rows(self, sender: SenderColumn, door: str, rows: list[MessageRow]) -> None:
        """Send a message of each row."""
        name, key, number = self.commands.topic, None, ""
        if door == "signature":
            key, number = registered(self.commands, self.folder, sender)
        own = {"bound": f"{name}.own", "some-types": f"{name}.some"}
        topic = own.get(sender.id, name) if door == "topic" else name
        producer = KafkaProducer(bootstrap_servers=self.cluster.bootstrap.split(","))
        for row in rows:
            before, sent = messages_of(row, next(self.numbers))
            take_before(self.ledger, before)
            send(producer, topic, sent, key, number)
            self.tried.append((sender, door, row, sent))
        producer.close()

    def differences(self) -> list[tuple[str, ...]]:
        """The cells that are not as the table says."""
        wait_until(lambda: taken(self.ledger) == len(self.tried), SECONDS_MAX, "not every record was taken")
        found = [(each, _outcome(self.ledger, each[3]), judge_cell(each[0], each[2])) for each in self.tried]
        return [
            (sender.id, door, row.id, expected or "✓", outcome or "✓")
            for (sender, door, row, _), outcome, expected in found
            if outcome != expected
        ]


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("mode", ["required", "local"])
@pytest.mark.parametrize("text", [CIXI_TEXT, NAMING_TEXT], ids=["plain", "naming"])
def test_each_cell_of_the_table_holds_on_kafka(
    guarded: GuardedCluster,
    started: Callable[..., Commands],
    database_at: Callable[[str], str],
    open_at: Callable[..., Ledger],
    tmp_path: Path,
    mode: str,
    text: str,
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, text)
    rows = [row for row in MESSAGES if (row.id in NAMED) == (text is NAMING_TEXT)]
    name = f"{mode}{len(rows)}"
    topics = f"{name}.own={OWN};{name}.some={OWN} {' '.join(sorted(SOME_TYPES))}"
    commands = started(database_at("ledger.db"), name, KAFKA_TOPICS=topics, IDENTITY=mode)
    walk = Walk(guarded, commands, ledger, tmp_path, count(1))
    for sender in SENDERS:
        if sender.id.startswith("unbound") and (sender.id == "unbound-local") != (mode == "local"):
            continue
        for door in {"topic", "signature"} & set(sender.doors):
            walk.send_rows(sender, door, rows)
    assert walk.differences() == []


def _outcome(ledger: Ledger, sent: dict[str, Any]) -> str:
    """What became of a message, whatever stood of its enterprise before."""
    with ledger.store.reading() as rows:
        events = events_of(rows, sent["subject"])
        if any(event.fact.event_id == sent["id"] for event in events):
            return ""
    return outcome_of(ledger, sent, 2**62)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_brokers_acl_keeps_a_publisher_out_of_anothers_topic(
    guarded: GuardedCluster,
    started: Callable[..., Commands],
    database_at: Callable[[str], str],
    open_at: Callable[..., Ledger],
) -> None:
    ledger = open_at()
    topics = f"acl.statistics={OWN};acl.tax={OTHER}"
    started(database_at("ledger.db"), "acl", KAFKA_TOPICS=topics, IDENTITY="required")
    for name in PUBLISHERS:
        guarded.allow(name, f"acl.{name}")
    statistics, tax = (guarded.producer(name) for name in PUBLISHERS)
    sales = {"channel": "online", "year": 2024, "amount": "1.00", "currency": "CNY"}
    by_source = {
        source: message(number, f"s-{number}", source, "SalesReported", **sales)
        for number, source in enumerate((OWN, OTHER), 1)
    }
    with pytest.raises(KafkaError):
        send(tax, "acl.statistics", by_source[OWN], None, "")
    for producer, topic, source in ((statistics, "acl.statistics", OWN), (tax, "acl.tax", OTHER)):
        send(producer, topic, by_source[source], None, "")
    foreign = message(3, "s-3", OWN, "SalesReported", **sales)
    send(tax, "acl.tax", foreign, None, "")
    wait_until(lambda: taken(ledger) == 3, SECONDS_MAX, "not every record was taken")
    with ledger.store.reading() as rows:
        for number, topic, source in ((1, "acl.statistics", OWN), (2, "acl.tax", OTHER)):
            [event] = events_of(rows, Feed(number).code)
            assert event.fact.said_by is not None
            assert event.fact.said_by.publisher == f"kafka:{topic}"
            assert event.fact.acting_as is not None
            assert event.fact.acting_as.on_behalf_of == source
        assert events_of(rows, Feed(3).code) == []
    assert _outcome(ledger, foreign) == "source.foreign"
    for producer in (statistics, tax):
        with suppress(KafkaError):
            producer.close(timeout=5)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_signature_binds_the_bytes_the_key_and_its_life(
    guarded: GuardedCluster,
    started: Callable[..., Commands],
    database_at: Callable[[str], str],
    open_at: Callable[..., Ledger],
    tmp_path: Path,
) -> None:
    ledger = open_at()
    commands = started(database_at("ledger.db"), "signed", IDENTITY="required")
    key, number = registered(commands, tmp_path, column("bound"))
    _, ended = registered(commands, tmp_path, column("bound"))
    producer = KafkaProducer(bootstrap_servers=guarded.bootstrap.split(","))
    sales = {"channel": "online", "year": 2024, "amount": "1.00", "currency": "CNY"}
    sent = [message(n, f"s-{n}", OWN, "SalesReported", **sales) for n in range(1, 7)]
    commands.run("keys", "revoke", ended)
    send(producer, "signed", sent[0], key, number)
    send(producer, "signed", sent[1], Ed25519PrivateKey.generate(), number)  # another's signature
    send(producer, "signed", sent[2], key, "000000000000")  # a number that no key has
    send(producer, "signed", sent[3], key, ended)
    value = json.dumps(sent[4]).encode()
    header = (HEADER, f"{number} ".encode() + base64.b64encode(key.sign(SIGNED_AS + value)))
    altered = value.replace(b"1.00", b"9.00")
    producer.send("signed", key=sent[4]["subject"].encode(), value=altered, headers=[header]).get(timeout=20)
    bare = [(HEADER, b"not a signature")]
    producer.send("signed", key=sent[5]["subject"].encode(), value=json.dumps(sent[5]).encode(), headers=bare)
    producer.flush()
    wait_until(lambda: taken(ledger) == 6, SECONDS_MAX, "not every record was taken")
    with ledger.store.reading() as rows:
        [event] = events_of(rows, Feed(1).code)
        assert event.fact.said_by is not None
        assert (event.fact.said_by.publisher, event.fact.said_by.name) == (number, "统计局")
        [[refused]] = rows.all("SELECT COUNT(*) FROM refused WHERE faults LIKE '%kafka.signature%'")
        [[events]] = rows.all("SELECT COUNT(*) FROM stored_events WHERE originator_id NOT LIKE '%:%'")
    assert (refused, events) == (5, 1)
