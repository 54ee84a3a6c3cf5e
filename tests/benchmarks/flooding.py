"""What others wait for while one key floods, or sends a hundred thousand messages of one enterprise.

``python -m tests.benchmarks.flooding --messages 100000 --workers 1 --rounds 3`` starts the service with
identities checked; with ``--postgres`` on a server of its own. A quiet caller asks a balance, and another
key sends single messages, at a steady pace: alone and beside each flood in turn, since a machine is not
equally fast all the time. Prints p50 and p99 of both, p99 beside p99 alone, and what of the flood was
recorded a second. Floods come from processes of their own, over as many connections as are named.
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
from contextlib import closing, contextmanager, nullcontext
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import NamedTuple

from joserfc import jwt
from joserfc.jwk import ECKey

from ledger.intake.inbox import ingest
from ledger.intake.machine_keys import make_key
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from tests.benchmarks.one_enterprise import report_and_correct
from tests.benchmarks.serving import started
from tests.events import CIXI, CIXI_TEXT, OPERATOR, SOURCE, Feed
from tests.issuing import issuing
from tests.postgres import Server
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


class Part(NamedTuple):
    """What one connection sends in one round."""

    number: int
    messages: int
    round: int

    def feed(self, number: int) -> Feed:
        """An enterprise's feed, whose events are new in each round."""
        feed = Feed(number)
        feed.count = (1 + self.round) * 10_000_000 + self.number * 1_000_000
        return feed


def one_each(part: Part) -> list[list[bytes]]:
    """A message to bring with each token."""
    return [[part.feed(400 + part.number).sales("online", 2024, "1.00")]]


def of_many(part: Part) -> list[list[bytes]]:
    """New facts of many enterprises."""
    feeds = [part.feed(1_000 + part.number * ENTERPRISES + each) for each in range(ENTERPRISES)]
    messages = part.messages
    made = [feeds[n % ENTERPRISES].sales("online", 2024, "100.00") for n in range(messages)]
    return [made[start : start + BATCH] for start in range(0, messages, BATCH)]


def of_one(part: Part) -> list[list[bytes]]:
    """Reports and corrections of one enterprise."""
    feed = part.feed(7 + part.number)
    made = [each for n in range(part.messages // 2) for each in report_and_correct(feed, n)]
    return [made[start : start + BATCH] for start in range(0, part.messages, BATCH)]


def singles_of_one(part: Part) -> list[list[bytes]]:
    """More of the enterprise that sent the hundred thousand, each by itself."""
    feed = part.feed(7)
    return [[feed.sales("online", 2024, "100.00")] for _ in range(part.messages // HUNDRED)]


def wrong(part: Part) -> list[list[bytes]]:
    """Messages that are all refused, each another one."""
    feed = part.feed(500 + part.number)
    made = [feed.sales("online", 2024, f"much {n}") for n in range(part.messages // 10)]
    return [made[start : start + BATCH] for start in range(0, len(made), BATCH)]


FLOODS: dict[str, tuple[Callable[[Part], list[list[bytes]]], int]] = {
    "one key, facts of many": (of_many, CONNECTIONS),
    "one key, all refused": (wrong, CONNECTIONS),
    "one enterprise, in batches": (of_one, 1),
    "one enterprise, one by one": (singles_of_one, CONNECTIONS),
    SLOW_ISSUER: (one_each, CONNECTIONS),
}


def run_flood(
    make: Callable[[Part], list[list[bytes]]], door: Door, part: Part, ready: Event, stop: Event
) -> None:
    """A process of one connection; it takes the processor only where the service and the others leave it.

    Those who flood sit elsewhere: on a small machine they would hold the others up by what they
    themselves cost, whatever the service did.
    """
    os.nice(CLIENT_NICENESS)
    batches = make(part)
    ready.set()
    flood(door, part.number, batches, stop, make is one_each)


@contextmanager
def flooded(name: str, door: Door, messages: int, round_number: int) -> Iterator[None]:
    """While it is flooded."""
    make, connections = FLOODS[name]
    context = multiprocessing.get_context("spawn")
    stop, ready = context.Event(), [context.Event() for _ in range(connections)]
    processes = [
        context.Process(target=run_flood, args=(make, door, part, ready[part.number], stop))
        for part in (Part(n, messages // connections, round_number) for n in range(connections))
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
        waits = f"p50 {self.beside.p50:7.1f} ms  p99 {self.beside.p99:7.1f} ms"
        alone = f"alone {self.alone.p50:5.1f} {self.alone.p99:6.1f} ms"
        ratio = f"{self.ratio:4.1f} x  {self.beside.statuses}"
        return f"{self.flood:<28} {self.what:<8} {waits}  {alone}  {ratio}"


@contextmanager
def counted(ledger: Ledger, name: str) -> Iterator[None]:
    """Print how many events were recorded a second meanwhile."""
    with ledger.store.reading() as rows:
        before, began = rows.last_position(), time.monotonic()
    yield
    with ledger.store.reading() as rows:
        rate = (rows.last_position() - before) / (time.monotonic() - began)
    print(f"    {name}: {rate:,.0f} events a second", flush=True)


def measure_beside(door: Door, ledger: Ledger, name: str, messages: int, number: int) -> list[Beside]:
    """What the others wait for alone, and then beside a flood."""
    alone = measure(door, 2 * number)
    with flooded(name, door, messages, number):
        with counted(ledger, "flood alone"):
            time.sleep(SECONDS / 4)
        with counted(ledger, "flood beside others"):
            beside = measure(door, 2 * number + 1)
    return [Beside(name, what, latencies, alone[what]) for what, latencies in beside.items()]


def report(
    messages: int, workers: int = 1, database: str = "", only: str = "", rounds: int = 1
) -> list[Beside]:
    """Print a row for each flood whose name has ``only`` in it, in each round; the rows."""
    rows: list[Beside] = []
    with tempfile.TemporaryDirectory() as name, issuing() as issuer:
        folder, ports = Path(name), Ports()
        database, port = database or f"{folder}/ledger.db", ports.take()
        credentials = prepare(database, issuer.key)
        issuer.answers.set()
        settings = {"database": database, "port": str(port), "workers": str(workers)}
        settings |= {"signing_key": f"{folder}/key", "identity": "required", "oidc_issuer": ISSUER}
        settings |= {"oidc_jwks": issuer.address}
        with (
            started(["services.cli", "serve"], port, "/health/live", **settings),
            closing(open_ledger(database)) as ledger,
        ):
            door = Door(port, **credentials)
            measure(door, 0)
            floods = [each for each in FLOODS if only in each]
            for number, flood_name in enumerate(floods * rounds, start=1):
                if flood_name == SLOW_ISSUER:
                    issuer.answers.clear()
                for row in measure_beside(door, ledger, flood_name, messages, number):
                    rows.append(row)
                    print(row.line(), flush=True)
                issuer.answers.set()
        ports.release()
    return rows


@contextmanager
def own_postgres() -> Iterator[str]:
    """A database on a server of PostgreSQL that is there for this alone."""
    server = Server()
    try:
        yield server.url(server.create())
    finally:
        server.remove()


def main() -> None:
    """Print the table."""
    global SECONDS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    SECONDS = given.seconds
    with own_postgres() if given.postgres else nullcontext("") as database:
        rows = report(given.messages, given.workers, database, given.only, given.rounds)
    for name, what in dict.fromkeys((row.flood, row.what) for row in rows):
        ratios = sorted(row.ratio for row in rows if (row.flood, row.what) == (name, what))
        print(f"{name:<28} {what:<8} median {median(ratios):.1f} x of {[f'{each:.1f}' for each in ratios]}")


if __name__ == "__main__":
    main()
