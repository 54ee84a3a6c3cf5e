"""Signing in and out, where the settings name an identity provider's client."""

from __future__ import annotations

import contextlib

from flask import Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from services.console import forms
from services.console.blueprint import console
from services.console.rendering import page
from services.web.identity.gate import gate_of, signed_in
from services.web.identity.signing_in import COOKIE, START_SECONDS, UNDER_WAY, SignIn
from services.web.identity.tokens import Refused
from services.web.problems import Problem

PATH, START_PATH = "/", "/console/sign-in"


def _sign_in() -> SignIn:
    """The identity provider's side.

    Raises:
        Problem: where there is none, as for any address that is not there.
    """
    found = gate_of().sign_in
    if found is None:
        raise Problem("route-unknown")
    return found


@console.get("/sign-in")
def sign_in() -> Response:
    """Ask a person to sign in."""
    _sign_in()
    return page("sign-in.html", back=forms.back())


@console.get("/sign-in/go")
def go_to_provider() -> BaseResponse:
    """Bring the browser to the identity provider."""
    provider = _sign_in()
    try:
        started = provider.start(forms.back())
    except Refused as error:
        gate_of().refuse_sign_in(error)
    answer = redirect(started.address)
    _keep(answer, UNDER_WAY, started.cookie, START_PATH, START_SECONDS)
    return answer


def _keep(answer: BaseResponse, name: str, value: str, path: str, seconds: int | None = None) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    secure = _sign_in().secure
    answer.set_cookie(name, value, seconds, path=path, httponly=True, samesite="Lax", secure=secure)


@console.get("/sign-in/done")
def come_back() -> BaseResponse:
    """Take the identity provider's answer."""
    provider = _sign_in()
    given = {name: values[0] for name, values in request.args.lists() if len(values) == 1}
    try:
        found, back = provider.finish(request.cookies.get(UNDER_WAY, ""), given)
    except Refused as error:
        gate_of().refuse_sign_in(error)
    before = signed_in()
    if before is not None:
        provider.sessions.end(before.id)
    session.clear()  # a token of a form that somebody else may know does not outlive it
    answer = redirect(back)
    _keep(answer, COOKIE, provider.sessions.cookie_of(found), PATH)
    answer.delete_cookie(UNDER_WAY, path=START_PATH)
    return answer


@console.post("/sign-out")
def sign_out() -> BaseResponse:
    """Sign out, here and at the provider; no copy of the session is good for anything.

    A form may send the browser to this service alone, so the page itself leads on to the provider.
    """
    provider, found = _sign_in(), signed_in()
    address = None
    if found is not None:
        with contextlib.suppress(Refused):  # a provider that is away does not keep a session alive
            address = provider.sign_out_address(provider.sessions.id_token(found))
        every = provider.sessions.of_person(found.actor) if request.form.get("every") else []
        provider.sessions.end(found.id, *(each.session for each in every))
    session.clear()
    answer = page("signed-out.html", address=address) if address else redirect(url_for("console.sign_in"))
    if address:
        answer.headers["Refresh"] = f"0; url={address}"
    answer.delete_cookie(COOKIE, path=PATH)
    return answer


@console.after_app_request
def _seen(response: Response) -> Response:
    """Note that a session is in use; one that is not ends by itself."""
    found, provider = signed_in(), gate_of().sign_in
    leaving = any(name == "Set-Cookie" and value.startswith(COOKIE) for name, value in response.headers)
    if found is not None and provider is not None and not leaving:
        renewed = provider.sessions.renewed(found)
        if renewed is not None:
            _keep(response, COOKIE, provider.sessions.cookie_of(renewed), PATH)
    return response
