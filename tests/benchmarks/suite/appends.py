"""Taking a city's messages in, beside the eventsourcing library used plainly, and bare inserts.

Ours: decoding, checking, duplicates, rules, events, every read model and the log, in commits of
``BATCH``. Theirs, in commits of the same messages: the library with an aggregate for each
enterprise, its own JSON, cache and recorder; and PostgreSQL's COPY of the raw messages into one
table with a primary key, its fastest way in. Neither checks, looks for duplicates or keeps a
balance. All commit with fsync.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from services.sample.city import city
from services.sample.policy import policy_text
from tests.benchmarks.appending import databases, exact
from tests.benchmarks.measured import clock
from tests.benchmarks.suite.samples import Work

BATCH, SEED = 2_000, 9
Taker = Callable[[list[bytes]], object]


class Enterprise(Aggregate):
    """An enterprise as the library's own examples write an aggregate."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.reports = 0

    @staticmethod
    def create_id(code: str) -> UUID:
        """The aggregate's id."""
        return uuid5(NAMESPACE_URL, code)

    @event("Reported")
    def report(self, message: str) -> None:
        """Take a message."""
        self.reports += 1


class Plain(Application[UUID]):
    """The library's application, with its cache of aggregates."""

    def take(self, batch: list[bytes]) -> int:
        """Take messages in one transaction; how many there were."""
        touched: dict[str, Enterprise] = {}
        for raw in batch:
            code = json.loads(raw)["subject"]
            if code not in touched:
                identity = Enterprise.create_id(code)
                known = identity in self.repository
                touched[code] = self.repository.get(identity) if known else Enterprise(code=code)
            touched[code].report(message=raw.decode())
        self.save(*touched.values())
        return len(batch)


def plain(database: str) -> Plain:
    """The library on SQLite, as durable as our own store."""
    return Plain(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": database,
            "AGGREGATE_CACHE_MAXSIZE": "0",
            "DEEPCOPY_FROM_AGGREGATE_CACHE": "n",
        }
    )


def copied(connection: psycopg.Connection) -> Taker:
    """PostgreSQL's COPY of raw messages into a table with a primary key, a commit a batch."""
    connection.execute("CREATE TABLE messages (source text, id text, body text, PRIMARY KEY (source, id))")
    connection.commit()

    def take(batch: list[bytes]) -> None:
        with connection.cursor() as cursor, cursor.copy("COPY messages FROM STDIN") as copy:
            for raw in batch:
                said = json.loads(raw)
                copy.write_row((said["source"], said["id"], raw.decode()))
        connection.commit()

    return take


def messages(events: int) -> Iterator[list[bytes]]:
    """A city's well-formed messages in batches, each id once, the same every time."""
    seen: set[tuple[str, str]] = set()
    fine: list[bytes] = []
    for raw in city(10_000_000, seed=SEED):
        try:
            said = json.loads(raw)
            key = str(said["source"]), str(said["id"])
            json.dumps(said["subject"]).encode()
        except (ValueError, KeyError, TypeError):
            continue
        if key in seen or "\\u0000" in raw.decode("utf-8", "replace"):
            continue
        seen.add(key)
        fine.append(raw)
        if len(fine) == BATCH:
            yield fine
            fine, events = [], events - BATCH
            if events <= 0:
                return


def turns(sides: dict[str, Taker], events: int) -> dict[str, list[float]]:
    """Microseconds a message by side, a sample a batch; who begins changes with every batch."""
    samples: dict[str, list[float]] = {side: [] for side in sides}
    for number, batch in enumerate(messages(events)):
        order = list(sides.items())
        for side, take in itertools.chain(order[number % len(order) :], order[: number % len(order)]):
            samples[side].append(clock(lambda take=take, of=batch: take(of)) / len(batch) * 1e6)  # type: ignore[misc]
    return {side: values[1:] for side, values in samples.items()}


def ours(ledger: Ledger) -> Taker:
    """The ledger's own way in."""
    return lambda batch: ingest(ledger, batch, "bench")


def measure(events: int) -> Iterator[Work]:
    """Both kinds of database."""
    with databases(postgres=False) as (one, other, folder), ExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(one)))
        adopt_policy(ledger, policy_text())
        library = plain(other)
        stack.callback(library.close)
        samples = turns({"the ledger": ours(ledger), "eventsourcing, plainly": library.take}, events)
        exact(ledger, folder)
        yield Work("a message taken in, SQLite", "µs", samples, settings_of(other))
    with databases(postgres=True) as (one, other, folder), ExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(one)))
        adopt_policy(ledger, policy_text())
        bare = stack.enter_context(psycopg.connect(other))
        samples = turns({"the ledger": ours(ledger), "COPY into one table": copied(bare)}, events)
        exact(ledger, folder)
        yield Work("a message taken in, PostgreSQL", "µs", samples, "fsync and synchronous_commit on")


def settings_of(database: str) -> str:
    """What a SQLite file of the library's commits with."""
    import sqlite3

    with closing(sqlite3.connect(database)) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return f"both: fsync at each commit; theirs: journal_mode={mode}, its default synchronous=FULL"
