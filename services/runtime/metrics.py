"""What the service measures: counted as requests pass, and read from the ledger when asked.

Amounts are whole fen and factors whole millionths, so that nothing is rounded on the way. Requests are
counted over all workers of a service, also those that have died, whichever of them is asked: each keeps
its counts in a file of the folder that they share. No gauge is kept there: figures are read when asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, g
from flask.globals import request_ctx
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ledger.audit import watching
from ledger.budget.pools import pool, unspent
from ledger.intake import refusals
from ledger.log.deliveries import read_deliveries
from ledger.policies.versions import rulebooks
from ledger.store.append import last_recorded, tracked
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from ledger.store.rows import Rows, StoreUnavailable
from services.runtime.methods import name_method
from services.runtime.settings import Settings

PREFIX = "subsidy_"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MILLION = 1_000_000


class Requests:
    """Counters of requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("endpoint", "method", "status")
        self.count = Counter(f"{PREFIX}requests", "requests answered", labels, registry=registry)
        self.seconds = Histogram(
            f"{PREFIX}request_seconds",
            "how long they took",
            ("endpoint",),
            registry=registry,
            buckets=SECONDS,
        )
        # Looking a child up by its labels costs more than counting in it; there are few of them.
        self.count_of = cache(self.count.labels)
        self.seconds_of = cache(self.seconds.labels)
        self.refused = Counter(f"{PREFIX}refused_requests", "callers refused", ("reason",), registry=registry)


class LedgerFigures(Collector):
    """Gauges of one ledger, read when they are asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge; where the database is away, only that."""
        up = GaugeMetricFamily(f"{PREFIX}database_up", "1 where the ledger's database answers")
        try:
            with self.ledger.store.reading() as rows:
                figures = list(self._read(rows))
        except StoreUnavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from figures

    def _read(self, rows: Rows) -> Iterator[GaugeMetricFamily]:
        last = rows.last_position()
        yield _gauge("position", "events in the ledger", last)
        yield _gauge(
            "refused_messages_open", "refused messages that nobody has settled", refusals.count_open(rows)
        )
        published = tracked(rows, "outbox")
        if published is not None:  # a ledger without a publisher has nothing to catch up with
            yield _gauge("outbox_lag", "events not yet published", last - published)
        size = rows.all("SELECT COALESCE(MAX(size), 0) FROM checkpoints")[0][0]
        yield _gauge("checkpoint_size", "events under the last signed checkpoint", size)
        age = watching.unsigned_seconds(rows, self.ledger.clock())
        help_text = "how long the oldest event has waited for a checkpoint; 0 where none waits"
        yield _gauge("checkpoint_age_seconds", help_text, age)
        recorded = last_recorded(rows)
        if recorded is not None:  # of the ledger's clock: Prometheus holds it against its own
            seconds = int(datetime.fromisoformat(recorded).timestamp())
            yield _gauge("last_recorded_timestamp_seconds", "the recorded time of the last event", seconds)
        yield from _deliveries(self.ledger.clock().timestamp())
        yield from self._payments(rows)
        free = watching.disk_free(self.ledger, rows)
        if free is not None:
            yield _gauge("disk_free_bytes", "room left for the database, where it is a file here", free)
        claims = GaugeMetricFamily(f"{PREFIX}claims", "claims by status", labels=["status"])
        for status, number in rows.all("SELECT status, COUNT(*) FROM claims GROUP BY status"):
            claims.add_metric([status], number)
        yield claims
        yield from self._years(rows)

    def _payments(self, rows: Rows) -> Iterator[GaugeMetricFamily]:
        waiting = watching.ordered_payments(rows, self.ledger.clock())
        yield _gauge("payments_ordered", "payments ordered that the bank has not answered", waiting.number)
        help_text = "how long the oldest of them has waited; 0 where none does"
        yield _gauge("payments_ordered_oldest_seconds", help_text, waiting.oldest_seconds)

    def _years(self, rows: Rows) -> Iterator[GaugeMetricFamily]:
        labels = ["policy", "year"]
        factor = GaugeMetricFamily(f"{PREFIX}factor_millionths", "the factor, in millionths", labels=labels)
        budget = GaugeMetricFamily(f"{PREFIX}budget_fen", "what there is to divide", labels=labels)
        sharing = GaugeMetricFamily(f"{PREFIX}sharing_fen", "what shares the budget", labels=labels)
        room = GaugeMetricFamily(f"{PREFIX}headroom_fen", "what is left of the budget", labels=labels)
        help_text = "1 until the year's list is proposed, which takes the budget as it is"
        unlisted = GaugeMetricFamily(f"{PREFIX}year_unlisted", help_text, labels=labels)
        listed = {tuple(row) for row in rows.all("SELECT policy, year FROM settlements")}
        sql = "SELECT DISTINCT policy, year FROM totals WHERE kind='measure' ORDER BY policy, year"
        books = rulebooks(rows)
        for policy, year in rows.all(sql):
            year_pool = pool(self.ledger, rows, books[policy], year, NOW)
            named = [policy, str(year)]
            value = year_pool.factor
            factor.add_metric(named, value.numerator * MILLION // value.denominator)
            budget.add_metric(named, year_pool.budget.amount)
            sharing.add_metric(named, year_pool.total)
            room.add_metric(named, unspent(books[policy], year_pool))
            unlisted.add_metric(named, int((policy, year) not in listed))
        yield from (factor, budget, sharing, room, unlisted)


def _deliveries(now: float) -> Iterator[GaugeMetricFamily]:
    """Of each destination of checkpoints: the size that arrived last, how long ago, and whether it fails."""
    size, age, failing = (
        GaugeMetricFamily(f"{PREFIX}checkpoint_sent_{name}", words, labels=["to"])
        for name, words in (
            ("size", "events under the last checkpoint that arrived there"),
            ("age_seconds", "how long ago it arrived; since 1970 where none did"),
            ("failing", "1 where the last try failed"),
        )
    )
    for label, delivery in read_deliveries(Path(Settings.from_env().signing_key_file)).items():
        arrived = datetime.fromisoformat(delivery.arrived_at).timestamp() if delivery.arrived_at else 0
        size.add_metric([label], delivery.size)
        age.add_metric([label], int(now - arrived))
        failing.add_metric([label], int(bool(delivery.failure)))
    yield from (size, age, failing)


def _gauge(name: str, words: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, words, value=value)


def register(app: Flask, ledger: Ledger) -> None:
    """Count an application's requests, and read its ledger's figures when asked."""
    registry = CollectorRegistry()
    registry.register(LedgerFigures(ledger))
    if issubclass(values.ValueClass, values.MutexValue):
        counted = Requests(registry)
    else:  # a worker: what all of them counted is told, not this one's part
        counted = Requests(CollectorRegistry())
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    app.extensions["subsidy-metrics"] = (registry, counted)

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        asked, began = request_ctx.request, g.get("began")
        endpoint = asked.endpoint or "unknown"
        counted.count_of(endpoint, name_method(asked.method), response.status_code).inc()
        if began is not None:
            counted.seconds_of(endpoint).observe(time.perf_counter() - began)
        return response

    app.before_request(begin)
    app.after_request(end)


def refused(reason: str) -> None:
    """Count a caller that was refused."""
    _, counted = current_app.extensions["subsidy-metrics"]
    counted.refused.labels(reason).inc()


def exposition() -> tuple[bytes, str]:
    """Everything measured, in Prometheus' text form, and its media type."""
    registry, _ = current_app.extensions["subsidy-metrics"]
    return generate_latest(registry), CONTENT_TYPE_LATEST
