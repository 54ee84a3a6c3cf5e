"""Checkpoints outside: whether they leave, and whether the ledger still holds those that did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ledger.log.deliveries import Delivery, read_deliveries
from ledger.store.rows import Rows
from services.checkpoints.targets import is_address
from services.doctor.findings import Finding, ok, warning
from services.doctor.given import ARRIVE, check_place
from services.runtime.settings import Settings

LATE = 3
"""Intervals without an arrival that are worth a warning."""


def check(rows: Rows, settings: Settings, named: Sequence[str], now: datetime) -> Iterator[Finding]:
    """The findings on checkpoints that left, and on those that the operator ``named``."""
    key_file = Path(settings.signing_key_file)
    sent = read_deliveries(key_file)
    yield from _left(rows, settings, sent, now)
    for place in (*settings.checkpoints_to, *named):
        arrived = 0 if is_address(place) else sent.get(place, Delivery()).size
        yield from check_place(rows, key_file, place, arrived, place in named)


def _left(
    rows: Rows, settings: Settings, deliveries: dict[str, Delivery], now: datetime
) -> Iterator[Finding]:
    if not settings.checkpoints_to and not settings.witnesses:
        return
    late = timedelta(seconds=LATE * settings.checkpoints_every)
    well = True
    for label, delivery in deliveries.items():
        arrived = delivery.arrived_at
        overdue = delivery.size < rows.last_position() and (
            not arrived or datetime.fromisoformat(arrived) + late < now
        )
        if delivery.failure or overdue:
            well = False
            why = delivery.failure or f"{arrived or '—'}"
            statement = f"检查点没有送达 {label}：{why}", f"checkpoints do not reach {label}: {why}"
            yield warning("checkpoints.sent", statement, ARRIVE)
    if not deliveries:
        statement = (
            "还没有送出过检查点",
            "no checkpoint has left yet, though settings say where to",
        )
        yield warning("checkpoints.sent", statement, ("运行 serve 或 publish", "run serve or publish"))
    elif well:
        yield ok("checkpoints.sent", "检查点都已送达", "checkpoints reach where they should")
