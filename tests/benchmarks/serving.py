"""What a balance costs over HTTP beside a handler that does nothing, and a start beside an empty one.

``python -m tests.benchmarks.serving --events 1000000`` starts the service as an operator does, with
one worker, and beside it the same server with a Flask application of one empty handler. Callers in
a process of their own ask both in turn, each call on a kept connection. The service identifies the
caller, holds it to the table of access, notes the read of an enterprise's data, counts, and adds
its headers; the empty handler does none of it.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from flask import Flask

from ledger.store.application import open_ledger
from services.sample.policy import POLICY, YEAR
from tests import answers as queries
from tests.benchmarks.measured import HEAD, Measured, spread
from tests.benchmarks.replaying import fill
from tests.processes import Ports

EVENTS = 1_000_000
SECONDS = 3.0
ROUNDS = 5
CALLERS = 2
STARTS = 5
STALL_SECONDS = 30
START_SECONDS_MAX = 60
CODES = 500
ROOT = Path(__file__).resolve().parents[2]


class Rate(NamedTuple):
    """Requests a second, and the slowest of a hundred in seconds."""

    a_second: float
    p99: float


def empty() -> Flask:
    """An application that does nothing."""
    app = Flask("empty")
    app.add_url_rule("/", view_func=lambda: "")
    return app


def serve_empty(port: int) -> None:
    """The server of the service, with its settings, in front of nothing."""
    from granian.constants import HTTPModes, Interfaces, RuntimeModes
    from granian.server import Server

    from services.server.front import Front

    Server(
        "tests.benchmarks.serving:empty",
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        runtime_mode=RuntimeModes.st,
        websockets=False,
        log_access=False,
    ).serve(target_loader=lambda: Front(empty(), STALL_SECONDS, port), wrap_loader=False)


@contextmanager
def started(command: list[str], at: int, path: str, **settings: str) -> Iterator[float]:
    """A server; how many seconds it took to its first answer."""
    environment = {
        **os.environ,
        **{f"SUBSIDY_LEDGER_{name.upper()}": value for name, value in settings.items()},
    }
    quiet = subprocess.DEVNULL
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=quiet, stderr=quiet
    )
    try:
        while not answers(at, path):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS_MAX:
                raise SystemExit(f"{' '.join(command)} did not answer")
            time.sleep(0.005)
        yield time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int, path: str) -> bool:
    """Whether a server gives an answer."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False


def asked(port: int, paths: list[str], callers: int) -> Rate:
    """Ask for some seconds."""
    took: list[float] = []

    def caller(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        place = number * len(paths) // callers
        until = time.perf_counter() + SECONDS
        while (began := time.perf_counter()) < until:
            connection.request("GET", paths[place % len(paths)])
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"{answer.status} for {paths[place % len(paths)]}")
            took.append(time.perf_counter() - began)
            place += 1

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(callers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return Rate(len(took) / SECONDS, sorted(took)[len(took) * 99 // 100])


def balances(database: str) -> list[str]:
    """Addresses of some enterprises' balances."""
    with closing(open_ledger(database)) as ledger, ledger.store.reading() as rows:
        found = queries.enterprises(rows, POLICY, YEAR, "", CODES)
    return [f"/v1/enterprises/{each['enterprise']}/balances/{POLICY}/{YEAR}" for each in found]


def service(database: str, port: int) -> dict[str, str]:
    """The settings of a service of one worker."""
    key = str(Path(database).with_suffix(".key"))
    return {"database": database, "port": str(port), "workers": "1", "signing_key": key}


def rates(database: str) -> list[Measured]:
    """The rows of a balance."""
    ports = Ports()
    one, other = ports.take(), ports.take()
    paths = balances(database)
    nothing = ["tests.benchmarks.serving", "--empty", str(other)]
    with (
        started(["services.cli", "serve"], one, "/health/live", **service(database, one)),
        started(nothing, other, "/"),
    ):
        asked(one, paths, 1)
        turns = [(asked(one, paths, CALLERS), asked(other, ["/"], CALLERS)) for _ in range(ROUNDS)]
    ports.release()
    each = [ours.a_second / theirs.a_second for ours, theirs in turns]
    late = [ours.p99 / theirs.p99 for ours, theirs in turns]
    ours, theirs = (statistics.median(pair[side].a_second for pair in turns) for side in (0, 1))
    slow, quick = (statistics.median(pair[side].p99 for pair in turns) * 1e3 for side in (0, 1))
    detail = f"{CALLERS} callers, one worker: {ours:,.0f} and {theirs:,.0f} a second; {spread(each)}"
    tail = f"{slow:.2f} ms and {quick:.2f} ms; {spread(late)}"
    beside = "an empty Flask handler on the same server"
    return [
        Measured("balance of an enterprise over HTTP, requests a second", beside, 0.7, ours / theirs, detail),
        Measured("the same, p99", beside, 2, slow / quick, tail, most=True),
    ]


def starts(database: str, folder: str) -> Measured:
    """The row of a start."""
    ports = Ports()
    port = ports.take()
    path = f"/v1/policies/{POLICY}/years/{YEAR}/budget"
    none = f"{folder}/none.db"
    fill(none, 0)
    took: dict[str, list[float]] = {database: [], none: []}
    for turn in range(STARTS):
        for each in (database, none) if turn % 2 else (none, database):
            with started(["services.cli", "serve"], port, path, **service(each, port)) as seconds:
                took[each].append(seconds)
    ports.release()
    full, bare = statistics.median(took[database]), statistics.median(took[none])
    detail = f"to the first answer of the year's budget: {full:.2f} s and {bare:.2f} s"
    return Measured(
        "start to first answer, full ledger", "with no event", 1.5, full / bare, detail, most=True
    )


def measure(events: int) -> list[Measured]:
    """Every row."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/ledger.db"
        fill(database, events)
        return [*rates(database), starts(database, folder)]


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--empty", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.empty:
        serve_empty(given.empty)
        return
    print(HEAD)
    for row in measure(given.events):
        print(row.line(), flush=True)


if __name__ == "__main__":
    main()
