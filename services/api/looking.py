"""Reads of one enterprise's data are noted: who, from where, what (``ledger.looks``)."""

from __future__ import annotations

from flask import Flask, Response, request

from ledger.application import Ledger
from ledger.looks import NOBODY, Looks

ACTOR = "Subsidy-Actor"
ACTOR_MAX = 200


def register(app: Flask, ledger: Ledger) -> None:
    """Note every answered read of an address with a credit code."""
    looks = Looks(ledger)
    app.extensions["subsidy-looks"] = looks

    def look(response: Response) -> Response:
        code = (request.view_args or {}).get("code")
        if code and request.method in ("GET", "HEAD") and response.status_code < 400:
            looks.add(actor(), request.remote_addr or NOBODY, request.method, request.path, code)
        return response

    app.after_request(look)


def actor() -> str:
    """Who the request says is asking; taken at its word, until identities are checked."""
    said = request.headers.get(ACTOR, "").encode("latin-1", "replace").decode("utf-8", "replace")
    shown = "".join(letter for letter in said if letter.isprintable()).strip()
    return shown[:ACTOR_MAX] or NOBODY
