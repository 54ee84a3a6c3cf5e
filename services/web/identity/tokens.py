"""Bearer tokens of people: JSON Web Tokens (RFC 7519) checked against the issuer's keys (JWKS).

The algorithm is one of a fixed list, never the token's word; keys are fetched again when a
token names one that is not known, at most once in ``FETCH_SECONDS``, by a thread of its own: who brings
a key that is known waits for nobody, and few of the others wait for an issuer that is slow.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from domain.authority.roles import MONITOR, ROLES, Actor, NotAllowed, check_name
from domain.faults.fault import FaultValue
from domain.things.credit_code import is_valid
from services.runtime.identity_settings import IdentitySettings

if TYPE_CHECKING:  # joserfc is imported where a token is read: a service without identities never does
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
LEEWAY_SECONDS = 30
FETCH_SECONDS = 30
FETCH_TIMEOUT = 5
FIRST_FETCH_SECONDS = 2
"""How soon the issuer is asked again while it has not given any key."""
BRIEF_SECONDS = 0.5
"""How long anybody waits for the issuer's keys: one that is well has answered by then."""
WAITING_MAX = 2
"""Requests of one process that wait longer, for an issuer that is slow; others are refused meanwhile."""
KEYS_BYTES_MAX = 1_000_000
TOKEN_CHARS_MAX = 8_192
SUBJECT_CHARS_MAX = 255
"""OpenID Connect Core 1.0, 2: ``sub``."""
LATEST = 253_402_300_799
"""The last second of the year 9999, the latest that a date here can say."""


class Refused(Exception):
    """A credential that is not taken: a stable reason, and what fills its words."""

    def __init__(self, reason: str, **args: FaultValue) -> None:
        super().__init__(reason)
        self.reason, self.args_ = reason, args


class Keys:
    """The issuer's keys, from a file or an address, kept until a token needs newer ones.

    ``shared`` is a file in which a service's workers hand on what one of them fetched last: a worker
    that has no keys yet depends on no issuer that answered another.
    """

    def __init__(
        self, location: str, clock: Callable[[], float] = time.monotonic, shared: Path | None = None
    ) -> None:
        self.where, self.clock, self.shared = location, clock, shared
        self.shared_at = 0
        self.lock = threading.Lock()
        self.held: KeySet | None = None
        self.fetched = float("-inf")
        self.fetching: threading.Thread | None = None
        self.waiting = threading.BoundedSemaphore(WAITING_MAX)

    def for_token(self, key_id: str | None) -> KeySet:
        """The keys, fetched anew where none of them has the token's id.

        Raises:
            Refused: where they cannot be had.
        """
        if self._has_key(key_id):
            return self._held_keys()
        with self.lock:
            self._take_shared()
            if self._has_key(key_id):
                return self._held_keys()
            is_due = self.clock() - self.fetched >= (FETCH_SECONDS if self.held else FIRST_FETCH_SECONDS)
            if is_due and (self.fetching is None or not self.fetching.is_alive()):
                self.fetched = self.clock()
                self.fetching = threading.Thread(target=self._fetch_and_hold, daemon=True)
                self.fetching.start()
            fetching = self.fetching
        if fetching is not None:
            self._wait(fetching)
        return self._held_keys()

    def _wait(self, fetching: threading.Thread) -> None:
        """Wait until keys are fetched: anybody a moment while there are none at all, few for longer."""
        if self.held is None:
            fetching.join(BRIEF_SECONDS)
        if not fetching.is_alive():
            return
        if not self.waiting.acquire(blocking=False):
            raise Refused("token.keys-unavailable")
        try:
            fetching.join(FETCH_TIMEOUT)
        finally:
            self.waiting.release()

    def _has_key(self, key_id: str | None) -> bool:
        return self.held is not None and any(key.kid == key_id for key in self.held.keys)

    def _held_keys(self) -> KeySet:
        if self.held is None:
            raise Refused("token.keys-unavailable")
        return self.held

    def _take_shared(self) -> None:
        """Hold what another worker has fetched since."""
        if self.shared is None:
            return
        try:
            changed_at = self.shared.stat().st_mtime_ns
            if changed_at != self.shared_at:
                self.shared_at, self.held = changed_at, _parse(self.shared.read_bytes()) or self.held
        except OSError:
            return

    def _fetch_and_hold(self) -> None:
        try:
            text = self._read()
        except (OSError, ValueError):
            return
        fetched = _parse(text)
        if fetched is None:
            return
        self.held = fetched
        if self.shared is not None:
            part = self.shared.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError):  # the others then fetch for themselves
                part.write_bytes(text)
                part.replace(self.shared)

    def _read(self) -> bytes:
        if "://" not in self.where:
            return Path(self.where).read_bytes()
        url = urlsplit(self.where)
        if url.scheme != "https" and not (
            url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost")
        ):
            raise OSError("keys come over https")
        with urllib.request.urlopen(self.where, timeout=FETCH_TIMEOUT) as answer:  # noqa: S310 - checked above
            return bytes(answer.read(KEYS_BYTES_MAX))


def _parse(text: bytes) -> KeySet | None:
    """A set of keys (RFC 7517, 5); none where it is no such text."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        return KeySet.import_key_set(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, JoseError):
        return None


class Tokens:
    """Reads tokens of one issuer; ``shared`` as in ``Keys``."""

    def __init__(
        self, settings: IdentitySettings, now: Callable[[], float] = time.time, shared: Path | None = None
    ) -> None:
        self.settings, self.now = settings, now
        self.keys = Keys(settings.jwks, shared=shared)

    def read(self, text: str) -> tuple[Actor, dict[str, Any]]:
        """The actor that a token stands for, and its claims.

        Raises:
            Refused: saying why in one word; also for a claim that is not of its type.
        """
        if not self.settings.issuer:
            raise Refused("token.unwanted")
        if len(text) > TOKEN_CHARS_MAX:
            raise Refused("token.form")
        from joserfc import errors, jwt

        try:
            keys = self.keys.for_token(_key_id(text))
            claims = jwt.decode(text, keys, algorithms=list(ALGORITHMS)).claims
            _check_types(claims)
            self._check(claims)
        except errors.ExpiredTokenError:
            raise Refused("token.expired") from None
        except errors.BadSignatureError:
            raise Refused("token.signature") from None
        except (errors.InvalidClaimError, errors.MissingClaimError) as error:
            raise Refused(f"token.{_claim_of(error)}") from None
        except (errors.JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise Refused("token.form") from None
        return self._actor(claims), claims

    def _check(self, claims: dict[str, Any]) -> None:
        from joserfc import errors, jwt

        settings = self.settings
        registry = jwt.JWTClaimsRegistry(
            now=int(self.now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        registry.validate(claims)
        if settings.writes_once and not isinstance(claims.get("jti"), str):
            raise errors.MissingClaimError("jti")

    def _actor(self, claims: dict[str, Any]) -> Actor:
        settings = self.settings
        code = _claim(claims, settings.enterprise_claim, str)
        enterprise = code if code and is_valid(code) else None
        roles = _roles_of(claims, settings.roles_claim)
        try:
            name = check_name(_claim(claims, settings.name_claim, str) or claims["sub"], "Authorization")
        except NotAllowed:
            raise Refused("token.name", claim=settings.name_claim) from None
        source = _claim(claims, settings.source_claim, str) or ""
        return Actor(name, roles, enterprise, claims["iss"], claims["sub"], source=source)


def _roles_of(claims: dict[str, Any], name: str) -> frozenset[str]:
    """The roles that a claim names: a list of texts, or one text with blanks between."""
    named = claims.get(name, [])
    if isinstance(named, str):
        named = named.split()
    if not isinstance(named, list) or not all(isinstance(role, str) for role in named):
        raise Refused("token.claim-form", claim=name)
    return frozenset(named) & {*ROLES, MONITOR}


def _claim(claims: dict[str, Any], name: str, type_: type) -> Any:
    """A claim, of the type that it must have; None where it is absent."""
    value = claims.get(name)
    if value is not None and not isinstance(value, type_):
        raise Refused("token.claim-form", claim=name)
    return value


def _check_types(claims: dict[str, Any]) -> None:
    """Check the registered claims' types (RFC 7519, 4.1), whatever they say."""
    for name in ("iss", "sub", "jti"):
        _claim(claims, name, str)
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Refused("token.claim-form", claim=name)
        if value is not None and not 0 <= value <= LATEST:
            raise Refused("token.claim-form", claim=name)
    audience = claims.get("aud", [])
    if not isinstance(audience, str | list) or not all(isinstance(each, str) for each in audience):
        raise Refused("token.claim-form", claim="aud")
    subject = claims.get("sub", "-") or ""
    if not subject.strip() or not subject.isprintable() or len(subject) > SUBJECT_CHARS_MAX:
        raise Refused("token.claim-form", claim="sub")


def _key_id(text: str) -> str | None:
    from joserfc.jws import extract_compact

    key_id = extract_compact(text.encode()).headers().get("kid")
    return key_id if isinstance(key_id, str) else None


_REASONS = {"iss": "issuer", "aud": "audience", "exp": "expired", "nbf": "early", "iat": "early"}


def _claim_of(error: JoseError) -> str:
    """Which claim an error is about, in our words."""
    claim = getattr(error, "claim", None) or str(error)
    return next((word for name, word in _REASONS.items() if name in claim), "claims")
