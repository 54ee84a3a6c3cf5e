"""Forms: who is working, and the token that every write must carry against forged requests."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Collection
from pathlib import Path

from flask import Flask, current_app, request, session
from werkzeug.exceptions import HTTPException

from domain.authority.roles import Actor, NotAllowed, check_name, declared_actor
from ledger.store.application import Ledger
from ledger.store.repeats.keys import KEY_CHARS_MAX, KeptAnswer, KeyInProgress, RequestKey, answer_once
from services.console.forms_key import KEY_BYTES, read_forms_key
from services.web.identity.gate import requester, settings_of
from services.web.problems import Problem
from services.web.repeats import person_of
from services.web.response_headers import is_foreign

TOKEN_FIELD = "csrf_token"  # noqa: S105 - a name, no secret
TEXT_FIELDS = ("reason", "opinion", "text")
"""What a person writes at length, and would not like to write twice."""
TYPED_BYTES_MAX = 64 * 1024
"""How large a form may be of which somebody whom nobody knows is shown what it says."""
FORM_KEPT_DAYS = 2
"""How long a form that was sent is remembered."""
PATIENCE_SECONDS = 20
"""How long the second sending of a form waits for the first."""
WORKING_ROLES = ("officer", "reviewer", "finance", "auditor")
"""The roles that a member of the bureau may work in."""


def register(app: Flask, key_file: Path | None) -> None:
    """Give the application's sessions their secret, the same in every worker, and guard its writes."""
    app.config.update(
        SESSION_COOKIE_NAME="subsidy-console",
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_PATH="/console",
    )
    provider = app.extensions["subsidy-gate"].sign_in
    if provider is not None:  # the same on every machine that serves the ledger
        app.secret_key = provider.derived("forms")
        app.config["SESSION_COOKIE_SECURE"] = provider.secure
    elif key_file is not None:
        app.secret_key = read_forms_key(key_file)
    else:
        app.secret_key = secrets.token_bytes(KEY_BYTES)
    app.extensions["subsidy-working"] = working
    app.before_request(_guard)


def token() -> str:
    """The token of one form: the session's, made on first use, and a number that is used once."""
    if TOKEN_FIELD not in session:
        session[TOKEN_FIELD] = secrets.token_urlsafe(24)
    return f"{session[TOKEN_FIELD]}.{secrets.token_urlsafe(9)}"


def submit_once(ledger: Ledger, act: Callable[[], bytes]) -> KeptAnswer:
    """Take what a form asks for once, however often it is sent; a second sending waits for the first.

    Raises:
        KeyOfOther: where the form was sent before with another content; KeysFull.
    """
    nonce = request.form.get(TOKEN_FIELD, "").partition(".")[2]
    if not nonce:
        return KeptAnswer(act(), False)
    person = "\x1f".join(("form", str(session[TOKEN_FIELD]), person_of(actor())))
    asked = RequestKey(person, nonce[:KEY_CHARS_MAX], _digest_form(), FORM_KEPT_DAYS, is_own=False)
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return answer_once(ledger, asked, act)
        except KeyInProgress:
            if time.monotonic() > patience:
                raise
            time.sleep(0.05)


def _digest_form() -> bytes:
    """What a form says, as 32 bytes; without its token."""
    digest = hashlib.sha256(request.path.encode())
    fields = [(name, values) for name, values in request.form.lists() if name != TOKEN_FIELD]
    digest.update(json.dumps(sorted(fields)).encode())
    for name, file in sorted(request.files.items(multi=True), key=lambda named: named[0]):
        digest.update(json.dumps([name, file.filename]).encode())
        for piece in iter(lambda: file.stream.read(1 << 20), b""):  # noqa: B023 - read within the turn
            digest.update(piece)
        file.stream.seek(0)
    return digest.digest()


def _guard() -> None:
    """Refuse a write of the console that does not carry its session's token."""
    if request.blueprint != "console" or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    sent = (request.form.get(TOKEN_FIELD) or request.headers.get("X-CSRF-Token", "")).partition(".")[0]
    if TOKEN_FIELD not in session or not hmac.compare_digest(
        sent.encode(), str(session[TOKEN_FIELD]).encode()
    ):
        raise Problem("form-expired")


def typed_texts() -> list[str]:
    """What the person wrote at length in the form that was sent; nothing of another site's form."""
    is_small = (request.content_length or 0) <= TYPED_BYTES_MAX
    if not is_small or is_foreign() or request.mimetype != "application/x-www-form-urlencoded":
        return []
    return [text for name in TEXT_FIELDS if (text := request.form.get(name, ""))]


def working() -> Actor | None:
    """Who works: the token's person where identities are checked, else who the session names.

    ``None`` before a name was given.
    """
    if settings_of().mode != "local":
        return requester() if requester().name else None
    name = session.get("name")
    if not name:
        return None
    roles = frozenset(session.get("roles", ())) & set(WORKING_ROLES)
    return declared_actor(str(name), roles)


def start_work(name: str, roles: list[str]) -> None:
    """Work under a name, in some roles, with a token that nobody knew before.

    Raises:
        NotAllowed: for a name that cannot be shown.
    """
    shown = check_name(name, "name")
    session.clear()
    session["name"] = shown
    session["roles"] = [role for role in roles if role in WORKING_ROLES]


def stop_work() -> None:
    """Leave."""
    session.clear()


def actor() -> Actor:
    """Who takes the step of this request; the domain refuses one without a name."""
    return working() or Actor("", frozenset(WORKING_ROLES))


def named(roles: Collection[str]) -> Actor:
    """Who takes a step that the domain knows nothing of: a named person in one of the roles.

    Raises:
        NotAllowed.
    """
    found = actor()
    if not found.name:
        raise NotAllowed("actor.missing", "actor")
    if not found.roles & set(roles):
        raise NotAllowed("role.missing", "actor", action=request.endpoint, roles=", ".join(roles))
    return found


def opened() -> Ledger:
    """The ledger that this application serves."""
    found: Ledger = current_app.extensions["subsidy-ledger"]
    return found


def back(default: str = "/console/") -> str:
    """Where a page leads back to: an address of the console, never another site's."""
    try:
        said = request.form.get("back", "")
    except HTTPException:  # the page tells why this form could not be read, and can't read it either
        said = ""
    said = said or request.args.get("back") or ""
    if not said and request.referrer and request.referrer.startswith(request.host_url):
        said = request.referrer.removeprefix(request.host_url.rstrip("/"))
    plain = (
        said.startswith("/console/") and not any(letter in said for letter in "\\\r\n") and "//" not in said
    )
    return said if plain else default
