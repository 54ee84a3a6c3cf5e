"""The API of a ledger that checks identities, in the hands of persons with tokens of their own."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any, Self

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from ledger.store.application import Ledger
from services.runtime.identity_settings import IdentitySettings
from tests.integration.api_client import Api

ISSUER = "https://login.cixi.example"


class CheckedApi(Api):
    """The API where every caller brings a token; a person is the token's subject."""

    def __init__(self, ledger: Ledger, issuer: str = ISSUER) -> None:
        folder = Path(tempfile.mkdtemp())
        self.issuer, self.key = issuer, ECKey.generate_key("P-256", {"kid": "k1"})
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps(KeySet([self.key]).as_dict(private=False)))
        super().__init__(ledger, IdentitySettings(mode="required", issuer=issuer, jwks=str(jwks)))

    def person(self, subject: str, *roles: str, name: str = "", **claims: Any) -> Self:
        """The same API, asked by a person; ``name`` is what is shown of them."""
        asked = copy.copy(self)
        now = int(self.ledger.clock().timestamp())
        head = {"iss": self.issuer, "aud": "subsidy-ledger", "sub": subject, "exp": now + 10**8, "iat": now}
        said = {**head, "preferred_username": name or subject, "roles": list(roles), **claims}
        token = jwt.encode({"alg": "ES256", "kid": "k1"}, said, self.key)
        asked.headers = {"Authorization": f"Bearer {token}"}
        return asked
