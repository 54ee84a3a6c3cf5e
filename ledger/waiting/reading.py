"""Steps that wait for a second person, as they stand."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from domain.authority.persons import Person
from domain.events.instants import day_of
from domain.events.second_person import Request
from domain.settlement.open_cases import WaitingRequest
from ledger.projections.waiting import WAITING
from ledger.store.rows import Row, Rows, read_row

STAGES = ("waiting", "confirmed", "withdrawn", "replaced", "all")
"""What a list may be asked for. ``replaced``: proposed anew, since it had lapsed or matters had changed."""
_decode_request = msgspec.json.Decoder(Request).decode
_COLUMNS = (
    "waiting, step, request, proposed_at, until, issuer, subject, name, "
    "stage, ended_at, ended_issuer, ended_subject, ended_name"
)


class WaitingStep(NamedTuple):
    """A step that one person proposed; instants are UTC."""

    waiting: str
    """Its id."""
    step: str
    request: Request
    proposed_at: str
    until: str
    """When it lapses."""
    proposer: Person
    stage: str
    ended_at: str
    ended_by: Person | None
    """Who confirmed, withdrew or replaced it."""


def read_waiting_step(rows: Rows, waiting: str) -> WaitingStep | None:
    """One proposal, by its id."""
    row = read_row(rows, f"SELECT {_COLUMNS} FROM waiting_steps WHERE waiting=?", [waiting])
    return _waiting_step(row) if row else None


def find_pending(rows: Rows, step: str, matter_id: str) -> WaitingStep | None:
    """What waits of a step about a matter; also where it has lapsed."""
    sql = f"SELECT {_COLUMNS} FROM waiting_steps WHERE step=? AND about=? AND stage=?"
    row = read_row(rows, sql, [step, matter_id, WAITING])
    return _waiting_step(row) if row else None


def list_waiting_steps(
    rows: Rows, after: tuple[str, str] = ("", ""), limit: int = 100, stage: str = WAITING
) -> list[WaitingStep]:
    """Proposals in the order in which they were made; ``after`` is (proposed_at, waiting) of the last one."""
    where, values = ("", list[object]()) if stage == "all" else (" AND stage=?", [stage])
    sql = (
        f"SELECT {_COLUMNS} FROM waiting_steps WHERE (proposed_at, waiting)>(?,?){where} "
        "ORDER BY proposed_at, waiting LIMIT ?"
    )
    return [_waiting_step(row) for row in rows.all(sql, [*after, *values, limit])]


def list_waiting_requests(rows: Rows) -> list[WaitingRequest]:
    """What every proposal that waits asks for, also where it has lapsed, in the order of the log."""
    sql = "SELECT waiting, request, position, proposed_at, until FROM waiting_steps WHERE stage=?"
    return [
        WaitingRequest(waiting, _decode_request(request), position, day_of(proposed_at), until)
        for waiting, request, position, proposed_at, until in rows.all(f"{sql} ORDER BY position", [WAITING])
    ]


def count_waiting(rows: Rows) -> int:
    """How many proposals wait, also those that have lapsed."""
    row = read_row(rows, "SELECT COUNT(*) FROM waiting_steps WHERE stage=?", [WAITING])
    return int(row[0]) if row else 0


def _waiting_step(row: Row) -> WaitingStep:
    waiting, step, request, proposed_at, until, issuer, subject, name, stage, ended_at = row[:10]
    return WaitingStep(
        waiting,
        step,
        _decode_request(request),
        proposed_at,
        until,
        Person(issuer, subject, name),
        stage,
        ended_at,
        Person(*row[10:]) if ended_at else None,
    )
