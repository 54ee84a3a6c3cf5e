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

from domain.events import is_enterprise
from domain.events.instants import instant
from domain.facts.folding import fold
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import EnterpriseRow, Progress, Writer, load, said_of
from ledger.projections.registry import COMPARED, OF_ENTERPRISE, READ_MODELS
from ledger.replay.comparison import DIFFERENCES_MAX, Certificate, copy, replay
from ledger.replay.parts import Several
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import Row, Rows
from ledger.store.stored_events import events_of


class Rebuilt(NamedTuple):
    """What a rebuild found, and whether it took over."""

    number: int
    certificate: Certificate
    reached: int
    """The position that the new models were brought up to."""
    swapped: bool
    reason: str
    """Why it did not take over: ``differs``, or ``steps`` that change whole years; empty where it did."""
    differences: tuple[str, ...]


def certified(
    ledger: Ledger, into: str, progress: Progress | None = None, several: Several | None = None
) -> Rebuilt:
    """Rebuild the read models into the SQLite file ``into``; swap them in where they are equal.

    Raises:
        UnsuitableStore: where the live tables hold values that cannot be compared.
    """
    found = replay(ledger, into, progress, several=several)
    if not found.equal:
        return _kept(ledger, found, found.position, "differs", found.differences)
    with closing(open_ledger(into)) as replica, ledger.store.writing() as rows:
        reached = rows.last_position()
        codes = _touched(rows, found.position, reached)
        if codes is None:
            return _note(ledger, rows, found, reached, "steps", ())
        with replica.store.writing() as target:
            _catch_up(rows, target, codes, reached)
        with replica.store.reading() as again:
            differences = tuple(_differing(rows, again, codes))[:DIFFERENCES_MAX]
            if not differences:
                copy(again, rows, (model for model in READ_MODELS if model.swapped))
        return _note(ledger, rows, found, reached, "differs" if differences else "", differences)


def _kept(ledger: Ledger, found: Certificate, reached: int, reason: str, said: tuple[str, ...]) -> Rebuilt:
    with ledger.store.writing() as rows:
        return _note(ledger, rows, found, reached, reason, said)


def _note(
    ledger: Ledger, rows: Rows, found: Certificate, reached: int, reason: str, said: tuple[str, ...]
) -> Rebuilt:
    """Keep the certificate, in the transaction that swapped."""
    number = int(rows.all("SELECT COALESCE(MAX(number), 0) FROM certificates")[0][0]) + 1
    swapped = not reason
    values = [number, instant(ledger.clock()), found.position, reached, found.live, found.replayed]
    rows.run(
        "INSERT INTO certificates VALUES (?,?,?,?,?,?,?,?)",
        [*values, int(swapped), json.dumps([reason, *said], ensure_ascii=False)],
    )
    return Rebuilt(number, found, reached, swapped, reason, said)


def _touched(rows: Rows, after: int, until: int) -> list[str] | None:
    """Enterprises with events since; ``None`` where a policy, a budget or a settlement moved."""
    sql = "SELECT DISTINCT originator_id FROM stored_events WHERE rowid>? AND rowid<=? ORDER BY originator_id"
    found = [row[0] for row in rows.all(sql, [after, until])]
    return found if all(is_enterprise(each) for each in found) else None


def _catch_up(rows: Rows, target: Rows, codes: list[str], until: int) -> None:
    """Count what has arrived since in the new models, from the events."""
    writer = Writer(target, rulebooks(rows), until)
    before = load(target, codes)
    for code in codes:
        events = events_of(rows, code, until)
        row = EnterpriseRow(code, events[-1].version, fold([event.fact for event in events]))
        was = before.get(code)
        if was is not None:
            row.name, row.town = was.name, was.town
        writer.put(row, dict(was.outcomes) if was else {}, refolded=True)
    writer.finish()


def _differing(rows: Rows, again: Rows, codes: list[str]) -> list[str]:
    """What differs of the enterprises touched, and of the totals."""
    found = []
    for table, model in OF_ENTERPRISE.items():
        sql = f"{model.selection} WHERE code IN ({{}})"
        live, built = ({_plain(table, row) for row in side.all_in(sql, codes)} for side in (rows, again))
        found += [f"{table}: only in the live models: {' '.join(each)}" for each in sorted(live - built)]
        found += [f"{table}: only in the rebuilt: {' '.join(each)}" for each in sorted(built - live)]
    sql = COMPARED["totals"].comparison
    live, built = ({tuple(map(str, row)) for row in side.all(sql)} for side in (rows, again))
    found += [f"totals: {' '.join(each)}" for each in sorted(live ^ built)]
    return found


def _plain(table: str, row: Row) -> tuple[str, ...]:
    """A row as it is compared: what is stored encoded by what it says."""
    if table == "enterprises":
        code, version, facts, outcome, name, town = row
        return (str(code), str(version), *said_of(bytes(facts), bytes(outcome)), str(name), str(town))
    return tuple(map(str, row))
