"""What a start costs beside another checkout: of the command line, and of the service to its first answer.

``python -m tests.benchmarks.starting --old FOLDER`` runs both checkouts with this interpreter, taking turns,
each over a sample ledger that it filled itself, and prints the ratios of their medians: processor time of
the process and all its children (``resource``), from its start to its end. A service ends once it has
answered the year's budget.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.statuses import ExitStatus
from services.sample.policy import POLICY, YEAR
from tests.benchmarks.measured import HEAD, Measured, spread
from tests.benchmarks.serving import ROOT, START_SECONDS_MAX, answers
from tests.processes import Ports

ROUNDS = 7
ENTERPRISES = 2_000
FIRST_ANSWER = f"/v1/policies/{POLICY}/years/{YEAR}/budget"
COMMAND = (sys.executable, "-m", "services.cli")

Work = Callable[[Path], object]
"""Something that is run in a checkout."""


def processor_seconds(work: Work, checkout: Path) -> float:
    """Processor time that the children of this process spent on a piece of work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work(checkout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment_of(checkout: Path) -> dict[str, str]:
    """What commands of a checkout run with; both write the bytecode that their first run compiles."""
    return {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": ""}


def run(checkout: Path, *arguments: str) -> str:
    """Run the command line of a checkout to its end; what it prints.

    Raises:
        CalledProcessError: where it ends otherwise than done, or done but for what it refused.
    """
    words = [*COMMAND, *arguments]
    done = subprocess.run(
        words, cwd=checkout, env=environment_of(checkout), stdout=subprocess.PIPE, text=True
    )
    if done.returncode not in (ExitStatus.DONE, ExitStatus.REFUSED):
        done.check_returncode()
    return done.stdout


@contextmanager
def serving(checkout: Path, database: str, port: int) -> Iterator[None]:
    """The service of a checkout, from its first answer until it is no longer needed.

    Raises:
        SystemExit: where it does not answer.
    """
    settings = {"DATABASE": database, "PORT": str(port), "WORKERS": "1", "SIGNING_KEY": f"{database}.key"}
    environment = environment_of(checkout)
    environment |= {f"SUBSIDY_LEDGER_{name}": value for name, value in settings.items()}
    quiet, began = subprocess.DEVNULL, time.monotonic()
    service = subprocess.Popen([*COMMAND, "serve"], cwd=checkout, env=environment, stdout=quiet, stderr=quiet)
    try:
        while not answers(port, FIRST_ANSWER):
            if service.poll() is not None or time.monotonic() - began > START_SECONDS_MAX:
                raise SystemExit(f"the service of {checkout} did not answer")
            time.sleep(0.01)
        yield
    finally:
        service.terminate()
        service.wait(START_SECONDS_MAX)


def serve(checkout: Path, database: str, port: int) -> None:
    """Start the service of a checkout, wait for its first answer, and stop it."""
    with serving(checkout, database, port):
        pass


def compare(name: str, reach: float, ours: Callable[[], float], theirs: Callable[[], float]) -> Measured:
    """One row: medians of both, measured in the order A B B A."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS):
        for side in (0, 1) if turn % 2 else (1, 0):
            seconds[side].append((ours, theirs)[side]())
    new, old = map(statistics.median, seconds)
    ratios = spread([one / other for one, other in zip(*seconds, strict=True)])
    detail = f"{new:.2f} s and {old:.2f} s of processor time; {ratios}"
    return Measured(name, "the other checkout", reach, new / old, detail, most=True)


def measure(old: Path, enterprises: int = ENTERPRISES) -> list[Measured]:
    """Both rows."""
    with tempfile.TemporaryDirectory() as folder:
        databases = {checkout: f"{folder}/{index}.db" for index, checkout in enumerate((ROOT, old))}
        for checkout, database in databases.items():
            run(checkout, "--database", database, "sample", "--enterprises", str(enterprises))
        ports = Ports()
        port = ports.take()

        def version(checkout: Path) -> float:
            return processor_seconds(lambda place: run(place, "--version"), checkout)

        def service(checkout: Path) -> float:
            return processor_seconds(lambda place: serve(place, databases[checkout], port), checkout)

        rows = [
            compare("start of the command line", 0.25, lambda: version(ROOT), lambda: version(old)),
            compare("service's start to first answer", 0.6, lambda: service(ROOT), lambda: service(old)),
        ]
        ports.release()
    return rows


def print_beside(about: str | None, measure_beside: Callable[[Path, int], list[Measured]]) -> None:
    """Print the rows of a measure beside the checkout that the command line names."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--old", type=Path, required=True, help="The checkout to compare with.")
    parser.add_argument("--enterprises", type=int, default=ENTERPRISES)
    asked = parser.parse_args()
    print(HEAD)
    for row in measure_beside(asked.old.resolve(), asked.enterprises):
        print(row.line(), flush=True)


if __name__ == "__main__":
    print_beside(__doc__, measure)
