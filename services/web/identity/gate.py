"""The gate before every request: who asks is found out, and held against the table of access."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask.globals import request_ctx
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.persons import LOCAL
from domain.authority.publishers import Scope
from domain.authority.roles import ROLES, Actor, declared_actor
from domain.authority.writes import IDENTITY, Writer
from domain.events.instants import instant
from domain.events.speaking import attribute_message
from domain.faults.fault import Fault
from domain.intake.authorising import Sender
from domain.things.credit_code import is_valid
from ledger.intake.machine_keys import PREFIX, key_of, use_once
from ledger.store.application import Ledger
from services.runtime import metrics
from services.runtime.identity_settings import IdentitySettings
from services.web.identity.access import PUBLIC, roles_for
from services.web.identity.header_names import read_name
from services.web.identity.limits import Accepted, Buckets, Limit, Quota, name_address
from services.web.identity.sessions import Session
from services.web.identity.signing_in import COOKIE, SignIn
from services.web.identity.tokens import Refused, Tokens
from services.web.problems import Problem

IDENTIFIED = "subsidy.identified"
"""In a request's environment, where its credential was not good yet: called once it turns out to be."""
ACTOR_HEADER = "Subsidy-Actor"
ROLES_HEADER = "Subsidy-Roles"
ENTERPRISE_HEADER = "Subsidy-Enterprise"
BURST_SECONDS = 10
"""How many seconds' worth a caller may ask for at once."""
FAILED_SECONDS = 60
"""In how many seconds an address may bring as many wrong credentials as the settings say."""
WRITES = ("POST", "PUT", "PATCH", "DELETE")

log = logging.getLogger(__name__)


class Gate:
    """Finds out who asks. ``refusals`` counts what was refused, by reason."""

    def __init__(
        self, ledger: Ledger, settings: IdentitySettings, buckets: Buckets, shared_keys: Path | None
    ) -> None:
        self.ledger, self.settings = ledger, settings
        self.requests = Limit("requests", settings.rate * BURST_SECONDS, BURST_SECONDS, buckets)
        self.failures = Limit("failed-credentials", settings.failed, FAILED_SECONDS, buckets)
        self.accepted = Accepted(buckets)
        self.tokens = Tokens(settings, lambda: ledger.clock().timestamp(), shared_keys)
        self.refusals: dict[str, int] = {}
        self.sign_in = SignIn(ledger, settings) if settings.client_id else None

    def check(self) -> BaseResponse | None:
        """Let the request in, or refuse it; a browser that must sign in first is brought there.

        Raises:
            Problem: 401 for who cannot be known, 403 for what is not theirs.
        """
        asked = request_ctx.request
        allowed = roles_for(asked.endpoint or "")
        credential = asked.headers.get("Authorization", "")
        if credential:
            self._check_failures(credential)
        try:
            g.actor, g.scope = self._identify(allowed)
            if credential:
                self.accepted.note(credential, is_good=True)
                asked.environ.get(IDENTIFIED, lambda: None)()
        except Refused as error:
            if credential and error.reason != "token.keys-unavailable":
                self.accepted.note(credential, is_good=False)
                self._tell(self.failures, self.failures.ask(_address()))
            is_signed_out = error.reason == "identity.missing" and self.sign_in is not None
            if is_signed_out and _of_browser():
                return redirect(url_for("console.sign_in", back=asked.full_path.rstrip("?")))
            self._check_rate(Actor("", frozenset()))
            if is_signed_out and asked.blueprint == "console":
                self._refuse("signed-out", Fault("sign-in.over", "sign-in"))
            self._refuse("identity-refused", Fault(error.reason, "Authorization", error.args_))
        self._check_rate(g.actor)
        if asked.endpoint is None or allowed == PUBLIC:
            return None
        roles = g.actor.roles & set(allowed)
        if not roles:
            details = {"action": asked.endpoint, "roles": ", ".join(allowed) or "—"}
            self._refuse("role-missing", Fault("role.missing", "Authorization", details))
        if roles == {"enterprise"} and not _is_own_enterprise(g.actor):
            details = {"action": asked.endpoint}
            self._refuse("role-missing", Fault("role.enterprise", "Authorization", details))
        return None

    def _check_rate(self, actor: Actor) -> None:
        """Refuse who asks too often: a person by issuer and subject, a key by its id, others by address."""
        checked = "" if actor.issuer == LOCAL else actor.identity
        quota = self.requests.ask(checked or f"from {_address()}")
        if self.requests.number:
            self._tell(self.requests, quota)
        if quota.wait_seconds:
            self._refuse("too-many", Fault("rate.limit", "Authorization", {"rate": self.settings.rate}))

    def _check_failures(self, credential: str) -> None:
        """Refuse whose address brings wrong credentials again and again, before anything is looked up."""
        quota = self.failures.ask(_address(), count=False)
        if quota.wait_seconds and not self.accepted.knows(credential):
            self._tell(self.failures, quota)
            self._refuse("too-many", Fault("rate.failed", "Authorization", {"rate": self.settings.failed}))

    def _tell(self, limit: Limit, quota: Quota) -> None:
        """Have the answer say how much of a limit is left; when to come again, where it is refused for it."""
        g.limit_fields = limit.fields(quota)

    def refuse_sign_in(self, error: Refused) -> NoReturn:
        """Refuse somebody who comes back from the identity provider; counted and logged as any other.

        Raises:
            Problem.
        """
        self._refuse("identity-refused", Fault(error.reason, "sign-in", error.args_))

    def _identify(self, allowed: tuple[str, ...]) -> tuple[Actor, Scope | None]:
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer" or not credential.strip():
                raise Refused("token.form")
            return self._of_credential(credential.strip())
        if self.settings.mode == "local":
            return _local(), None
        # Pages read parts of the API, such as a proof; whatever writes there needs a token.
        page = request.blueprint == "console" or request.method not in WRITES
        if self.sign_in is not None and page:
            g.signed_in = self._session()
            if g.signed_in is not None:
                return g.signed_in.actor, None
        if allowed == PUBLIC or request.endpoint is None:
            return Actor("", frozenset()), None
        raise Refused("identity.missing")

    def _session(self) -> Session | None:
        if self.sign_in is None or request.endpoint == "console.static":
            return None
        return self.sign_in.sessions.session_of(request.cookies.get(COOKIE))

    def _of_credential(self, text: str) -> tuple[Actor, Scope | None]:
        if text.startswith(PREFIX + "_"):
            with self.ledger.store.reading() as rows:
                key = key_of(rows, text)
            if key is None:
                raise Refused("key.unknown")
            return Actor(key.name, frozenset({"upstream"}), publisher=key.key_id), key.scope
        actor, claims = self.tokens.read(text)
        if self.settings.writes_once and request.method in WRITES:
            self._use(claims)
        return actor, None

    def _use(self, claims: dict[str, Any]) -> None:
        until = datetime.fromtimestamp(int(claims["exp"]), UTC) + timedelta(minutes=1)
        if not use_once(self.ledger, f"{claims['iss']} {claims['jti']}"[:400], instant(until)):
            raise Refused("token.replayed")

    def _refuse(self, code: str, fault: Fault) -> NoReturn:
        self.refusals[fault.code] = self.refusals.get(fault.code, 0) + 1
        metrics.refused(fault.code)
        log.warning(
            "refused: %s %s %r from %s", fault.code, request.method, request.path, request.remote_addr
        )
        raise Problem(code, [fault])


def _local() -> Actor:
    """Whoever reaches a loopback address is the administrator, under the name and roles that they say."""
    headers = request.headers
    name = read_name(headers, ACTOR_HEADER)
    return _declared(name, headers.get(ROLES_HEADER), headers.get(ENTERPRISE_HEADER, ""))


@lru_cache(maxsize=256)
def _declared(name: str, role_names: str | None, code: str) -> Actor:
    everything = frozenset(ROLES) - {"enterprise"}
    roles = (
        everything if role_names is None else frozenset(role_names.replace(" ", "").split(",")) & set(ROLES)
    )
    return declared_actor(name, roles, code if is_valid(code) else None, ACTOR_HEADER)


def _is_own_enterprise(actor: Actor) -> bool:
    """Whether an address is about the actor's own enterprise; what names none is checked by the domain."""
    named = (request.view_args or {}).get("code") or request.args.get("enterprise")
    if named is None:
        return request.method in WRITES
    return actor.enterprise is not None and named == actor.enterprise


def register(app: Flask, ledger: Ledger, settings: IdentitySettings, shared: Path | None = None) -> None:
    """Put the gate before an application; ``shared`` is the folder of the workers of one service."""
    buckets = Buckets(shared / "limits" if shared else None)
    gate = Gate(ledger, settings, buckets, shared / "issuer-keys" if shared else None)
    app.extensions["subsidy-gate"] = gate
    app.before_request(gate.check)
    app.after_request(_add_limit_fields)


def _add_limit_fields(response: Response) -> Response:
    """Say what is left of the limit that the request counted for (draft-ietf-httpapi-ratelimit-headers)."""
    for name, value in g.get("limit_fields", {}).items():
        if name != "Retry-After" or response.status_code == 429:
            response.headers[name] = value
    return response


def _address() -> str:
    return name_address(request.remote_addr or "")


def _of_browser() -> bool:
    """Whether a person opens a page; a part of a page, and a program, are told instead."""
    page = request.blueprint == "console" and request.method == "GET"
    return page and request.accept_mimetypes.accept_html and "HX-Request" not in request.headers


def gate_of() -> Gate:
    """The gate of this application."""
    gate: Gate = current_app.extensions["subsidy-gate"]
    return gate


def signed_in() -> Session | None:
    """The session of a person who signed in to the console; ``None`` for everybody else."""
    session: Session | None = g.get("signed_in")
    return session


def settings_of() -> IdentitySettings:
    """How this application finds out who asks."""
    return gate_of().settings


def requester() -> Actor:
    """Who takes the step of this request; nobody where that could not be found out."""
    actor: Actor = g.get("actor") or Actor("", frozenset())
    return actor


def scope() -> Scope | None:
    """What this request may say, where it is bound to a source: a machine's key, or a person's token."""
    key_scope: Scope | None = g.get("scope")
    actor = requester()
    if key_scope is None and actor.source and actor.roles == {"upstream"}:
        return Scope(actor.source)
    return key_scope


def sender() -> Sender:
    """Who sends the messages of this request: a system for its source, or a person for that of each."""
    return sender_of(requester())


def sender_of(actor: Actor) -> Sender:
    """As ``sender``, for somebody whom a form of a page names."""
    allowed = scope()
    attribution = attribute_message(actor, allowed.source if allowed else "")
    settings = settings_of()
    quota = settings.refused if settings.mode == IDENTITY else None
    return Sender(Writer(actor, settings.mode, allowed), attribution, quota)
