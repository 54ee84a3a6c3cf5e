"""A small identity provider: OpenID Connect's code flow with PKCE over HTTP, as its texts say it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT, SECRET = "subsidy console", "s3cret:/?"


class Provider:
    """One provider; ``person`` is who sits at the browser, ``twist`` alters the next ID token's claims."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.key = ECKey.generate_key("P-256", {"kid": "p1"})
        self.address = ""
        self.person: dict[str, Any] = {"sub": "u1", "preferred_username": "Lin", "roles": ["officer"]}
        self.twist: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.token: str | None = None
        """Given out in place of the right ID token."""
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self.refreshing: dict[str, str] = {}
        """Nonces by the refresh tokens that hold; each is good once."""
        self.gives_refresh = True
        self.signs_out = False

    def discovery(self) -> dict[str, Any]:
        """The provider's metadata."""
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        if self.signs_out:
            names["end_session_endpoint"] = "leave"
        return {"issuer": self.address, **{name: f"{self.address}/{at}" for name, at in names.items()}}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent once its person has signed in."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.address}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Tokens for a code, once; ``None`` refuses."""
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if form.get("grant_type") == "refresh_token":
            nonce = self.refreshing.pop(form.get("refresh_token", ""), None)
            if nonce is None or (unquote(user), unquote(password)) != (CLIENT, SECRET):
                self.refused.append("refresh")
                return None
            return self.given(nonce)
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (unquote(user), unquote(password)) != (CLIENT, SECRET):
            self.refused.append("client")
        elif asked is None:
            self.refused.append("code")
        elif challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            self.refused.append("verifier")
        else:
            return self.given(asked["nonce"])
        return None

    def given(self, nonce: str) -> dict[str, Any]:
        """The tokens of a sign-in."""
        tokens = {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(nonce)}
        if self.gives_refresh:
            refresh = secrets.token_urlsafe(16)
            self.refreshing[refresh] = nonce
            tokens["refresh_token"] = refresh
        return tokens

    def id_token(self, nonce: str) -> str:
        """What the person's ID token says."""
        now = int(self.now())
        times = {"iat": now, "exp": now + 300}
        claims = {"iss": self.address, "aud": CLIENT, "nonce": nonce, **times, **self.person}
        if self.token is not None:
            return self.token
        return jwt.encode({"alg": "ES256", "kid": "p1"}, self.twist(claims), self.key)


@contextmanager
def providing(now: Callable[[], float]) -> Iterator[Provider]:
    """A provider on a port of this machine, stopped at the end."""
    provider = Provider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = urlsplit(self.path)
            if at.path == "/.well-known/openid-configuration":
                self.answer(200, provider.discovery())
            elif at.path == "/jwks":
                self.answer(200, KeySet([provider.key]).as_dict(private=False))
            elif at.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(at.query).items()}
                self.lead_to(provider.authorize(asked))
            elif at.path == "/leave":
                self.lead_to(parse_qs(at.query)["post_logout_redirect_uri"][0])
            else:
                self.answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            tokens = provider.redeem(form, self.headers["Authorization"])
            self.answer(200 if tokens else 400, tokens or {"error": "invalid_grant"})

        def lead_to(self, address: str) -> None:
            self.send_response(302)
            self.send_header("Location", address)
            self.end_headers()

        def answer(self, status: int, said: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
