"""What appending costs beside the eventsourcing library's raw append of the same stored events.

``python -m tests.benchmarks.appending --events 60000`` takes a sample city's messages, checked
beforehand, to commits of 2,000: duplicates looked up, the rules that need the ledger, events,
the Merkle log, and every read model. After each batch the library's own
``recorder.insert_events`` stores the very same events in a database of the same kind with the
same durability: no keys, no log, no balances. What decoding and checking add is told apart.

Afterwards a replay must give the same read models, and the log's tree must hold every event.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from eventsourcing.persistence import StoredEvent

from ledger.audit.check import check_log
from ledger.intake.inbox import check_messages, record
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from services.runtime.starting import relax
from services.sample.city import city
from services.sample.policy import policy_text
from tests.benchmarks.measured import HEAD, Measured, clock, spread
from tests.postgres import Server

BATCH = 2_000
EVENTS = 60_000
REACH = 0.5


@contextmanager
def databases(postgres: bool) -> Iterator[tuple[str, str, Path]]:
    """Two databases of one kind, and a folder."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if postgres:
            server = Server()
            stack.callback(server.remove)
            yield server.url(server.create()), server.url(server.create()), folder
        else:
            yield str(folder / "ours.db"), str(folder / "raw.db"), folder


def stored_after(ledger: Ledger, position: int) -> list[StoredEvent]:
    """The events that the ledger stored after a position, as the library reads them."""
    found = ledger.application.recorder.select_notifications(start=position + 1, limit=BATCH)
    return [StoredEvent(n.originator_id, n.originator_version, n.topic, n.state) for n in found]


def last(ledger: Ledger) -> int:
    """The ledger's last position."""
    with ledger.store.reading() as rows:
        return rows.last_position()


def appended(ours: Ledger, raw: Ledger, events: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds an event, batch by batch: ours without decoding, decoding, the library's raw append."""
    messages = city(10_000_000, seed=9)
    recording, decoding, bare = [], [], []
    while (before := last(ours)) < events:
        batch = list(itertools.islice(messages, BATCH))
        said = check_messages(ours, batch)
        decoding.append(clock(lambda of=batch: check_messages(ours, of)) / BATCH)  # type: ignore[misc]
        took = clock(lambda of=batch, said=said: record(ours, of, said, "bench"))  # type: ignore[misc]
        same = stored_after(ours, before)
        recording.append(took / len(same))
        bare.append(clock(lambda of=same: raw.application.recorder.insert_events(of)) / len(same))  # type: ignore[misc]
    return recording, decoding, bare


def exact(ledger: Ledger, folder: Path) -> None:
    """Hold the ledger to a replay and to its log.

    Raises:
        ArithmeticError: where the measured work left anything out.
    """
    if not replay(ledger, str(folder / "again.db")).equal:
        raise ArithmeticError("a replay gives other read models")
    with ledger.store.reading() as rows:
        if faults := check_log(rows, []):
            raise ArithmeticError(f"the log does not hold: {faults[:3]}")


def measure(events: int, postgres: bool) -> Measured:
    """The row of one kind of database."""
    with databases(postgres) as (one, other, folder):
        with closing(open_ledger(one)) as ours, closing(open_ledger(other)) as raw:
            adopt_policy(ours, policy_text())
            recording, decoding, bare = appended(ours, raw, events)
            exact(ours, folder)
        mine, read, theirs = (statistics.median(each) for each in (recording, decoding, bare))
    by_batch = [b / r for b, r in zip(bare, recording, strict=True)]
    detail = (
        f"{mine * 1e6:.0f} µs an event beside {theirs * 1e6:.0f}; by batch {spread(by_batch)}; "
        f"with decoding ({read * 1e6:.0f} µs) {theirs / (mine + read):.2f}"
    )
    name = "PostgreSQL" if postgres else "SQLite"
    return Measured(
        f"append a checked batch with its projections, {name}", "raw append", REACH, theirs / mine, detail
    )


def main() -> None:
    """Print both rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    given = parser.parse_args()
    relax()
    print(HEAD)
    for postgres in (False, True):
        print(measure(given.events, postgres).line(), flush=True)


if __name__ == "__main__":
    main()
