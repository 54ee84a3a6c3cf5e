"""What the consumer and the publisher measure, on a port of their own (``SUBSIDY_LEDGER_METRICS_PORT``).

The loops set every value themselves; a scrape only reads them, so it never waits for a broker or
a database, and says something while both are away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from ledger.intake.inbox import Totals
from services.runtime.metrics import PREFIX
from services.runtime.settings import Settings, SettingsError
from services.runtime.variables import PREFIX as VARIABLE

OUTCOMES = ("accepted", "duplicate", "refused")


class ConsumerMetrics:
    """What one consumer took, and what it has still to take."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.records = Counter(
            f"{PREFIX}stream_records",
            "records taken, by what became of them",
            ("outcome",),
            registry=registry,
        )
        for outcome in OUTCOMES:
            self.records.labels(outcome)
        self.batches = Counter(f"{PREFIX}stream_batches", "batches committed", registry=registry)
        self.failures = Counter(
            f"{PREFIX}stream_failures",
            "times that broker or database did not answer",
            ("what",),
            registry=registry,
        )
        for dependency in ("broker", "database", "dead-letters"):
            self.failures.labels(dependency)
        self.lag = Gauge(
            f"{PREFIX}stream_lag", "records not yet taken", ("topic", "partition"), registry=registry
        )
        self.lost = Counter(
            f"{PREFIX}stream_lost_records",
            "records that Kafka no longer had when they were to be read",
            ("topic",),
            registry=registry,
        )
        self.held = Gauge(
            f"{PREFIX}stream_held_partitions", "partitions that wait for the database", registry=registry
        )
        self.committed = Gauge(
            f"{PREFIX}stream_last_commit_timestamp_seconds",
            "when the last batch was committed; 0 before the first",
            registry=registry,
        )

    def took(self, totals: Totals) -> None:
        """Count one committed batch."""
        for outcome in OUTCOMES:
            self.records.labels(outcome).inc(getattr(totals, outcome))
        self.batches.inc()
        self.committed.set_to_current_time()

    def lags(self, lags: Mapping[tuple[str, int], int]) -> None:
        """Note the lag of the partitions that are ours, and forget those that no longer are."""
        self.lag.clear()
        for (topic, partition), lag in lags.items():
            self.lag.labels(topic, str(partition)).set(lag)


class PublisherMetrics:
    """What the publisher sent, and what waits."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.messages = Counter(f"{PREFIX}outbox_messages", "messages published", registry=registry)
        self.positions = Counter(f"{PREFIX}outbox_positions", "positions worked through", registry=registry)
        self.checkpoints = Counter(f"{PREFIX}outbox_checkpoints", "checkpoints published", registry=registry)
        self.failures = Counter(
            f"{PREFIX}outbox_failures", "times that broker or database did not answer", registry=registry
        )
        self.lag = Gauge(f"{PREFIX}outbox_lag", "events not yet published", registry=registry)
        self.published = Gauge(
            f"{PREFIX}outbox_last_publish_timestamp_seconds",
            "when something was last published; 0 before the first",
            registry=registry,
        )

    def sent(self, messages: int, positions: int) -> None:
        """Count what the broker has."""
        self.messages.inc(messages)
        self.positions.inc(positions)
        self.published.set_to_current_time()


@contextmanager
def exposed(settings: Settings, registry: CollectorRegistry) -> Iterator[int]:
    """Serve the measurements while the block runs; the port, 0 where none was asked for.

    Raises:
        SettingsError: where the port cannot be had.
    """
    if not settings.metrics_port:
        yield 0
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as error:
        raise SettingsError(f"{VARIABLE}METRICS_PORT", "setting.metrics-port", reason=str(error)) from error
    try:
        yield settings.metrics_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
