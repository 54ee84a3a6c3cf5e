"""The Kafka consumer: each record takes effect exactly once, whatever dies when.

The ledger owns the offsets: they are stored in the transaction that stores the events, under
the topic's id and partition, and every partition is read on from there. Kafka's own committed
offsets are written after that, for the tools that show lag; nothing depends on them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from domain.authority.writes import LOCAL
from ledger.intake.inbox import Offsets, Totals, ingest
from ledger.store.append import tracked
from ledger.store.application import Ledger
from ledger.store.correlation import current
from ledger.store.rows import Conflict, StoreUnavailable
from services.kafka.dead_letters import DeadLetters
from services.kafka.lost_records import LostRecords
from services.kafka.metrics import ConsumerMetrics
from services.kafka.records import PolledRecord, Record
from services.kafka.senders import Senders
from services.runtime.kafka_settings import KafkaSettings
from services.runtime.tracing import consuming

POLL_MS = 500
BATCH_RECORDS = 2_000
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
COMMIT_SECONDS = 1.0
CLOSE_MS = 2_000
LAG_SECONDS = 5.0
"""How often the ends of the partitions are asked for; a poll does not tell them while it is held."""
METADATA_MS = 5_000
"""A member that was given no partitions, since it knew of none, learns of them within this time."""

log = logging.getLogger(__name__)


Polled = Mapping[TopicPartition, Sequence[PolledRecord]]


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Holds every newly assigned partition until the ledger has said where to read on.

    It runs on the client's own thread, so it only takes note; the database is asked by the loop.
    """

    def __init__(self, hold: Callable[[Sequence[TopicPartition]], None]) -> None:
        self.hold = hold

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Nothing is in flight: a batch is taken to its commit before the next poll."""

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Hold what was assigned."""
        self.hold(assigned)


class LedgerConsumer:
    """Reads the topics of facts into one ledger, as a member of a group, until told to stop."""

    def __init__(
        self,
        ledger: Ledger,
        settings: KafkaSettings,
        stop: threading.Event,
        metrics: ConsumerMetrics | None = None,
        mode: str = LOCAL,
    ) -> None:
        self.ledger, self.settings, self.stop = ledger, settings, stop
        self.metrics = metrics or ConsumerMetrics()
        self.senders = Senders(ledger, settings, mode)
        self.totals = Totals()
        self.next: dict[TopicPartition, int] = {}
        """The offset after the last that the ledger has, by partition."""
        self.assigned: set[TopicPartition] = set()
        """What was assigned when it was last looked; read by the thread of the dead letters."""
        self.measured_at = float("-inf")
        self.waiting: set[TopicPartition] = set()
        self.retry_at, self.failures = 0.0, 0
        self.committed_at = 0.0
        self.to_commit: dict[TopicPartition, int] = {}
        self.consumer = KafkaConsumer(
            **settings.client(),
            group_id=settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH_RECORDS,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=max(500, settings.session_timeout_ms // 4),
            max_partition_fetch_bytes=settings.fetch_bytes,
            isolation_level="read_committed",
            metadata_max_age_ms=METADATA_MS,
        )
        self.lost = LostRecords(self.consumer, self.metrics)
        self.dead_letters = DeadLetters(ledger, settings, lambda: self.assigned, self.metrics)
        topics = [settings.topic, *(each.topic for each in settings.topics)]
        self.consumer.subscribe(topics, listener=_Assigned(self._hold_assigned))

    def run(self) -> Totals:
        """Consume until told to stop; what was taken is committed, the rest is left for others."""
        self.dead_letters.start()
        try:
            while not self.stop.is_set():
                self.assigned = self._partitions()
                self._read_on()
                for partition, records in self._poll().items():
                    if partition not in self.waiting and not self.stop.is_set():
                        self._take(partition, records)
                self._commit(time.monotonic())
                self._measure(time.monotonic())
        finally:
            self._close()
        return self.totals

    def _poll(self) -> Polled:
        try:
            polled: Polled = self.consumer.poll(timeout_ms=POLL_MS)
        except KafkaError as error:
            log.warning("the broker did not answer: %s", error)
            self.metrics.failures.labels("broker").inc()
            self.stop.wait(BACKOFF_SECONDS[0])
            return {}
        return polled

    def _take(self, partition: TopicPartition, records: Sequence[PolledRecord]) -> None:
        """Take the records of one partition to a commit; hold the partition where that fails."""
        self.lost.look_for_gap(partition, self.next.get(partition), records[0].offset)
        taken = [Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers or ()) for r in records]
        stream = f"{partition.topic}/{partition.partition}"
        offsets = Offsets(self._name(partition), [record.offset for record in records], stream)
        current.set(f"{stream}@{records[0].offset}")
        try:
            with consuming(partition.topic, partition.partition, records):
                received = self.senders.read_records(taken)
                messages, senders = [message for message, _ in received], [sender for _, sender in received]
                results = ingest(self.ledger, messages, "kafka", offsets, senders)
        except (StoreUnavailable, Conflict) as error:
            log.warning("the database cannot take %s: %s; holding", offsets.name, error)
            self.metrics.failures.labels("database").inc()
            self._hold([partition])
            self._back_off()
            return
        self.failures = 0
        for result in results:
            if result.status == "duplicate" and result.faults:
                log.warning("%s of %s repeats what was retracted", result.event_id, result.source)
        self.totals.add(results)
        totals = Totals()
        totals.add(results)
        self.metrics.took(totals)
        self.to_commit[partition] = self.next[partition] = records[-1].offset + 1

    # --- where to read on ---------------------------------------------------------------------

    def _name(self, partition: TopicPartition) -> str:
        """Under which name the ledger keeps the offset: a topic made anew starts anew."""
        topic_id = self.consumer._cluster.topic_id(partition.topic)
        return f"kafka:{partition.topic}:{topic_id}:{partition.partition}"

    def _hold_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self._hold(partitions)
        self.retry_at = 0.0

    def _hold(self, partitions: Sequence[TopicPartition]) -> None:
        self.waiting.update(partitions)
        self.consumer.pause(*partitions)

    def _back_off(self) -> None:
        wait = BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS) - 1)]
        self.failures += 1
        self.retry_at = time.monotonic() + wait

    def _read_on(self) -> None:
        """Ask the ledger for the offsets of held partitions, and let them go on from there."""
        if not self.waiting or time.monotonic() < self.retry_at:
            return
        partitions_waiting = sorted(self.waiting)
        try:
            with self.ledger.store.reading() as rows:
                stored = {partition: tracked(rows, self._name(partition)) for partition in partitions_waiting}
        except StoreUnavailable as error:
            log.warning(
                "the database cannot be read: %s; holding %d partitions", error, len(partitions_waiting)
            )
            self.metrics.failures.labels("database").inc()
            self._back_off()
            return
        assigned = self._partitions()
        self.lost.look(
            {p: None if offset is None else offset + 1 for p, offset in stored.items() if p in assigned}
        )
        for partition, offset in stored.items():
            self.waiting.discard(partition)
            if partition not in assigned:
                continue
            self.next[partition] = 0 if offset is None else offset + 1
            if offset is None:
                self.consumer.seek_to_beginning(partition)
            else:
                self.consumer.seek(partition, offset + 1)
            self.consumer.resume(partition)

    def _partitions(self) -> set[TopicPartition]:
        return set(self.consumer.assignment())

    # --- for the tools that show lag ----------------------------------------------------------

    def _measure(self, now: float) -> None:
        """Note how far behind we are: the ends of our partitions against what the ledger has."""
        self.metrics.held.set(len(self.waiting & self._partitions()))
        if now < self.measured_at + LAG_SECONDS:
            return
        self.measured_at = now
        ours = self._partitions()
        try:
            ends = self.consumer.end_offsets(list(ours), timeout_ms=POLL_MS) if ours else {}
            first = self.consumer.beginning_offsets(list(ours), timeout_ms=POLL_MS) if ours else {}
        except KafkaError as error:
            log.info("the ends of the partitions are not known: %s", error)
            return
        # What the topic no longer holds cannot be taken, so it is not behind us.
        begun = {p: max(self.next.get(p, 0), first.get(p, 0)) for p in ends}
        self.metrics.lags({(p.topic, p.partition): max(0, end - begun[p]) for p, end in ends.items()})

    def _offsets(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """What was taken and not yet told to Kafka, of the partitions that are still ours."""
        assigned = self._partitions()
        return {p: OffsetAndMetadata(o, "", -1) for p, o in self.to_commit.items() if p in assigned}

    def _commit(self, now: float) -> None:
        if not self.to_commit or now < self.committed_at + COMMIT_SECONDS:
            return
        offsets = self._offsets()
        self.committed_at = now
        self.to_commit.clear()
        if offsets:
            try:
                self.consumer.commit_async(offsets)
            except KafkaError as error:
                log.info("Kafka's own offsets were not written: %s", error)

    def _close(self) -> None:
        offsets = self._offsets()
        try:
            if offsets:
                self.consumer.commit(offsets, timeout_ms=CLOSE_MS)
        except KafkaError as error:
            log.info("Kafka's own offsets were not written: %s", error)
        self.dead_letters.close()
        self.consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
