"""Traces in the form of OpenTelemetry: spans of requests, of batches of a stream, of what is recorded.

They are sent where the standard ``OTEL_*`` variables say, and nowhere without them
(``OTEL_EXPORTER_OTLP_ENDPOINT``, or ``…_TRACES_ENDPOINT``; OTLP over HTTP). A caller's trace goes on
in ours (``traceparent``, W3C Trace Context), in the headers of HTTP requests and of Kafka records.
Spans name routes, topics and counts: no enterprise, no amount, no person.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, g, request
from opentelemetry import context, propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

from ledger.intake.tracing import tracer
from services.runtime.methods import name_method

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
LINKS_MAX = 32
"""Most traces of records that the span of their batch names."""
TRACEPARENT = "traceparent"

Headers = Sequence[tuple[str, bytes | None]]


def traces_wanted() -> bool:
    """Whether the environment says where traces go."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and any(os.environ.get(name) for name in ENDPOINTS)


def start(role: str) -> None:
    """Send this process's spans, where that is wanted; ``role`` is ``serve``, ``consume`` or ``publish``."""
    if not traces_wanted():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or f"subsidy-ledger-{role}"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def register(app: Flask) -> None:
    """Give every request of an application its span, where traces are wanted."""
    if not traces_wanted():
        return

    def begin() -> None:
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = name_method(request.method)
        attributes = {"http.request.method": method, "http.route": route}
        caller = propagate.extract(request.headers)
        named = f"{method} {route}"
        g.span = tracer.start_span(named, caller, kind=SpanKind.SERVER, attributes=attributes)
        g.span_token = context.attach(trace.set_span_in_context(g.span, caller))

    def answered(response: Response) -> Response:
        span: Span | None = g.get("span")
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response

    def end(error: BaseException | None = None) -> None:
        span: Span | None = g.pop("span", None)
        if span is not None:
            context.detach(g.pop("span_token"))
            span.end()

    app.before_request(begin)
    app.after_request(answered)
    app.teardown_request(end)


@contextmanager
def consuming(topic: str, partition: int, records: Sequence[Any]) -> Iterator[None]:
    """The span of a batch of records, with links to the traces that they belong to."""
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.batch.message_count": len(records),
    }
    links = [Link(of) for of in _traces(records)] if traces_wanted() else []
    kind = SpanKind.CONSUMER
    with tracer.start_as_current_span(f"consume {topic}", kind=kind, attributes=attributes, links=links):
        yield


def _traces(records: Sequence[Any]) -> list[trace.SpanContext]:
    """The different traces that records name, the first ones."""
    contexts: dict[str, trace.SpanContext] = {}
    for record in records:
        traceparent = _header(record.headers or ())
        if traceparent is None or traceparent in contexts:
            continue
        context_of_span = trace.get_current_span(
            propagate.extract({TRACEPARENT: traceparent})
        ).get_span_context()
        if context_of_span.is_valid:
            contexts[traceparent] = context_of_span
        if len(contexts) == LINKS_MAX:
            break
    return list(contexts.values())


def _header(headers: Headers) -> str | None:
    for name, value in headers:
        if name in (TRACEPARENT, f"ce_{TRACEPARENT}") and value is not None:
            return value.decode("ascii", "replace")
    return None


@contextmanager
def publishing(topic: str, count: int) -> Iterator[list[tuple[str, bytes]]]:
    """The span of a batch that is published; the headers that its records carry."""
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.batch.message_count": count,
    }
    with tracer.start_as_current_span(f"publish {topic}", kind=SpanKind.PRODUCER, attributes=attributes):
        carried: dict[str, str] = {}
        propagate.inject(carried)
        yield [(name, value.encode()) for name, value in carried.items()]


def trace_id() -> str | None:
    """The id of the trace at work; ``None`` where none is."""
    span_context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span_context.trace_id) if span_context.is_valid else None
