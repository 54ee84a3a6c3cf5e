"""How long a year's closing takes for many awards, and how much memory, beside a bare sort.

``python -m tests.benchmarks.closing --awards 1000000 [--postgres]`` fills a ledger through its own
inbox: half as many enterprises, each with purchases and sales of design of amounts of their own.
The year is then proposed, published, closed and ordered to be paid. Beside it, in the same run,
the same amounts are sorted by NumPy and by Python, and apportioned as columns. The payments must
add up to min(budget, total), and every line be what an independent apportionment gives.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from domain.authority.roles import Actor
from domain.money.amounts import print_fen
from domain.money.apportioning import cut_of, shares
from domain.things.credit_code import complete
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.projections.settlements import lines_listed
from ledger.store.application import Ledger, open_ledger
from services.sample.policy import POLICY, YEAR, policy_text
from tests import acknowledging
from tests.benchmarks.growth import median_time
from tests.postgres import Server

BUDGET_FEN = 1_000_000_000
PROGRESS = 100_000
ROUNDS = 5
OFFICER, REVIEWER = Actor("Lin", frozenset({"officer"})), Actor("Shen", frozenset({"reviewer"}))
FINANCE = Actor("Qian", frozenset({"finance"}))
NOW = datetime(2025, 3, 3, 1, tzinfo=UTC)
KINDS = (("design-purchased", 10, 200_000_00), ("design-services-sold", 3, 300_000_00))
"""What is reported, the percentage that it earns, and the smallest amount (fen) that earns it."""


def reported(award: int) -> int:
    """What is reported for an award, in fen: scattered over the range below the measure's cap."""
    return KINDS[award % 2][2] + award * 2_654_435_761 % 470_000_000


def amounts(awards: int) -> Iterator[int]:
    """The awards in fen, in the order of their keys."""
    for award in range(awards):
        yield reported(award) * KINDS[award % 2][1] // 100


def messages(awards: int) -> Iterator[bytes]:
    """The facts that earn them."""
    for award in range(awards):
        data = {"year": YEAR, "amount": print_fen(reported(award)), "currency": "CNY"}
        said = {
            "specversion": "1.0",
            "id": str(award),
            "source": "urn:bench",
            "type": f"subsidy.{KINDS[award % 2][0]}.v1",
            "subject": complete(f"91330282{award // 2:09d}"),
            "time": "2024-12-31T04:00:00Z",
            "data": data,
        }
        yield json.dumps(said).encode()


def fill(ledger: Ledger, awards: int) -> None:
    """Take the facts in, showing progress."""
    began, done = time.perf_counter(), 0
    for results in ingest_all(ledger, messages(awards), "bench", batch=5_000):
        assert all(result.status == "accepted" for result in results)
        done += len(results)
        if done % PROGRESS == 0 or done == awards:
            rate = done / (time.perf_counter() - began)
            print(f"  {done:>10,} facts taken in, {rate:,.0f}/s", flush=True)


def peak_mb(start: bool = False) -> float:
    """The peak of resident memory since it was last started anew, in MiB."""
    if start:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def staged(name: str, work: Callable[[], Any]) -> Any:
    """Do one stage, and print its time and its memory: the peak, and how much that is above its start."""
    before, began = peak_mb(start=True), time.perf_counter()
    found = work()
    seconds, peak = time.perf_counter() - began, peak_mb()
    print(f"{name:<34} {seconds:>9.2f}s {peak:>9.0f} MiB {peak - before:>+9.0f}", flush=True)
    return found


def independent(of: list[int], budget: int) -> list[int]:
    """Largest remainder in Python's integers, by sorting."""
    total = sum(of)
    if total <= budget:
        return of
    parts = [divmod(amount * budget, total) for amount in of]
    order = sorted(range(len(of)), key=lambda place: (-parts[place][1], place))
    paid = [floor for floor, _ in parts]
    for place in order[: budget - sum(paid)]:
        paid[place] += 1
    return paid


def settle(ledger: Ledger) -> None:
    """The stages of a year, each with its time and memory."""
    year = (ledger, POLICY, YEAR)
    staged("propose", lambda: acknowledging.propose(*year, OFFICER))
    staged("publish", lambda: acknowledging.publish(*year, OFFICER))
    ledger.clock = lambda: NOW + timedelta(days=8)
    staged("close", lambda: acknowledging.close(*year, REVIEWER))
    ordered = staged("order payments", lambda: acknowledging.order_payments(*year, FINANCE))
    print(f"{ordered.payments:,} payments, {print_fen(ordered.total)} yuan", flush=True)


def sorted_beside(awards: int, budget: int) -> float:
    """Sort and apportion the same numbers bare; how long apportioning takes, in sorts."""
    column = np.fromiter(amounts(awards), dtype=np.int64, count=awards)
    peak_mb(start=True)
    by_numpy = median_time(lambda: np.sort(column), ROUNDS)
    by_columns = median_time(lambda: shares(column, budget, cut_of(column, budget)), ROUNDS)
    listed = column.tolist()
    by_python = median_time(lambda: sorted(listed), ROUNDS)
    print(f"{'NumPy sort of the amounts':<34} {by_numpy * 1e3:>8.1f}ms")
    print(f"{'Python sort of the amounts':<34} {by_python * 1e3:>8.1f}ms")
    ratio = by_columns / by_numpy
    print(f"{'apportioned as columns':<34} {by_columns * 1e3:>8.1f}ms {ratio:>8.2f} NumPy sorts", flush=True)
    return ratio


def check(ledger: Ledger, awards: int, budget: int) -> int:
    """Hold the list, and the payments ordered, to an independent apportionment; their sum comes back.

    Raises:
        ArithmeticError: where a fen differs.
    """
    of = list(amounts(awards))
    expected = independent(of, budget)
    with ledger.store.reading() as rows:
        lines = lines_listed(rows, POLICY, YEAR)
        for place, (line, gross, fen) in enumerate(zip(lines, of, expected, strict=True)):
            if (line.gross, line.payable) != (gross, fen):
                raise ArithmeticError(f"award {place}: {line}, not {gross} and {fen}")
        sql = "SELECT CAST(SUM(amount) AS BIGINT), COUNT(*) FROM payments WHERE policy=? AND year=?"
        paid, count = rows.all(sql, [POLICY, YEAR])[0]
    each = [one + other for one, other in zip(expected[::2], expected[1::2], strict=True)]
    if (paid, count) != (min(budget, sum(of)), sum(1 for fen in each if fen)):
        raise ArithmeticError(f"{count} payments of {paid} fen")
    return int(paid)


def report(awards: int, postgres: bool = False) -> int:
    """Run the benchmark; the payments' sum in fen comes back, checked."""
    with ExitStack() as stack:
        database = f"{stack.enter_context(tempfile.TemporaryDirectory())}/closing.db"
        if postgres:
            server = Server()
            stack.callback(server.remove)
            database = server.url(server.create())
        ledger = stack.enter_context(closing(open_ledger(database, clock=lambda: NOW)))
        adopt_policy(ledger, policy_text())
        print(f"{awards:,} awards on {ledger.dialect}")
        print(f"{'':<34} {'time':>10} {'peak RSS':>13} {'growth':>9}")
        staged("facts", lambda: fill(ledger, awards))
        settle(ledger)
        sorted_beside(awards, BUDGET_FEN)
        paid = check(ledger, awards, BUDGET_FEN)
        print(f"exact: {print_fen(paid)} yuan in payments, each line as the independent apportionment has it")
        return paid


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--awards", type=int, default=100_000, help="an even number")
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    report(arguments.awards, arguments.postgres)
