"""Signed checkpoints on a topic of their own, so that whoever reads it keeps a copy of each.

A record's value is the very text that ``GET /v1/log/checkpoint`` gives. One is published when
the log has grown, at most once in a while: each is signed and kept, and a checkpoint stands
for everything before it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError

from domain.log.notes import Checkpoint, NoteError, SignerKey, parse_note
from ledger.audit import checkpoints
from ledger.store.append import track, tracked
from ledger.store.application import Ledger
from services.runtime.kafka_settings import KafkaSettings

TRACKED = "outbox-checkpoints"
PAUSE_SECONDS = 1.0
TROUBLE_SECONDS = 60.0
"""Until the next try where there is no key, or the log does not grow out of what was signed before."""
SEND_SECONDS = 30
WAIT_MS, POLL_MS, READ_SECONDS = 5_000, 500, 60
"""Waits of whoever reads the topic: for an answer of the broker, for records, and in all."""

log = logging.getLogger(__name__)


class Checkpoints:
    """Publishes a checkpoint whenever the log has grown.

    ``signer`` is asked for each, so that a key that was rotated is used at once.
    """

    def __init__(
        self, ledger: Ledger, signer: Callable[[], SignerKey], producer: KafkaProducer, topic: str
    ) -> None:
        self.ledger, self.signer, self.producer, self.topic = ledger, signer, producer, topic
        self.rest_until = 0.0

    def step(self) -> int | None:
        """Publish a checkpoint, if one is due; the size of the log that it signs for."""
        if time.monotonic() < self.rest_until:
            return None
        with self.ledger.store.reading() as rows:
            if rows.last_position() <= (tracked(rows, TRACKED) or 0):
                return None
        try:
            note = checkpoints.current(self.ledger, self.signer())
        except (ArithmeticError, NoteError, OSError) as error:
            log.error("no checkpoint is signed: %s", error)
            self.rest_until = time.monotonic() + TROUBLE_SECONDS
            return None
        checkpoint = Checkpoint.parse(parse_note(note)[0])
        sent = self.producer.send(self.topic, key=checkpoint.origin.encode(), value=note.encode())
        sent.get(timeout=SEND_SECONDS)
        with self.ledger.store.writing() as rows:
            track(rows, TRACKED, checkpoint.size)
        self.rest_until = time.monotonic() + PAUSE_SECONDS
        return checkpoint.size


def read_published(settings: KafkaSettings, newest: int) -> list[str]:
    """The checkpoints that stand on the topic, of each partition the newest so many; in order of offsets.

    Raises:
        KafkaError: where the broker does not answer, or not in time.
        UnusableFile: as ``KafkaSettings.client``.
    """
    consumer = KafkaConsumer(**settings.client(), enable_auto_commit=False, bootstrap_timeout_ms=WAIT_MS)
    try:
        numbers = sorted(consumer.partitions_for_topic(settings.checkpoints) or ())
        parts = [TopicPartition(settings.checkpoints, number) for number in numbers]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts, timeout_ms=WAIT_MS)
        begun = consumer.beginning_offsets(parts, timeout_ms=WAIT_MS)
        for part in parts:
            consumer.seek(part, max(begun[part], ends[part] - newest))
        notes, until = list[str](), time.monotonic() + READ_SECONDS
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                notes += [(record.value or b"").decode("utf-8", "replace") for record in records]
            if time.monotonic() > until:
                raise KafkaTimeoutError(f"the topic could not be read to its end in {READ_SECONDS} s")
        return notes
    finally:
        consumer.close(autocommit=False)
