"""A resource: flask-smorest's blueprint, with strict parameters and documented answers.

Views take the checked query (or body) first, then the checked parts of the address, and
return plain data. The schemas of answers document them; tests hold every answer to its schema.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import flask
import marshmallow
import msgspec
from flask import Request, Response, current_app, g, request
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from domain.events.instants import instant
from domain.faults.fault import Fault
from domain.faults.validation import faults_from
from domain.money.wire import wire_form
from ledger.intake.messages.decode import parse as parse_strictly
from ledger.store.application import Ledger
from ledger.store.repeats.keys import KEPT_DAYS, KEY_CHARS_MAX
from ledger.waiting.reading import WaitingStep
from ledger.waiting.second_person import SecondPersonNeeded
from services.web.fields import PATH_FIELDS, Query, path_values
from services.web.identity.gate import requester
from services.web.problems import Problem
from services.web.repeats import KEY_HEADER, answer_request_once
from services.web.waiting.document import waiting_document

View = TypeVar("View", bound=Callable[..., Any])
JSON_TYPES = ("application/json",)


def ledger() -> Ledger:
    """The ledger that this application serves."""
    return cast(Ledger, current_app.extensions["subsidy-ledger"])


def body_bytes(media_types: tuple[str, ...]) -> bytes:
    """The request's body, of one of these types, within the limit."""
    require_media(media_types)
    body = whole_body()
    if not body:
        raise Problem("body-empty")
    return body


def whole_body() -> bytes:
    """The request's body within the limit, whatever it is; read once and kept for the request."""
    if "whole_body" in g:
        kept: bytes = g.whole_body
        return kept
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    # One byte more, since werkzeug cuts a body whose length was not told, and says nothing.
    body = get_input_stream(request.environ, max_content_length=limit + 1).read()
    if len(body) > limit:
        raise RequestEntityTooLarge
    g.whole_body = body
    return body


def require_media(media_types: tuple[str, ...]) -> None:
    """Refuse other types of content, and compressed bodies."""
    if request.mimetype not in media_types:
        raise Problem("media-wrong", [Fault("media.type", "Content-Type", {"known": ", ".join(media_types)})])
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("media-wrong", [Fault("media.encoding", "Content-Encoding")])


def _without_location(messages: Any) -> Any:
    """What is wrong, without the name that webargs gives to the query or body as a whole."""
    return next(iter(messages.values())) if isinstance(messages, dict) and len(messages) == 1 else messages


class StrictParser(FlaskParser):
    """Reads query strings and JSON bodies strictly; every fault is told at once."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": marshmallow.RAISE,
        "json": marshmallow.RAISE,
    }

    def __init__(self) -> None:
        super().__init__()
        self._unasked: dict[Schema, dict[str, Any]] = {}
        """What each schema makes of a query without a parameter."""

    def parse(self, argmap: Any, req: Request | None = None, **options: Any) -> Any:
        """Read as webargs does; a query without a parameter, as most are, is looked at once a schema."""
        asked = req or request
        if options.get("location") != "query" or asked.query_string or not isinstance(argmap, Schema):
            return super().parse(argmap, req, **options)
        if argmap not in self._unasked:
            self._unasked[argmap] = super().parse(argmap, req, **options)
        return dict(self._unasked[argmap])

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The query string, no parameter twice."""
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            faults = [Fault("query.repeated", name[:200]) for name in repeated]
            raise Problem("request-invalid", faults + path_values(req.view_args or {})[1])
        return req.args.to_dict()

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The JSON body, no key twice, no number that is not finite."""
        parsed = parse_strictly(body_bytes(JSON_TYPES))
        if isinstance(parsed, Fault):
            raise Problem("body-json", [parsed])
        return parsed

    def handle_error(self, error: marshmallow.ValidationError, req: Request, schema: Schema, **_: Any) -> Any:
        """Tell all that is wrong, in the address as in the parameters."""
        parameters = {"known": ", ".join(sorted(schema.fields)) or "—"}
        faults = [
            Fault(each.code, each.field[:200], parameters if each.code == "query.unknown" else each.args)
            for each in faults_from(_without_location(error.messages))
        ]
        raise Problem("request-invalid", path_values(req.view_args or {})[1] + faults)


if TYPE_CHECKING:

    class Blueprint(flask.Blueprint):
        """What is used of flask-smorest's blueprint, which has no types: a word misspelt here is an error."""

        alt_response: Callable[..., Callable[[Any], Any]]
        arguments: Callable[..., Callable[[Any], Any]]
        doc: Callable[..., Callable[[Any], Any]]

        def __init__(self, name: str, import_name: str, *, description: str, **options: Any) -> None: ...

else:
    from flask_smorest import Blueprint


class Resource(Blueprint):
    """One resource of the API."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, import_name: str, prefix: str, description: str) -> None:
        super().__init__(
            name, import_name, url_prefix=prefix or None, description=description, template_folder="templates"
        )

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        """Register a route; the parts of its address document themselves."""
        options["parameters"] = [
            {"in": "path", "name": name, "required": True, "schema": dict(field.json_schema)}
            for name, field in PATH_FIELDS.items()
            if f"<{name}>" in rule or f":{name}>" in rule
        ]
        super().add_url_rule(rule, *args, **options)

    def reads(
        self,
        rule: str,
        zh: str,
        query: type[Schema],
        answer: type[Schema] | None = None,
        media_type: str = "application/json",
        or_types: Iterable[str] = (),
    ) -> Callable[[View], View]:
        """Register a view that reads; its answers carry an ETag.

        Args:
            or_types: other media types that the answer may have.
        """

        def decorate(view: View) -> View:
            checked = _document_etag(
                self.alt_response(200, **_response_document(answer, media_type))(_check_address(view))
            )
            if or_types:
                contents = {each: {"schema": {"type": "string"}} for each in (media_type, *or_types)}
                response = {"description": "OK", "content": contents}
                checked = self.doc(responses={"200": response})(checked)
            checked = self.arguments(query(), location="query")(checked)
            self.route(rule)(self._summarise(zh, view)(checked))
            return view

        return decorate

    def writes(
        self,
        method: str,
        rule: str,
        zh: str,
        answers: dict[int, Any],
        body: type[Schema] | None = None,
        request_body: dict[str, Any] | None = None,
        media_type: str = "application/json",
        query: type[Schema] = Query,
        takes_key: bool = True,
    ) -> Callable[[View], View]:
        """Register a view that writes; without a ``body`` schema it reads the request itself.

        It is then given the query, where that is not the empty one.

        Args:
            takes_key: whether the request may carry an Idempotency-Key; not where all that it brings is
                known by identities of its own, or where it records nothing.
        """

        def decorate(view: View) -> View:
            checked: Any = _check_address(view if body or query is not Query else _without_body(view))
            for status, answer in answers.items():
                checked = self.alt_response(status, **_response_document(answer, media_type))(checked)
            if body is not None:
                checked = self.arguments(body, location="json")(checked)
            checked = self.arguments(query(), location="query")(checked)
            if request_body is not None:
                checked = self.doc(requestBody=request_body)(checked)
            if takes_key:
                checked = self.doc(parameters=[KEY_PARAMETER])(_take_once(checked))
            self.route(rule, methods=[method])(self._summarise(zh, view)(checked))
            return view

        return decorate

    def _summarise(self, zh: str, view: Callable[..., Any]) -> Callable[[Any], Any]:
        lines = (view.__doc__ or "").strip().split("\n")
        decorate: Callable[[Any], Any] = self.doc(summary=f"{zh} · {lines[0].rstrip('.')}")
        return decorate


def _response_document(answer: Any, media_type: str) -> dict[str, Any]:
    if answer is None:
        # What a program reads out of a YAML file is whatever the file holds, not a text.
        schema = {"description": "the file"} if "yaml" in media_type else {"type": "string"}
        return {"schema": schema, "content_type": media_type, "success": True}
    return {"schema": answer, "content_type": media_type, "success": True}


def _document_etag(view: Any) -> Any:
    """Document the ETag that ``services.web.response_headers`` sets."""
    view._apidoc["etag"] = True
    return view


KEY_PARAMETER = {
    "in": "header",
    "name": KEY_HEADER,
    "required": False,
    "description": (
        "同一请求重发时用同一编号：只办理一次，答复与首次相同。"
        "The same key when the request is sent again: it is taken once, and answered as the first time. "
        f"Kept for {KEPT_DAYS} days (draft-ietf-httpapi-idempotency-key-header)."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX + 2, "pattern": "^[!-~]+$"},
}


def _take_once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a request under a key once; without a key as the view does."""

    @functools.wraps(view)
    def wrapper(*loaded: Any, **parts: Any) -> Any:
        if KEY_HEADER not in request.headers:
            return view(*loaded, **parts)
        return answer_request_once(ledger(), requester(), whole_body(), lambda: view(*loaded, **parts))

    return wrapper


def _without_body(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(_: Any, **parts: Any) -> Any:
        return view(**parts)

    return wrapper


def _check_address(view: Callable[..., Any]) -> Callable[..., Any]:
    """Check the parts of the address, and make a response of what the view returns."""

    @functools.wraps(view)
    def wrapper(*loaded: dict[str, Any], **parts: Any) -> Response:
        values, faults = path_values(parts)
        if faults:
            raise Problem("request-invalid", faults)
        try:
            returned = view(loaded[-1], **values)
        except SecondPersonNeeded as proposed:
            returned = _proposed(proposed.waiting)
        if isinstance(returned, Response):
            return returned
        data, status, headers = returned if isinstance(returned, tuple) else (returned, 200, {})
        body = current_app.json.dumps(wire_form(data) if isinstance(data, msgspec.Struct) else data)
        response = current_app.response_class(body, status, mimetype="application/json")
        if headers:
            response.headers.extend(headers)
        return response

    return wrapper


def _proposed(step: WaitingStep) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer to the first of two persons: what waits, and where it is confirmed."""
    with ledger().store.reading() as rows:
        document = waiting_document(rows, step, instant(ledger().clock()))
    return document, 202, {"Location": f"/v1/waiting-steps/{step.waiting}"}
