"""What a message of one enterprise costs, the more it sent before: ratios inside one run.

``python -m tests.benchmarks.one_enterprise --messages 100000`` sends reports with corrections, reports
with retractions, approvals, approvals with retractions, approvals that are held, claims with withdrawals,
years far above those before, reports under a replaced code, moves while something is held, reports of two
sources, shops, warehouses
and assessments of one enterprise each, and prints what a message costs in each quarter
beside the first: in calls of functions, and in seconds; then what messages cost that are sent alone before
all of them and at the end of each quarter.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from tests.events import CIXI, CIXI_TEXT, Feed

BATCH = 2_000
QUARTERS = 4
ALONE = 24
"""Messages sent one by one."""
POLICY_TEXT = (
    f"{CIXI_TEXT.rstrip()}\n"
    "disagreements:\n"
    "- {id: p, kind: claimed-twice, fact: ClaimApproved, same: [policy, measure, item], then: hold}\n"
)
Make = Callable[[Feed, int], list[bytes]]


def report_and_correct(feed: Feed, number: int) -> list[bytes]:
    """Sales, and other sales in their place."""
    return [
        feed.sales("online", 2024, "100.00"),
        feed.correct(feed.last, "sales-reported", amount=f"{number}.00"),
    ]


def report_and_retract(feed: Feed, number: int) -> list[bytes]:
    """Sales, and that there were none."""
    return [feed.sales("online", 2024, f"{number + 1}.00"), feed.retract(feed.last, "sales-reported")]


def report_and_move(feed: Feed, number: int) -> list[bytes]:
    """Sales, which were made through another channel."""
    sales = feed.sales("online", 2024, "1.00")
    return [sales, feed.correct(feed.last, "sales-reported", channel="domestic_own_brand")]


def retract_the_latest(feed: Feed, number: int) -> list[bytes]:
    """Sales that stand, and later ones that do not."""
    sales = [feed.sales("online", 2024, "1.00", f"2025-01-0{day}T00:00:00Z") for day in (1, 2)]
    return [*sales, feed.retract(feed.last, "sales-reported")]


def approve(feed: Feed, number: int) -> list[bytes]:
    """A claim that is approved."""
    return [feed.approved("standard.cixi", f"S{number}", 2024, "1.00")]


def approve_and_retract(feed: Feed, number: int) -> list[bytes]:
    """A claim that is approved, and was not."""
    return [*approve(feed, number), feed.retract(feed.last, "claim-approved")]


def approve_what_another_has(feed: Feed, number: int) -> list[bytes]:
    """A project that is approved for another enterprise too: both wait for a decision."""
    other = Feed(1_000 + feed.number)
    other.count = number
    return [other.approved("standard.cixi", f"S{number}", 2024, "1.00"), *approve(feed, number)]


def submit_and_withdraw(feed: Feed, number: int) -> list[bytes]:
    """A claim that is submitted, and withdrawn."""
    head = {"policy": CIXI, "claim": f"C{number}", "measure": "standard.cixi", "item": f"S{number}"}
    return [feed.send(f"claim-{step}", year=2024, **head) for step in ("submitted", "withdrawn")]


def open_shops(feed: Feed, number: int) -> list[bytes]:
    """A shop more."""
    return [feed.shop("tmall", f"S{number}", "2024-03-01")]


def recognise_warehouses(feed: Feed, number: int) -> list[bytes]:
    """A warehouse of two levels, of which one measure is set off against the other."""
    named = {"warehouse": f"W{number}", "on": "2024-05-01"}
    return [feed.send("warehouse-recognised", level=level, **named) for level in ("ningbo", "provincial")]


def assess(feed: Feed, number: int) -> list[bytes]:
    """Another assessment of the same year."""
    return [feed.of_year("contribution-assessed", 2024, f"{number + 1}.00")]


def report_far_above(feed: Feed, number: int) -> list[bytes]:
    """Sales of a year that is many times the best one before, and nothing more of that one."""
    best = "1.00" if number == 0 else "0.00"
    return [feed.sales("online", 2023, best), feed.sales("online", 2024, "100.00")]


def report_after_replacement(feed: Feed, number: int) -> list[bytes]:
    """Sales, and other sales in their place, of an enterprise whose credit code was replaced."""
    if number == 0:
        replaced = feed.send("enterprise-replaced", by=Feed(999).code, on="2024-06-01")
        return [replaced, feed.sales("online", 2025, "1.00")]
    return report_and_correct(feed, number)


def move_while_held(feed: Feed, number: int) -> list[bytes]:
    """Sales that were made through another channel, of an enterprise whose approval waits for a decision."""
    return approve_what_another_has(feed, number) if number == 0 else report_and_move(feed, number)


def report_by_two_sources(feed: Feed, number: int) -> list[bytes]:
    """Sales of one year that two sources report, never the same sum."""
    amounts = ("1.00", "2.00") if number == 0 else ("3.00", "3.00")
    sales = [feed.sales("online", 2024, amount) for amount in amounts]
    return [sales[0], sales[1].replace(b'"urn:tests"', b'"urn:tests:other"')]


MAKES: tuple[Make, ...] = (
    *(
        report_and_correct,
        report_and_retract,
        report_and_move,
        retract_the_latest,
        approve,
        approve_and_retract,
    ),
    *(approve_what_another_has, submit_and_withdraw),
    *(report_far_above, report_after_replacement, move_while_held, report_by_two_sources),
    *(open_shops, recognise_warehouses, assess),
)


class Cost(NamedTuple):
    """What a message cost."""

    calls: float
    seconds: float


def messages_of(make: Make, feed: Feed, count: int) -> Iterator[bytes]:
    """About as many messages of an enterprise."""
    for number in range(count // len(make(Feed(feed.number), 0))):
        yield from make(feed, number)


def cost_of(ledger: Ledger, messages: Sequence[bytes], batch: int = BATCH) -> Cost:
    """What a message costs to take in; every one must be accepted."""
    profile, began = cProfile.Profile(), time.process_time()
    for first in range(0, len(messages), batch):
        profile.enable()
        results = ingest(ledger, messages[first : first + batch], "bench")
        profile.disable()
        assert {result.status for result in results} == {"accepted"}
    calls: int = getattr(pstats.Stats(profile), "total_calls")  # noqa: B009 - not in its stubs
    return Cost(calls / len(messages), (time.process_time() - began) / len(messages))


def open_warm(path: Path, make: Make) -> Ledger:
    """A ledger in which all that is loaded at its first use is loaded."""
    ledger = open_ledger(str(path))
    adopt_policy(ledger, POLICY_TEXT)
    ingest(ledger, list(messages_of(make, Feed(2), 8)), "bench")
    return ledger


class Costs(NamedTuple):
    """What a message cost as one enterprise sent more and more."""

    quarters: list[Cost]
    alone: list[Cost]
    """Of those sent one by one, before the first quarter and at the end of each."""


def costs(folder: Path, make: Make, count: int) -> Costs:
    """What a message cost in each quarter of what one enterprise sends, and alone."""
    ledger = open_warm(folder / f"{make.__name__}.db", make)
    messages = messages_of(make, Feed(1), count + (QUARTERS + 1) * ALONE)

    def take(number: int, batch: int = BATCH) -> Cost:
        return cost_of(ledger, list(itertools.islice(messages, number)), batch)

    alone, quarters = [take(ALONE, 1)], list[Cost]()
    for _ in range(QUARTERS):
        quarters.append(take(count // QUARTERS))
        alone.append(take(ALONE, 1))
    ledger.close()
    return Costs(quarters, alone)


def main(count: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        for make in MAKES:
            name = make.__name__.replace("_", " ")
            for (first, *later), how in zip(costs(Path(folder), make, count), ("", "alone"), strict=True):
                beside = [f"{c.calls / first.calls:.2f}/{c.seconds / first.seconds:.2f}" for c in later]
                cost = f"{first.calls:>6.0f} calls {first.seconds * 1e6:>6.0f} us"
                print(f"{name:<24} {how:<5} {cost}  {'  '.join(beside)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    main(parser.parse_args().messages)
