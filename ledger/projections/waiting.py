"""The read model of steps that need a second person: what was proposed, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.events.event import Event, Speaker
from domain.events.second_person import StepConfirmed, StepProposed, StepWithdrawn
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored

WAITING, CONFIRMED, WITHDRAWN, REPLACED = "waiting", "confirmed", "withdrawn", "replaced"


def put_waiting_steps(rows: Rows, events: Iterable[Stored]) -> None:
    """Write what events say of proposals, in the order in which they were recorded."""
    for stored in events:
        content = stored.fact.content
        if isinstance(content, StepProposed):
            _propose(rows, stored, content)
        elif isinstance(content, StepConfirmed):
            _end(rows, stored, content.waiting, CONFIRMED)
        elif isinstance(content, StepWithdrawn):
            _end(rows, stored, content.waiting, WITHDRAWN)


def _propose(rows: Rows, stored: Stored, content: StepProposed) -> None:
    event, request = stored.fact, content.request
    ended = [REPLACED, event.time, *_person(event), stored.position]
    rows.run(
        "UPDATE waiting_steps SET stage=?, ended_at=?, ended_issuer=?, ended_subject=?, ended_name=?, "
        "position=? WHERE step=? AND about=? AND stage=?",
        [*ended, request.step, request.matter_id, WAITING],
    )
    rows.run(
        "INSERT INTO waiting_steps (waiting, step, policy, about, request, proposed_at, until, issuer, "
        "subject, name, stage, ended_at, ended_issuer, ended_subject, ended_name, position) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,'','','','',?)",
        [
            *(content.waiting, request.step, request.policy, request.matter_id),
            *(msgspec.json.encode(request).decode(), event.time, content.until),
            *_person(event),
            *(WAITING, stored.position),
        ],
    )


def _end(rows: Rows, stored: Stored, waiting: str, stage: str) -> None:
    rows.run(
        "UPDATE waiting_steps SET stage=?, ended_at=?, ended_issuer=?, ended_subject=?, ended_name=?, "
        "position=? WHERE waiting=?",
        [stage, stored.fact.time, *_person(stored.fact), stored.position, waiting],
    )


def _person(event: Event) -> tuple[str, str, str]:
    speaker = event.said_by or Speaker()
    return speaker.issuer, speaker.subject, speaker.name
