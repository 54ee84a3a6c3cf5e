"""Refused messages: seen, corrected and sent again, or dismissed; never deleted."""

from __future__ import annotations

import base64
from typing import Any

from flask import request

from domain.faults.fault import Fault
from domain.things.credit_code import is_valid
from ledger.intake.refusals import Refused, count_open, find, list_refused
from ledger.intake.settling import dismiss_refusal, resubmit_refusal
from services.api.events.schemas import ResultSchema
from services.api.events.views import JSON, SINGLE, answer_one
from services.api.paging import PageAnswer, page
from services.api.refused.schemas import DismissalBody, RefusedListSchema, RefusedSchema, RefusedWholeSchema
from services.api.resource import Resource, body_bytes, ledger
from services.api.waiting.schemas import WaitingStepSchema
from services.web.fault_words import describe_fault
from services.web.fields import Cursor, Flag, Query, limit_field
from services.web.identity.gate import requester, sender
from services.web.looking import tells_of
from services.web.problems import Problem, language

MEDIA_TYPES = (SINGLE, JSON)
_EVENT = {"schema": {"$ref": "#/components/schemas/EventMessage"}}

blueprint = Resource("refused", __name__, "/v1/refused", "未被接收的数据 · refused messages")


class RefusedQuery(Query):
    """Which refused messages."""

    open = Flag(load_default=False, metadata={"description": "只列未处理的 · only those not yet settled"})
    cursor = Cursor("refused", int)
    limit = limit_field()


@blueprint.reads("", "未被接收的数据", RefusedQuery, RefusedListSchema)
def refused(query: dict[str, Any]) -> PageAnswer:
    """List refused messages in the order in which they first came."""
    (after,) = query.get("cursor", (0,))
    lang = language()
    with ledger().store.reading() as rows:
        refused_messages = list_refused(rows, after, query["limit"] + 1, query["open"])
        waiting = count_open(rows)
    return page(
        [_line(each, lang) for each in refused_messages],
        query["limit"],
        ("refused", "number"),
        {"open": waiting},
    )


@blueprint.reads("/<digest>", "一条未被接收的数据", Query, RefusedWholeSchema)
def one_refused(_: dict[str, Any], digest: str) -> dict[str, Any]:
    """Give a refused message: its text, and every reason in both languages."""
    message = _find_refused(digest)
    if message.subject and is_valid(message.subject):
        tells_of([message.subject])
    return {
        **_head(message),
        "faults": [_both(fault) for fault in message.faults],
        "raw": message.raw.decode("utf-8", "replace"),
        "raw_base64": base64.b64encode(message.raw).decode(),
    }


@blueprint.writes(
    "POST",
    "/<digest>/resubmission",
    "更正后重新报送",
    {200: ResultSchema, 201: ResultSchema},
    request_body={"required": True, "content": {SINGLE: _EVENT, JSON: _EVENT}},
)
def resubmit(digest: str) -> Any:
    """Send a refused message again, corrected; once it is recorded, the refusal is settled."""
    _find_refused(digest)
    body = body_bytes(MEDIA_TYPES)
    return answer_one(resubmit_refusal(ledger(), digest, body, "http", requester(), sender()))


@blueprint.writes(
    "POST",
    "/<digest>/dismissal",
    "不再处理",
    {200: RefusedSchema, 202: WaitingStepSchema},
    request_body={"content": {JSON: {"schema": DismissalBody}}},
)
def dismiss(digest: str) -> dict[str, Any]:
    """Settle a refused message without sending it again; it stays in the list. A body may say why."""
    _find_refused(digest)
    body = {}
    if request.content_length:
        body = Resource.ARGUMENTS_PARSER.parse(DismissalBody(), request, location="json")
    return _line(dismiss_refusal(ledger(), digest, requester(), body.get("reason") or ""), language())


def _find_refused(digest: str) -> Refused:
    with ledger().store.reading() as rows:
        message = find(rows, digest)
    if message is None:
        raise Problem("refusal-unknown")
    return message


def _head(refused: Refused) -> dict[str, Any]:
    return {
        "number": refused.number,
        "digest": refused.digest,
        "first_at": refused.first_at,
        "last_at": refused.last_at,
        "times": refused.times,
        "channel": refused.channel,
        "source": refused.source,
        "id": refused.event_id,
        "subject": refused.subject,
        "type": refused.type,
        "resolved": refused.resolved,
    }


def _line(refused: Refused, lang: str) -> dict[str, Any]:
    return {**_head(refused), "faults": [describe_fault(fault, lang) for fault in refused.faults]}


def _both(fault: Fault) -> dict[str, Any]:
    zh, en = describe_fault(fault, "zh"), describe_fault(fault, "en")
    return {
        "field": fault.field,
        "code": fault.code,
        "rule": {"zh": zh["rule"], "en": en["rule"]},
        "mend": {"zh": zh["mend"], "en": en["mend"]},
    }
