"""Dead letters: what was refused goes to a topic of its own, with the reasons in headers.

The refused list is the record; the topic is a copy for those who watch topics. A refusal is marked
once the broker has it, so it is sent at least once, under the stable id of its digest. They are handed
over by a thread of their own: a topic that is missing, or a broker that does not answer, holds up no
fact and no stop, and what could not be handed over is tried again, later and later.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from ledger.intake import refusals
from ledger.intake.refusals import Refused
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, StoreUnavailable
from services.kafka.metrics import ConsumerMetrics
from services.runtime.kafka_settings import KafkaSettings, UnusableFile

SEND_MAX = 200
EVERY_SECONDS = 0.5
TRY_AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""After how long a failed hand-over is tried again, the first time, the second …"""
ANSWER_SECONDS = 3.0
"""How long the broker has to tell of the topic, and then to take what was sent."""
CLOSE_SECONDS = 4.0
"""How long a stop waits for what is being handed over."""

log = logging.getLogger(__name__)


class DeadLetters:
    """Hands over the refusals that came from this consumer's partitions."""

    def __init__(
        self,
        ledger: Ledger,
        settings: KafkaSettings,
        partitions: Callable[[], set[TopicPartition]],
        metrics: ConsumerMetrics,
    ) -> None:
        self.ledger, self.settings, self.partitions, self.metrics = ledger, settings, partitions, metrics
        self.producer: KafkaProducer | None = None
        self.failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dead-letters", daemon=True)

    def start(self) -> None:
        """Begin to hand over."""
        self._thread.start()

    def close(self) -> None:
        """Hand over what waits if the broker takes it at once, and let the producer go."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        if self.producer is not None:
            self.producer.close(timeout=0)

    def _run(self) -> None:
        pause = EVERY_SECONDS
        while not self._stop.wait(pause):
            while self.send() == SEND_MAX and not self._stop.is_set():
                pass
            pause = TRY_AGAIN_SECONDS[min(self.failures, len(TRY_AGAIN_SECONDS)) - 1]
            pause = pause if self.failures else EVERY_SECONDS
        if not self.failures:
            self.send()

    def send(self) -> int:
        """Hand over what waits; how many were."""
        streams = [f"{p.topic}/{p.partition}" for p in self.partitions()]
        try:
            with self.ledger.store.reading() as rows:
                waiting = refusals.dead_letters_waiting(rows, SEND_MAX, streams)
            if waiting:
                self._produce(waiting)
                with self.ledger.store.writing() as rows:
                    refusals.dead_lettered(rows, [refused.digest for refused in waiting])
        except (StoreUnavailable, Conflict, KafkaError, UnusableFile, OSError) as error:
            self.failures += 1
            self.metrics.failures.labels("dead-letters").inc()
            log.warning(
                "refused records are kept in the ledger, and could not be handed over to %s: %s; "
                "facts go on being taken, and it is tried again",
                self.settings.dead_letters,
                error,
            )
            return 0
        self.failures = 0
        return len(waiting)

    def _produce(self, waiting: Sequence[Refused]) -> None:
        if self.producer is None:
            self.producer = KafkaProducer(
                **self.settings.producer(), max_block_ms=int(ANSWER_SECONDS * 1_000)
            )
        sent = [
            self.producer.send(
                self.settings.dead_letters,
                key=(refused.subject or "").encode() or None,
                value=refused.raw,
                headers=headers_of(refused),
            )
            for refused in waiting
        ]
        self.producer.flush(timeout=ANSWER_SECONDS)
        for future in sent:
            future.get(timeout=ANSWER_SECONDS)


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
