"""Reads of enterprises' data are noted: who, from where, what (``ledger.audit.looks``).

Every answered read is, but of the addresses that are known to tell nothing of an enterprise; so an
address that is added is noted before anybody thinks of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, Request, Response, current_app, g, request
from flask.globals import request_ctx

from domain.authority.roles import Actor
from domain.events import is_enterprise
from ledger.audit.looks import NOBODY, Looks, looked_at
from ledger.store.application import Ledger
from services.web.identity.gate import requester

TELL_OF_NONE = frozenset(
    (
        *("health.live", "health.ready", "metrics.metrics"),
        *("documentation.openapi", "documentation.page", "documentation.style"),
        *("event-types.every_type", "event-types.schema_of_type", "sheets.template"),
        *("policies.every_policy", "policies.one_policy", "policies.document"),
        *("years.budget", "years.targets", "receipts.check", "looks.looks"),
        *("log.checkpoint", "log.kept_checkpoints", "log.keys", "log.consistency", "log.proof"),
        *("tlog.checkpoint", "tlog.tile_of_hashes"),
        *("console.static", "console-home", "console.home", "console.choose", "console.who"),
        *("console.sign_in", "console.go_to_provider", "console.come_back"),
        *("console.audit_page", "console.sheets_page", "console.sheet_template", "console.new_claim"),
    )
)
"""Reads whose answers name no enterprise: rules, sums of the city, hashes, forms, and who looked."""
ASKED_BY_POST = frozenset({"what-if.compare"})
"""Reads whose question is too long for an address."""


def register(app: Flask, ledger: Ledger) -> None:
    """Note every answered read of enterprises' data."""
    looks = Looks(ledger)
    app.extensions["subsidy-looks"] = looks

    def look(response: Response) -> Response:
        asked = request_ctx.request
        if not _tells(asked, response):
            return response
        address = asked.remote_addr or NOBODY
        for code in _codes(asked):
            looks.add(looker().person, address, asked.method, asked.path, code)
        return response

    app.after_request(look)


def tells_of(codes: Iterable[str]) -> None:
    """Say whose data an answer tells, where its address does not: credit codes, or originators of events."""
    g.told_of = sorted(set(codes))


def _tells(asked: Request, response: Response) -> bool:
    """Whether a response answers a read of an address that may tell of enterprises."""
    reads = asked.method in ("GET", "HEAD") or asked.endpoint in ASKED_BY_POST
    answered = response.status_code < 300 or response.status_code == 304
    return reads and answered and asked.endpoint not in TELL_OF_NONE


def _codes(asked: Request) -> list[str]:
    """The enterprises that a read was of; ``*`` where they are not named one by one."""
    told: list[str] | None = g.get("told_of")
    if told is not None:
        return told
    part = (asked.view_args or {}).get("code")
    if not asked.query_string:
        return looked_at(part)
    return looked_at(part, asked.args.get("enterprise"), asked.args.get("code"))


def looker() -> Actor:
    """Who reads: on a page of the console the person who works there, else who the request says."""
    if request.blueprint == "console":
        return current_app.extensions["subsidy-working"]() or Actor("", frozenset())
    return requester()


def enterprise_in(originator: str) -> list[str]:
    """The enterprise that an originator of events is, or is the account of; none for policies and years."""
    code = originator.rpartition(":")[2] if originator.startswith("account:") else originator
    return [code] if is_enterprise(code) else []
