"""Bearer tokens of people: JSON Web Tokens (RFC 7519) checked against the issuer's keys (JWKS).

The algorithm is one of a fixed list, never the token's word; keys are fetched again when a
token names one that is not known, at most once in ``FETCH_SECONDS``.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from domain.authority.roles import ROLES, Actor
from domain.things.credit_code import is_valid
from services.runtime.identity_settings import IdentitySettings

if TYPE_CHECKING:  # joserfc is imported where a token is read: a service without identities never does
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
LEEWAY_SECONDS = 30
FETCH_SECONDS = 30
FETCH_TIMEOUT = 5
KEYS_BYTES_MAX = 1_000_000
TOKEN_CHARS_MAX = 8_192
NAME_MAX = 200


class Refused(Exception):
    """A credential that is not taken: a stable reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Keys:
    """The issuer's keys, from a file or an address, kept until a token needs newer ones."""

    def __init__(self, location: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.where, self.clock = location, clock
        self.lock = threading.Lock()
        self.held: KeySet | None = None
        self.fetched = float("-inf")

    def for_token(self, key_id: str | None) -> KeySet:
        """The keys, fetched anew where none of them has the token's id.

        Raises:
            Refused: where they cannot be had.
        """
        with self.lock:
            has_key = self.held is not None and any(key.kid == key_id for key in self.held.keys)
            if not has_key and self.clock() - self.fetched >= (FETCH_SECONDS if self.held else 0):
                self.fetched = self.clock()
                self.held = self._fetch() or self.held
            if self.held is None:
                raise Refused("token.keys-unavailable")
            return self.held

    def _fetch(self) -> KeySet | None:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            return KeySet.import_key_set(json.loads(self._read()))
        except (OSError, ValueError, KeyError, JoseError):
            return None

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


class Tokens:
    """Reads tokens of one issuer."""

    def __init__(self, settings: IdentitySettings, now: Callable[[], float] = time.time) -> None:
        self.settings, self.now = settings, now
        self.keys = Keys(settings.jwks)

    def read(self, text: str) -> tuple[Actor, dict[str, Any]]:
        """The actor that a token stands for, and its claims.

        Raises:
            Refused: saying why in one word.
        """
        if not self.settings.issuer:
            raise Refused("token.unwanted")
        if len(text) > TOKEN_CHARS_MAX:
            raise Refused("token.form")
        from joserfc import errors, jwt

        try:
            keys = self.keys.for_token(_key_id(text))
            claims = jwt.decode(text, keys, algorithms=list(ALGORITHMS)).claims
            self._check(claims)
        except errors.ExpiredTokenError:
            raise Refused("token.expired") from None
        except errors.BadSignatureError:
            raise Refused("token.signature") from None
        except (errors.InvalidClaimError, errors.MissingClaimError) as error:
            raise Refused(f"token.{_claim_of(error)}") from None
        except (errors.JoseError, ValueError, TypeError, KeyError):
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
        roles = claims.get(settings.roles_claim, [])
        named = roles.split() if isinstance(roles, str) else [str(role) for role in roles or []]
        name = str(claims.get(settings.name_claim) or claims["sub"])
        code = claims.get(settings.enterprise_claim)
        plain = "".join(letter for letter in name if letter.isprintable()).strip()[:NAME_MAX]
        enterprise = code if isinstance(code, str) and is_valid(code) else None
        person = (str(claims["iss"]), str(claims["sub"]))
        return Actor(plain, frozenset(named) & set(ROLES), enterprise, *person)


def _key_id(text: str) -> str | None:
    from joserfc.jws import extract_compact

    key_id = extract_compact(text.encode()).headers().get("kid")
    return key_id if isinstance(key_id, str) else None


_REASONS = {"iss": "issuer", "aud": "audience", "exp": "expired", "nbf": "early", "iat": "early"}


def _claim_of(error: JoseError) -> str:
    """Which claim an error is about, in our words."""
    claim = getattr(error, "claim", None) or str(error)
    return next((word for name, word in _REASONS.items() if name in claim), "claims")
