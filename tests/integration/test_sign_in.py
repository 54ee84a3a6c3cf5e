"""Signing in to the console at a real identity provider, and what attackers try on the way."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from ledger.intake.sessions import end_sessions, list_sessions
from ledger.store.application import Ledger
from services.cli.main import main
from services.runtime.identity_settings import RETURN, IdentitySettings
from services.runtime.settings import Settings, SettingsError
from services.runtime.variables import PREFIX
from services.server.app import create_app
from services.web.identity.sessions import IDLE_SECONDS, SESSION_SECONDS
from services.web.identity.signing_in import COOKIE, START_SECONDS, UNDER_WAY
from tests.events import CIXI
from tests.identity_provider import CLIENT, SECRET, Provider, providing
from tests.integration.bureau import Clock
from tests.integration.test_console_safety import EVIL

HOST = "https://ledger.example"
YEAR = f"/console/{CIXI}/2024/"
PAGE = {"Accept": "text/html"}
FORMS = "subsidy-console"
PATHS = {COOKIE: "/", UNDER_WAY: "/console/sign-in", FORMS: "/console"}
SQLITE = pytest.mark.parametrize("store_kind", ["sqlite"])


class Door:
    """A console whose people sign in at a provider."""

    def __init__(self, ledger: Ledger, clock: Clock, provider: Provider, secret_file: Path) -> None:
        ledger.clock = clock
        self.ledger, self.clock, self.provider = ledger, clock, provider
        secret_file.write_text(f"{SECRET}\n")
        self.settings = IdentitySettings(
            mode="required",
            issuer=provider.address,
            jwks=f"{provider.address}/jwks",
            client_id=CLIENT,
            client_secret_file=str(secret_file),
            redirect=f"{HOST}{RETURN}",
        )
        self.app: Flask = create_app(ledger, self.settings)

    def browser(self) -> Browser:
        """A browser that nobody is signed in at."""
        return Browser(self, self.app.test_client())


class Browser:
    """One person's browser; it follows the provider's redirects as browsers do."""

    def __init__(self, door: Door, client: FlaskClient) -> None:
        self.door, self.client = door, client

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open an address of the console."""
        return self.client.get(path, base_url=HOST, headers={**PAGE, **headers})

    def post(self, path: str, data: dict[str, str]) -> TestResponse:
        """Send a form."""
        return self.client.post(path, base_url=HOST, data=data)

    def cookie(self, name: str) -> str:
        """A cookie of this browser; empty where it has none."""
        found = self.client.get_cookie(name, domain="ledger.example", path=PATHS[name])
        return found.value if found else ""

    def give(self, name: str, value: str) -> None:
        """Put a cookie into this browser."""
        self.client.set_cookie(name, value, domain="ledger.example", path=PATHS[name])

    def to_provider(self, back: str = "") -> str:
        """Begin a sign-in; the address that the browser is sent to."""
        answer = self.get(f"/console/sign-in/go?{urlencode({'back': back})}")
        assert answer.status_code == 302, answer.data
        return str(answer.headers["Location"])

    def at_provider(self, address: str) -> str:
        """Sign in there; the address that the browser is sent back to."""
        at = urlsplit(address)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=10)
        connection.request("GET", f"{at.path}?{at.query}")
        answer = connection.getresponse()
        connection.close()
        assert answer.status == 302
        return str(answer.headers["Location"])

    def sign_in(self, back: str = "") -> TestResponse:
        """The whole way; the answer to the last step."""
        return self.get(self.at_provider(self.to_provider(back)).removeprefix(HOST))

    def refused(self, answer: TestResponse, reason: str) -> None:
        """The sign-in was refused for a reason that was counted, and nobody is signed in."""
        assert answer.status_code == 401, (answer.status_code, answer.data)
        assert "text/html" in answer.headers["Content-Type"]
        assert self.door.app.extensions["subsidy-gate"].refusals.get(reason, 0) > 0
        assert COOKIE not in str(answer.headers.get_all("Set-Cookie"))
        assert self.get(YEAR).status_code == 302


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 2, 4, tzinfo=UTC))


@pytest.fixture
def door(open_at: Callable[..., Ledger], clock: Clock, tmp_path: Path) -> Iterator[Door]:
    with providing(lambda: clock().timestamp()) as provider:
        yield Door(open_at(), clock, provider, tmp_path / "secret")


def test_a_person_signs_in_works_under_the_provider_s_name_and_signs_out(door: Door) -> None:
    browser = door.browser()
    first = browser.get(f"{YEAR}?lang=en")
    assert first.status_code == 302
    shown = browser.get(first.headers["Location"])
    assert (shown.status_code, "Sign in" in shown.text) == (200, True)
    link = unescape(re.findall(r'href="(/console/sign-in/go[^"]*)"', shown.text)[0])
    asked = browser.get(link).headers["Location"]
    question = parse_qs(urlsplit(asked).query)
    assert set(question) >= {"state", "nonce", "code_challenge"}
    assert SECRET not in asked

    done = browser.get(browser.at_provider(asked).removeprefix(HOST))

    assert (done.status_code, done.headers["Location"]) == (302, f"{YEAR}?lang=en")
    (cookie,) = [each for each in done.headers.get_all("Set-Cookie") if each.startswith(f"{COOKIE}=")]
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Lin" not in cookie
    assert "officer" not in cookie
    page = browser.get(f"{YEAR}?lang=en")
    assert (page.status_code, "Lin" in page.text) == (200, True)
    who = browser.get("/console/who?lang=en")
    assert "Officer (first review)" in who.text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', who.text)[0]
    kept = browser.cookie(COOKIE)
    assert browser.post("/console/sign-out", {"csrf_token": "forged"}).status_code == 403
    assert browser.post("/console/sign-out", {"csrf_token": token}).status_code == 302
    assert browser.get(YEAR).status_code == 302
    # A copy of the cookie is good for nothing either.
    browser.give(COOKIE, kept)
    assert browser.get(YEAR).status_code == 302


@SQLITE
def test_roles_come_from_the_claim_and_the_api_takes_a_session_for_reads_alone(door: Door) -> None:
    door.provider.person = {"sub": "u2", "preferred_username": "Wu", "roles": "upstream king"}
    browser = door.browser()
    assert browser.sign_in().status_code == 302
    refusal = browser.get(f"{YEAR}?lang=zh")
    assert (refusal.status_code, "原因见下表" in refusal.text) == (403, True)
    door.provider.person = {"sub": "u3", "preferred_username": "Shen", "roles": ["auditor", "king"]}
    auditor = door.browser()
    auditor.sign_in()
    assert auditor.get(f"{YEAR}audit").status_code == 200
    budget = f"/v1/policies/{CIXI}/years/2024/budget"
    assert auditor.get(budget).status_code == 200
    refusal = browser.get(budget, **{"Accept-Language": "zh"})
    assert (refusal.status_code, " faults" in refusal.get_json()["detail"]) == (403, True)
    assert auditor.get("/v1/looks").status_code == 200
    path, body = f"/v1/policies/{CIXI}/budgets/2024", {"amount": "1.00", "currency": "CNY"}
    assert auditor.client.put(path, base_url=HOST, json=body).status_code == 401, "what writes needs a token"


@SQLITE
def test_a_program_and_a_part_of_a_page_are_told_and_not_sent_away(door: Door) -> None:
    browser = door.browser()
    assert browser.get(YEAR, **{"HX-Request": "true"}).status_code == 401
    assert browser.get(f"/v1/policies/{CIXI}/years/2024/budget").status_code == 401
    assert browser.post("/console/leave", {}).status_code == 401


@SQLITE
def test_an_answer_to_no_sign_in_of_this_browser_is_refused(door: Door) -> None:
    victim, attacker = door.browser(), door.browser()
    address = attacker.at_provider(attacker.to_provider())
    victim.refused(victim.get(address.removeprefix(HOST)), "sign-in.state")
    victim.to_provider()
    victim.refused(victim.get(address.removeprefix(HOST)), "sign-in.state")
    own = victim.at_provider(victim.to_provider())
    for wrong in (
        own.replace("state=", "state=x"),
        re.sub("state=[^&]+", "state=", own),
        f"{own}&state=again",
    ):
        victim.refused(victim.get(wrong.removeprefix(HOST)), "sign-in.state")


@SQLITE
def test_a_code_is_good_once_and_for_the_browser_that_asked(door: Door) -> None:
    browser = door.browser()
    address = browser.at_provider(browser.to_provider()).removeprefix(HOST)
    under_way = browser.cookie(UNDER_WAY)
    assert browser.get(address).status_code == 302
    again = door.browser()
    again.give(UNDER_WAY, under_way)
    again.refused(again.get(address), "sign-in.state")
    # Another's code under one's own state: the verifier is not that code's.
    other = door.browser()
    stolen = parse_qs(urlsplit(other.at_provider(other.to_provider())).query)["code"][0]
    own = again.at_provider(again.to_provider()).removeprefix(HOST)
    again.refused(again.get(re.sub("code=[^&]+", f"code={stolen}", own)), "sign-in.denied")
    assert door.provider.refused == ["verifier"]
    # And the provider itself takes none twice.
    own = again.at_provider(again.to_provider()).removeprefix(HOST)
    door.provider.codes.clear()
    again.refused(again.get(own), "sign-in.denied")


def twisted(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An ID token that says something else; ``None`` leaves a claim out."""

    def twist(right: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**right, **claims}.items() if value is not None}

    return twist


NOW = int(datetime(2026, 3, 2, 4, tzinfo=UTC).timestamp())


@SQLITE
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "of another sign-in"}, "sign-in.nonce"),
        ({"nonce": None}, "sign-in.nonce"),
        ({"iss": "https://elsewhere.example"}, "token.issuer"),
        ({"aud": "another client"}, "token.audience"),
        ({"aud": ["another client", CLIENT], "azp": "another client"}, "token.audience"),
        ({"exp": NOW - 3_600}, "token.expired"),
        ({"exp": None}, "token.expired"),
        ({"nbf": NOW + 3_600}, "token.early"),
    ],
)
def test_a_wrong_id_token_signs_nobody_in(door: Door, claims: dict[str, Any], reason: str) -> None:
    door.provider.twist = twisted(**claims)
    browser = door.browser()
    answer = browser.sign_in()
    assert answer.status_code == 401
    browser.refused(answer, reason)


@SQLITE
def test_a_token_of_somebody_else_or_of_another_key_is_refused(door: Door) -> None:
    browser = door.browser()
    door.provider.token = door.provider.id_token("the nonce of another sign-in")
    browser.refused(browser.sign_in(), "sign-in.nonce")
    right = jwt.decode(door.provider.token, door.provider.key).claims
    forger = ECKey.generate_key("P-256", {"kid": "p1"})
    door.provider.token = jwt.encode({"alg": "ES256", "kid": "p1"}, right, forger)
    browser.refused(browser.sign_in(), "token.signature")
    door.provider.token = "eyJhbGciOiJub25lIn0.e30."
    browser.refused(browser.sign_in(), "token.form")


@SQLITE
def test_another_issuer_s_answer_is_refused_before_the_code_leaves_us(door: Door) -> None:
    browser = door.browser()
    address = browser.at_provider(browser.to_provider()).removeprefix(HOST)
    mixed = re.sub("iss=[^&]+", "iss=https%3A%2F%2Felsewhere.example", address)
    browser.refused(browser.get(mixed), "token.issuer")
    assert len(door.provider.codes) == 1, "the code was not redeemed"
    cancelled = browser.at_provider(browser.to_provider()).removeprefix(HOST)
    browser.refused(browser.get(f"{cancelled}&error=access_denied"), "sign-in.denied")


@SQLITE
def test_a_sign_in_that_takes_too_long_is_refused(door: Door, clock: Clock) -> None:
    browser = door.browser()
    address = browser.at_provider(browser.to_provider()).removeprefix(HOST)
    clock.pass_(seconds=START_SECONDS + 1)
    browser.refused(browser.get(address), "sign-in.state")


@SQLITE
def test_nobody_is_led_to_another_site_after_the_sign_in(door: Door) -> None:
    for evil in EVIL:
        answer = door.browser().sign_in(evil)
        assert answer.headers["Location"] == "/console/", evil
        assert quote(evil, safe="") not in answer.headers["Location"]


@SQLITE
def test_a_session_that_somebody_planted_does_not_survive_the_sign_in(door: Door) -> None:
    attacker = door.browser()
    attacker.sign_in()
    planted = attacker.cookie(COOKIE)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', attacker.get("/console/who").text)[0]
    victim = door.browser()
    for name, value in ((COOKIE, planted), (FORMS, attacker.cookie(FORMS))):
        victim.give(name, value)
    door.provider.person = {"sub": "u9", "preferred_username": "Shen", "roles": ["reviewer"]}

    victim.sign_in()

    assert victim.cookie(COOKIE) != planted
    assert "Shen" in victim.get("/console/who").text
    assert victim.post("/console/sign-out", {"csrf_token": token}).status_code == 403
    assert attacker.get(YEAR).status_code == 302, "the planted session ended with it"


@SQLITE
def test_a_session_ends_when_idle_and_after_a_day_s_work_in_any_case(door: Door, clock: Clock) -> None:
    browser = door.browser()
    browser.sign_in()
    clock.pass_(seconds=IDLE_SECONDS - 1)
    assert browser.get(YEAR).status_code == 200
    clock.pass_(seconds=IDLE_SECONDS - 1)
    assert browser.get(YEAR).status_code == 200, "the last request counts"
    clock.pass_(seconds=IDLE_SECONDS)
    assert browser.get(YEAR).status_code == 302
    browser.refused(browser.post(f"{YEAR}settlement/propose", {}), "sign-in.over")
    typed = {"reason": "<b>A</b>", "amount": "5.00"}
    lost = browser.post(f"{YEAR}settlement/object", typed)
    browser.refused(lost, "sign-in.over")
    assert "&lt;b&gt;A&lt;/b&gt;</textarea>" in lost.text, "what was written at length is not lost"
    foreign = browser.client.post(
        f"{YEAR}settlement/object", base_url=HOST, data=typed, headers={"Origin": "https://evil.example"}
    )
    assert "&lt;b&gt;" not in foreign.text, "another site's words do not stand on our page"
    browser.sign_in()
    for _ in range(SESSION_SECONDS // (IDLE_SECONDS - 1)):
        clock.pass_(seconds=IDLE_SECONDS - 1)
        assert browser.get(YEAR).status_code == 200
    clock.pass_(seconds=IDLE_SECONDS - 1)
    assert browser.get(YEAR).status_code == 302


@SQLITE
@pytest.mark.parametrize("ahead", ["begun", "seen"])
def test_a_session_of_a_clock_that_stood_ahead_ends_once_it_is_right(
    ahead: str, door: Door, clock: Clock
) -> None:
    browser, years = door.browser(), timedelta(days=1_500)
    if ahead == "begun":
        clock.now += years
    browser.sign_in()
    if ahead == "seen":
        clock.pass_(seconds=IDLE_SECONDS - 1)
    assert browser.get(YEAR).status_code == 200

    clock.pass_(seconds=-30)
    assert browser.get(YEAR).status_code == 200, "a small step back ends none"
    clock.now -= years if ahead == "begun" else timedelta(seconds=IDLE_SECONDS / 2)

    assert browser.get(YEAR).status_code == 302


@SQLITE
def test_a_cookie_that_was_altered_or_meant_for_something_else_is_no_session(door: Door) -> None:
    browser = door.browser()
    browser.to_provider()
    under_way = browser.cookie(UNDER_WAY)
    browser.sign_in()
    right = browser.cookie(COOKIE)
    for wrong in (right[:-3] + "abc", right[:50], "x", under_way, "é", "a" * 10_000):
        browser.give(COOKIE, wrong)
        assert browser.get(YEAR).status_code == 302, wrong[:40]


@SQLITE
def test_every_worker_knows_the_session(door: Door) -> None:
    browser = door.browser()
    browser.sign_in()
    other = Browser(door, create_app(door.ledger, door.settings).test_client())
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/console/who").text)[0]
    for name in (COOKIE, FORMS):
        other.give(name, browser.cookie(name))
    assert other.get(YEAR).status_code == 200
    assert other.post("/console/sign-out", {"csrf_token": token}).status_code == 302
    assert browser.get(YEAR).status_code == 302, "signed out of every worker"


@SQLITE
def test_a_provider_that_is_away_or_not_itself_is_told_as_such(door: Door) -> None:
    real = door.provider.discovery
    for said in (
        {**real(), "issuer": "https://elsewhere.example"},
        {**real(), "token_endpoint": "http://elsewhere.example/token"},
        {"issuer": door.provider.address},
    ):
        door.provider.discovery = lambda said=said: said  # type: ignore[method-assign, misc]
        answer = door.browser().get("/console/sign-in/go")
        assert answer.status_code == 401
        assert door.app.extensions["subsidy-gate"].refusals["sign-in.provider"] > 0
    door.provider.discovery = real  # type: ignore[method-assign]
    assert door.browser().sign_in().status_code == 302, "it is asked again"


def client_settings(**changed: str) -> dict[str, str]:
    """The variables of a client, some of them changed."""
    right = {
        "IDENTITY": "required",
        "OIDC_ISSUER": "https://issuer",
        "OIDC_JWKS": "https://issuer/jwks",
        "OIDC_CLIENT_ID": "x",
        "OIDC_CLIENT_SECRET_FILE": "/run/secret",
        "OIDC_REDIRECT": f"https://ledger.example{RETURN}",
    }
    return {PREFIX + name: value for name, value in {**right, **changed}.items()}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_REDIRECT": ""}, "OIDC_REDIRECT"),
        ({"OIDC_REDIRECT": f"http://ledger.example{RETURN}"}, "OIDC_REDIRECT"),
        ({"OIDC_REDIRECT": "https://ledger.example/console/"}, "OIDC_REDIRECT"),
        ({"OIDC_REDIRECT": f"https://ledger.example{RETURN}?x=1"}, "OIDC_REDIRECT"),
        ({"OIDC_CLIENT_SECRET_FILE": ""}, "OIDC_CLIENT_SECRET_FILE"),
        ({"OIDC_CLIENT_SECRET": "both"}, "OIDC_CLIENT_SECRET_FILE"),
        ({"IDENTITY": "local"}, "IDENTITY"),
        ({"OIDC_ISSUER": "", "OIDC_JWKS": ""}, "OIDC_ISSUER"),
    ],
)
def test_a_client_that_is_not_whole_is_named(changed: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(client_settings(**changed))
    assert caught.value.variable == PREFIX + named
    whole = Settings.from_env(client_settings(OIDC_CLIENT_SECRET_FILE="", OIDC_CLIENT_SECRET="hidden"))
    assert "hidden" not in repr(whole)


def signed_in_as(door: Door, *roles: str) -> Browser:
    door.provider.person = {"sub": "u7", "preferred_username": "Lin", "roles": list(roles)}
    browser = door.browser()
    assert browser.sign_in().status_code == 302
    return browser


def test_a_role_that_was_removed_at_the_provider_is_lost_within_the_time_that_is_set(
    door: Door, clock: Clock
) -> None:
    browser = signed_in_as(door, "auditor")
    assert browser.get("/v1/looks").status_code == 200
    door.provider.person["roles"] = ["officer"]
    clock.pass_(seconds=door.settings.recheck - 1)
    assert browser.get("/v1/looks").status_code == 200
    clock.pass_(seconds=1)
    assert browser.get("/v1/looks").status_code == 403
    assert browser.get(YEAR).status_code == 200, "what is left of the roles holds on, without a new sign-in"
    door.provider.person["roles"] = []
    clock.pass_(seconds=door.settings.recheck)
    assert browser.get(YEAR).status_code == 403


def test_who_may_no_longer_sign_in_is_out_and_no_other_person_slips_in(door: Door, clock: Clock) -> None:
    browser = signed_in_as(door, "officer")
    door.provider.refreshing.clear()
    clock.pass_(seconds=door.settings.recheck)
    assert browser.get(YEAR).status_code == 302
    assert door.provider.refused == ["refresh"]
    clock.pass_(seconds=-door.settings.recheck)
    assert browser.get(YEAR).status_code == 302, "it stays ended"
    other = signed_in_as(door, "officer")
    door.provider.person = {"sub": "u8", "preferred_username": "Lin", "roles": ["operator"]}
    clock.pass_(seconds=door.settings.recheck)
    assert other.get(YEAR).status_code == 302


def test_a_provider_that_cannot_be_asked_lets_nobody_work_on(door: Door, clock: Clock) -> None:
    browser = signed_in_as(door, "officer")
    redeem = door.provider.redeem
    door.provider.redeem = lambda form, authorization: {"token_type": "Bearer"}  # type: ignore[method-assign]
    clock.pass_(seconds=door.settings.recheck)
    assert browser.get(YEAR).status_code == 302
    door.provider.redeem = redeem  # type: ignore[method-assign]
    door.provider.gives_refresh = False
    browser = signed_in_as(door, "officer")
    clock.pass_(seconds=door.settings.recheck - 1)
    assert browser.get(YEAR).status_code == 200
    clock.pass_(seconds=1)
    assert browser.get(YEAR).status_code == 302, "without a refresh token they sign in again"


def test_signing_out_ends_the_provider_s_session_too(door: Door) -> None:
    door.provider.signs_out = True
    browser = signed_in_as(door, "officer")
    elsewhere = signed_in_as(door, "officer")
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/console/who").text)[0]
    answer = browser.post("/console/sign-out", {"csrf_token": token})
    assert answer.status_code == 200
    address = urlsplit(answer.headers["Refresh"].partition("url=")[2])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{door.provider.address}/leave"
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert asked["post_logout_redirect_uri"] == f"{HOST}/console/sign-in"
    assert asked["client_id"] == CLIENT
    assert jwt.decode(asked["id_token_hint"], door.provider.key).claims["sub"] == "u7"
    assert browser.get(YEAR).status_code == 302
    assert elsewhere.get(YEAR).status_code == 200
    token = re.findall(r'name="csrf_token" value="([^"]+)"', elsewhere.get("/console/who").text)[0]
    third = signed_in_as(door, "officer")
    elsewhere.post("/console/sign-out", {"csrf_token": token, "every": "1"})
    assert third.get(YEAR).status_code == 302, "signed out everywhere"


def test_the_operator_lists_sessions_and_ends_them(door: Door) -> None:
    first, second = signed_in_as(door, "officer"), signed_in_as(door, "auditor")
    with door.ledger.store.reading() as rows:
        listed = list_sessions(rows, 0)
    assert sorted((each.name, each.subject, each.roles) for each in listed) == [
        ("Lin", "u7", "auditor"),
        ("Lin", "u7", "officer"),
    ]
    assert not any("eyJ" in each.tokens for each in listed), "no token of a person can be read"
    ended = next(each.session for each in listed if each.roles == "officer")
    end_sessions(door.ledger, [ended], "2026-03-02T04:00:00.000000Z")
    assert (first.get(YEAR).status_code, second.get(YEAR).status_code) == (302, 200)


def test_roles_that_were_written_into_the_table_do_not_count(door: Door) -> None:
    browser = signed_in_as(door, "officer")
    with door.ledger.store.writing() as rows:
        rows.run("UPDATE sessions SET roles='operator auditor'")
    assert browser.get("/v1/looks").status_code == 401
    assert browser.get(YEAR).status_code == 302


@SQLITE
def test_the_command_line_ends_sessions(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = signed_in_as(door, "officer")
    monkeypatch.setattr("services.cli.operating.sessions.SESSION_SECONDS", 10**9)
    start = ["--database", str(tmp_path / "ledger.db"), "--language", "en", "sessions"]
    listed = CliRunner().invoke(main, [*start, "--json"])
    [session] = json.loads(listed.stdout)
    assert (session["name"], session["subject"], session["roles"]) == ("Lin", "u7", "officer")
    assert "tokens" not in session
    assert CliRunner().invoke(main, [*start, "--end", "nobody's"]).exit_code != 0
    assert browser.get(YEAR).status_code == 200
    assert CliRunner().invoke(main, [*start, "--end-of", "u7"]).exit_code == 0
    assert browser.get(YEAR).status_code == 302
    assert json.loads(CliRunner().invoke(main, [*start, "--json"]).stdout) == []
