"""Requests that are sent twice: the Idempotency-Key of the API, and what a repeated step answers.

The key is that of draft-ietf-httpapi-idempotency-key-header: chosen by the caller, new for each request,
the same when the request is sent again. Of one person, the same request under it is taken once and
answered as the first time; another request under it is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable

import msgspec
from flask import Response, current_app, request

from domain.authority.roles import Actor
from domain.faults.fault import Fault
from ledger.store.application import Ledger
from ledger.store.repeats.keys import (
    KEPT_DAYS,
    KEY_CHARS_MAX,
    KEYS_MAX,
    KeyInProgress,
    KeyOfOther,
    KeysFull,
    RequestKey,
    answer_once,
)
from services.web.problems import Problem

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
REPLAYED = {REPLAYED_HEADER: "true"}
KEPT_HEADERS = ("Location", "Content-Disposition")
_KEY = re.compile(rf'"?([!#-~]{{1,{KEY_CHARS_MAX}}})"?')
"""Visible ASCII, in quotes as the draft has it, or bare as most clients send it."""


class StoredAnswer(msgspec.Struct, array_like=True):
    """An answer as it is kept."""

    status: int
    media_type: str
    headers: dict[str, str]
    body: bytes


def person_of(actor: Actor) -> str:
    """By whom keys are told apart: a program's key, a person's issuer and subject, or the name given."""
    return "\x1f".join((actor.publisher, actor.issuer, actor.subject or actor.name))


def digest_request(body: bytes) -> bytes:
    """What a request asks, as 32 bytes: method, address and body; of JSON in whatever order its keys are."""
    with contextlib.suppress(msgspec.DecodeError, RecursionError, ValueError):
        body = msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    head = f"{request.method} {request.full_path} {request.mimetype}\n"
    return hashlib.sha256(head.encode("utf-8", "surrogatepass") + body).digest()


def answer_request_once(ledger: Ledger, actor: Actor, body: bytes, act: Callable[[], Response]) -> Response:
    """Answer a request that carries a key: by ``act`` the first time, and then as the first time.

    Raises:
        Problem: 400 for a key that is none, 409 while the first is not answered yet, 422 where the key
            was used for another request, 429 where the person has used too many.
    """
    header = request.headers.get(KEY_HEADER, "")
    matched = _KEY.fullmatch(header)
    if matched is None:
        raise Problem("repeat-key", [Fault("repeat.key", KEY_HEADER, {"limit": KEY_CHARS_MAX})])
    asked = RequestKey(person_of(actor), matched[1], digest_request(body))
    try:
        kept = answer_once(ledger, asked, lambda: _stored(act()))
    except KeyInProgress:
        raise Problem("repeat-early", [Fault("repeat.early", KEY_HEADER)]) from None
    except KeyOfOther:
        raise Problem("repeat-other", [Fault("repeat.other", KEY_HEADER, {"days": KEPT_DAYS})]) from None
    except KeysFull:
        details = {"limit": KEYS_MAX, "days": KEPT_DAYS}
        raise Problem("repeat-full", [Fault("repeat.full", KEY_HEADER, details)]) from None
    answer = msgspec.json.decode(kept.content, type=StoredAnswer)
    response = current_app.response_class(answer.body, answer.status, mimetype=answer.media_type)
    response.headers.extend(answer.headers)
    if kept.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


def _stored(response: Response) -> bytes:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    if REPLAYED_HEADER in response.headers:
        headers[REPLAYED_HEADER] = response.headers[REPLAYED_HEADER]
    media_type = response.mimetype or "application/json"
    answer = StoredAnswer(response.status_code, media_type, headers, response.get_data())
    return msgspec.json.encode(answer)
