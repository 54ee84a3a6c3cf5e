"""Eight writers at once, on the same and on different enterprises: nothing lost, doubled or skipped."""

from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from ledger.intake.inbox import ingest
from ledger.replay.comparison import fingerprint
from ledger.store.application import Ledger, open_ledger
from tests.conftest import LATER
from tests.events import CIXI, Feed, budget

PROCESSES, THREADS = 4, 2
WRITERS = PROCESSES * THREADS
ENTERPRISES = 6
BATCH = 7


def messages_of(writer: int, same_enterprises: bool) -> list[bytes]:
    """What one writer sends: shops and sales of its own, then what every writer sends."""
    found = []
    for number in range(ENTERPRISES):
        feed = Feed(1 + number + (0 if same_enterprises else 100 * writer))
        feed.count = 1_000 * writer
        found += [feed.shop("tmall", f"shop {writer}-{n}", f"2024-0{n}-01") for n in range(1, 8)]
        found += [feed.sales("online", 2010 + writer, f"{60 + number}000000.00")]
        found += [feed.of_year("contribution-assessed", 2010 + writer, "100000.00")]
    common = [Feed(900 + number) for number in range(ENTERPRISES)]
    return found + [feed.shop("jd", "common", "2024-05-05") for feed in common]


def batches_of(messages: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(messages), BATCH):
        yield messages[start : start + BATCH]


def write(address: str, writers: list[int], same_enterprises: bool) -> Counter[str]:
    """One process: its writers at once, each a batch after another."""
    ledger = open_ledger(address, clock=lambda: LATER)

    def one(writer: int) -> Counter[str]:
        statuses: Counter[str] = Counter()
        for batch in batches_of(messages_of(writer, same_enterprises)):
            statuses.update(result.status for result in ingest(ledger, batch, "tests"))
        return statuses

    try:
        with ThreadPoolExecutor(len(writers)) as threads:
            return sum(threads.map(one, writers), Counter[str]())
    finally:
        ledger.close()


class Follower(threading.Thread):
    """Reads on by position while others write, as a projection does, and notes what it sees."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(daemon=True)
        self.ledger, self.seen, self.polls = ledger, list[int](), 0
        self.done = threading.Event()

    def run(self) -> None:
        last = False
        while not last:
            last = self.done.is_set()
            with self.ledger.store.reading() as rows:
                after = self.seen[-1] if self.seen else 0
                found = rows.all("SELECT rowid FROM stored_events WHERE rowid>? ORDER BY rowid", [after])
            self.seen += [row[0] for row in found]
            self.polls += bool(found)


@pytest.mark.parametrize("same", [True, False], ids=["same enterprises", "different enterprises"])
def test_eight_writers_lose_double_and_skip_nothing(
    same: bool, open_at: Callable[..., Ledger], database_at: Callable[[str], str]
) -> None:
    ledger, serial = open_at(), open_at(name="serial.db")
    for writer in range(WRITERS):
        for batch in batches_of(messages_of(writer, same)):
            ingest(serial, batch, "tests")
    follower = Follower(ledger)
    follower.start()

    pool = ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn"))
    with pool:
        pairs = [[writer, writer + 1] for writer in range(0, WRITERS, THREADS)]
        jobs = [pool.submit(write, database_at("ledger.db"), pair, same) for pair in pairs]
        statuses = sum((job.result() for job in jobs), Counter[str]())
    follower.done.set()
    follower.join()

    sent = sum(len(messages_of(writer, same)) for writer in range(WRITERS))
    repeated = ENTERPRISES * (WRITERS - 1)
    assert statuses == {"accepted": sent - repeated, "duplicate": repeated}
    assert follower.seen == list(range(1, sent - repeated + 2))
    assert follower.polls > 3
    assert budget(ledger, CIXI, 2024) == budget(serial, CIXI, 2024)
    with ledger.store.reading() as rows, serial.store.reading() as expected:
        assert fingerprint(rows) == fingerprint(expected)
        batches = rows.all("SELECT last_position, recorded_at FROM batches ORDER BY last_position")
    assert [b[1] for b in batches] == sorted(b[1] for b in batches)
