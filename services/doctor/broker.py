"""The broker: reachable, with topics as docs/operator.md asks for, and how far behind the ledger is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import KafkaError

from ledger.store.append import tracked
from ledger.store.rows import Rows, read_row
from services.doctor.findings import Finding, Limits, error, ok, warning
from services.runtime.kafka_settings import KafkaSettings, UnusableFile
from services.runtime.variables import PREFIX

WAIT_MS = 5_000
DEAD_LETTER_BYTES = 2 * 1024 * 1024
"""A dead letter holds a message of 1 MiB at most, and its reasons."""
WEEK_MS = 7 * 24 * 3_600_000
MAKE = (
    "按 docs/operator.md 的“主题与分区”建立",
    "make it as docs/operator.md says under topics and partitions",
)


def in_use(env: Mapping[str, str], rows: Rows | None) -> bool:
    """Whether this ledger has anything to do with Kafka."""
    if env.get(f"{PREFIX}KAFKA_BROKERS"):
        return True
    sql = "SELECT 1 FROM tracking WHERE application_name LIKE 'kafka:%' OR application_name='outbox' LIMIT 1"
    return rows is not None and read_row(rows, sql) is not None


def check(
    settings: KafkaSettings,
    rows: Rows | None,
    limits: Limits,
    connect: Callable[..., Any] = KafkaAdminClient,
) -> Iterator[Finding]:
    """Whether the broker answers, its topics suit, and the ledger keeps up."""
    try:
        waits = {"bootstrap_timeout_ms": WAIT_MS, "request_timeout_ms": WAIT_MS}
        admin = connect(**settings.client(), **waits)
    except (KafkaError, UnusableFile, OSError, ValueError) as fault:
        statement = (
            f"连不上Kafka {settings.brokers}：{fault}",
            f"Kafka at {settings.brokers} cannot be reached: {fault}",
        )
        mend = "启动Kafka；核对地址、证书和口令", "start it; check address, certificates and password"
        yield error("broker.away", statement, mend)
        return
    try:
        yield ok("broker.away", f"Kafka {settings.brokers} 可用", f"Kafka at {settings.brokers} answers")
        yield from _topics(admin, settings, rows, limits)
    except KafkaError as fault:
        statement = f"Kafka没有回答：{fault}", f"Kafka did not answer: {fault}"
        yield error(
            "broker.answer",
            statement,
            ("核对该用户的权限（DESCRIBE、DESCRIBE_CONFIGS）", "check what this user may do"),
        )
    finally:
        admin.close()


def _topics(admin: Any, settings: KafkaSettings, rows: Rows | None, limits: Limits) -> Iterator[Finding]:
    kinds = {
        settings.topic: "topic",
        **{each.topic: "topic" for each in settings.topics},
        settings.dead_letters: "dead-letters",
        settings.published: "published",
        settings.checkpoints: "checkpoints",
    }
    existing = set(admin.list_topics())
    for name, kind in kinds.items():
        if name not in existing:
            statement = f"主题 {name} 不存在", f"the topic {name} does not exist"
            yield error(f"broker.topic.{kind}", statement, MAKE)
    names = [name for name in kinds if name in existing]
    if not names:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, None) for name in names]
    configs: Any = admin.describe_configs(resources, config_filter="all")
    configurations = next(iter(configs.values()))
    topics = {topic["name"]: topic for topic in admin.describe_topics(names)}
    for name in names:
        values = {key: setting["value"] for key, setting in configurations[name].items()}
        yield from _suitable(name, kinds[name], topics[name], values)
    facts = [topics[name] for name in names if kinds[name] == "topic"]
    if facts and rows is not None:
        yield from _look_at_offsets(admin, facts, rows, limits)


def _suitable(name: str, kind: str, topic: Any, values: dict[str, str]) -> Iterator[Finding]:
    count = len(topic["partitions"])
    faults: list[tuple[str, str, str]] = []
    if kind == "dead-letters" and int(values["max.message.bytes"]) < DEAD_LETTER_BYTES:
        faults.append(
            ("size", f"max.message.bytes={values['max.message.bytes']}", f"max.message.bytes={16 << 20}")
        )
    if kind == "checkpoints" and values["retention.ms"] != "-1":
        faults.append(("retention", f"retention.ms={values['retention.ms']}", "retention.ms=-1"))
    if kind != "checkpoints" and 0 <= int(values["retention.ms"]) < WEEK_MS:
        faults.append(("retention", f"retention.ms={values['retention.ms']}", "retention.ms=7776000000"))
    if kind == "topic" and "compact" in values.get("cleanup.policy", ""):
        # Facts are keyed by enterprise: of several, only the last would be left.
        policy = f"cleanup.policy={values['cleanup.policy']}"
        statement = (
            f"数据主题 {name}：{policy}，每家企业只留最后一条，尚未读取的会丢失",
            f"the topic of facts {name} has {policy}: of each enterprise the last record alone is left, and "
            "those not yet read are lost",
        )
        mend = f"kafka-configs.sh --alter --topic {name} --add-config cleanup.policy=delete"
        yield error("broker.topic.compaction", statement, (mend, mend))
    for matter, present, advised in faults:
        statement = (
            f"主题 {name}：{present}，应为 {advised}",
            f"the topic {name} has {present}, it should have {advised}",
        )
        mend = f"kafka-configs.sh --alter --topic {name} --add-config {advised}"
        yield warning(f"broker.topic.{matter}", statement, (mend, mend))
    leaderless = [part["partition_index"] for part in topic["partitions"] if part["leader_id"] < 0]
    if leaderless:
        statement = (
            f"主题 {name} 的分区 {leaderless} 没有主副本",
            f"partitions {leaderless} of {name} have no leader",
        )
        yield error(
            "broker.topic.leader", statement, ("恢复停掉的Kafka节点", "bring the missing brokers back")
        )
    if kind == "checkpoints" and count != 1:
        statement = (
            f"主题 {name} 有 {count} 个分区，检查点的次序会乱",
            f"{name} has {count} partitions: checkpoints lose their order",
        )
        yield warning("broker.topic.partitions", statement, MAKE)
    elif (
        not faults
        and not leaderless
        and not (kind == "topic" and "compact" in values.get("cleanup.policy", ""))
    ):
        yield ok(
            f"broker.topic.{kind}", f"主题 {name}：{count} 个分区", f"the topic {name}: {count} partitions"
        )


class _Offsets(NamedTuple):
    """A partition of facts: what Kafka has of it, and which offset the ledger reads next."""

    partition: TopicPartition
    first: int
    end: int
    next: int
    is_begun: bool

    @property
    def lost(self) -> int:
        """How many records Kafka dropped before they were read."""
        return max(0, self.first - self.next) if self.is_begun else 0

    @property
    def lag(self) -> int:
        """How many records are still to be read."""
        return max(0, self.end - max(self.next, self.first))


def _look_at_offsets(admin: Any, topics: Sequence[Any], rows: Rows, limits: Limits) -> Iterator[Finding]:
    """What the ledger has still to take in, and what it never can, by its own offsets, which alone count."""
    offsets = [each for topic in topics for each in _offsets_of(admin, topic, rows)]
    for each in offsets:
        if each.lost:
            place = f"{each.partition.topic}/{each.partition.partition}"
            statement = (
                f"{place}：偏移 {each.next:,} 至 {each.first - 1:,} 的 {each.lost:,} 条未及读取，Kafka已删除",
                f"{place}: Kafka dropped {each.lost:,} records, from {each.next:,} to {each.first - 1:,}, "
                "before they were read",
            )
            mend = (
                "请报送单位重新报送；延长主题的保留时间（retention.ms），查明为何久未读取",
                "have their publishers send them again; keep the topic for longer (retention.ms), and find "
                "out why it was not read",
            )
            yield error("consumer.lost", statement, mend)
    lag = sum(each.lag for each in offsets)
    statement = f"收数积压 {lag:,} 条", f"{lag:,} records are not yet taken in"
    mend = (
        "看 subsidy-ledger consume 是否在运行，及其日志；可多开几个",
        "see that subsidy-ledger consume runs; start more",
    )
    yield warning("consumer.lag", statement, mend) if lag > limits.lag else ok("consumer.lag", *statement)


def _offsets_of(admin: Any, topic: Any, rows: Rows) -> Iterator[_Offsets]:
    name = topic["name"]
    parts = [part["partition_index"] for part in topic["partitions"] if part["leader_id"] >= 0]
    ends = admin.list_partition_offsets({TopicPartition(name, part): OffsetSpec.LATEST for part in parts})
    begun = admin.list_partition_offsets({TopicPartition(name, part): OffsetSpec.EARLIEST for part in parts})
    for partition, end in ends.items():
        position = tracked(rows, f"kafka:{name}:{topic['topic_id']}:{partition.partition}")
        next_offset = 0 if position is None else position + 1
        yield _Offsets(partition, begun[partition].offset, end.offset, next_offset, position is not None)
