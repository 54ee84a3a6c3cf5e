"""What every response carries: safety, caching, and ETags on reads; and which writes are refused."""

from __future__ import annotations

from flask import Flask, Response, request

from services.api.problems import Problem

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY = CONTENT_POLICY + "; style-src 'self'"
UNCACHED = "/health/"


def register(app: Flask) -> None:
    """Add them to an application."""
    app.before_request(refuse_foreign_writes)
    app.after_request(add_headers)


def refuse_foreign_writes() -> None:
    """Refuse writes that a browser sends for another site's page."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    same = origin is None or origin == request.host_url.rstrip("/")
    if site not in ("none", "same-origin") or not same:
        raise Problem("origin-foreign")


def add_headers(response: Response) -> Response:
    """Set the headers; a read whose ETag the caller holds becomes 304."""
    page = response.mimetype in ("text/html", "text/css")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else CONTENT_POLICY)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    lasting = response.cache_control.public
    if not lasting:
        response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept-Language")
    readable = request.method in ("GET", "HEAD") and response.status_code == 200
    if readable and not lasting and not request.path.startswith(UNCACHED) and not response.is_streamed:
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        response.make_conditional(request)
    return response
