"""Joins the console to the API's application: pages, words, headers, errors."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from ledger.store.application import Ledger
from services.console import forms, language, rendering
from services.console.blueprint import console
from services.console.pages import MODULES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Everything a page loads comes from us; nothing is inline, nothing frames us."""
REFERRERS = "same-origin"
"""Without it a browser sends a form with ``Origin: null``, as one of another site's page."""
PARTS = ("HX-Request", "HX-History-Restore-Request")
"""Under one address a page, or a part of it: a browser that goes back must not take one for the other."""
ASSET_SECONDS = 3600


def register(app: Flask, ledger: Ledger, forms_key: Path | None = None) -> None:
    """Add the console to an application."""
    assert MODULES, "the pages register themselves on import"
    forms.register(app, forms_key)
    rendering.register(app)
    app.extensions["subsidy-problem-page"] = rendering.problem_page
    app.after_request(_headers)
    app.register_blueprint(console)
    app.add_url_rule("/", "console-home", _home)


def _home() -> BaseResponse:
    """Bring a browser to the console; programs find the document of the API."""
    return redirect("/console/" if request.accept_mimetypes.accept_html else "/openapi.json")


def _headers(response: Response) -> Response:
    page = request.path.startswith("/console/") and response.mimetype == "text/html"
    if request.blueprint == console.name or page:  # an address without a page has a page that says so
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = REFERRERS
        if page:
            response.vary.update(PARTS)
        if request.endpoint == "console.static" and response.status_code == 200:
            response.headers["Cache-Control"] = f"public, max-age={ASSET_SECONDS}"
        language.remember(response)
    return response
