"""Replay: the read models built again from position 0, compared with the live ones.

The replica is a file of its own, so the service goes on answering. It takes over only on
request, and what differs is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import Progress, rebuild
from ledger.projections.registry import COMPARED, READ_MODELS, ReadModel
from ledger.projections.said import say_row
from ledger.replay.parts import ReplayWorkers, rebuild_in_parts
from ledger.replay.settlements import rebuild_settlements
from ledger.store.application import Clock, Ledger, open_ledger
from ledger.store.rows import DamagedStore, Row, Rows
from ledger.store.schema.tables import TABLES
from ledger.store.value_kinds import wrong_kinds

DIFFERENCES_MAX = 20
COPY_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a replay found."""

    position: int
    enterprises: int
    live: str
    replayed: str
    """SHA-256 over every compared row."""
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the replay gave the very same figures."""
        return self.live == self.replayed and not self.differences


def replay(
    ledger: Ledger,
    into: str,
    progress: Progress | None = None,
    take_over: bool = False,
    workers: ReplayWorkers | None = None,
) -> Certificate:
    """Build the read models again in the SQLite file ``into`` and compare.

    Args:
        into: a path where no file stands yet.
        progress: called with (enterprises done, enterprises in all).
        take_over: put the replayed rows in place of the live ones.
        workers: the processes that share the work, where more than this one shall.
    """
    replica = open_ledger(into, clock=_still(ledger.clock))
    try:
        with ledger.store.reading() as rows:
            for mismatch in wrong_kinds(rows):
                raise DamagedStore(
                    "database.wrong-kind", position=mismatch.position, description=mismatch.description
                )
            position = rows.last_position()
            if workers is not None:
                rebuild_in_parts(rows, replica, rulebooks(rows), position, workers, progress)
            with replica.store.writing() as target:
                if workers is None:
                    rebuild(rows, target, rulebooks(rows), position, progress)
                rebuild_settlements(rows, target, position)
            # In the transaction that gave the position: whatever arrives meanwhile is not seen.
            with replica.store.reading() as replayed:
                certificate = _certificate(rows, replayed, position)
        if take_over:
            with ledger.store.writing() as rows, replica.store.reading() as replayed:
                copy(replayed, rows)
    finally:
        replica.close()
    return certificate


def _still(clock: Clock) -> Clock:
    now = clock()
    return lambda: now


def _compared(rows: Rows, table: str) -> Iterator[Row]:
    """A table's rows as they are compared; what is stored encoded is compared by what it says.

    What follows last of an enterprise are the indexes of its facts, which no fingerprint takes.
    """
    for row in rows.stream(COMPARED[table].comparison):
        if table == "enterprises":
            said = say_row(rows, row[0], row[1], bytes(row[2]), bytes(row[3]))
            yield (row[0], row[1], said.facts, said.outcome, *row[4:], said.indexes)
        else:
            yield row


def _digested(rows: Rows, table: str, update: Callable[[bytes], object]) -> Iterator[Row]:
    """A table's rows as they are compared, each taken into a digest as it is read."""
    is_fingerprinted = COMPARED[table].is_fingerprinted
    for row in _compared(rows, table):
        if is_fingerprinted:
            update(_line(table, row))
        yield row


def _certificate(live: Rows, replayed: Rows, position: int) -> Certificate:
    """Compare both sides, and take their fingerprints, in one reading of each."""
    differences: list[str] = []
    live_digest, replayed_digest = hashlib.sha256(), hashlib.sha256()
    for table, model in COMPARED.items():
        keys = len(model.keys.split(","))
        limit = max(DIFFERENCES_MAX, len(differences) + 1)  # each table that differs is named
        live_rows = _digested(live, table, live_digest.update)
        replayed_rows = _digested(replayed, table, replayed_digest.update)
        for live_row, replayed_row in _paired(live_rows, replayed_rows, keys):
            differs = live_row is None or replayed_row is None or tuple(live_row) != tuple(replayed_row)
            if differs and len(differences) < limit:
                differences.append(f"{table}: live {_row_text(live_row)}, replayed {_row_text(replayed_row)}")
        if model.follow is not None:
            differences += _misplaced(live, replayed, model)
    count = replayed.all("SELECT COUNT(*) FROM enterprises")[0][0]
    digests = live_digest.hexdigest(), replayed_digest.hexdigest()
    return Certificate(position, count, *digests, tuple(differences))


def _paired(
    live: Iterator[Row], replayed: Iterator[Row], keys: int
) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of the same key side by side; both streams are ordered by their first columns."""
    live_row, replayed_row = next(live, None), next(replayed, None)
    while live_row is not None or replayed_row is not None:
        first = replayed_row is None or (
            live_row is not None and tuple(live_row[:keys]) <= tuple(replayed_row[:keys])
        )
        second = live_row is None or (
            replayed_row is not None and tuple(replayed_row[:keys]) <= tuple(live_row[:keys])
        )
        yield live_row if first else None, replayed_row if second else None
        live_row = next(live, None) if first else live_row
        replayed_row = next(replayed, None) if second else replayed_row


def _misplaced(live: Rows, replayed: Rows, model: ReadModel) -> list[str]:
    """Rows that name another event than the one they come from; no fingerprint takes them in."""
    sql = f"SELECT {model.keys}, position FROM {model.table} ORDER BY {model.keys}"
    keys = len(model.keys.split(","))
    return [
        f"{model.table}: live position of {_row_text(live_row)}, replayed {replayed_row[-1]}"
        for live_row, replayed_row in _paired(live.stream(sql), replayed.stream(sql), keys)
        if live_row is not None and replayed_row is not None and live_row[-1] != replayed_row[-1]
    ][:DIFFERENCES_MAX]


def _row_text(row: Row | None) -> str:
    return "nothing" if row is None else " ".join(str(value) for value in row)


def lines(rows: Rows) -> Iterator[bytes]:
    """Every compared row as one line of text, in a fixed order."""
    for table, model in COMPARED.items():
        if model.is_fingerprinted:
            for row in _compared(rows, table):
                yield _line(table, row)


def _line(table: str, row: Row) -> bytes:
    row = row[:-1] if table == "enterprises" else row
    return (table + "\t" + "\t".join(map(str, row)) + "\n").encode()


def fingerprint(rows: Rows) -> str:
    """SHA-256 over every compared row: equal fingerprints, equal balances."""
    digest = hashlib.sha256()
    for line in lines(rows):
        digest.update(line)
    return digest.hexdigest()


def copy(source: Rows, target: Rows, models: Iterable[ReadModel] = READ_MODELS) -> None:
    """Put the replayed read models in place of the live ones, in one transaction."""
    for model in models:
        table = model.table
        columns = [column.name for column in TABLES[table].columns]
        names = ",".join(columns)
        insert = f"INSERT INTO {table} ({names}) VALUES ({','.join('?' * len(columns))})"
        target.run(f"DELETE FROM {table}")
        waiting: list[Row] = []
        for row in source.stream(f"SELECT {names} FROM {table}"):
            waiting.append(row)
            if len(waiting) == COPY_ROWS:
                target.run_many(insert, waiting)
                waiting = []
        target.run_many(insert, waiting)
