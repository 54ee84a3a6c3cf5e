"""What a replay costs beside reading and decoding the same rows, and what a second process gains.

``python -m tests.benchmarks.replaying --events 1000000`` fills a ledger, then replays it into
balances and factor in columns (``ledger.simulation.city.replayed``, as audits beyond one machine do), and
into every read model of a database of its own (``subsidy-ledger replay``), by one process and by
two. Beside them the same rows are read in the same order and decoded by msgspec, the fastest JSON
reader for Python that we know, and dropped. Every replay must end in the ledger's own figures.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from domain.money.amounts import parse_fen
from ledger.budget.pools import open_years
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy, budget_of, rulebook, rulebooks
from ledger.projections.enterprises import rebuild
from ledger.replay.comparison import fingerprint
from ledger.replay.parts import ReplayWorkers, rebuild_in_parts
from ledger.simulation.city import Paid, replayed
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import Rows
from services.runtime.starting import relax
from services.sample.city import city
from services.sample.policy import POLICY, YEAR, policy_text
from tests import answers as queries
from tests.benchmarks.measured import HEAD, Measured, clock, taking_turns

EVENTS = 1_000_000
ROUNDS = 3
PROCESSES = 2
ORDERED = "SELECT originator_id, originator_version, topic, state FROM stored_events ORDER BY 1, 2"


def fill(database: str, events: int) -> None:
    """A ledger of about so many events of a sample city."""
    with closing(open_ledger(database)) as ledger:
        adopt_policy(ledger, policy_text())
        for _ in ingest_all(ledger, itertools.islice(city(10_000_000, seed=9), events), "bench", 5_000):
            pass


def decoded(rows: Rows, sql: str = ORDERED) -> int:
    """Read every stored event and decode it, building nothing."""
    decode = msgspec.json.Decoder().decode
    count = 0
    for row in rows.stream(sql):
        decode(row[3])
        count += 1
    return count


def balances(rows: Rows) -> Paid:
    """What everyone is paid, and what shares the budget, from the events alone."""
    book = rulebook(rows, POLICY)
    paid = replayed(rows, rows.last_position())
    return paid.paid(rows, book, open_years(rows, book, YEAR), budget_of(rows, book, YEAR))


def exact(ledger: Ledger, rows: Rows, found: Paid) -> None:
    """Hold a replay to the ledger.

    Raises:
        ArithmeticError: where a figure differs.
    """
    year = queries.budget(ledger, rows, POLICY, YEAR)
    if (found.shares.total, int(found.fen.sum())) != (parse_fen(year["sharing"]), parse_fen(year["payable"])):
        raise ArithmeticError(f"replayed {found.shares.total}, {found.fen.sum()}; the ledger has {year}")


def columns(database: str) -> Measured:
    """The row of balances and factor."""
    with closing(open_ledger(database)) as ledger, ledger.store.reading() as rows:
        exact(ledger, rows, balances(rows))
        count = decoded(rows)
        bare, whole = taking_turns(lambda: decoded(rows), lambda: balances(rows), ROUNDS)
        by_position = clock(lambda: decoded(rows, ORDERED.replace("1, 2", "rowid")))
    detail = (
        f"{count:,} events; {whole / count * 1e6:.1f} µs an event beside {bare / count * 1e6:.1f} "
        f"in the order that a replay needs, {by_position / count * 1e6:.1f} in the order of recording"
    )
    return Measured(
        "full replay into balances and factor",
        "reading and decoding the same rows",
        0.5,
        bare / whole,
        detail,
    )


def models(database: str) -> Measured:
    """The row of two processes."""
    prints: set[str] = set()

    def build(processes: int) -> float:
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(open_ledger(database)) as ledger,
            closing(open_ledger(f"{folder}/again.db")) as replica,
            ledger.store.reading() as rows,
        ):
            position, books = rows.last_position(), rulebooks(rows)
            several = ReplayWorkers(database, processes, folder)
            if processes == 1:
                with replica.store.writing() as target:
                    took = clock(lambda: rebuild(rows, target, books, position))
            else:
                took = clock(lambda: rebuild_in_parts(rows, replica, books, position, several))
            with replica.store.reading() as again:
                prints.update((fingerprint(rows), fingerprint(again)))
        return took

    turns = [(build(1), build(PROCESSES)) for _ in range(ROUNDS)]
    one, two = (statistics.median(each) for each in zip(*turns, strict=True))
    if len(prints) != 1:
        raise ArithmeticError("the replays differ")
    detail = f"every read model into a file of its own: {one:.1f} s and {two:.1f} s, one fingerprint"
    return Measured("replay by two processes", "by one", 1.7, one / two, detail)


def measure(events: int) -> list[Measured]:
    """Both rows."""
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "ledger.db")
        fill(database, events)
        return [columns(database), models(database)]


def main() -> None:
    """Print both rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    given = parser.parse_args()
    relax()
    print(HEAD)
    for row in measure(given.events):
        print(row.line(), flush=True)


if __name__ == "__main__":
    main()
