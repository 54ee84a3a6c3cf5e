"""How much disk and processor time facts take: the figures of docs/operations/capacity.md.

``python -m tests.benchmarks.capacity --messages 50000`` takes the sample city into SQLite and a PostgreSQL
of its own, and prints bytes and processor time an event. It needs zstd for the archive's size.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.sample.city import city
from services.sample.policy import policy_text
from tests.postgres import Server

BATCH = 500


class Taken(NamedTuple):
    """What taking in the messages came to."""

    events: int
    seconds: float
    """Of processor time of the process that takes them in."""


def take_in(database: str, messages: int) -> Taken:
    """Take the sample city in, from an empty ledger."""
    stream = itertools.islice(city(messages, seed=1), messages)
    with closing(open_ledger(database)) as ledger:
        adopt_policy(ledger, policy_text())
        before = processor_seconds(resource.RUSAGE_SELF)
        while batch := list(itertools.islice(stream, BATCH)):
            ingest(ledger, batch, "file")
        after = processor_seconds(resource.RUSAGE_SELF)
        with ledger.store.reading() as rows:
            return Taken(rows.last_position(), after - before)


def processor_seconds(whose: int) -> float:
    """Seconds of processor time that were used so far."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def measure_sqlite(folder: Path, messages: int) -> dict[str, float]:
    """Bytes and seconds an event, in a file."""
    file = folder / "ledger.db"
    taken = take_in(str(file), messages)
    return {
        "events": taken.events,
        "file, bytes an event": file.stat().st_size / taken.events,
        "processor, µs an event": taken.seconds * 1e6 / taken.events,
    }


def measure_postgres(folder: Path, messages: int) -> dict[str, float]:
    """Bytes and seconds an event, in a server: its database, its log, the log compressed, a dump."""
    server = Server()
    try:
        # Segments stay until they are measured.
        server.stop()
        with (server.data / "postgresql.conf").open("a") as settings:
            settings.write("wal_keep_size = '100GB'\n")
        server.start()
        name = server.create()
        url = server.url(name)
        ask = _asker(server.url("postgres"))
        began, before = ask("SELECT pg_current_wal_lsn()"), processor_seconds(resource.RUSAGE_CHILDREN)
        taken = take_in(url, messages)
        log = float(ask(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{began}')"))
        size = float(ask(f"SELECT pg_database_size('{name}')"))
        ask("SELECT pg_switch_wal()")
        segments = sorted((server.data / "pg_wal").glob("0*"))
        packed = sum(_packed_bytes(each) for each in segments)
        dump = folder / "ledger.dump"
        subprocess.run([server.programs / "pg_dump", "-Fc", "-f", dump, url], check=True)
        after_dump = processor_seconds(resource.RUSAGE_CHILDREN)
        server.stop()
        server_seconds = processor_seconds(resource.RUSAGE_CHILDREN) - after_dump
        assert before <= after_dump
    finally:
        server.remove()
    return {
        "events": taken.events,
        "database, bytes an event": size / taken.events,
        "log (WAL), bytes an event": log / taken.events,
        "archive (zstd), bytes an event": packed / taken.events,
        "dump, bytes an event": dump.stat().st_size / taken.events,
        "processor of the ledger, µs an event": taken.seconds * 1e6 / taken.events,
        "processor of the server, µs an event": server_seconds * 1e6 / taken.events,
    }


def _asker(url: str) -> Callable[[str], str]:
    def ask(sql: str) -> str:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return str(row[0])

    return ask


def _packed_bytes(file: Path) -> int:
    """A segment's size as pgBackRest keeps it."""
    packed = subprocess.run(["zstd", "-3", "--stdout", "--quiet", file], check=True, capture_output=True)
    return len(packed.stdout)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    messages = parser.parse_args().messages
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        for title, measure in (("SQLite", measure_sqlite), ("PostgreSQL", measure_postgres)):
            print(title)
            for what, figure in measure(Path(name), messages).items():
                print(f"  {what}: {figure:,.0f}")


if __name__ == "__main__":
    main()
