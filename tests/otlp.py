"""A receiver of traces as OpenTelemetry sends them: OTLP over HTTP, decoded from its protobuf."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.processes import wait_until


class Span(NamedTuple):
    """What we look at of a span."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, str]
    links: tuple[str, ...]


class Receiver:
    """Listens on a port of the loopback, and keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.spans += spans_in(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What an operator sets to have traces sent here."""
        address = f"http://127.0.0.1:{self.server.server_port}"
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    def wait(self, found: Callable[[list[Span]], bool]) -> list[Span]:
        """Wait until the spans are there."""
        wait_until(lambda: found(self.spans), 30, "the spans were not sent")
        return list(self.spans)


def spans_in(body: bytes) -> list[Span]:
    """The spans of one export."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Span(
            next(a.value.string_value for a in of.resource.attributes if a.key == "service.name"),
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            {a.key: a.value.string_value or str(a.value.int_value) for a in span.attributes},
            tuple(link.trace_id.hex() for link in span.links),
        )
        for of in request.resource_spans
        for scope in of.scope_spans
        for span in scope.spans
    ]
