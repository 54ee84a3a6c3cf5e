"""The doctor: a well ledger gets no complaint, and each thing that it can say is made to happen once."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import TopicAuthorizationFailedError

from domain.events.event import NOBODY
from domain.log.notes import Checkpoint
from ledger.audit import checkpoints
from ledger.audit.restores import record_restore
from ledger.audit.rotation import NEW
from ledger.intake.inbox import ingest
from ledger.log.deliveries import Delivery, write_deliveries
from ledger.log.key_record import LAST, load_key
from ledger.policies.versions import adopt_policy
from ledger.store.append import track
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import Row, Rows
from services.cli.main import main
from services.doctor import broker, clock, database, keys
from services.doctor.findings import Finding, Limits, worst
from services.doctor.run import examine, textfile
from services.runtime.identity_settings import IdentitySettings
from services.runtime.kafka_settings import KafkaSettings, PublisherTopic
from services.runtime.variables import PREFIX
from tests import acknowledging
from tests.brokers import KafkaCluster
from tests.conftest import HERE, POLICY
from tests.e2e.processes import produce
from tests.e2e.test_kafka import message
from tests.events import CIXI
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, earners, list_and_close
from tests.postgres import Server
from tests.processes import Ports

NOW = datetime(2025, 5, 6, 2, tzinfo=UTC)
SOURCES = HERE.parent / "services" / "doctor"
Levels = dict[str, str]


class Practice:
    """One ledger with a few enterprises, a signing key and a checkpoint; and the doctor."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, patch
        self.file = folder / "ledger.db"
        self.key = folder / "signing.key"
        self.env = {f"{PREFIX}DATABASE": str(self.file), f"{PREFIX}SIGNING_KEY": str(self.key)}
        self.now, self.limits = NOW, Limits(disk_warning=0, disk_error=0)
        self.clock = Clock()
        self.clock.now = NOW
        with closing(self.ledger()) as ledger:
            adopt_policy(ledger, POLICY.read_text("utf-8"))
            taken = ingest(ledger, [json.dumps(message(f"m-{n}")).encode() for n in range(3)], "tests")
            assert [each.status for each in taken] == ["accepted"] * 3
            checkpoints.current(ledger, checkpoints.load_or_make_key(self.key))

    def ledger(self) -> Ledger:
        """The ledger, at the practice's own time."""
        return open_ledger(str(self.file), clock=self.clock)

    def write(self, *statements: str) -> None:
        """What nobody should do to a database."""
        with closing(self.ledger()) as ledger, ledger.store.writing() as rows:
            for sql in statements:
                rows.run(sql)

    def found(self, deep: bool = False) -> Levels:
        """The worst level of each check."""
        return levels(examine(self.env, None, self.now, self.limits, deep))


def levels(findings: Sequence[Finding]) -> Levels:
    """The worst level of each check; every finding that is not well says what to do about it."""
    said: Levels = {}
    for each in findings:
        assert min(len(each.zh), len(each.en)) > 0, each
        assert (each.level == "ok") == (not each.mend_zh) == (not each.mend_en), each
        said[each.check] = max(said.get(each.check, "ok"), each.level, key=["ok", "warning", "error"].index)
    return said


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """A well ledger."""
    return Practice(tmp_path, monkeypatch)


def test_a_well_ledger_gets_no_complaint(practice: Practice) -> None:
    found = practice.found(deep=True)

    assert set(found.values()) == {"ok"}
    assert {"settings.value", "database.durability", "log.events", "projections.replay"} <= set(found)


# --- one case for each thing that can be said -----------------------------------------------------


def bad_setting(practice: Practice) -> None:
    practice.env[f"{PREFIX}PORT"] = "80800000"


def misspelt_setting(practice: Practice) -> None:
    practice.env[f"{PREFIX}DATABSE"] = "x"


def proxy_not_trusted(practice: Practice) -> None:
    practice.env[f"{PREFIX}IDENTITY"] = "required"
    practice.env[f"{PREFIX}PUBLIC_ADDRESS"] = "https://subsidy.example.gov.cn"


def open_to_others(practice: Practice) -> None:
    practice.env[f"{PREFIX}HOST"] = "0.0.0.0"


def password_file_missing(practice: Practice) -> None:
    named = {"SECURITY": "SASL_SSL", "SASL": "SCRAM-SHA-512", "USER": "u", "PASSWORD_FILE": "nowhere"}
    practice.env |= {f"{PREFIX}KAFKA_{name}": value for name, value in named.items()}


def database_away(practice: Practice) -> None:
    ports = Ports()
    practice.env[f"{PREFIX}DATABASE"] = f"postgresql://ledger@127.0.0.1:{ports.take()}/ledger"
    ports.release()


def tables_missing(practice: Practice) -> None:
    practice.env[f"{PREFIX}DATABASE"] = str(practice.folder / "other.db")


def read_only(practice: Practice) -> None:
    practice.patch.setattr(database, "_is_writable", lambda file: False)


def disk_filling(practice: Practice) -> None:
    practice.limits = Limits(disk_warning=1 << 60, disk_error=0)


def disk_full(practice: Practice) -> None:
    practice.limits = Limits(disk_error=1 << 60)


def broker_away(practice: Practice) -> None:
    ports = Ports()
    practice.env[f"{PREFIX}KAFKA_BROKERS"] = f"127.0.0.1:{ports.take()}"
    ports.release()


def clock_set_back(practice: Practice) -> None:
    practice.now = NOW - timedelta(hours=1)


def clock_a_little_back(practice: Practice) -> None:
    practice.now = NOW - timedelta(seconds=10)


def clock_leaps(practice: Practice) -> None:
    practice.clock.now += timedelta(days=900)
    with closing(practice.ledger()) as ledger:
        ingest(ledger, [json.dumps(message("m-leap")).encode()], "tests")
    practice.now = practice.clock.now


def key_lost(practice: Practice) -> None:
    practice.key.unlink()


def key_spoilt(practice: Practice) -> None:
    practice.key.write_text("subsidy-ledger AAAA\n")


def key_readable(practice: Practice) -> None:
    practice.key.chmod(0o644)


def rotation_cut_off(practice: Practice) -> None:
    practice.key.with_name(practice.key.name + NEW).write_text(practice.key.read_text())


def another_key(practice: Practice) -> None:
    other = practice.key.with_name("other.key")
    checkpoints.load_or_make_key(other)
    other.replace(practice.key)


def signed_for_more(practice: Practice) -> None:
    key = load_key(practice.key)
    body = Checkpoint(key.name, 1_000, b"\x07" * 32).body
    practice.key.with_name(practice.key.name + LAST).write_text(body + "\n" + key.sign(body))


def checkpoints_go_nowhere(practice: Practice) -> None:
    practice.env[f"{PREFIX}CHECKPOINTS_TO"] = str(practice.key.with_name("given")) + "/"
    write_deliveries(practice.key, {"given/": Delivery(failure="no room")})


def another_log_was_given_out(practice: Practice) -> None:
    practice.env[f"{PREFIX}CHECKPOINTS_TO"] = str(practice.key.with_name("given"))
    key = load_key(practice.key)
    body = Checkpoint(key.name, 2, b"\x07" * 32).body
    practice.key.with_name("given").write_text(body + "\n" + key.sign(body))


def given_out_where_nobody_answers(practice: Practice) -> None:
    practice.env[f"{PREFIX}CHECKPOINTS_TO"] = "http://127.0.0.1:9/checkpoint"


def restored_before(practice: Practice) -> None:
    signed_for_more(practice)
    with closing(practice.ledger()) as ledger:
        record_restore(ledger, load_key(practice.key), NOBODY, "root", "the disk died")


def nobody_can_come_in(practice: Practice) -> None:
    practice.env[f"{PREFIX}IDENTITY"] = "required"


def issuers_keys_gone(practice: Practice) -> None:
    practice.env |= {f"{PREFIX}OIDC_ISSUER": "https://issuer", f"{PREFIX}OIDC_JWKS": "/nowhere/jwks.json"}


def balance_altered(practice: Practice) -> None:
    practice.write("UPDATE balances SET eligible=eligible+1")


def award_altered(practice: Practice) -> None:
    practice.write("UPDATE awards SET gross=gross+1")


def enterprise_altered(practice: Practice) -> None:
    practice.write("UPDATE enterprises SET outcome=x'80'")


def total_altered(practice: Practice) -> None:
    practice.write("UPDATE totals SET gross='1' WHERE kind='measure'")


def event_altered(practice: Practice) -> None:
    practice.write(
        "UPDATE stored_events SET state=CAST(REPLACE(CAST(state AS TEXT), 'm-1', 'm-9') AS BLOB) "
        "WHERE rowid=3"
    )


def event_garbled(practice: Practice) -> None:
    practice.write("UPDATE stored_events SET state=x'00' WHERE rowid=3")


def event_deleted(practice: Practice) -> None:
    practice.write("DELETE FROM stored_events WHERE rowid=4")


def checkpoint_altered(practice: Practice) -> None:
    practice.write("UPDATE checkpoints SET root=zeroblob(32)")


def unsigned_for_days(practice: Practice) -> None:
    with closing(practice.ledger()) as ledger:
        ingest(ledger, [json.dumps(message("m-late")).encode()], "tests")
    practice.now = NOW + timedelta(days=2)


def outbox_behind(practice: Practice) -> None:
    with closing(practice.ledger()) as ledger, ledger.store.writing() as rows:
        track(rows, "outbox", 1)
    practice.limits = replace(practice.limits, lag=1)
    broker_away(practice)


def message_refused(practice: Practice) -> None:
    with closing(practice.ledger()) as ledger:
        ingest(ledger, [b"{}"], "tests")


def payments_unanswered(practice: Practice) -> None:
    with closing(practice.ledger()) as ledger:
        assert earners(ledger, 2024)
        list_and_close(ledger, practice.clock, 2024)
        acknowledging.order_payments(ledger, CIXI, 2024, FINANCE)
        checkpoints.current(ledger, checkpoints.load_or_make_key(practice.key))
    practice.now = practice.clock.now + timedelta(days=11)


def fact_disputed(practice: Practice) -> None:
    sale = {"channel": "online", "year": 2024, "amount": "5.00", "currency": "CNY"}
    body = {**message("same"), "type": "subsidy.sales-reported.v1", "data": sale}
    bodies = [json.dumps({**body, "source": f"urn:{name}"}).encode() for name in ("tax", "customs")]
    with closing(practice.ledger()) as ledger:
        assert [each.status for each in ingest(ledger, bodies, "tests")] == ["accepted"] * 2


def account_impossible(practice: Practice) -> None:
    payments_unanswered(practice)
    practice.now = practice.clock.now
    practice.write("UPDATE accounts SET paid=payable+1")


def schema_altered(practice: Practice) -> None:
    with closing(sqlite3.connect(practice.file)) as raw:
        raw.execute("DROP INDEX refused_number")


def emptied(practice: Practice) -> None:
    with closing(sqlite3.connect(practice.file)) as raw:
        raw.execute("DELETE FROM stored_events")
        raw.commit()


CASES: list[tuple[str, str, Callable[[Practice], None]]] = [
    ("settings.value", "error", bad_setting),
    ("settings.unknown", "warning", misspelt_setting),
    ("settings.open", "error", open_to_others),
    ("settings.proxy", "warning", proxy_not_trusted),
    ("settings.files", "error", password_file_missing),
    ("database.away", "error", database_away),
    ("database.unsuitable", "error", tables_missing),
    ("database.schema", "error", schema_altered),
    ("database.empty", "error", emptied),
    ("database.writable", "error", read_only),
    ("database.disk", "warning", disk_filling),
    ("database.disk", "error", disk_full),
    ("broker.away", "error", broker_away),
    ("clock.recorded", "error", clock_set_back),
    ("clock.recorded", "warning", clock_a_little_back),
    ("clock.leap", "warning", clock_leaps),
    ("keys.signing", "error", key_lost),
    ("keys.signing", "error", key_spoilt),
    ("keys.mode", "error", key_readable),
    ("keys.rotation", "warning", rotation_cut_off),
    ("keys.checkpoints", "error", another_key),
    ("keys.last", "error", signed_for_more),
    ("checkpoints.sent", "warning", checkpoints_go_nowhere),
    ("checkpoints.given", "error", another_log_was_given_out),
    ("checkpoints.given", "warning", given_out_where_nobody_answers),
    ("keys.restored", "warning", restored_before),
    ("identity.issuer", "error", nobody_can_come_in),
    ("identity.jwks", "error", issuers_keys_gone),
    ("projections.sample", "error", balance_altered),
    ("projections.sample", "error", award_altered),
    ("projections.sample", "error", enterprise_altered),
    ("projections.replay", "error", award_altered),
    ("log.events", "error", total_altered),
    ("log.tail", "error", event_altered),
    ("log.tail", "error", event_deleted),
    ("log.tail", "error", event_garbled),
    ("projections.sample", "error", event_garbled),
    ("log.events", "error", event_altered),
    ("log.checkpoint", "error", checkpoint_altered),
    ("log.unsigned", "warning", unsigned_for_days),
    ("outbox.lag", "warning", outbox_behind),
    ("refused.open", "warning", message_refused),
    ("settlement.payments", "warning", payments_unanswered),
    ("settlement.accounts", "error", account_impossible),
    ("settlement.open", "warning", fact_disputed),
]


@pytest.mark.parametrize(
    ("check", "level", "happens"), CASES, ids=lambda each: getattr(each, "__name__", None)
)
def test_what_goes_wrong_is_found(
    practice: Practice, check: str, level: str, happens: Callable[[Practice], None]
) -> None:
    happens(practice)

    assert practice.found(deep=True)[check] == level


ELSEWHERE = {
    "checkpoints.lost",  # test_checkpoints_leave.py
    "things.spellings",  # test_old_spellings.py
    "database.durability",
    "database.archive",
    "database.checksums",
    "clock.skew",
    "consumer.lag",
    "consumer.lost",
    "broker.answer",
    "broker.topic.compaction",
    "broker.topic.leader",
    "broker.topic.partitions",
    "broker.topic.{kind}",
    "broker.topic.{matter}",
}
"""What the tests below make happen."""


def test_nothing_that_the_doctor_can_say_is_left_untried() -> None:
    texts = "".join(file.read_text("utf-8") for file in SOURCES.glob("*.py"))
    names = set(re.findall(r'(?:warning|error)\)?\(\s*f?"([a-z.{}-]+)"', texts))
    names |= set(re.findall(r'_judged\(\s*"([a-z.]+)"', texts))

    assert names == {check for check, _, _ in CASES} | ELSEWHERE


class Told:
    """Rows that answer what they were told to."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The answer whose words stand in the statement."""
        return next([[value]] for name, value in self.answers.items() if name in sql)


def test_a_file_that_is_not_durable_is_found() -> None:
    rows: Any = Told({"journal_mode": "delete", "synchronous": 1})

    assert levels(list(database._sqlite(rows)))["database.durability"] == "error"


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_a_server_is_examined(open_at: Callable[..., Ledger], database_at: Callable[[str], str]) -> None:
    """The tests' server neither archives nor has checksums; its clock is this machine's."""
    open_at()
    env = {f"{PREFIX}DATABASE": database_at("ledger.db"), f"{PREFIX}SIGNING_KEY": "/nowhere/signing.key"}

    found = levels(examine(env, None, datetime(2031, 1, 3, tzinfo=UTC), deep=True))

    bad = {check for check, level in found.items() if level != "ok"}
    assert bad == {"database.archive", "database.checksums", "log.unsigned"}
    assert found["clock.skew"] == "ok"


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_a_clock_that_differs_from_the_servers_is_found(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    now = datetime(2031, 1, 2, tzinfo=UTC)

    with ledger.store.reading() as rows:
        sudden = levels(list(clock.check(ledger, rows, now, Limits(clock_error_seconds=-1))))
        slight = levels(list(clock.check(ledger, rows, now, Limits(clock_warning_seconds=-1e9))))

    assert (sudden["clock.skew"], slight["clock.skew"]) == ("error", "warning")


@pytest.fixture(scope="module")
def archiving() -> Iterator[Server]:
    """A server whose archive takes nothing."""
    server = Server()
    server.stop()
    server.start("archive_mode=on", "archive_command=false")
    yield server
    server.remove()


def test_an_archive_that_fails_is_found(archiving: Server) -> None:
    with closing(open_ledger(archiving.url(archiving.create()))) as ledger:
        with ledger.store.reading() as rows:
            assert levels(list(database.check(ledger, rows, Limits())))["database.archive"] == "ok"
        archiving.run("SELECT pg_switch_wal()")
        for _ in range(100):
            with ledger.store.reading() as rows:
                found = levels(list(database.check(ledger, rows, Limits())))["database.archive"]
            if found == "error":
                return
    pytest.fail("the archive's failure was not found")


def test_machines_alone_can_come_in_is_but_a_warning() -> None:
    settings = IdentitySettings(mode="required")

    assert levels(list(keys.check_identity(settings, 1))) == {"identity.issuer": "warning"}


# --- the broker -----------------------------------------------------------------------------------


def kafka_settings(kafka: KafkaCluster, prefix: str) -> KafkaSettings:
    return KafkaSettings(
        brokers=kafka.bootstrap,
        topic=f"{prefix}.topic",
        dead_letters=f"{prefix}.dead_letters",
        published=f"{prefix}.published",
        checkpoints=f"{prefix}.checkpoints",
    )


def test_topics_that_do_not_exist_are_named(kafka: KafkaCluster) -> None:
    found = list(broker.check(kafka_settings(kafka, "doctor-none"), None, Limits()))

    assert levels(found) == {
        "broker.away": "ok",
        "broker.topic.topic": "error",
        "broker.topic.dead-letters": "error",
        "broker.topic.published": "error",
        "broker.topic.checkpoints": "error",
    }
    assert any("doctor-none.dead_letters" in each.en for each in found)


def test_topics_that_do_not_suit_are_named_and_the_lag_is_told(
    kafka: KafkaCluster, practice: Practice
) -> None:
    settings = kafka_settings(kafka, "doctor-odd")
    kafka.create_topic(settings.topic, 2, retention_ms=60_000)
    kafka.create_topic(settings.dead_letters, 1, max_message_bytes=1_000_000)
    kafka.create_topic(settings.published, 2)
    kafka.create_topic(settings.checkpoints, 2)
    produce(kafka, settings.topic, [json.dumps(message("doctor-1")).encode()])

    with closing(practice.ledger()) as ledger, ledger.store.reading() as rows:
        found = levels(list(broker.check(settings, rows, Limits(lag=0))))

    assert found == {
        "broker.away": "ok",
        "broker.topic.retention": "warning",
        "broker.topic.size": "warning",
        "broker.topic.published": "ok",
        "broker.topic.partitions": "warning",
        "consumer.lag": "warning",
    }


def test_topics_as_the_page_asks_are_well(kafka: KafkaCluster, practice: Practice) -> None:
    settings = kafka_settings(kafka, "doctor-well")
    kafka.create_topic(settings.topic, 6, retention_ms=7_776_000_000)
    kafka.create_topic(settings.dead_letters, 1, retention_ms=7_776_000_000, max_message_bytes=16_777_216)
    kafka.create_topic(settings.published, 6, retention_ms=7_776_000_000)
    kafka.create_topic(settings.checkpoints, 1, retention_ms=-1)

    with closing(practice.ledger()) as ledger, ledger.store.reading() as rows:
        assert set(levels(list(broker.check(settings, rows, Limits()))).values()) == {"ok"}


def test_a_topic_of_facts_that_is_compacted_is_told(kafka: KafkaCluster) -> None:
    """Facts are keyed by enterprise: of several the last alone would be left."""
    settings = replace(
        kafka_settings(kafka, "doctor-compact"), topics=(PublisherTopic("doctor-compact.tax", "urn:tax"),)
    )
    kafka.create_topic("doctor-compact.tax", 2, cleanup_policy="compact", retention_ms=-1)

    found = list(broker.check(settings, None, Limits()))

    assert [
        (f.level, "doctor-compact.tax" in f.en) for f in found if f.check == "broker.topic.compaction"
    ] == [("error", True)]
    assert not any(f.level == "ok" and "doctor-compact.tax" in f.en for f in found)


def test_records_that_kafka_dropped_before_they_were_read_are_told(
    kafka: KafkaCluster, practice: Practice
) -> None:
    """What the ledger has never read of a topic is not lost by it."""
    settings = kafka_settings(kafka, "doctor-lost")
    kafka.create_topic(settings.topic, 2, retention_ms=-1)
    produce(kafka, settings.topic, [json.dumps(message(f"lost-{n}")).encode() for n in range(6)])
    [topic] = kafka.admin.describe_topics([settings.topic])
    ends = kafka.admin.list_partition_offsets(
        {TopicPartition(settings.topic, part): OffsetSpec.LATEST for part in (0, 1)}
    )
    [full] = [partition for partition, end in ends.items() if end.offset == 6]

    with closing(practice.ledger()) as ledger:
        with ledger.store.writing() as rows:
            track(rows, f"kafka:{settings.topic}:{topic['topic_id']}:{full.partition}", 1)
        with ledger.store.reading() as rows:
            before = levels(list(broker.check(settings, rows, Limits())))
        kafka.admin.delete_records({full: 5})
        with ledger.store.reading() as rows:
            lost = [f for f in broker.check(settings, rows, Limits()) if f.check == "consumer.lost"]

    assert "consumer.lost" not in before
    assert [f.level for f in lost] == ["error"]
    assert "3 records, from 2 to 4" in lost[0].en


def test_a_partition_without_a_leader_is_found() -> None:
    described = {"partitions": [{"partition_index": 0, "leader_id": -1}]}

    found = broker._suitable("t", "topic", described, {"retention.ms": "-1", "max.message.bytes": "1"})

    assert levels(list(found)) == {"broker.topic.leader": "error"}


class Forbidding:
    """A broker that answers nothing to this user."""

    def __init__(self, **_: Any) -> None:
        self.closed = False

    def list_topics(self) -> list[str]:
        """Refuse."""
        raise TopicAuthorizationFailedError

    def close(self) -> None:
        """Let go."""
        self.closed = True


def test_a_broker_that_forbids_to_look_is_told() -> None:
    found = levels(list(broker.check(KafkaSettings(), None, Limits(), Forbidding)))

    assert found == {"broker.away": "ok", "broker.answer": "error"}


# --- the command ----------------------------------------------------------------------------------


def run(practice: Practice, *arguments: str) -> Any:
    return CliRunner().invoke(main, [*arguments], env=practice.env)


def test_the_exit_status_is_the_worst_level(practice: Practice) -> None:
    present = datetime.now(UTC)
    with closing(practice.ledger()) as ledger:
        for days_ago in (8, 0):  # the leap from the practice's own time is told for a week
            practice.clock.now = present - timedelta(days=days_ago)
            ingest(ledger, [json.dumps(message(f"m-{days_ago}-ago")).encode()], "tests")
        checkpoints.current(ledger, checkpoints.load_or_make_key(practice.key))
    well = run(practice, "doctor")
    message_refused(practice)
    poor = run(practice, "doctor", "--json")
    bad_setting(practice)
    ill = run(practice, "--language", "en", "doctor", "--deep")

    assert [each.exit_code for each in (well, poor, ill)] == [0, 1, 2], (well.output, poor.output)
    assert "✓ database.open  数据库可用" in well.output
    said = json.loads(poor.output)
    assert said["status"] == 1
    assert {"level", "check", "what", "mend"} == set(
        next(each for each in said["findings"] if each["level"] == "warning")
    )
    assert f"✗ settings.value  {PREFIX}PORT" in ill.output
    assert "→ write a number" in ill.output


def test_the_findings_are_written_for_prometheus(practice: Practice, tmp_path: Path) -> None:
    out = tmp_path / "doctor.prom"
    message_refused(practice)

    run(practice, "doctor", "--textfile", str(out))

    assert 'subsidy_doctor_level{check="refused.open"} 1' in out.read_text().splitlines()
    assert textfile([], NOW).endswith(f"{int(NOW.timestamp())}\n")


def test_looking_changes_nothing(practice: Practice) -> None:
    before = practice.file.read_bytes()
    practice.found(deep=True)

    assert practice.file.read_bytes() == before
    assert worst([]) == 0


def test_a_sample_is_of_the_size_asked_for(practice: Practice) -> None:
    from ledger.audit import watching

    with closing(practice.ledger()) as ledger, ledger.store.reading() as rows:
        held: Rows = rows
        assert watching.sampled_differences(held, 0, random.Random(1)) == (0, [])
        assert watching.sampled_differences(held, 5, random.Random(1)) == (1, [])
