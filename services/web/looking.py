"""Reads of one enterprise's data are noted: who, from where, what (``ledger.audit.looks``)."""

from __future__ import annotations

from flask import Flask, Response, current_app, request

from ledger.audit.looks import NOBODY, Looks
from ledger.store.application import Ledger
from services.web.identity.gate import requester


def register(app: Flask, ledger: Ledger) -> None:
    """Note every answered read of an address with a credit code."""
    looks = Looks(ledger)
    app.extensions["subsidy-looks"] = looks

    def look(response: Response) -> Response:
        code = (request.view_args or {}).get("code")
        if code and request.method in ("GET", "HEAD") and response.status_code < 400:
            looks.add(looker(), request.remote_addr or NOBODY, request.method, request.path, code)
        return response

    app.after_request(look)


def looker() -> str:
    """Who reads: on a page of the console the person who works there, else who the request says."""
    if request.blueprint == "console":
        working = current_app.extensions["subsidy-working"]()
        return working.name if working else NOBODY
    return actor()


def actor() -> str:
    """Who asks, as the gate found out (``services.web.identity``)."""
    return requester().name or NOBODY
