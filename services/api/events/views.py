"""Publishing events: one, a batch, or a stream."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_input_stream

from domain.faults.fault import Fault
from ledger.intake.batch import Result
from ledger.intake.inbox import BATCH_MESSAGES_MAX, ingest, lane_of
from ledger.intake.messages.lines import CutOff
from services.api.events.results import batch_document, result_document
from services.api.events.schemas import BatchSchema, ResultSchema
from services.api.events.streams import Interrupted, Unkept, take
from services.api.resource import Resource, body_bytes, ledger, require_media
from services.web.identity.gate import sender
from services.web.problems import LANGUAGES, Problem, answer, language, of_ledger

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
STREAM = "application/x-ndjson"
MEDIA_TYPES = (SINGLE, BATCH, JSON, STREAM)

FULL_RETRY_SECONDS = 3_600
"""When to come again whose quota of refused messages is used up: somebody has to settle some of them."""

_EVENT = {"$ref": "#/components/schemas/EventMessage"}
_EVENTS = {"type": "array", "items": _EVENT, "maxItems": BATCH_MESSAGES_MAX}
REQUEST_BODY = {
    "required": True,
    "content": {
        SINGLE: {"schema": _EVENT},
        BATCH: {"schema": _EVENTS},
        JSON: {"schema": {"anyOf": [_EVENT, _EVENTS]}},
        STREAM: {"schema": {"type": "string", "description": "one event a line"}},
    },
}
ANSWERS: dict[int, Any] = {200: {"anyOf": [ResultSchema, BatchSchema]}, 201: ResultSchema}

blueprint = Resource("events", __name__, "/v1/events", "报送数据 · publishing facts as CloudEvents")
_raws = msgspec.json.Decoder(list[msgspec.Raw])


@blueprint.writes("POST", "", "报送一条、一批或一串数据", ANSWERS, request_body=REQUEST_BODY, takes_key=False)
def publish() -> Any:
    """Publish one event, a batch or a stream.

    One event answers 201 when accepted, 200 when it is a duplicate, and 422 when it is refused.
    A batch or a stream answers 200 with a result for each message, and 429 where something of it was
    refused and is not kept, as too much is kept for its sender: that is to be sent again, corrected.
    """
    require_media(MEDIA_TYPES)
    with ledger().lanes.counting(lane_of(sender())):
        return _take()


def _take() -> Any:
    if request.mimetype == STREAM:
        return _stream()
    body = body_bytes(MEDIA_TYPES)
    batch = request.mimetype == BATCH
    if request.mimetype == JSON:
        batch = body.removeprefix(BOM_UTF8).lstrip(b" \t\r\n")[:1] == b"["
    if batch:
        results = ingest(ledger(), split(body), "http", sender=sender())
        document = batch_document(results, language())
        if any(result.is_unkept for result in results):
            raise _full(results, document)
        return document, 200, {}
    return answer_one(ingest(ledger(), [body], "http", sender=sender())[0])


def answer_one(result: Result) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer to one message.

    Raises:
        Problem: where it was refused.
    """
    if result.status == "refused":
        raise_refusal(result)
    return result_document(result, language()), 201 if result.status == "accepted" else 200, {}


def raise_refusal(result: Result) -> None:
    """Tell why a message was refused, and where it is kept, or that it is not."""
    if result.is_unkept:
        raise _full([result], {})
    extra = {"refusal": result.refusal}
    raise Problem("message-refused", result.faults, extra=extra, digest=result.refusal)


def _full(results: Iterable[Result], document: dict[str, Any]) -> Problem:
    """That something was not kept, with the first reason why, and what became of the rest."""
    faults = next(result.faults for result in results if result.is_unkept)
    faults = faults if len(document) == 0 else faults[:1]
    return Problem("refused-full", faults, extra=document, retry_after_seconds=FULL_RETRY_SECONDS)


def split(body: bytes) -> list[bytes]:
    """The messages of an array, each with its bytes as they came.

    Raises:
        Problem: where the body is no array, or holds too many.
    """
    try:
        raws = _raws.decode(body.removeprefix(BOM_UTF8))
    except (msgspec.ValidationError, UnicodeDecodeError):
        raise Problem("body-json", [Fault("batch.array", "body")]) from None
    except RecursionError:
        raise Problem("body-json", [Fault("json.depth", "body", {"limit": 8})]) from None
    except msgspec.DecodeError as error:
        fault = Fault("json.syntax", "body", {"detail": str(error)[:200]})
        raise Problem("body-json", [fault]) from None
    if len(raws) > BATCH_MESSAGES_MAX:
        raise Problem("body-large", [Fault("batch.large", "body", {"limit": BATCH_MESSAGES_MAX})])
    return [bytes(raw) for raw in raws]


def _stream() -> Response:
    stream = get_input_stream(request.environ)
    lang = language()
    try:
        results = take(ledger(), stream, lang, sender(), request.content_length is not None)
    except Unkept as error:
        raise _full([error.first], error.document) from None
    except CutOff as error:
        raise Problem("body-json", [Fault("stream.cut", "body", {"line": error.line})]) from None
    except Interrupted as error:
        cause = error.__cause__
        if isinstance(cause, HTTPException):  # the client left
            raise cause from None
        problem = cause if isinstance(cause, Problem) else of_ledger(cause)  # type: ignore[arg-type]
        if problem is None:
            raise
        problem.extra["recorded"] = error.recorded
        return answer(problem)
    response: Response = current_app.response_class(results, 200, mimetype=STREAM)
    response.headers["Content-Language"] = LANGUAGES[lang]
    return response
