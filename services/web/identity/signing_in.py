"""Signing in to the console: OpenID Connect, authorization code flow with PKCE (RFC 7636), state and nonce.

What is under way, and which session a browser has, stands in cookies that are encrypted with a key
derived from the client's secret, so that every worker can read them and nobody else can. An ID token
is checked by the very code that checks bearer tokens (``services.web.identity.tokens``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from domain.authority.roles import Actor
from domain.events.instants import instant
from ledger.intake.machine_keys import use_once
from ledger.store.application import Ledger
from services.runtime.identity_settings import RETURN, IdentitySettings
from services.runtime.kafka_settings import UnusableFile
from services.web.identity.sessions import Session, Sessions
from services.web.identity.tokens import Refused, Tokens

COOKIE, UNDER_WAY = "subsidy-signed-in", "subsidy-signing-in"
START_SECONDS = 600
"""How long a person may take at the identity provider."""
ANSWER_BYTES_MAX, TIMEOUT_SECONDS = 200_000, 5
ASKING_MAX = 4
"""Requests of one process that wait for the provider, half of those that it answers at once."""
TEXT_MAX = 2_048
SCOPE = "openid profile"


class Started(NamedTuple):
    """A sign-in that begins: where the browser goes, and the cookie that it takes along."""

    address: str
    cookie: str


class SignIn:
    """Signs people in at one identity provider.

    Raises:
        UnusableFile: where the client's secret cannot be read.
    """

    def __init__(self, ledger: Ledger, settings: IdentitySettings) -> None:
        from cryptography.fernet import Fernet  # only a client of an identity provider needs it

        self.ledger, self.settings = ledger, settings
        self.secret = client_secret(settings)
        box = Fernet(base64.urlsafe_b64encode(self.derived("cookies")))
        self.sessions = Sessions(ledger, box, settings.recheck, self.refresh)
        client_settings = replace(settings, audience=settings.client_id, writes_once=False)
        self.tokens = Tokens(client_settings, self._now)
        self.secure = urlsplit(settings.redirect).scheme == "https"
        self.asking = threading.BoundedSemaphore(ASKING_MAX)
        self.provider: dict[str, str] | None = None

    def derived(self, purpose: str) -> bytes:
        """A key for one purpose, the same in every worker."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), 32, None, f"subsidy-ledger {purpose}".encode()).derive(self.secret.encode())

    def _now(self) -> float:
        return self.ledger.clock().timestamp()

    # --- the way there and back ---------------------------------------------------------------

    def start(self, back: str) -> Started:
        """Begin a sign-in that leads back to an address of the console.

        Raises:
            Refused: where the provider does not say where to go.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = self._discovered()["authorization_endpoint"]
        attempt = {"state": state, "nonce": nonce, "verifier": verifier, "back": back, "at": int(self._now())}
        sign = "&" if "?" in address else "?"
        return Started(f"{address}{sign}{urlencode(parameters)}", self.sessions.seal(attempt))

    def finish(self, cookie: str, answer: dict[str, str]) -> tuple[Session, str]:
        """Who came back from the provider, and where the sign-in leads.

        Raises:
            Refused: for an answer that is not to the sign-in that this browser began, or that the
                provider does not stand by.
        """
        attempt = self.sessions.open(cookie)
        now = int(self._now())
        state, code = answer.get("state", ""), answer.get("code", "")
        if attempt is None or not now - START_SECONDS <= attempt.get("at", 0) <= now:
            raise Refused("sign-in.state")
        if not hmac.compare_digest(state.encode(), str(attempt.get("state", "")).encode()):
            raise Refused("sign-in.state")
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise Refused("token.issuer")
        if not use_once(self.ledger, f"sign-in {state}", _until(now + START_SECONDS)):
            raise Refused("sign-in.state")
        if answer.get("error") or not code or len(code) > TEXT_MAX:
            raise Refused("sign-in.denied")
        given = self._redeemed(code, attempt["verifier"])
        actor, claims = self.tokens.read(_id_token_of(given))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), attempt["nonce"].encode()):
            raise Refused("sign-in.nonce")
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise Refused("token.audience")
        return self.sessions.begin(actor, secrets.token_urlsafe(24), given), str(attempt["back"])

    def _redeemed(self, code: str, verifier: str) -> dict[str, Any]:
        """The tokens that the provider gives for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect,
            "code_verifier": verifier,
        }
        return self._ask_provider(self._discovered()["token_endpoint"], form)

    def _discovered(self) -> dict[str, str]:
        """Where the provider's endpoints are (OpenID Connect Discovery), asked until it answers."""
        if self.provider is None:
            issuer = self.settings.issuer.rstrip("/")
            document = self._ask_provider(f"{issuer}/.well-known/openid-configuration")
            names = ("authorization_endpoint", "token_endpoint")
            endpoints = {name: document.get(name) for name in names}
            is_issuer = document.get("issuer") == self.settings.issuer
            if not is_issuer or not all(isinstance(at, str) and trusted(at) for at in endpoints.values()):
                raise Refused("sign-in.provider")
            provider = {name: str(at) for name, at in endpoints.items()}
            sign_out = document.get("end_session_endpoint")
            if isinstance(sign_out, str) and trusted(sign_out):
                provider["end_session_endpoint"] = sign_out
            self.provider = provider
        return self.provider

    def _ask_provider(self, address: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        if not trusted(address):
            raise Refused("sign-in.provider")
        request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - checked
        if form is not None:
            request.data = urlencode(form).encode()
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(self.secret, safe='')}"
            request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
        if not self.asking.acquire(blocking=False):  # a provider that is slow takes no more of our threads
            raise Refused("sign-in.provider")
        try:
            with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                document = json.loads(answer.read(ANSWER_BYTES_MAX))
        except urllib.error.HTTPError as error:
            error.close()
            raise Refused("sign-in.denied" if error.code in (400, 401) else "sign-in.provider") from None
        except (OSError, ValueError):
            raise Refused("sign-in.provider") from None
        finally:
            self.asking.release()
        if not isinstance(document, dict):
            raise Refused("sign-in.provider")
        return document

    def refresh(self, refresh_token: str) -> tuple[Actor, dict[str, Any]]:
        """Who a person is now, by the refresh token of their session, and the tokens that are given.

        Raises:
            Refused: ``sign-in.provider`` where the provider cannot be asked, else where it refuses.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        response = self._ask_provider(self._discovered()["token_endpoint"], form)
        actor, _ = self.tokens.read(_id_token_of(response))
        return actor, response

    def sign_out_address(self, id_token: str) -> str | None:
        """Where the provider ends its own session (OpenID Connect RP-Initiated Logout 1.0); None: nowhere.

        Raises:
            Refused: where the provider cannot be asked.
        """
        address = self._discovered().get("end_session_endpoint")
        if not address:
            return None
        leads_to = self.settings.redirect.removesuffix(RETURN) + "/console/sign-in"
        parameters = {"client_id": self.settings.client_id, "post_logout_redirect_uri": leads_to}
        hint = {"id_token_hint": id_token} if id_token else {}
        return f"{address}{'&' if '?' in address else '?'}{urlencode({**parameters, **hint})}"


def _id_token_of(response: dict[str, Any]) -> str:
    token = response.get("id_token")
    if not isinstance(token, str):
        raise Refused("sign-in.provider")
    return token


class _Stay(urllib.request.HTTPRedirectHandler):
    """A provider's endpoints do not send our secret elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


def client_secret(settings: IdentitySettings) -> str:
    """The client's secret, from the environment or its file.

    Raises:
        UnusableFile.
    """
    if settings.client_secret:
        return settings.client_secret
    try:
        secret = Path(settings.client_secret_file).read_text("utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        file = settings.client_secret_file
        raise UnusableFile(f"{file}: no secret that this user can read — check the path, owner and mode")
    return secret


def trusted(address: str) -> bool:
    """Whether an address is https, or http of this machine."""
    url = urlsplit(address)
    return url.scheme == "https" or (
        url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost", "::1")
    )


def _until(seconds: int) -> str:
    return instant(datetime.fromtimestamp(seconds, UTC))
