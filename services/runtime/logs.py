"""Logs as JSON lines: what happened, when (UTC), in which process, under which correlation id.

A request's id is the caller's ``traceparent`` (W3C) or ``Subsidy-Request`` where it sends one,
else a new one; it stands in every line that the request causes, and in the answer's header.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
import time
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from domain.authority.roles import Actor
from domain.things.personal_number import may_hold_number, wipe_alike
from ledger.store.correlation import current as correlation
from ledger.store.correlation import trace_of
from services.runtime.tracing import trace_id

HEADER = "Subsidy-Request"
_CALLER_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

access = logging.getLogger("subsidy.access")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; what a caller passed as ``extra={"said": {...}}`` stands beside it."""
        logged_at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "at": logged_at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": os.getpid(),
        }
        if correlation.get():
            line["correlation"] = correlation.get()
        if trace := trace_id():
            line["trace"] = trace
        line.update(getattr(record, "said", {}))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return wipe_alike(json.dumps(line, ensure_ascii=False))


class PlainLines(logging.Formatter):
    """One line of text."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, without any number of a person's identity card."""
        return wipe_alike(super().format(record))


def start(as_json: bool, level: int = logging.INFO) -> None:
    """Log to standard error, as JSON lines or as plain text."""
    handler = logging.StreamHandler(sys.stderr)
    plain = PlainLines("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if as_json else plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("kafka").setLevel(logging.WARNING)


def start_for(form: str) -> None:
    """Log in the form of the settings: as ``json`` every request, as ``text`` what goes wrong."""
    start(form == "json", logging.INFO if form == "json" else logging.WARNING)


def register(app: Flask) -> None:
    """Give every request its id, and log how it was answered."""

    def begin() -> None:
        g.clock = time.perf_counter()
        correlation.set(_caller_id() or trace_id() or secrets.token_hex(16))

    def end(response: Response) -> Response:
        response.headers.add(HEADER, correlation.get())
        if not access.isEnabledFor(logging.INFO):
            return response
        took = round((time.perf_counter() - g.get("clock", time.perf_counter())) * 1000, 1)
        actor: Actor | None = g.get("actor")
        request_fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": took,
            "actor": actor.name if actor and actor.name else "-",
            "address": request.remote_addr or "-",
        }
        access.info(
            "%s %r %s", request.method, request.path, response.status_code, extra={"said": request_fields}
        )
        return response

    def forget(_: BaseException | None = None) -> None:
        correlation.set("")

    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(forget)


def _caller_id() -> str | None:
    """The id that the caller gave, where it has a form that can be logged."""
    trace = trace_of(request.headers.get("traceparent"))
    if trace:
        return trace
    header = request.headers.get(HEADER, "")
    return header if _CALLER_ID.fullmatch(header) and not may_hold_number(header) else None
