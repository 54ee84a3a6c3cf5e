"""Dead letters: what was refused goes to a topic of its own, with the reasons in headers.

The refused list is the record; the topic is a copy for those who watch topics. A refusal is
marked once the broker has it, so it is sent at least once, under the stable id of its digest.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from ledger.intake import refusals
from ledger.intake.refusals import Refused
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, StoreUnavailable
from services.runtime.kafka_settings import KafkaSettings

SEND_MAX = 200
FLUSH_SECONDS = 10

log = logging.getLogger(__name__)


class DeadLetters:
    """Sends the refusals that came from this consumer's partitions."""

    def __init__(self, ledger: Ledger, settings: KafkaSettings) -> None:
        self.ledger, self.settings = ledger, settings
        self.producer: KafkaProducer | None = None

    def send(self, partitions: set[TopicPartition]) -> int:
        """Send what waits; how many were sent."""
        try:
            with self.ledger.store.reading() as rows:
                waiting = refusals.dead_letters_waiting(rows, SEND_MAX)
            refusals_here = [
                r for r in waiting if _partition(r) in {(p.topic, p.partition) for p in partitions}
            ]
            if not refusals_here:
                return 0
            self._produce(refusals_here)
            with self.ledger.store.writing() as rows:
                refusals.dead_lettered(rows, [refused.digest for refused in refusals_here])
        except (StoreUnavailable, Conflict, KafkaError) as error:
            log.warning("dead letters wait: %s", error)
            return 0
        return len(refusals_here)

    def _produce(self, waiting: list[Refused]) -> None:
        if self.producer is None:
            self.producer = KafkaProducer(**self.settings.producer())
        sent = [
            self.producer.send(
                self.settings.dead_letters,
                key=(refused.subject or "").encode() or None,
                value=refused.raw,
                headers=headers_of(refused),
            )
            for refused in waiting
        ]
        self.producer.flush(timeout=FLUSH_SECONDS)
        for future in sent:
            future.get(timeout=FLUSH_SECONDS)

    def close(self) -> None:
        """Let the producer go."""
        if self.producer is not None:
            self.producer.close(timeout=FLUSH_SECONDS)


def headers_of(refused: Refused) -> list[tuple[str, bytes]]:
    """Why, where from, and under which digest the refused list keeps it."""
    reasons: list[dict[str, Any]] = [fault.words("zh") for fault in refused.faults]
    codes = ",".join(fault.code for fault in refused.faults)
    return [
        ("digest", refused.digest.encode()),
        ("origin", (refused.origin or "").encode()),
        ("codes", codes.encode()),
        ("reasons", json.dumps(reasons, ensure_ascii=False).encode()),
    ]


def _partition(refused: Refused) -> tuple[str, int]:
    """The topic and partition that a refused record came from."""
    topic, _, offset = (refused.origin or "").rpartition("/")
    return topic, int(offset.partition("@")[0] or -1)
