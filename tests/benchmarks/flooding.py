"""What others wait for while one key floods, or sends a hundred thousand messages of one enterprise.

``python -m tests.benchmarks.flooding --messages 100000 --workers 1`` starts the service with identities
checked. A quiet caller asks a balance, and another key sends single messages, at a steady pace: first
alone, then beside each flood. Prints p50 and p99 of both, and p99 beside p99 alone. Floods come from
processes of their own, over as many connections as are named.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

from joserfc import jwt
from joserfc.jwk import ECKey

from ledger.intake.inbox import ingest
from ledger.intake.machine_keys import make_key
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from tests.benchmarks.one_enterprise import report_and_correct
from tests.benchmarks.serving import started
from tests.events import CIXI, CIXI_TEXT, OPERATOR, SOURCE, Feed
from tests.issuing import issuing
from tests.processes import Ports

ISSUER = "https://login.cixi.example"
SECONDS = 15.0
EVERY_SECONDS = 0.05
ENTERPRISES = 300
BATCH = 2_000
CONNECTIONS = 8
SLOW_ISSUER = "one slow issuer"
HUNDRED = 100
CLIENT_NICENESS = 19


class Door(NamedTuple):
    """Where the service is, and by what one is let in."""

    port: int
    officer: str
    quiet: str
    loud: str


class Latencies(NamedTuple):
    """How long answers took, in milliseconds, and what they were."""

    p50: float
    p99: float
    statuses: dict[int, int]


def post(connection: http.client.HTTPConnection, key: str, messages: Sequence[bytes]) -> int:
    """Send a batch; the status of the answer."""
    body = messages[0] if len(messages) == 1 else b"[" + b",".join(messages) + b"]"
    media = "application/cloudevents+json" if len(messages) == 1 else "application/cloudevents-batch+json"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": media}
    connection.request("POST", "/v1/events", body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


# --- floods ----------------------------------------------------------------------------------------


def flood(
    door: Door, number: int, batches: Sequence[Sequence[bytes]], stop: Event, is_unknown: bool = False
) -> None:
    """Send batches one after the other until told to stop; once all are sent, again from the first.

    Args:
        is_unknown: with a token each that names a key which its issuer is asked for, in place of the key.
    """
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=120)
    statuses, place = Counter[int](), 0
    while not stop.is_set():
        credential = unknown_token(number, place) if is_unknown else door.loud
        status = post(connection, credential, batches[place % len(batches)])
        statuses[status] += 1
        place += status != 429 or is_unknown
    print(f"    connection {number}: {place} batches, {dict(statuses)}", flush=True)


def unknown_token(number: int, place: int) -> str:
    """A token of the issuer's form, by a key that nobody has seen."""
    header = {"alg": "ES256", "kid": f"unseen-{number}-{place}"}
    parts = (json.dumps(header).encode(), b"{}", b"0" * 64)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def one_each(number: int, messages: int) -> list[list[bytes]]:
    """A message to bring with each token."""
    return [[Feed(400 + number).sales("online", 2024, "1.00")]]


def of_many(number: int, messages: int) -> list[list[bytes]]:
    """New facts of many enterprises."""
    feeds = [Feed(1_000 + number * ENTERPRISES + each) for each in range(ENTERPRISES)]
    made = [feeds[n % ENTERPRISES].sales("online", 2024, "100.00") for n in range(messages)]
    return [made[start : start + BATCH] for start in range(0, messages, BATCH)]


def of_one(number: int, messages: int) -> list[list[bytes]]:
    """Reports and corrections of one enterprise."""
    feed = Feed(7 + number)
    made = [each for n in range(messages // 2) for each in report_and_correct(feed, n)]
    return [made[start : start + BATCH] for start in range(0, messages, BATCH)]


def singles_of_one(number: int, messages: int) -> list[list[bytes]]:
    """More of the enterprise that sent the hundred thousand, each by itself."""
    feed = Feed(7)
    feed.count = 10_000_000 + number * 1_000_000
    return [[feed.sales("online", 2024, "100.00")] for _ in range(messages // HUNDRED)]


def wrong(number: int, messages: int) -> list[list[bytes]]:
    """Messages that are all refused, each another one."""
    feed = Feed(500 + number)
    made = [feed.sales("online", 2024, f"much {n}") for n in range(messages // 10)]
    return [made[start : start + BATCH] for start in range(0, len(made), BATCH)]


FLOODS: dict[str, tuple[Callable[[int, int], list[list[bytes]]], int]] = {
    "one key, facts of many": (of_many, CONNECTIONS),
    "one key, all refused": (wrong, CONNECTIONS),
    "one enterprise, in batches": (of_one, 1),
    "one enterprise, one by one": (singles_of_one, CONNECTIONS),
    SLOW_ISSUER: (one_each, CONNECTIONS),
}


def run_flood(
    make: Callable[[int, int], list[list[bytes]]],
    door: Door,
    number: int,
    messages: int,
    ready: Event,
    stop: Event,
) -> None:
    """A process of one connection; it takes the processor only where the service and the others leave it.

    Those who flood sit elsewhere: on a small machine they would hold the others up by what they
    themselves cost, whatever the service did.
    """
    os.nice(CLIENT_NICENESS)
    batches = make(number, messages)
    ready.set()
    flood(door, number, batches, stop, make is one_each)


@contextmanager
def flooded(name: str, door: Door, messages: int) -> Iterator[None]:
    """While it is flooded."""
    make, connections = FLOODS[name]
    context = multiprocessing.get_context("spawn")
    stop, ready = context.Event(), [context.Event() for _ in range(connections)]
    processes = [
        context.Process(target=run_flood, args=(make, door, n, messages // connections, ready[n], stop))
        for n in range(connections)
    ]
    for process in processes:
        process.start()
    for each in ready:
        each.wait(120)
    time.sleep(1)
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(150)


# --- the others ------------------------------------------------------------------------------------


def timed(ask: Callable[[int], int]) -> Latencies:
    """Ask at a steady pace for some seconds; a late answer delays the next one's start, and counts whole."""
    took, statuses, began = list[float](), Counter[int](), time.perf_counter()
    while (now := time.perf_counter()) < began + SECONDS:
        statuses[ask(len(took))] += 1
        took.append((time.perf_counter() - now) * 1e3)
        time.sleep(max(0.0, EVERY_SECONDS - (time.perf_counter() - now)))
    took.sort()
    return Latencies(took[len(took) // 2], took[len(took) * 99 // 100], dict(statuses))


def measure(door: Door, round_number: int) -> dict[str, Latencies]:
    """A balance, and a message of another key."""
    feed, found = Feed(90_000 + round_number), dict[str, Latencies]()
    reading, writing = (http.client.HTTPConnection("127.0.0.1", door.port, timeout=120) for _ in range(2))

    def read(number: int) -> int:
        path = f"/v1/enterprises/{Feed(1_000 + number % ENTERPRISES).code}/balances/{CIXI}/2024"
        reading.request("GET", path, headers={"Authorization": f"Bearer {door.officer}"})
        answer = reading.getresponse()
        answer.read()
        return answer.status

    def write(_: int) -> int:
        return post(writing, door.quiet, [feed.sales("online", 2024, "1.00")])

    def run(name: str, ask: Callable[[int], int]) -> None:
        found[name] = timed(ask)

    threads = [threading.Thread(target=run, args=each) for each in (("balance", read), ("message", write))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def prepare(database: str, key: ECKey) -> dict[str, str]:
    """A ledger with keys and enterprises; what lets the callers in."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "subsidy-ledger", "sub": "u1", "iat": now, "exp": now + 36_000}
    named = {"preferred_username": "li", "roles": ["officer"]}
    officer = jwt.encode({"alg": "ES256", "kid": "k1"}, {**claims, **named}, key)
    with closing(open_ledger(database)) as ledger:
        adopt_policy(ledger, CIXI_TEXT)
        for each in range(ENTERPRISES):
            ingest(ledger, [Feed(1_000 + each).shop("tmall", "x", "2024-03-01")], "bench")
        keys = {name: make_key(ledger, OPERATOR, name, SOURCE, []) for name in ("quiet", "loud")}
    return {"officer": officer, **keys}


class Beside(NamedTuple):
    """What the others wait for beside a flood, and alone."""

    flood: str
    what: str
    """``balance`` or ``message``."""
    beside: Latencies
    alone: Latencies

    @property
    def ratio(self) -> float:
        """How many times the p99 alone the p99 beside the flood is."""
        return self.beside.p99 / self.alone.p99

    def line(self) -> str:
        """As a row of the table."""
        waits = f"p50 {self.beside.p50:7.1f} ms  p99 {self.beside.p99:7.1f} ms  {self.ratio:5.1f} x"
        return f"{self.flood:<28} {self.what:<8} {waits}  {self.beside.statuses}"


def report(messages: int, workers: int = 1, database: str = "", only: str = "") -> list[Beside]:
    """Print a row for each flood whose name has ``only`` in it; the rows."""
    rows: list[Beside] = []
    with tempfile.TemporaryDirectory() as name, issuing() as issuer:
        folder, ports = Path(name), Ports()
        database, port = database or f"{folder}/ledger.db", ports.take()
        credentials = prepare(database, issuer.key)
        issuer.answers.set()
        settings = {"database": database, "port": str(port), "workers": str(workers)}
        settings |= {"signing_key": f"{folder}/key", "identity": "required", "oidc_issuer": ISSUER}
        settings |= {"oidc_jwks": issuer.address}
        with started(["services.cli", "serve"], port, "/health/live", **settings):
            door = Door(port, **credentials)
            measure(door, 0)
            alone = measure(door, 1)
            print(f"alone: {alone}", flush=True)
            for number, flood_name in enumerate(FLOODS, start=2):
                if only not in flood_name:
                    continue
                if flood_name == SLOW_ISSUER:
                    issuer.answers.clear()
                with flooded(flood_name, door, messages):
                    beside = measure(door, number)
                for what, latencies in beside.items():
                    rows.append(Beside(flood_name, what, latencies, alone[what]))
                    print(rows[-1].line(), flush=True)
        ports.release()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--database", default="")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    report(given.messages, given.workers, given.database, given.only)
