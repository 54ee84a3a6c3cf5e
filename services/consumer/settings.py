"""What the Kafka side needs to know; read from the environment by ``services.settings``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Broker, topics and group."""

    brokers: str = "127.0.0.1:9092"
    topic: str = "subsidy.events"
    dead_letters: str = "subsidy.dead-letters"
    published: str = "subsidy.balances"
    checkpoints: str = "subsidy.checkpoints"
    group: str = "subsidy-ledger"
    session_timeout_ms: int = 10_000
    fetch_bytes: int = 16 * 1024 * 1024

    def client(self) -> dict[str, Any]:
        """Settings that every client shares."""
        return {"bootstrap_servers": self.brokers.split(","), "client_id": "subsidy-ledger"}

    def producer(self) -> dict[str, Any]:
        """Settings of a producer that neither loses nor reorders."""
        return {
            **self.client(),
            "acks": "all",
            "enable_idempotence": True,
            "max_request_size": self.fetch_bytes,
        }
