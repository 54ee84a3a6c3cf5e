"""What a balance over HTTP costs beside another checkout, the service's start left out.

``python -m tests.benchmarks.answering --old FOLDER`` has both checkouts serve a sample ledger that each
filled itself, taking turns, to one caller on a kept connection, and prints the ratio of the medians of
processor time (``resource``) of the service and its workers. The time of a service that gave its first
answer and no other is taken off.
"""

from __future__ import annotations

import http.client
import tempfile
from pathlib import Path

from tests.benchmarks.measured import Measured
from tests.benchmarks.serving import ROOT, balances
from tests.benchmarks.starting import compare, print_beside, processor_seconds, run, serve, serving
from tests.processes import Ports

REQUESTS = 4_000
REACH = 1.02


def ask(port: int, paths: list[str]) -> None:
    """Ask for balances, one after another, on one connection.

    Raises:
        SystemExit: where one is not given.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(REQUESTS):
        connection.request("GET", paths[number % len(paths)])
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status} for {paths[number % len(paths)]}")
    connection.close()


def measure(old: Path, enterprises: int) -> list[Measured]:
    """The one row."""
    with tempfile.TemporaryDirectory() as folder:
        databases = {checkout: f"{folder}/{index}.db" for index, checkout in enumerate((ROOT, old))}
        for checkout, database in databases.items():
            run(checkout, "--database", database, "sample", "--enterprises", str(enterprises))
        paths = balances(databases[ROOT])
        ports = Ports()
        port = ports.take()

        def answer(checkout: Path) -> None:
            with serving(checkout, databases[checkout], port):
                ask(port, paths)

        def seconds(checkout: Path) -> float:
            started = processor_seconds(lambda place: serve(place, databases[place], port), checkout)
            return processor_seconds(answer, checkout) - started

        row = compare("balance over HTTP", REACH, lambda: seconds(ROOT), lambda: seconds(old))
        ports.release()
    return [row]


if __name__ == "__main__":
    print_beside(__doc__, measure)
