"""Bodies that arrive whole, or count as none: half a policy file or table must not be taken for a whole one.

A connection may break while a body is on its way. Where its length was told, fewer bytes are an error
(RFC 9112, 8). A body in chunks that breaks off is told from one that ends by our own front, but not by
every server that may run the application. So what does not end by itself is asked for with its length;
JSON, a workbook and the parts of a form do, and so does each line of a stream of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request

from domain.faults.fault import Fault
from services.web.problems import Problem

NEVER_ENDING = frozenset(
    (
        *("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"),
        "text/csv",
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    )
)
"""Types of content of which the beginning may pass for the whole."""
_CHUNKED = "HTTP_TRANSFER_ENCODING"

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def register(app: Flask) -> None:
    """Have bodies of told length read to their end, and others refused where nobody could see the end."""
    serve: App = app.wsgi_app

    def serve_whole(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") and _CHUNKED not in environ:
            # Werkzeug then counts, and raises ClientDisconnected (400) where bytes are missing.
            environ.pop("wsgi.input_terminated", None)
        return serve(environ, start_response)

    def require_length() -> None:
        if _CHUNKED in request.environ and request.mimetype in NEVER_ENDING:
            raise Problem("length-missing", [Fault("body.length", "Content-Length")])

    app.wsgi_app = serve_whole  # type: ignore[method-assign]
    app.before_request(require_length)
