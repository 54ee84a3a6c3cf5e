"""How long the server takes for each page of the console on a large ledger, and how much it sends.

``python -m tests.benchmarks.pages --events 1000000`` fills a ledger through its own inbox and asks
for every page as an officer does: first while the year is open, then after it was closed and paid.
Printed are the median and the 95th percentile of the server's time, the first request's time (a
long reading shows then that it is at work), and the bytes of the page with all that it loads.
``--ledger FILE`` keeps the ledger, and takes it where it stands already.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from flask.testing import FlaskClient

from domain.authority.roles import Actor
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.projections.closings import settlement_of
from ledger.settlement import paying
from ledger.settlement.paying import RESULTS_MAX, Result
from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from services.sample.policy import POLICY, YEAR, policy_text
from services.server.app import create_app
from tests import acknowledging
from tests.benchmarks.growth import position
from tests.integration.bureau import Clock

HERE = f"/console/{POLICY}/{YEAR}"
OPEN, CLOSED = datetime(2025, 5, 20, 1, tzinfo=UTC), datetime(2025, 7, 3, 1, tzinfo=UTC)
ROUNDS, PATIENCE = 21, 900
FIRST_LOAD_MAX = 300_000
"""Bytes that a page and everything it loads may have."""
BATCH = 5_000
CITY = 10_000_000
OFFICER, REVIEWER = Actor("Lin", frozenset({"officer"})), Actor("Shen", frozenset({"reviewer"}))
FINANCE = Actor("Qian", frozenset({"finance"}))


class Measured(NamedTuple):
    """One page: seconds at the median, at the 95th percentile and of the first request; bytes."""

    page: str
    median: float
    late: float
    first: float
    sent: int
    loaded: int
    """Bytes of the page with its scripts, styles and icon."""


def filled(path: str, events: int) -> Ledger:
    """A ledger of the sample city with at least so many events, ingested over some days."""
    ledger = open_ledger(path, clock=Clock(OPEN))
    assert isinstance(ledger.clock, Clock)
    adopt_policy(ledger, policy_text())
    held = position(ledger)
    if held < events:
        for _ in ingest_all(ledger, city(CITY, seed=3, year=YEAR), "bench", BATCH):
            held = position(ledger)
            ledger.clock.now = OPEN.replace(day=20 + min(held * 10 // events, 10))
            if held >= events:
                break
    ledger.clock.now = CLOSED
    return ledger


def close_and_pay(ledger: Ledger) -> None:
    """From here to a paid year, one payment of ten refused by the bank."""
    clock = ledger.clock
    assert isinstance(clock, Clock)
    with ledger.store.reading() as rows:
        if settlement_of(rows, POLICY, YEAR).stage == "closed":
            return
    acknowledging.propose(ledger, POLICY, YEAR, OFFICER)
    acknowledging.publish(ledger, POLICY, YEAR, OFFICER)
    clock.pass_(days=8)
    acknowledging.close(ledger, POLICY, YEAR, REVIEWER)
    acknowledging.order_payments(ledger, POLICY, YEAR, FINANCE)
    with ledger.store.reading() as rows:
        sql = "SELECT payment, amount FROM payments WHERE policy=? AND year=? ORDER BY payment"
        payments = rows.all(sql, [POLICY, YEAR])
    day = clock().date().isoformat()
    said = [
        Result(payment, "failed" if n % 10 == 0 else "made", amount, day, f"bank {n}")
        for n, (payment, amount) in enumerate(payments)
    ]
    for start in range(0, len(said), RESULTS_MAX):
        paying.record_results(ledger, POLICY, YEAR, FINANCE, said[start : start + RESULTS_MAX])


def pages(ledger: Ledger) -> Iterator[str]:
    """The addresses of the console's pages."""
    with ledger.store.reading() as rows:
        sql = "SELECT code FROM balances WHERE policy=? AND year=? ORDER BY eligible DESC, code LIMIT 1"
        code, last = rows.all(sql, [POLICY, YEAR])[0][0], rows.last_position()
        claim = rows.all("SELECT code, claim FROM claims WHERE policy=? AND year=? LIMIT 1", [POLICY, YEAR])
        refused = rows.all("SELECT digest FROM refused WHERE resolved IS NULL LIMIT 1")
    yield from ("/console/who", f"{HERE}/", f"{HERE}/enterprises", f"{HERE}/enterprises?q={quote('科技')}")
    yield from (
        f"{HERE}/enterprises?q={code[:12]}",
        f"{HERE}/enterprises?q=zzz",
        f"{HERE}/enterprises/{code}",
    )
    yield f"{HERE}/enterprises/{code}/statement"
    yield from (f"{HERE}/claims", f"{HERE}/claims?status=all", f"{HERE}/claims/new?enterprise={code}")
    yield from (f"{HERE}/claims/{of}/{quote(name)}" for of, name in claim)
    yield f"{HERE}/refused"
    yield from (f"{HERE}/refused/{digest}" for (digest,) in refused)
    yield from (f"{HERE}/settlement", f"{HERE}/settlement/lines", f"{HERE}/payments", f"{HERE}/adjustments")
    yield from (f"{HERE}/what-if", f"{HERE}/what-if?budget=8000000.00")
    yield from (f"{HERE}/replay", f"{HERE}/replay?kind=true&day=2024-06-30", f"{HERE}/difference")
    yield from (f"{HERE}/audit", f"{HERE}/log/{last}", f"{HERE}/log/{last // 2}")


def measured(client: FlaskClient, address: str, rounds: int) -> Measured:
    """Ask for a page: once, until its long reading is done, and then again and again."""
    first, text = _asked(client, address)
    until = time.monotonic() + PATIENCE
    while "<progress" in text and time.monotonic() < until:
        _, text = _asked(client, address)
    assert "<progress" not in text, f"{address} is still at work"
    times = sorted(_asked(client, address)[0] for _ in range(rounds))
    sent = len(text.encode())
    needs = {
        name for pair in re.findall(r'<script src="([^"]+)|<link [^>]*href="([^"]+)', text) for name in pair
    }
    loaded = sent + sum(len(client.get(name).data) for name in needs if name)
    late = times[min(rounds - 1, rounds * 95 // 100)]
    return Measured(address.removeprefix(HERE), statistics.median(times), late, first, sent, loaded)


def _asked(client: FlaskClient, address: str) -> tuple[float, str]:
    began = time.perf_counter()
    response = client.get(address)
    taken = time.perf_counter() - began
    assert response.status_code == 200, (address, response.status_code, response.text[:2000])
    return taken, response.text


def report(events: int, path: str | None = None, rounds: int = ROUNDS) -> list[Measured]:
    """Print the table; a row for each page and stage."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = filled(path or f"{folder}/pages.db", events)
        app = create_app(ledger)
        app.config["SIGNING_KEY"] = f"{folder}/signing.key"
        client = app.test_client()
        client.set_cookie("subsidy-language", "zh")
        found: list[Measured] = []
        for stage in ("open", "closed"):
            if stage == "closed":
                close_and_pay(ledger)
            print(f"{stage}: {position(ledger):,} events")
            print(f"{'median':>10} {'p95':>10} {'first':>10} {'bytes':>9} {'with all':>9}  page", flush=True)
            for address in pages(ledger):
                row = measured(client, address, rounds)
                found.append(row)
                times = " ".join(f"{each * 1e3:>8.1f}ms" for each in (row.median, row.late, row.first))
                print(f"{times} {row.sent:>9,} {row.loaded:>9,}  {row.page}", flush=True)
        ledger.close()
    slowest = max(found, key=lambda row: row.median)
    largest = max(found, key=lambda row: row.loaded)
    print(f"slowest at the median: {slowest.median * 1e3:.1f} ms, {slowest.page}")
    print(f"most bytes on a first load: {largest.loaded:,}, {largest.page}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--ledger", help="keep the ledger in this file")
    given = parser.parse_args()
    if given.ledger:
        Path(given.ledger).parent.mkdir(parents=True, exist_ok=True)
    report(given.events, given.ledger)
