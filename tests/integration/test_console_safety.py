"""What attackers try against the console: forged forms, scripts in data, frames, redirects, sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.test import TestResponse

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from services.console import language
from services.server.app import create_app
from services.server.arriving import ArrivedBody
from tests.acknowledging import acknowledge
from tests.events import CIXI, CIXI_TEXT, Feed, take
from tests.integration.bureau import Clock
from tests.integration.test_console_desk import HERE, SQLITE, XSS, City, submitted
from tests.integration.test_identity import City as Guarded

DIGEST = "ab" * 32
EVIL = (
    *(
        "https://evil.example/",
        "//evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ),
    *("/console/\r\nSet-Cookie: a=b", "/console//evil.example", "http:evil", " //evil.example"),
    *("https://localhost@evil.example/console/", "/consoleevil.example"),
)
WRITES = (
    *("claims", "claims/new", f"claims/{'9' * 18}/C", f"refused/{DIGEST}"),
    *(f"settlement/{step}" for step in ("propose", "publish", "object", "resolve", "close", "order")),
    *("settlement/results", "settlement/claw-back", "settlement/recovery"),
    *(
        "reconciliation",
        "payments/file",
        "adjustments/accept",
        "adjustments/claw-back",
        "sheets",
        f"sheets/{'0' * 32}",
    ),
    *(f"disagreements/{'0' * 16}", f"waiting/{'0' * 16}", "log/1"),
)
UNNAMED = (
    "/console/who",
    "/console/leave",
    "/console/sample",
    "/console/sign-out",
    "/console/waiting",
)
"""Writes that need no name: they say who works, or fill a ledger that holds nothing."""


@pytest.fixture
def city(open_at: Callable[..., Ledger]) -> City:
    ledger = open_at()
    ledger.clock = Clock()
    return City(ledger)


def position(ledger: Ledger) -> int:
    with ledger.store.reading() as rows:
        return rows.last_position()


@SQLITE
def test_the_list_of_writes_is_whole(city: City) -> None:
    pattern = [re.sub(r"<[^>]+>", "[^/]+", str(rule)) for rule in _posts(city)]
    for path in (*(f"{HERE}/{each}" for each in WRITES), *UNNAMED):
        assert any(re.fullmatch(each, path) for each in pattern), path
    for each in pattern:
        assert any(re.fullmatch(each, p) for p in (*(f"{HERE}/{w}" for w in WRITES), *UNNAMED)), each


def _posts(city: City) -> list[object]:
    rules = city.app.url_map.iter_rules()
    return [r for r in rules if r.endpoint.startswith("console.") and "POST" in (r.methods or ())]


# --- forged requests ----------------------------------------------------------------------------


@SQLITE
def test_no_write_is_taken_without_the_sessions_own_token(city: City) -> None:
    victim, attacker = city.person("Lin", "officer", "reviewer", "finance"), city.browser()
    stranger, before = attacker.token(), position(city.ledger)
    for path in (*(f"{HERE}/{each}" for each in WRITES), *UNNAMED):
        for token in (
            {},
            {"csrf_token": ""},
            {"csrf_token": "x"},
            {"csrf_token": stranger},
            {"csrf_token": "慈"},
        ):
            assert victim.client.post(path, data=token).status_code == 403, (path, token)
        asked = victim.client.post(path, data="{}", content_type="application/json")
        assert asked.status_code in (403, 415), path
        assert victim.client.post(path, headers={"X-CSRF-Token": stranger}).status_code == 403
        assert victim.client.get(path, query_string={"csrf_token": victim.token()}).status_code in (
            200,
            404,
            405,
        )
    assert position(city.ledger) == before


@SQLITE
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_write_from_another_sites_page_is_refused_even_with_the_token(
    city: City, headers: dict[str, str]
) -> None:
    officer = city.person("Lin", "officer")
    before = position(city.ledger)
    data = {"csrf_token": officer.token()}
    for path in (*(f"{HERE}/{each}" for each in WRITES), *UNNAMED):
        assert officer.client.post(path, data=data, headers=headers).status_code == 403, path
    assert position(city.ledger) == before
    assert officer.client.get(f"{HERE}/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@SQLITE
def test_every_write_needs_a_person_with_a_name(city: City) -> None:
    [result] = ingest(city.ledger, [city.feed.sales("online", 2024, "1.234")], "http")
    nobody, before = city.browser(), position(city.ledger)
    submitted_by = city.person("Lin", "officer")
    claim = submitted(submitted_by, city).removeprefix(f"{HERE}/")
    after = position(city.ledger)
    assert after == before + 1
    for each in WRITES:
        path = {f"claims/{'9' * 18}/C": claim, f"refused/{DIGEST}": f"refused/{result.refusal}"}.get(
            each, each
        )
        for step in ("review", "resubmit", "dismiss", "withdraw") if path != each else ("",):
            said = {"step": step, "text": "{}", "amount": "1.00", "opinion": "x", "reason": "x"}
            response = nobody.client.post(f"{HERE}/{path}", data={"csrf_token": nobody.token(), **said})
            assert response.status_code in (404, 409, 422), (path, step, response.status_code)
    assert position(city.ledger) == after
    with city.ledger.store.reading() as rows:
        assert rows.all("SELECT COUNT(*) FROM refused WHERE resolved IS NOT NULL")[0][0] == 0


@SQLITE
def test_only_an_officer_settles_refused_data(city: City) -> None:
    [result] = ingest(city.ledger, [city.feed.sales("online", 2024, "1.234")], "http")
    auditor = city.person("Hu", "auditor", "finance", "reviewer")
    for step in ("resubmit", "dismiss"):
        answer = auditor.post(f"refused/{result.refusal}", 422, step=step, text="kept & typed").text
        assert "kept &amp; typed" in answer
        assert "Officer (first review)" in answer
    city.person("Lin", "officer").post(f"refused/{result.refusal}", step="dismiss")


@SQLITE
def test_an_empty_ledger_alone_takes_the_sample(city: City) -> None:
    before = position(city.ledger)
    assert city.person("Lin", "officer").post("/console/sample", 409)
    assert position(city.ledger) == before


# --- scripts in data and addresses ----------------------------------------------------------------


class Elements(HTMLParser):
    """What a browser would make of a page: its elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def harmless(text: str) -> bool:
    """No element that a page of ours does not have, no handler, no address that runs."""
    for tag, given in Elements(text).found:
        if tag == "script" and not (given.get("src") or "").startswith("/console/static/"):
            return False
        if tag in ("img", "iframe", "object", "embed", "base", "style"):
            return False
        if any(name.startswith("on") or name in ("style", "srcdoc") for name in given):
            return False
        addresses = (given.get(name) or "" for name in ("href", "action", "formaction", "hx-get"))
        if any(not re.match(r"^(/(?!/)|#|\?|$)", address) for address in addresses):
            return False
    return True


@SQLITE
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_others_wrote_is_text_on_every_page(open_at: Callable[..., Ledger], lang: str) -> None:
    ledger = open_at(policy=False)
    ledger.clock = Clock()
    assert "\ntitle:\n" in CIXI_TEXT
    hostile = re.sub(
        r"(\ntitle:\n  zh: )[^\n]+(\n  en: )[^\n]+", lambda m: f"{m[1]}{_yaml()}{m[2]}{_yaml()}", CIXI_TEXT
    )
    assert hostile != CIXI_TEXT
    adopt_policy(ledger, hostile)
    city = City(ledger)
    take(ledger, city.feed.send("enterprise-registered", "2025-02-01T00:00:00Z", name=XSS, town=XSS[:30]))
    take(ledger, city.feed.shop("jd", XSS, "2024-04-01"))
    message = {**json.loads(city.feed.sales("online", 2024, "1.00")), "source": XSS, "type": XSS, "id": XSS}
    texts = (b"</textarea>" + XSS.encode() + b"{", json.dumps(message).encode())
    refused = [ingest(ledger, [text], "http")[0].refusal for text in texts]
    person = city.browser(lang).works(XSS[:50], "officer", "reviewer")
    claim = submitted(person, city, item=XSS, claim=XSS, title=[XSS], location=[XSS], sha256=[DIGEST])
    for step, path in (("propose", "settlement/propose"), ("publish", "settlement/publish")):
        assert person.post(path).status_code == 303, step
    person.post("settlement/object", reason=XSS)
    last = position(ledger)
    for path in (
        *("", "enterprises", f"enterprises/{city.code}", f"enterprises/{city.code}/statement", claim),
        *("claims?status=all", "claims/new", "refused", *(f"refused/{each}" for each in refused)),
        *("settlement", "settlement/lines", "open-matters", "audit", "what-if", "replay", "difference"),
        *(f"log/{number}" for number in range(1, last + 1)),
        *("/console/who", "claims/new?enterprise=" + city.code),
    ):
        text = person.get(path)
        assert harmless(text), path
        assert XSS not in text, path
    assert "&lt;script&gt;" in person.get("enterprises")


def _yaml() -> str:
    return json.dumps(XSS)


@SQLITE
@pytest.mark.parametrize(
    "path",
    [
        *(
            "enterprises?q={}",
            "enterprises?town={}",
            "enterprises?cursor={}",
            "enterprises?lang={}",
            "?lang={}",
        ),
        *("claims?status={}", "claims?cursor={}", "claims/new?enterprise={}", "refused?open={}&cursor={}"),
        *(
            "settlement/lines?enterprise={}&cursor={}",
            "payments?enterprise={}&status={}",
            "adjustments?cursor={}",
        ),
        *("what-if?budget={}&r.dtc-units={}", "replay?day={}&kind={}&at={}", "replay?stop={}"),
        *(
            "difference?first={}&second={}&cursor={}",
            "log?position={}",
            "audit?cursor={}",
            "audit/bundle?enterprise={}",
        ),
        *("audit/books/{}", "{}", "enterprises/{}", "claims/{}/{}", "refused/{}", "enterprises/{}?before={}"),
        *("/console/who?back={}", "/console/choose?to={}&of={}", "/console/{}/2024/", "/console/{}"),
    ],
)
def test_what_an_address_says_never_becomes_markup(city: City, path: str) -> None:
    person = city.person("Lin", "officer")
    for said in (
        XSS,
        "'\"><svg onload=alert(1)>",
        "javascript:alert(1)",
        "{{7*7}}",
        "%00%0d%0aSet-Cookie: a=b",
    ):
        address = path.replace("{}", quote(said, safe=""))
        response = person.client.get(address if address.startswith("/console") else f"{HERE}/{address}")
        assert response.status_code < 500, address
        assert harmless(response.text), address
        assert not {"a", "Set-Cookie: a"} & {name for name, _ in response.headers}, address
        assert ">49<" not in response.text


# --- frames, redirects, cookies -------------------------------------------------------------------


@SQLITE
@pytest.mark.parametrize(
    "path", ["", "enterprises", "settlement", "audit", "/console/who", "nothing", "/console/nothing", "log/1"]
)
def test_no_page_can_be_framed_or_run_anything_inline(city: City, path: str) -> None:
    address = path if path.startswith("/") else f"{HERE}/{path}"
    response = city.browser().client.get(address)
    rules = dict(
        rule.strip().partition(" ")[::2] for rule in response.headers["Content-Security-Policy"].split(";")
    )
    assert rules["frame-ancestors"] == "'none'"
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["style-src"] == "'self'"
    assert rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "public" not in response.headers["Cache-Control"]


@SQLITE
@pytest.mark.parametrize("back", EVIL)
def test_no_address_leads_to_another_site(city: City, back: str) -> None:
    browser = city.browser()
    assert 'name="back" value="/console/"' in browser.get(f"/console/who?back={quote(back, safe='')}")
    for data in ({"name": "Lin", "back": back}, {"name": "Lin", "back": f"{back}?x=/console/"}):
        response = browser.post("/console/who", 302, **data)
        assert response.location == "/console/"
    referred = browser.client.get(
        f"{HERE}/enterprises/nonsense", headers={"Referer": back.splitlines()[0].strip()}
    )
    assert 'class="button" href="/console/"' in referred.text
    for query in (
        f"to={quote(back, safe='')}&of={CIXI}/2024",
        f"to=year_page&of={quote(back, safe='')}/2024",
    ):
        assert browser.client.get(f"/console/choose?{query}").status_code == 404
    assert (
        browser.client.get("/console/choose", query_string={"to": "year_page", "of": f"{CIXI}/2024"}).location
        == f"{HERE}/"
    )


@SQLITE
@pytest.mark.parametrize(("fault", "status"), [(ClientDisconnected, 400), (RequestEntityTooLarge, 413)])
def test_a_form_that_cannot_be_read_is_told_and_no_fault_of_ours(
    city: City, fault: type[HTTPException], status: int
) -> None:
    """The page that tells it leads back as well, and does not ask for the form a second time."""
    for path in ("/console/sign-out", "/console/who", f"{HERE}/claims"):
        answer = city.app.test_client().post(
            path,
            environ_overrides={"wsgi.input": ArrivedBody(b"back=", fault()), "CONTENT_LENGTH": "500"},
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code == status, path
        assert 'href="/console/"' in answer.text


@SQLITE
def test_cookies_are_strict_and_hidden_from_scripts_and_stay_in_the_console(city: City) -> None:
    response = city.browser().client.get("/console/who?lang=en")
    cookies = {each.partition("=")[0]: each for each in response.headers.getlist("Set-Cookie")}
    assert set(cookies) == {"subsidy-console", language.COOKIE}
    for each in cookies.values():
        assert "HttpOnly" in each
        assert "SameSite=Strict" in each
    assert "Path=/console" in cookies["subsidy-console"]
    assert "Expires" not in cookies["subsidy-console"], "a session ends with the browser"


@SQLITE
def test_a_session_that_an_attacker_planted_or_altered_is_worth_nothing(city: City) -> None:
    victim = city.person("Lin", "officer")
    cookie = victim.client.get_cookie("subsidy-console", path="/console")
    assert cookie is not None
    for planted in ("attackers-choice", cookie.value[:-2] + "xx", f"x{cookie.value}"):
        fresh = city.browser()
        fresh.client.set_cookie("subsidy-console", planted, path="/console")
        assert "Lin" not in fresh.get("/console/who")
    elsewhere = create_app(city.ledger).test_client()
    elsewhere.set_cookie("subsidy-console", cookie.value, path="/console")
    assert "Lin" not in elsewhere.get("/console/who").text, "another service has another secret"


@SQLITE
def test_who_begins_to_work_gets_a_token_that_nobody_knew_before(city: City) -> None:
    browser = city.browser()
    before = browser.token()
    browser.works("Lin", "officer")
    assert browser.token() != before
    held = browser.token()
    browser.post("/console/leave", 302)
    assert browser.token() != held


@SQLITE
def test_nobody_takes_a_role_that_the_console_does_not_give(city: City) -> None:
    browser = city.person("Lin", "operator", "upstream", "enterprise", "officer")
    assert 'value="operator"' not in browser.get("/console/who")
    with browser.client.session_transaction(path="/console") as session:
        assert session["roles"] == ["officer"]


# --- identities -------------------------------------------------------------------------------------


def pages(client: FlaskClient) -> list[str]:
    paths = ("", "enterprises", "claims", "refused", "settlement", "what-if", "replay", "audit", "log/1")
    return ["/console/", "/console/who", *(f"{HERE}/{each}" for each in paths)]


def test_with_identities_required_nobody_sees_a_page_without_a_token(tmp_path: Path) -> None:
    city = Guarded(tmp_path)
    for path in pages(city.app.test_client()):
        response = city.ask(None, path)
        assert response.status_code == 401, path
        assert city.ask(city.token("upstream"), path).status_code == 403, path
        assert city.ask("nonsense", path).status_code == 401, path
    assert city.ask(None, "/console/static/console.css").status_code == 200
    city.ledger.close()


def test_with_identities_required_the_token_says_who_works_and_the_session_does_not(tmp_path: Path) -> None:
    city = Guarded(tmp_path)
    feed_code = take_one(city)

    def post(role: str, path: str, **data: str) -> TestResponse:
        client = city.app.test_client()
        headers = {"Authorization": f"Bearer {city.token(role)}", "Accept-Language": "en"}
        page = client.get("/console/who", headers=headers).text
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        named = {"csrf_token": token, "name": "Somebody Else", "roles": "reviewer", "back": "/console/"}
        client.post("/console/who", data=named, headers=headers)
        token = re.findall(
            r'name="csrf_token" value="([^"]+)"', client.get("/console/who", headers=headers).text
        )[0]
        return client.post(path, data={"csrf_token": token, **data}, headers=headers)

    claim = {
        "enterprise": feed_code,
        "claim": "C1",
        "measure": "standard.cixi",
        "item": "i",
        "amount": "1000",
    }
    assert post("auditor", f"{HERE}/claims/new", **claim).status_code == 422
    before = position(city.ledger)
    assert post("officer", f"{HERE}/claims/new", **claim).status_code == 303
    assert position(city.ledger) == before + 1
    with city.ledger.store.reading() as rows:
        assert (
            b"Somebody Else"
            not in rows.all("SELECT state FROM stored_events ORDER BY rowid DESC LIMIT 1")[0][0]
        )
    assert post("auditor", f"{HERE}/settlement/propose").status_code == 409
    assert post("finance", f"{HERE}/settlement/propose").status_code == 409
    assert post("officer", "/console/sample").status_code == 403
    assert post("auditor", f"{HERE}/payments/file").status_code == 422
    known = acknowledge(city.ledger, CIXI, 2024, "settlement.propose")
    assert known is not None
    fields = {"acknowledges": known.digest, "reason": known.reason}
    assert post("officer", f"{HERE}/settlement/propose", **fields).status_code == 303
    city.ledger.close()


def test_with_identities_required_an_enterprise_sees_its_own_sheet_alone(tmp_path: Path) -> None:
    city = Guarded(tmp_path)
    code = take_one(city)
    own, other = (city.token("enterprise", credit_code=each) for each in (code, "91330282MAQEA2JT5F"))
    sheet = f"{HERE}/enterprises/{code}/statement"
    assert city.ask(own, sheet).status_code == 200
    assert city.ask(other, sheet).status_code == 403
    for path in (f"{HERE}/enterprises", f"{HERE}/", f"{HERE}/audit", f"{HERE}/log/2", f"{HERE}/claims"):
        assert city.ask(own, path).status_code == 403, path
    city.ledger.close()


def take_one(city: Guarded) -> str:
    """An enterprise with a shop; its code."""
    feed = Feed(41)
    take(
        city.ledger,
        feed.send("enterprise-registered", name="慈溪", town="周巷镇"),
        feed.shop("tmall", "s", "2024-03-01"),
    )
    return feed.code
