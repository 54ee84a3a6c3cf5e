"""Certified rebuild: the read models built anew beside the live ones, and put in their place only when equal.

Events go on arriving meanwhile. What was built at one position is held against the live models as
they stood there; then, as the only writer, what has arrived since is counted in the new models too,
held against the live ones again, and the new take over. Whatever differs, nothing is swapped; the
certificate of what was found is kept either way.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import NamedTuple

from domain.events import is_apart, is_enterprise
from domain.events.instants import instant
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import Progress, Writer, folded_row, load
from ledger.projections.registry import COMPARED, OF_ENTERPRISE, READ_MODELS
from ledger.projections.said import say_row
from ledger.replay.comparison import DIFFERENCES_MAX, Certificate, copy, replay
from ledger.replay.parts import ReplayWorkers
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import Row, Rows
from ledger.store.stored_events import events_of


class Rebuilt(NamedTuple):
    """What a rebuild found, and whether it took over."""

    number: int
    certificate: Certificate
    position: int
    """The position that the new models were brought up to."""
    swapped: bool
    reason: str
    """Why it did not take over: ``differs``, or ``steps`` that change whole years; empty where it did."""
    differences: tuple[str, ...]


def certified(
    ledger: Ledger, into: str, progress: Progress | None = None, workers: ReplayWorkers | None = None
) -> Rebuilt:
    """Rebuild the read models into the SQLite file ``into``; swap them in where they are equal.

    Raises:
        UnsuitableStore: where the live tables hold values that cannot be compared.
    """
    certificate = replay(ledger, into, progress, workers=workers)
    if not certificate.equal:
        return _note_difference(ledger, certificate, certificate.position, "differs", certificate.differences)
    with closing(open_ledger(into)) as replica, ledger.store.writing() as rows:
        position = rows.last_position()
        codes = _touched(rows, certificate.position, position)
        if codes is None:
            return _note(ledger, rows, certificate, position, "steps", ())
        with replica.store.writing() as target:
            _catch_up(rows, target, codes, position)
        with replica.store.reading() as rebuilt:
            differences = tuple(_differing(rows, rebuilt, codes))[:DIFFERENCES_MAX]
            if not differences:
                copy(rebuilt, rows, (model for model in READ_MODELS if model.swapped))
        return _note(ledger, rows, certificate, position, "differs" if differences else "", differences)


def _note_difference(
    ledger: Ledger, certificate: Certificate, position: int, reason: str, differences: tuple[str, ...]
) -> Rebuilt:
    with ledger.store.writing() as rows:
        return _note(ledger, rows, certificate, position, reason, differences)


def _note(
    ledger: Ledger,
    rows: Rows,
    certificate: Certificate,
    position: int,
    reason: str,
    differences: tuple[str, ...],
) -> Rebuilt:
    """Keep the certificate, in the transaction that swapped."""
    number = int(rows.all("SELECT COALESCE(MAX(number), 0) FROM certificates")[0][0]) + 1
    swapped = not reason
    values = [
        number,
        instant(ledger.clock()),
        certificate.position,
        position,
        certificate.live,
        certificate.replayed,
    ]
    rows.run(
        "INSERT INTO certificates VALUES (?,?,?,?,?,?,?,?)",
        [*values, int(swapped), json.dumps([reason, *differences], ensure_ascii=False)],
    )
    return Rebuilt(number, certificate, position, swapped, reason, differences)


def _touched(rows: Rows, after: int, until: int) -> list[str] | None:
    """Enterprises with events since; ``None`` where a policy, a budget or a settlement moved."""
    sql = "SELECT DISTINCT originator_id FROM stored_events WHERE rowid>? AND rowid<=? ORDER BY originator_id"
    codes = [row[0] for row in rows.all(sql, [after, until]) if not is_apart(row[0])]
    return codes if all(is_enterprise(each) for each in codes) else None


def _catch_up(rows: Rows, target: Rows, codes: list[str], until: int) -> None:
    """Count what has arrived since in the new models, from the events."""
    writer = Writer(target, rulebooks(rows), until)
    before = load(target, codes)
    for code in codes:
        events = events_of(rows, code, until)
        row = folded_row(code, events[-1].version, [event.fact for event in events])
        previous = before.get(code)
        if previous is not None:
            row.name, row.town = previous.name, previous.town
        writer.put(row, *((previous.outcomes, previous.facts.claims) if previous else ({}, {})))
    writer.finish()


def _differing(rows: Rows, rebuilt: Rows, codes: list[str]) -> list[str]:
    """What differs of the enterprises touched, and of the totals."""
    differences = []
    for table, model in OF_ENTERPRISE.items():
        sql = f"{model.selection} WHERE code IN ({{}})"
        live_rows, rebuilt_rows = (
            {_plain(side, table, row) for row in side.all_in(sql, codes)} for side in (rows, rebuilt)
        )
        differences += [
            f"{table}: only in the live models: {' '.join(each)}" for each in sorted(live_rows - rebuilt_rows)
        ]
        differences += [
            f"{table}: only in the rebuilt: {' '.join(each)}" for each in sorted(rebuilt_rows - live_rows)
        ]
    sql = COMPARED["totals"].comparison
    live_rows, rebuilt_rows = ({tuple(map(str, row)) for row in side.all(sql)} for side in (rows, rebuilt))
    differences += [f"totals: {' '.join(each)}" for each in sorted(live_rows ^ rebuilt_rows)]
    return differences


def _plain(rows: Rows, table: str, row: Row) -> tuple[str, ...]:
    """A row as it is compared: what is stored encoded by what it says."""
    if table == "enterprises":
        code, version, facts, outcome, name, town = row
        said = say_row(rows, str(code), version, bytes(facts), bytes(outcome))
        return (str(code), str(version), *said, str(name), str(town))
    return tuple(map(str, row))
