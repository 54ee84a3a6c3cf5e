"""Records that Kafka dropped before they were read: nothing else will ever tell of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.kafka.metrics import ConsumerMetrics

BEGINNINGS_MS = 3_000

log = logging.getLogger(__name__)


class LostRecords:
    """Looks whether a topic begins after what the ledger reads next, and says so once."""

    def __init__(self, consumer: KafkaConsumer, metrics: ConsumerMetrics) -> None:
        self.consumer, self.metrics = consumer, metrics
        self.unread: set[TopicPartition] = set()
        """Partitions of which the ledger has nothing yet: what they had before is not lost by it."""
        self.told: dict[TopicPartition, int] = {}
        """Up to which offset records were told to be lost, by partition."""

    def look(self, next_offsets: Mapping[TopicPartition, int | None]) -> None:
        """Look at partitions that are read on from these offsets; None where the ledger has nothing yet."""
        begun = {partition: offset for partition, offset in next_offsets.items() if offset is not None}
        self.unread = (self.unread - begun.keys()) | (next_offsets.keys() - begun.keys())
        beginnings = self._beginnings(list(begun))
        for partition, offset in begun.items():
            self._tell(partition, offset, beginnings.get(partition, 0))

    def look_for_gap(self, partition: TopicPartition, next_offset: int | None, offset: int) -> None:
        """Look whether what lies between the ledger's offset and a record was dropped meanwhile.

        A gap by itself says nothing: the marks of transactions stand in offsets of their own.
        """
        if next_offset is not None and offset > next_offset and partition not in self.unread:
            beginning = self._beginnings([partition]).get(partition, 0)
            self._tell(partition, next_offset, min(beginning, offset))
        self.unread.discard(partition)

    def _beginnings(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offsets that Kafka still has; nothing where it does not answer."""
        if not partitions:
            return {}
        try:
            return dict(self.consumer.beginning_offsets(list(partitions), timeout_ms=BEGINNINGS_MS))
        except KafkaError as error:
            log.warning("the beginnings of the partitions are not known: %s", error)
            return {}

    def _tell(self, partition: TopicPartition, next_offset: int, beginning: int) -> None:
        if beginning <= next_offset or self.told.get(partition) == beginning:
            return
        self.told[partition] = beginning
        self.metrics.lost.labels(partition.topic).inc(beginning - next_offset)
        log.error(
            "%s/%d: Kafka no longer has the records from %d to %d, which were not read: they are lost to the "
            "ledger. Have their publishers send them again, and keep the topic for longer (retention.ms)",
            partition.topic,
            partition.partition,
            next_offset,
            beginning - 1,
        )
