"""Who asks, and what they may: tokens, keys, the table of access, and an upstream's own word."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from werkzeug.test import TestResponse

from domain.authority.roles import MAY, MONITOR, ROLES
from ledger.intake.machine_keys import make_key, revoke_key
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from services.runtime.identity_settings import IdentitySettings
from services.sample.policy import policy_text
from services.server.app import create_app
from services.web.identity.access import ACCESS, OWN_DATA, PUBLIC, roles_for
from services.web.identity.limits import Limit
from tests.events import CIXI, OPERATOR, Feed
from tests.integration.api_client import ENGLISH, ONE, is_problem

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ISSUER = "https://login.cixi.example"
PARTS = {
    "policy": CIXI,
    "year": "2024",
    "code": Feed(1).code,
    "period": "2024",
    "version": "1",
    "digest": "0" * 64,
    "event_type": "subsidy.store-registered.v1",
    "position": "1",
    "level": "0",
    "tile": "000.p/1",
    "claim": "C-1",
    "objection": "2024-001",
    "clawback": "2024-1",
    "batch": "2024-001",
    "filename": "console.css",
    "form": "hledger",
    "name": "x",
    "step": "propose",
    "sheet": "0" * 32,
    "family": "sales",
    "disagreement": "0" * 16,
    "waiting": "0" * 16,
    "document": "report",
}


class City:
    """A ledger that checks identities, its login service, and requests with tokens."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1"})
        self.jwks = folder / "jwks.json"
        self.publish(self.key)
        self.ledger: Ledger = open_ledger(str(folder / "ledger.db"), clock=lambda: NOW)
        adopt_policy(self.ledger, policy_text())
        identity = IdentitySettings(mode="required", issuer=ISSUER, jwks=str(self.jwks), **settings)
        self.app = create_app(self.ledger, identity)
        self.app.config["SIGNING_KEY"] = str(folder / "ledger.key")
        self.client: FlaskClient = self.app.test_client()

    def publish(self, *keys: Any) -> None:
        """Publish the issuer's keys."""
        self.jwks.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))

    def claims(self, *roles: str, **more: Any) -> dict[str, Any]:
        """What a right token says."""
        now = int(NOW.timestamp())
        head = {"iss": ISSUER, "aud": "subsidy-ledger", "sub": "u1", "exp": now + 600, "iat": now}
        return {**head, "preferred_username": "li", "roles": list(roles), **more}

    def token(self, *roles: str, **more: Any) -> str:
        """A right token of someone with roles."""
        return jwt.encode({"alg": "ES256", "kid": "k1"}, self.claims(*roles, **more), self.key)

    def ask(self, credential: str | None, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """Ask with a credential, or none."""
        headers = {**ENGLISH, **({"Authorization": f"Bearer {credential}"} if credential else {})}
        return self.client.open(path, method=method, headers=headers, **more)

    def refused(self, answer: TestResponse, status: int, reason: str) -> None:
        """The answer refuses for this reason, and the refusal was counted."""
        assert answer.status_code == status, answer.data
        assert [fault["code"] for fault in is_problem(answer)["faults"]] == [reason]
        assert self.app.extensions["subsidy-gate"].refusals[reason] > 0


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    found = City(tmp_path)
    yield found
    found.ledger.close()


BUDGET = f"/v1/policies/{CIXI}/years/2024/budget"


def test_a_right_token_is_let_in_and_none_is_not(city: City) -> None:
    assert city.ask(city.token("officer"), BUDGET).status_code == 200
    answer = city.ask(None, BUDGET)
    city.refused(answer, 401, "identity.missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def signed_with_the_public_key(city: City) -> str:
    """A token by a symmetric algorithm, whose secret is the key that everybody knows."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "kid": "k1"}).encode())
    said = f"{head}.{part(json.dumps(city.claims('operator')).encode())}"
    secret = city.key.as_pem(private=False)
    return f"{said}.{part(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"


def wrong_tokens(city: City) -> dict[str, tuple[str, str]]:
    """Tokens that must not be taken, each with the reason."""
    now = int(NOW.timestamp())
    other = ECKey.generate_key("P-256", {"kid": "k1"})
    rsa = RSAKey.generate_key(2048, {"kid": "k9"})
    right = city.token("officer")
    head, body, signature = right.split(".")
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."
    swapped = jwt.encode({"alg": "ES256", "kid": "k1"}, city.claims("operator"), other)
    return {
        "expired": (city.token("officer", exp=now - 600), "token.expired"),
        "not yet": (city.token("officer", nbf=now + 600), "token.early"),
        "of another issuer": (city.token("officer", iss="https://elsewhere.example"), "token.issuer"),
        "for another service": (city.token("officer", aud="other"), "token.audience"),
        "unsigned": (unsigned, "token.form"),
        "of a swapped key": (swapped, "token.signature"),
        "of an unknown key": (jwt.encode({"alg": "RS256", "kid": "k9"}, city.claims(), rsa), "token.form"),
        "signed with the public key": (
            signed_with_the_public_key(city),
            "token.form",
        ),
        "of an altered body": (f"{head}.{body[:-2]}AA.{signature}", "token.signature"),
        "cut": (right[:40], "token.form"),
        "no token": ("abc", "token.form"),
        "endless": ("a." * 9_000, "token.form"),
    }


def test_wrong_tokens_are_refused_with_the_reason_also_where_anyone_may_read(city: City) -> None:
    for name, (token, reason) in wrong_tokens(city).items():
        for path in (BUDGET, "/v1/policies"):
            answer = city.ask(token, path)
            said = [fault["code"] for fault in is_problem(answer)["faults"]]
            assert (answer.status_code, said) == (401, [reason]), (name, said)


WRONG_FORMS: dict[str, list[Any]] = {
    "roles": [
        5,
        True,
        1.5,
        None,
        {"operator": True},
        [["operator"]],
        [{"operator": 1}],
        [5],
        ["operator", None],
    ],
    "preferred_username": [5, ["li"], {"li": 1}, True],
    "sub": [5, "", "  ", ["u1"], {"u1": 1}, None, "u\u202e1", "u" * 256],
    "credit_code": [5, [Feed(1).code], {"code": Feed(1).code}],
    **{time: ["1900000000", [1], {}, True, -1, 1e300] for time in ("exp", "nbf", "iat")},
    "aud": [5, {"subsidy-ledger": 1}, [5, "subsidy-ledger"]],
    "iss": [5, [ISSUER], {ISSUER: 1}],
    "jti": [5, ["a"], {}],
}


@pytest.mark.parametrize(
    ("claim", "value"), [(claim, value) for claim, values in WRONG_FORMS.items() for value in values]
)
def test_a_claim_of_another_type_is_refused_and_named_and_never_read_otherwise(
    city: City, claim: str, value: Any
) -> None:
    token = city.token(**{"roles": ["operator"], claim: value})
    for path in (BUDGET, "/v1/looks", "/v1/policies", "/console/"):
        answer = city.ask(token, path)
        assert answer.status_code == 401, answer.data
    answer = city.ask(token, BUDGET)
    [fault] = is_problem(answer)["faults"]
    assert (fault["code"], claim in fault["rule"]) == ("token.claim-form", True)


@pytest.mark.parametrize("name", ["L\u202ein", "\u200b", "Li\x00n", " \u3000 x\ufeff", "x" * 201])
def test_a_name_that_cannot_be_shown_is_refused_with_its_reason(city: City, name: str) -> None:
    token = city.token("officer", preferred_username=name)
    city.refused(city.ask(token, BUDGET), 401, "token.name")


def test_without_a_name_the_subject_is_shown(city: City) -> None:
    claims = city.claims("officer")
    del claims["preferred_username"]
    token = jwt.encode({"alg": "ES256", "kid": "k1"}, claims, city.key)
    assert city.ask(token, BUDGET).status_code == 200


def test_a_token_of_any_depth_is_refused_without_an_error_of_ours(city: City) -> None:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    deep = "[" * 2_900
    for token in (
        f"{part(deep)}.{part('{}')}.x",
        f"{part('{}')}.{part(deep)}.x",
        f"{part('5')}.{part('5')}.x",
    ):
        city.refused(city.ask(token, BUDGET), 401, "token.form")


def test_a_token_without_expiry_is_refused(city: City) -> None:
    claims = city.claims("officer")
    del claims["exp"]
    token = jwt.encode({"alg": "ES256", "kid": "k1"}, claims, city.key)
    assert city.ask(token, BUDGET).status_code == 401


def test_the_issuers_keys_rotate(city: City) -> None:
    gate = city.app.extensions["subsidy-gate"]
    passing = [0.0]
    gate.tokens.keys.clock = lambda: passing[0]
    assert city.ask(city.token("officer"), BUDGET).status_code == 200
    fresh = ECKey.generate_key("P-256", {"kid": "k2"})
    city.publish(fresh)
    token = jwt.encode({"alg": "ES256", "kid": "k2"}, city.claims("officer"), fresh)
    old = city.token("officer")
    passing[0] += 60
    assert city.ask(token, BUDGET).status_code == 200
    assert city.ask(old, BUDGET).status_code == 401, "the key that was withdrawn holds no longer"


def test_a_token_can_be_for_one_write_only(tmp_path: Path) -> None:
    city = City(tmp_path, writes_once=True)
    token = city.token("finance", jti="a1")
    path, body = f"/v1/policies/{CIXI}/budgets/2024", {"amount": "1.00", "currency": "CNY"}
    assert city.ask(token, path, "PUT", json=body).status_code == 202, "it waits for another person"
    city.refused(city.ask(token, path, "PUT", json=body), 401, "token.replayed")
    assert city.ask(token, BUDGET).status_code == 200, "reading is not writing"
    city.refused(city.ask(city.token("finance"), path, "PUT", json=body), 401, "token.claims")
    city.ledger.close()


def routes(city: City) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(endpoint, method, path, roles) of every address."""
    return routes_of(city.app)


def routes_of(app: Flask) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(endpoint, method, path, roles) of every address of an application."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", lambda match: PARTS[match.group(1)], str(rule))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path, roles_for(rule.endpoint)


def test_every_address_of_the_api_stands_in_the_table_and_nothing_else_does(city: City) -> None:
    api = {r.endpoint for r in city.app.url_map.iter_rules() if not r.endpoint.startswith("console")}
    assert api == set(ACCESS)


def test_every_address_lets_in_exactly_the_roles_of_the_table(city: City) -> None:
    for endpoint, method, path, allowed in routes(city):
        for role in (*ROLES, MONITOR):
            more = {"credit_code": Feed(2).code} if role == "enterprise" else {}
            status = city.ask(city.token(role, **more), path, method).status_code
            others = role == "enterprise" and (method == "GET" or PARTS["code"] in path)
            may = allowed == PUBLIC or (role in allowed and not others)
            assert (status not in (401, 403)) == may or endpoint.startswith("console."), (path, role, status)
        nobody = city.ask(None, path, method).status_code
        assert (nobody != 401) == (allowed == PUBLIC), (path, nobody)


def test_an_enterprise_sees_itself_and_nobody_else(city: City) -> None:
    feed = Feed(1)
    for endpoint, method, path, allowed in routes(city):
        if allowed != OWN_DATA or method != "GET" or endpoint.startswith("console."):
            continue
        mine = path if PARTS["code"] in path else f"{path}?enterprise={feed.code}"
        own = city.token("enterprise", credit_code=feed.code)
        other = city.token("enterprise", credit_code=Feed(2).code)
        assert city.ask(own, mine).status_code in (200, 404, 409), mine
        city.refused(city.ask(other, mine), 403, "role.enterprise")
        if PARTS["code"] not in path:
            city.refused(city.ask(own, path), 403, "role.enterprise")


def test_an_upstream_says_only_what_is_its_own(city: City) -> None:
    feed = Feed(1)
    message = feed.shop("tmall", "s1", "2024-03-01")
    body = json.loads(message)
    key = make_key(city.ledger, OPERATOR, "platforms", body["source"], [body["type"]])

    def publish(raw: bytes, credential: str = key) -> TestResponse:
        return city.ask(credential, "/v1/events", "POST", data=raw, content_type=ONE)

    foreign = json.dumps({**body, "source": "urn:somebody:else"}).encode()
    answer = publish(foreign)
    assert answer.status_code == 422
    assert [fault["code"] for fault in is_problem(answer)["faults"]] == ["source.foreign"]
    other_type = feed.sales("online", 2024, "1.00")
    assert [f["code"] for f in is_problem(publish(other_type))["faults"]] == ["type.foreign"]
    assert publish(message).status_code == 201
    city.refused(publish(message, key[:-1] + ("a" if key[-1] != "a" else "b")), 401, "key.unknown")
    city.refused(publish(message, "slk_000000000000_x"), 401, "key.unknown")
    city.refused(city.ask(key, BUDGET), 403, "role.missing")
    assert revoke_key(city.ledger, OPERATOR, key.split("_")[1])
    city.refused(publish(message), 401, "key.unknown")
    kept = json.loads(city.ask(city.token("officer"), "/v1/refused").data)
    assert len(kept["items"]) == 2, "what was refused is kept"


def test_no_secret_of_a_key_is_kept(city: City) -> None:
    secret = make_key(city.ledger, OPERATOR, "x", "urn:x", []).split("_", 2)[2]
    with city.ledger.store.reading() as rows:
        assert not any(secret in str(row) for row in rows.all("SELECT * FROM machine_keys"))


def test_the_steps_of_the_domain_and_the_table_name_the_same_roles() -> None:
    steps = {roles for name, roles in ACCESS.items() if name.partition(".")[0] in ("claims", "settlements")}
    assert {MAY["claim.approve"], MAY["settlement.close"]} <= steps


def test_who_asks_too_often_waits(tmp_path: Path) -> None:
    city = City(tmp_path, rate=1)
    token = city.token("officer")
    statuses = [city.ask(token, BUDGET).status_code for _ in range(15)]
    assert statuses.count(200) >= 10
    assert statuses[-1] == 429
    renamed = city.token("officer", preferred_username="wang")
    assert city.ask(renamed, BUDGET).status_code == 429, "the same subject under another name"
    assert city.ask(city.token("officer", sub="u2"), BUDGET).status_code == 200, "another of that name"
    keys = [make_key(city.ledger, OPERATOR, "platforms", "urn:x", []) for _ in range(2)]
    of_keys = [[city.ask(key, "/v1/policies").status_code for _ in range(15)] for key in keys]
    assert [statuses[0] for statuses in of_keys] == [200, 200], "two keys of one name are two callers"
    assert {statuses[-1] for statuses in of_keys} == {429}
    nobody = [city.ask(None, BUDGET).status_code for _ in range(15)]
    assert (nobody[0], nobody[-1]) == (401, 429), "who is not known counts by address"
    city.ledger.close()


def test_a_bucket_fills_again_and_forgets_whom_it_must() -> None:
    now = [0.0]
    limit = Limit("requests", 20, 10, clock=lambda: now[0])
    quotas = [limit.ask("a") for _ in range(20)]
    assert [(quota.wait_seconds, quota.remaining) for quota in quotas] == [(0.0, 19 - n) for n in range(20)]
    refused = limit.ask("a")
    assert refused.wait_seconds == pytest.approx(0.5)
    assert limit.fields(refused)["Retry-After"] == "1"
    assert limit.ask("b").wait_seconds == 0.0
    now[0] += 0.5
    assert limit.ask("a").wait_seconds == 0.0


def test_an_enterprise_may_print_its_own_statement_and_no_other_page(city: City) -> None:
    feed = Feed(1)
    own = city.token("enterprise", credit_code=feed.code)
    pages = f"/console/{CIXI}/2024/enterprises"
    assert city.ask(own, f"{pages}/{feed.code}/statement").status_code in (200, 404)
    assert city.ask(own, f"{pages}/{Feed(2).code}/statement").status_code == 403
    assert city.ask(own, f"{pages}/{feed.code}").status_code == 403
    assert city.ask(None, f"{pages}/{feed.code}/statement").status_code == 401
