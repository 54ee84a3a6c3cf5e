"""What every response carries: safety, caching, and ETags on reads; and which writes are refused."""

from __future__ import annotations

from flask import Flask, Response, request

from domain.faults.fault import Fault
from services.runtime.variables import PREFIX
from services.web.problems import Problem

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY = CONTENT_POLICY + "; style-src 'self'"
UNCACHED = "/health/"
CONDITIONS = ("If-None-Match", "If-Match")
"""The conditions of a read that mean something here (RFC 9110, 13.1): nothing tells when it last changed."""
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def register(app: Flask) -> None:
    """Add them to an application."""
    app.before_request(refuse_foreign_writes)
    app.after_request(add_headers)


def refuse_foreign_writes() -> None:
    """Refuse writes that a browser sends for another site's page."""
    if request.method not in SAFE_METHODS and is_foreign():
        raise Problem("origin-foreign", _faults_of(request.headers.get("Origin", "")))


def is_foreign() -> bool:
    """Whether a browser sends the request for another site's page."""
    origin = request.headers.get("Origin")
    is_same = origin is None or origin == request.host_url.rstrip("/")
    return not is_same or request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def _faults_of(origin: str) -> list[Fault]:
    """The mend where a page of our own looks foreign: a proxy brings it by https, and nobody told us so."""
    scheme, _, netloc = origin.partition("://")
    if scheme != "https" or netloc.partition(":")[0] != request.host.partition(":")[0]:
        return []
    return [Fault("origin.unset", "Origin", {"setting": f"{PREFIX}PUBLIC_ADDRESS", "origin": origin})]


def add_headers(response: Response) -> Response:
    """Set the headers; a read whose ETag the caller holds becomes 304."""
    page = response.mimetype in ("text/html", "text/css")
    headers = response.headers
    present = {name.lower(): value for name, value in headers}
    if "content-security-policy" not in present:
        headers.add("Content-Security-Policy", PAGE_POLICY if page else CONTENT_POLICY)
    if "referrer-policy" not in present:
        headers.add("Referrer-Policy", "no-referrer")
    for name, value in ALWAYS:
        headers.add(name, value)  # no view sets one of them, and setting looks through all the others
    lasting = "public" in present.get("cache-control", "")
    readable = request.method in ("GET", "HEAD") and response.status_code == 200
    checked = readable and not request.path.startswith(UNCACHED) and not response.is_streamed
    if not lasting:
        headers["Cache-Control"] = "private, no-cache" if checked else "no-store"
    if "vary" in present:
        response.vary.add("Accept-Language")
    else:
        headers.add("Vary", "Accept-Language")
    if checked and not lasting:
        response.add_etag()
        if any(condition in request.headers for condition in CONDITIONS):
            response.make_conditional(request)
    return response
