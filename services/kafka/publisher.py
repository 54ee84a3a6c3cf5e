"""The outbox: changes of balance, of accounts and closings are published from the ledger's own log.

They are worked out from the stored events, so nothing is written twice: a message's id is the
position of the event that caused it, and a publisher that dies repeats messages of the same
ids. Messages about one enterprise are keyed by its code, those about a year by its settlement,
and those of one key leave in order. Checkpoints leave on a topic of their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from domain.log.notes import SignerKey
from domain.money.amounts import print_fen
from ledger.reading.changes import Change, HistoryStep, RulesOverTime, steps_of
from ledger.store.append import track, tracked
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, Rows, StoreUnavailable
from services.kafka.checkpoints import Checkpoints
from services.kafka.envelope import Outgoing, message
from services.kafka.metrics import PublisherMetrics
from services.kafka.settled import settled
from services.runtime.kafka_settings import KafkaSettings
from services.runtime.tracing import publishing

TRACKED = "outbox"
POSITIONS_MAX = 500
"""Most positions worked through before they are noted as published."""
IDLE_SECONDS = 0.5
FLUSH_SECONDS = 30
TYPE = "subsidy.balance-changed.v1"

log = logging.getLogger(__name__)


class Publisher:
    """Publishes what the ledger learns, until told to stop."""

    def __init__(
        self,
        ledger: Ledger,
        settings: KafkaSettings,
        stop: threading.Event,
        signer: Callable[[], SignerKey],
        metrics: PublisherMetrics | None = None,
    ) -> None:
        self.ledger, self.settings, self.stop = ledger, settings, stop
        self.metrics = metrics or PublisherMetrics()
        self.producer = KafkaProducer(**settings.producer())
        self.checkpoints = Checkpoints(ledger, signer, self.producer, settings.checkpoints)

    def run(self) -> None:
        """Publish until told to stop; while broker or database is away, wait and try again."""
        try:
            while not self.stop.is_set():
                try:
                    moved = self.step()
                    self.metrics.checkpoints.inc(self.checkpoints.step() is not None)
                except (KafkaError, StoreUnavailable, Conflict) as error:
                    log.warning("the outbox waits: %s", error)
                    self.metrics.failures.inc()
                    moved = 0
                if not moved:
                    self.stop.wait(IDLE_SECONDS)
        finally:
            self.producer.close(timeout=FLUSH_SECONDS)

    def step(self) -> int:
        """Publish the next positions; how many positions were worked through."""
        with self.ledger.store.reading() as rows:
            after = tracked(rows, TRACKED) or 0
            last = rows.last_position()
            self.metrics.lag.set(last - after)
            until = min(last, after + POSITIONS_MAX)
            if until <= after:
                return 0
            messages = sorted(outgoing(rows, after, until), key=lambda message: message.position)
        topic = self.settings.published
        with publishing(topic, len(messages)) as headers:
            sent = [
                self.producer.send(topic, key=message.key.encode(), value=message.value, headers=headers)
                for message in messages
            ]
            self.producer.flush(timeout=FLUSH_SECONDS)
            for future in sent:
                future.get(timeout=FLUSH_SECONDS)
        with self.ledger.store.writing() as rows:
            track(rows, TRACKED, until)
        self.metrics.sent(len(messages), until - after)
        self.metrics.lag.set(last - until)
        return until - after


def outgoing(rows: Rows, after: int, until: int) -> Iterator[Outgoing]:
    """The messages that events after one position and up to another give rise to."""
    rules = RulesOverTime(rows)
    for code in _touched(rows, rules, after, until):
        for step in steps_of(rows, code, until, rules):
            if step.event.position > after:
                yield from _messages(code, step)
    yield from settled(rows, after, until)


def _touched(rows: Rows, rules: RulesOverTime, after: int, until: int) -> Iterator[str]:
    """Enterprises with events in a range; all of them where a policy came in."""
    if any(after < position <= until for position in rules.positions):
        sql, values = "SELECT code FROM enterprises ORDER BY code", list[Any]()
    else:
        sql = (
            "SELECT DISTINCT originator_id FROM stored_events "
            "WHERE rowid>? AND rowid<=? AND originator_id NOT LIKE '%:%' ORDER BY originator_id"
        )
        values = [after, until]
    for row in rows.all(sql, values):
        yield row[0]


def _messages(code: str, step: HistoryStep) -> Iterator[Outgoing]:
    changed: dict[tuple[str, int], list[Change]] = {}
    for change in step.changes:
        changed.setdefault((change.policy, change.year), []).append(change)
    for (policy, year), changes in changed.items():
        awards = step.awards.get(policy, {}).get(year, {})
        gross = sum(award.gross for award in awards.values())
        withheld = sum(award.withheld for award in awards.values())
        position = step.event.position
        data: dict[str, Any] = {
            "policy": policy,
            "year": year,
            "position": position,
            "gross": print_fen(gross),
            "withheld": print_fen(withheld),
            "eligible": print_fen(gross - withheld),
            "changes": [_change(change) for change in changes],
        }
        yield message(step.event, TYPE, code, f"{position}:{code}:{policy}:{year}", data)


def _change(change: Change) -> dict[str, str]:
    return {
        "measure": change.measure,
        "gross_before": print_fen(change.gross_before),
        "gross_after": print_fen(change.gross_after),
        "withheld_before": print_fen(change.withheld_before),
        "withheld_after": print_fen(change.withheld_after),
    }
