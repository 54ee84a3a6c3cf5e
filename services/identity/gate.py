"""The gate before every request: who asks is found out, and held against the table of access."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, current_app, g, request

from domain.credit_code import is_valid
from domain.roles import ROLES, Actor
from ledger.application import Ledger
from ledger.machine_keys import PREFIX, Scope, key_of, use_once
from ledger.messages.faults import Fault
from ledger.messages.fields import instant
from services import metrics
from services.api.problems import Problem
from services.identity.access import PUBLIC, roles_for
from services.identity.limits import Limits
from services.identity.settings import IdentitySettings
from services.identity.tokens import Refused, Tokens

ACTOR_HEADER = "Subsidy-Actor"
ROLES_HEADER = "Subsidy-Roles"
ENTERPRISE_HEADER = "Subsidy-Enterprise"
NAME_MAX = 200
WRITES = ("POST", "PUT", "PATCH", "DELETE")

log = logging.getLogger(__name__)


class Gate:
    """Finds out who asks. ``refusals`` counts what was refused, by reason."""

    def __init__(self, ledger: Ledger, settings: IdentitySettings) -> None:
        self.ledger, self.settings = ledger, settings
        self.limits = Limits(settings.rate)
        self.tokens = Tokens(settings, lambda: ledger.clock().timestamp())
        self.refusals: dict[str, int] = {}

    def check(self) -> None:
        """Let the request in, or refuse it.

        Raises:
            Problem: 401 for who cannot be known, 403 for what is not theirs.
        """
        allowed = roles_for(request.endpoint or "")
        try:
            g.actor, g.scope = self._identify(allowed)
        except Refused as error:
            self._refuse("identity-refused", Fault(error.reason, "Authorization"))
        wait = self.limits.wait(f"{g.actor.name}@{request.remote_addr}")
        if wait:
            self._refuse("too-many", Fault("rate.limit", "Authorization", {"rate": self.settings.rate}))
        if request.endpoint is None or allowed == PUBLIC:
            return
        roles = g.actor.roles & set(allowed)
        if not roles:
            said = {"action": request.endpoint, "roles": ", ".join(allowed) or "—"}
            self._refuse("role-missing", Fault("role.missing", "Authorization", said))
        if roles == {"enterprise"} and not _own(g.actor):
            said = {"action": request.endpoint}
            self._refuse("role-missing", Fault("role.enterprise", "Authorization", said))

    def _identify(self, allowed: tuple[str, ...]) -> tuple[Actor, Scope | None]:
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer" or not credential.strip():
                raise Refused("token.form")
            return self._of_credential(credential.strip())
        if self.settings.mode == "local":
            return _local(), None
        if allowed == PUBLIC or request.endpoint is None:
            return Actor("", frozenset()), None
        raise Refused("identity.missing")

    def _of_credential(self, text: str) -> tuple[Actor, Scope | None]:
        if text.startswith(PREFIX + "_"):
            with self.ledger.store.reading() as rows:
                key = key_of(rows, text)
            if key is None:
                raise Refused("key.unknown")
            return Actor(key.name, frozenset({"upstream"})), key.scope
        actor, claims = self.tokens.read(text)
        if self.settings.writes_once and request.method in WRITES:
            self._use(claims)
        return actor, None

    def _use(self, claims: dict[str, Any]) -> None:
        until = datetime.fromtimestamp(int(claims["exp"]), UTC) + timedelta(minutes=1)
        if not use_once(self.ledger, f"{claims['iss']} {claims['jti']}"[:400], instant(until)):
            raise Refused("token.replayed")

    def _refuse(self, code: str, fault: Fault) -> None:
        self.refusals[fault.code] = self.refusals.get(fault.code, 0) + 1
        metrics.refused(fault.code)
        log.warning(
            "refused: %s %s %r from %s", fault.code, request.method, request.path, request.remote_addr
        )
        raise Problem(code, [fault])


def _local() -> Actor:
    """Whoever reaches a loopback address is the administrator, under the name and roles that they say."""
    said = request.headers.get(ACTOR_HEADER, "").encode("latin-1", "replace").decode("utf-8", "replace")
    name = "".join(letter for letter in said if letter.isprintable()).strip()[:NAME_MAX]
    given = request.headers.get(ROLES_HEADER)
    everything = frozenset(ROLES) - {"enterprise"}
    roles = everything if given is None else frozenset(given.replace(" ", "").split(",")) & set(ROLES)
    code = request.headers.get(ENTERPRISE_HEADER, "")
    return Actor(name, roles, code if is_valid(code) else None)


def _own(actor: Actor) -> bool:
    """Whether an address is about the actor's own enterprise; what names none is checked by the domain."""
    named = (request.view_args or {}).get("code") or request.args.get("enterprise")
    if named is None:
        return request.method in WRITES
    return actor.enterprise is not None and named == actor.enterprise


def register(app: Flask, ledger: Ledger, settings: IdentitySettings) -> None:
    """Put the gate before an application."""
    gate = Gate(ledger, settings)
    app.extensions["subsidy-gate"] = gate
    app.before_request(gate.check)


def settings_of() -> IdentitySettings:
    """How this application finds out who asks."""
    gate: Gate = current_app.extensions["subsidy-gate"]
    return gate.settings


def requester() -> Actor:
    """Who takes the step of this request; nobody where that could not be found out."""
    found: Actor = g.get("actor") or Actor("", frozenset())
    return found


def scope() -> Scope | None:
    """What a machine's key allows it to say; ``None`` for people."""
    found: Scope | None = g.get("scope")
    return found
