"""A real broker that asks for certificates or passwords; the streams are measured on the way."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from kafka.admin import UserScramCredentialUpsertion
from prometheus_client.parser import text_string_to_metric_families

from ledger.store.application import Ledger
from services.doctor import broker
from services.doctor.findings import Limits
from services.runtime.kafka_settings import KafkaSettings
from tests.brokers import KafkaCluster
from tests.certificates import Authority
from tests.e2e.processes import Commands, produce, wait_until
from tests.e2e.test_kafka import CODE, message, payable
from tests.processes import Ports

pytestmark = pytest.mark.slow
USER, PASSWORD = "ledger", "a long pass word"


class SecureCluster(KafkaCluster):
    """One broker with a listener for mutual TLS and one for passwords over TLS, beside the tests' own."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self.authority = authority
        cert, key = authority.issue("broker")
        self.store = authority.folder / "broker-store.pem"
        self.store.write_bytes(key.read_bytes() + cert.read_bytes())
        self.mutual, self.password = self._ports.take(), self._ports.take()

    def _properties(self, n: int) -> dict[str, object]:
        found = super()._properties(n)
        more = f",MUTUAL://127.0.0.1:{self.mutual},SECRET://127.0.0.1:{self.password}"
        login = "org.apache.kafka.common.security"
        found |= {
            "listeners": f"{found['listeners']}{more}",
            "advertised.listeners": f"{found['advertised.listeners']}{more}",
            "listener.security.protocol.map": (
                f"{found['listener.security.protocol.map']},MUTUAL:SSL,SECRET:SASL_SSL"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.store,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.secret.sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
            "listener.name.secret.plain.sasl.jaas.config": (
                f'{login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            ),
        }
        for mechanism in ("scram-sha-512", "scram-sha-256"):
            found[f"listener.name.secret.{mechanism}.sasl.jaas.config"] = (
                f"{login}.scram.ScramLoginModule required;"
            )
        return found


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SecureCluster]:
    """The broker, with one user."""
    with SecureCluster(tmp_path_factory.mktemp("secure"), authority) as cluster:
        for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256"):  # one at a time, as the broker demands
            user = UserScramCredentialUpsertion(USER, mechanism, PASSWORD)
            assert cluster.admin.alter_user_scram_credentials([user]) == {USER: None}
        yield cluster


@dataclass(slots=True)
class Secured(Commands):
    """Commands that reach the broker by another door."""

    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What an operator would set."""
        return {**Commands.environment.fget(self), **self.more}  # type: ignore[attr-defined]


def mutual(secure: SecureCluster, authority: Authority) -> dict[str, str]:
    cert, key = authority.issue("ledger")
    return {
        "BROKERS": f"127.0.0.1:{secure.mutual}",
        "SECURITY": "SSL",
        "CA": str(authority.file),
        "CERT": str(cert),
        "KEY": str(key),
    }


def with_password(secure: SecureCluster, authority: Authority, mechanism: str) -> dict[str, str]:
    file = authority.folder / "password"
    file.write_text(PASSWORD + "\n", "utf-8")
    return {
        "BROKERS": f"127.0.0.1:{secure.password}",
        "SECURITY": "SASL_SSL",
        "CA": str(authority.file),
        "SASL": mechanism,
        "USER": USER,
        "PASSWORD_FILE": str(file),
    }


def scraped(port: int) -> dict[str, float]:
    """What a process says of itself; labels are left out, and what differs by them added up."""
    found: dict[str, float] = {}
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        for family in text_string_to_metric_families(answer.read().decode()):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("door", ["mutual", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_facts_come_in_and_balances_leave_through_a_guarded_door(
    secure: SecureCluster,
    authority: Authority,
    database_at: Callable[[str], str],
    open_at: Callable[..., Ledger],
    door: str,
) -> None:
    ports = Ports()
    consuming, publishing = ports.take(), ports.take()
    given = mutual(secure, authority) if door == "mutual" else with_password(secure, authority, door)
    topic = f"guarded-{door.lower()}"
    commands = Secured(database_at("ledger.db"), secure, topic)
    commands.more = {f"SUBSIDY_LEDGER_KAFKA_{name}": value for name, value in given.items()}
    commands.adopt()
    commands.topics(2)
    ledger = open_at(policy=False)
    try:
        for name, port in (("consume", consuming), ("publish", publishing)):
            commands.more["SUBSIDY_LEDGER_METRICS_PORT"] = str(port)
            commands.start(name)
        produce(secure, topic, [json.dumps(message(f"{topic}-1")).encode()] * 2 + [b"{}"])
        wait_until(lambda: payable(ledger, CODE) == "5000.00", 60, "the balance did not change")
        wait_until(lambda: bool(published(secure, topic)), 60, "nothing was published")
        wait_until(
            lambda: scraped(consuming).get("subsidy_stream_records_total") == 3, 30, "three were taken"
        )
        wait_until(lambda: scraped(consuming).get("subsidy_stream_lag") == 0, 30, "the lag was not measured")
        found, sent = scraped(consuming), scraped(publishing)
    finally:
        commands.end()
        ports.release()

    assert found["subsidy_stream_lag"] == found["subsidy_stream_held_partitions"] == 0
    assert found["subsidy_stream_batches_total"] >= 1
    assert found["subsidy_stream_last_commit_timestamp_seconds"] > 1.7e9
    assert sent["subsidy_outbox_messages_total"] >= 1
    assert sent["subsidy_outbox_lag"] == 0


def published(secure: SecureCluster, topic: str) -> list[bytes]:
    """What left, read through the tests' own door."""
    reader = KafkaConsumer(
        f"{topic}.published",
        bootstrap_servers=secure.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=500,
    )
    try:
        return [record.value for record in reader]
    finally:
        reader.close()


def test_the_doctor_says_who_is_not_let_in(
    secure: SecureCluster, authority: Authority, tmp_path: Path
) -> None:
    """A stranger's certificate, a wrong authority, a wrong password: each is an error, none a hang."""
    cert, key = Authority(tmp_path / "strangers").issue("stranger")
    wrong = tmp_path / "password"
    wrong.write_text("guessed\n", "utf-8")
    at = KafkaSettings(brokers=f"127.0.0.1:{secure.mutual}", security="SSL", ca_file=str(authority.file))
    doors = [
        replace(at, cert_file=str(cert), key_file=str(key)),
        replace(at, ca_file=str(tmp_path / "strangers" / "authority.pem")),
        KafkaSettings(
            brokers=f"127.0.0.1:{secure.password}",
            security="SASL_SSL",
            ca_file=str(authority.file),
            mechanism="SCRAM-SHA-512",
            username=USER,
            password_file=str(wrong),
        ),
    ]

    with ThreadPoolExecutor() as pool:  # each waits for seconds
        found = list(pool.map(lambda settings: broker.check(settings, None, Limits()), doors))
    for (finding,) in found:
        assert (finding.level, finding.check) == ("error", "broker.away")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_port_that_is_taken_is_told(secure: SecureCluster, database_at: Callable[[str], str]) -> None:
    commands = Secured(database_at("taken.db"), secure, "taken")
    commands.more = {"SUBSIDY_LEDGER_METRICS_PORT": secure.address(1).split(":")[1]}
    commands.adopt()

    with pytest.raises(subprocess.CalledProcessError) as told:
        commands.run("consume")

    assert "SUBSIDY_LEDGER_METRICS_PORT：打不开" in told.value.stderr
