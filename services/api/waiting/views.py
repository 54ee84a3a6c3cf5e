"""Steps that need two persons: what waits, confirming it, withdrawing it."""

from __future__ import annotations

from typing import Any

from domain.authority.roles import NotAllowed
from domain.events.instants import instant
from ledger.intake.messages.fields import Choice
from ledger.waiting import reading
from ledger.waiting.reading import STAGES, WaitingStep
from ledger.waiting.second_person import withdraw_step
from services.api.claims.schemas import EmptyBody
from services.api.paging import PageAnswer, page
from services.api.resource import Resource, ledger
from services.api.waiting.schemas import WaitingStepSchema, WaitingStepsSchema
from services.web.fields import Cursor, Query, limit_field
from services.web.identity.gate import requester
from services.web.waiting.confirming import confirm_step
from services.web.waiting.document import waiting_document

blueprint = Resource(
    "waiting", __name__, "/v1/waiting-steps", "待第二人确认 · steps that wait for a second person"
)


class WaitingQuery(Query):
    """Which proposals."""

    stage = Choice(*STAGES, load_default="waiting")
    cursor = Cursor("waiting-steps", str, str)
    limit = limit_field()


@blueprint.reads("", "待第二人确认的事项", WaitingQuery, WaitingStepsSchema)
def waiting_steps(query: dict[str, Any]) -> PageAnswer:
    """List steps that wait for a second person, in the order in which they were proposed."""
    after, now = query.get("cursor", ("", "")), instant(ledger().clock())
    with ledger().store.reading() as rows:
        steps = reading.list_waiting_steps(rows, after, query["limit"] + 1, query["stage"])
        items = [waiting_document(rows, step, now) for step in steps]
        waiting = reading.count_waiting(rows)
    return page(items, query["limit"], ("waiting-steps", "proposed_at", "waiting"), {"waiting": waiting})


@blueprint.reads("/<waiting>", "一项待确认的事项", Query, WaitingStepSchema)
def waiting_step(_: dict[str, Any], waiting: str) -> dict[str, Any]:
    """Give one proposal: what it would do, who made it, and what became of it."""
    with ledger().store.reading() as rows:
        step = reading.read_waiting_step(rows, waiting)
    if step is None:
        raise NotAllowed("second.unknown", "waiting", waiting=waiting)
    return _document(step)


@blueprint.writes("POST", "/<waiting>/confirmation", "确认", {200: WaitingStepSchema}, body=EmptyBody)
def confirm(_: dict[str, Any], waiting: str) -> dict[str, Any]:
    """Confirm what another person proposed; it is judged anew, and done."""
    return _document(confirm_step(ledger(), waiting, requester()))


@blueprint.writes("POST", "/<waiting>/withdrawal", "撤回提议", {200: WaitingStepSchema}, body=EmptyBody)
def withdraw(_: dict[str, Any], waiting: str) -> dict[str, Any]:
    """Take a proposal back: who made it, or an operator."""
    return _document(withdraw_step(ledger(), waiting, requester()))


def _document(step: WaitingStep) -> dict[str, Any]:
    with ledger().store.reading() as rows:
        return waiting_document(rows, step, instant(ledger().clock()))
