"""The console's pages for the desk: enterprises, claims and refused data, as a browser asks for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.authority.roles import Actor
from domain.events.claims import ClaimSubmitted
from ledger.audit.looks import list_looks
from ledger.claims import casework, desk
from ledger.intake.inbox import ingest
from ledger.intake.refusals import find, heads
from ledger.store.application import Ledger
from services.console import language
from services.console.pages.refused import SHOWN_BYTES
from services.server.app import create_app
from tests import answers as standing
from tests.events import CIXI, Feed, take
from tests.integration.bureau import Bureau, Clock

HERE = f"/console/{CIXI}/2024"
XSS = "<script>alert('x')</script>\"><img src=x onerror=1>"
SQLITE = pytest.mark.parametrize("store_kind", ["sqlite"])
DIGEST = "ab" * 32


ACKNOWLEDGES = re.compile('name="acknowledges" value="([0-9a-f]{64})"')


class Browser:
    """A person at a browser, in a session of their own."""

    def __init__(self, client: FlaskClient, lang: str = "en") -> None:
        self.client, self.lang = client, lang

    def get(self, path: str, status: int = 200) -> str:
        """A page."""
        response = self.client.get(path if path.startswith("/console") else f"{HERE}/{path}")
        assert response.status_code == status, response.text[:3000]
        return response.text

    def token(self) -> str:
        """The session's token, as the form of a page holds it."""
        return str(re.findall(r'name="csrf_token" value="([^"]+)"', self.get("/console/who"))[0])

    def post(self, path: str, status: int = 303, **fields: Any) -> TestResponse:
        """Send a form; one that shows what is open is sent again, with a reason."""
        address = path if path.startswith("/console") else f"{HERE}/{path}"
        response = self.client.post(address, data={"csrf_token": self.token(), **fields})
        shown = ACKNOWLEDGES.search(response.text) if (status, response.status_code) == (303, 409) else None
        if shown is not None:
            known = {"acknowledges": shown[1], "reason": "known to the tests"}
            response = self.client.post(address, data={"csrf_token": self.token(), **fields, **known})
        assert response.status_code == status, response.text[:3000]
        return response

    def works(self, name: str, *roles: str) -> Browser:
        """Say who is working."""
        self.post("/console/who", 302, name=name, roles=list(roles), back="/console/")
        return self


class City:
    """A ledger with one enterprise that has a shop, and its console."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.app = ledger, create_app(ledger)
        self.feed = Feed(1)
        self.code = self.feed.code
        profile = {"name": "慈溪测试有限公司", "town": "周巷镇"}
        take(
            ledger,
            self.feed.send("enterprise-registered", **profile),
            self.feed.shop("tmall", "一号店", "2024-03-01"),
        )

    def browser(self, lang: str = "en") -> Browser:
        """A new session in a language."""
        found = Browser(self.app.test_client(), lang)
        found.client.set_cookie(language.COOKIE, lang)
        return found

    def person(self, name: str, *roles: str) -> Browser:
        """Somebody who works."""
        return self.browser().works(name, *roles)


@pytest.fixture
def city(open_at: Callable[..., Ledger]) -> City:
    ledger = open_at()
    ledger.clock = Clock()
    return City(ledger)


def submitted(browser: Browser, city: City, **more: Any) -> str:
    """Submit a claim; where its page stands."""
    form = {
        "enterprise": city.code,
        "claim": "慈申/2024-1",
        "measure": "standard.cixi",
        "item": "规范",
        **more,
    }
    response = browser.post("claims/new", **{"amount": "20,000.00", **form})
    return response.location


# --- enterprises ------------------------------------------------------------------------------


@SQLITE
@pytest.mark.parametrize(("lang", "words"), [("zh", "每一分钱的依据"), ("en", "Why each fen")])
def test_an_enterprise_is_explained_in_the_readers_language(city: City, lang: str, words: str) -> None:
    text = city.browser(lang).get(f"enterprises/{city.code}")
    assert words in text
    assert "慈溪测试有限公司" in text
    assert "¥10,000.00" in text
    assert "给予一次性补助 1 万元" in text
    assert ("店铺注册" in text) == (lang == "zh")


@SQLITE
def test_enterprises_are_found_by_name_code_and_town_and_paged(city: City) -> None:
    feeds = [Feed(number) for number in range(10, 70)]
    take(
        city.ledger,
        *(f.send("enterprise-registered", name=f"企业{f.number}号", town="庵东镇") for f in feeds),
    )
    browser = city.browser("zh")
    first = browser.get("enterprises")
    [address] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = browser.get(address.replace("&amp;", "&"))
    assert first.count('data-label="信用代码"') == second.count('data-label="信用代码"')
    named = (
        set(re.findall(r"/enterprises/(\w{18})", first)),
        set(re.findall(r"/enterprises/(\w{18})", second)),
    )
    assert len(named[0]) == 50
    assert named[0].isdisjoint(named[1])
    assert named[0] | named[1] >= {feed.code for feed in feeds} | {city.code}
    assert "企业12号" in browser.get("enterprises?q=" + quote("业12"))
    assert city.code in browser.get(f"enterprises?q={city.code[:12].lower()}&town=" + quote("周巷镇"))
    assert "没有找到" in browser.get("enterprises?q=zzz")
    assert "没有找到" in browser.get("enterprises?q=%00%0a%ed%a0%80zz")
    browser.get("enterprises?cursor=nonsense", 422)


@SQLITE
def test_the_list_says_what_the_balance_says(city: City) -> None:
    with city.ledger.store.reading() as rows:
        sums = standing.sums_of(city.ledger, rows, CIXI, 2024, [city.code])
    assert sums[city.code]["payable"] == "10000.00"
    assert "¥10,000.00" in city.browser().get("enterprises")


@SQLITE
def test_an_unknown_enterprise_policy_or_year_is_a_page_that_says_so(city: City) -> None:
    for path in (
        "enterprises/nonsense",
        "enterprises/nonsense/statement",
        "claims/x/y",
        f"claims/{city.code}/y",
    ):
        assert "<h1>" in city.browser().get(path, 404)
    for path in (
        "/console/nothing/2024/enterprises",
        f"/console/{CIXI}/1999/refused",
        f"{HERE}/refused/{DIGEST}",
    ):
        assert "<h1>" in city.browser().get(path, 404)


@SQLITE
def test_reading_an_enterprise_is_noted_under_the_name_of_who_works(city: City) -> None:
    claim = submitted(city.person("Lin", "officer"), city)
    browser = city.person("Gao", "officer")
    browser.client.get(f"{HERE}/enterprises/{city.code}", headers={"Subsidy-Actor": "somebody else"})
    browser.get(f"enterprises/{city.code}/statement")
    browser.get(claim)
    city.browser().get(f"enterprises/{city.code}")
    city.app.extensions["subsidy-looks"].flush()
    with city.ledger.store.reading() as rows:
        looks = [(each.actor, each.path.rpartition("/")[2]) for each in list_looks(rows, city.code)]
    assert sorted(looks) == sorted(
        [("-", city.code), ("Gao", city.code), ("Gao", "statement"), ("Gao", "2024-1")]
    )


@SQLITE
def test_history_is_paged_and_says_what_each_event_changed(city: City) -> None:
    sales = [city.feed.sales("online", 2024, f"{number}.00") for number in range(1, 60)]
    take(city.ledger, *sales)
    browser = city.browser()
    first = browser.get(f"enterprises/{city.code}")
    assert "¥0.00 → ¥10,000.00" not in first
    [address] = re.findall(r'rel="next" href="([^"]+)"', first)
    older = browser.get(address.replace("&amp;", "&").partition("#")[0])
    assert "¥0.00 → ¥10,000.00" in older
    assert older.count('class="after muted"') == 11
    assert first.count('class="after muted"') == 50


@SQLITE
def test_a_closed_year_shows_account_statement_and_late_facts(open_at: Callable[..., Ledger]) -> None:
    clock = Clock()
    bureau = Bureau(open_at(clock.now), clock)
    city = City(bureau.ledger)
    bureau.settle()
    batch = bureau.finance.post(bureau.year("payments"), {}, 201)["batch"]
    bureau.finance.post(
        bureau.year("payments/results"),
        bureau.results((f"{batch}-{city.code}", "made", "10000.00"), on="2025-05-14"),
    )
    bureau.clock.pass_(hours=1)
    take(city.ledger, city.feed.shop("jd", "京东店", "2024-05-01"))
    text = city.browser().get(f"enterprises/{city.code}")
    assert "Adjustments to be decided" in text
    assert "¥5,000.00" in text
    sheet = city.browser("zh").get(f"enterprises/{city.code}/statement")
    assert "已于2025-05-14办结" in sheet
    assert "2025-05-14" in sheet
    assert "待拨付" not in sheet
    refused = city.person("Lin", "officer").post("claims", 422)
    assert "closed" in refused.text


# --- claims -----------------------------------------------------------------------------------


@SQLITE
def test_two_people_decide_a_claim_on_its_page(city: City) -> None:
    officer, reviewer = city.person("Gao", "officer"), city.person("Shen", "reviewer")
    evidence: dict[str, Any] = {
        "title": ["检测报告", ""],
        "location": ["档案室 3-12", ""],
        "sha256": [DIGEST, ""],
    }
    address = submitted(city.person("Lin", "officer"), city, **evidence)
    page = officer.get(address)
    assert "检测报告" in page
    assert DIGEST in page
    assert "¥30,000.00" in page
    cited: dict[str, Any] = {"documentnumber": "慈商务〔2025〕7号", "documentdate": "2025-05-05"}
    wrong = officer.post(address, 422, step="review", amount="1", opinion="x", documentsha256="zz").text
    assert "Digest of the document (SHA-256)" in wrong
    officer.post(address, step="review", amount="15,000", opinion="材料齐全", **cited)
    assert "慈商务〔2025〕7号" in officer.get(address), "the document that the review rests on"
    text = reviewer.post(address, 422, step="approve", amount="15000.01").text
    assert 'value="15000.01"' in text
    assert "¥15,000.00" in text
    reviewer.post(address, step="approve", amount="")
    page = officer.get(address)
    assert "Approved" in page
    assert "Nothing is due" in page
    assert "材料齐全" in page
    assert "¥15,000.00" in officer.get(f"enterprises/{city.code}")
    assert address in officer.get("claims?status=approved")


@SQLITE
def test_a_step_that_is_not_allowed_comes_back_with_its_reason_and_what_was_typed(city: City) -> None:
    officer = city.person("Lin", "officer")
    address = submitted(officer, city)
    own = officer.post(address, 422, step="review", amount="9", opinion="typed & kept").text
    assert "typed &amp; kept" in own
    assert "submitted this claim" in own
    nobody = city.browser().post(address, 422, step="reject", reason="no").text
    assert "Say who you are" in nobody
    assert "no</textarea>" in nobody
    for step, fields in (("review", {"amount": "1.234", "opinion": "x"}), ("review", {}), ("reject", {})):
        assert 'role="alert"' in officer.post(address, 422, step=step, **fields).text
    officer.post(address, 404, step="nonsense")
    assert "待初审" in city.browser("zh").get(address)


@SQLITE
def test_a_rejected_claim_is_appealed_and_a_withdrawn_one_is_over(city: City) -> None:
    officer = city.person("Lin", "officer")
    address = submitted(officer, city)
    city.person("Gao", "officer").post(address, step="reject", reason="材料不齐")
    assert "Until 2025-05-21" in officer.get(address)
    officer.post(address, step="appeal", reason="已补齐")
    assert "Appealed" in officer.get(address)
    officer.post(address, step="withdraw")
    assert "Nothing is due" in officer.get(address)


@SQLITE
def test_a_new_claim_that_breaks_rules_comes_back_as_it_was_typed(city: City) -> None:
    officer = city.person("Lin", "officer")
    form = {"enterprise": city.code, "claim": "C", "measure": "standard.cixi", "item": XSS}
    bad = officer.post("claims/new", 422, **form, amount="1.234", title="t", location="l", sha256="zz").text
    assert XSS not in bad
    assert "&lt;script&gt;" in bad
    assert 'value="1.234"' in bad
    assert 'value="zz"' in bad
    capped = officer.post("claims/new", 422, **{**form, "item": "i"}, amount="30000.01").text
    assert "¥30,000.00" in capped
    unknown = officer.post("claims/new", 422, **{**form, "enterprise": Feed(99).code}).text
    assert "not an enterprise of this ledger" in unknown
    more = officer.post("claims/new", 200, more="1", **form).text
    assert more.count('name="sha256"') == 6
    with city.ledger.store.reading() as rows:
        assert sum(casework.counts(rows, CIXI, 2024).values()) == 0


@SQLITE
def test_earned_claims_are_proposed_with_one_button(city: City) -> None:
    take(city.ledger, city.feed.send("standard-published", level="cixi", standard="DB 1", on="2024-06-01"))
    officer = city.person("Lin", "officer")
    location = officer.post("claims").location
    assert "Claims proposed: 1." in officer.get(location)
    officer.post("claims")
    assert "There was nothing to propose." in officer.get(location)
    assert "may not" in city.person("Qian", "finance").post("claims", 422).text


@SQLITE
def test_the_name_of_a_person_is_shown_nowhere(city: City) -> None:
    officer = city.person("Lin", "officer")
    form = {"measure": "talent.team", "item": "团队", "person": "王小明", "amount": "1000"}
    address = submitted(officer, city, **form)
    city.person("Gao", "officer").post(address, step="review", amount="1000", opinion="o")
    city.person("Shen", "reviewer").post(address, step="approve")
    for path in (
        address,
        f"enterprises/{city.code}",
        f"enterprises/{city.code}/statement",
        "claims?status=all",
    ):
        assert "王小明" not in officer.get(path)


def test_the_queue_is_paged_and_says_when_the_last_step_was(city: City) -> None:
    lin = Actor("Lin", frozenset({"officer"}))
    clock: Any = city.ledger.clock
    for number in range(3):
        clock.pass_(minutes=1)
        asked = {
            "claim": f"C{2 - number}",
            "policy": CIXI,
            "measure": "standard.cixi",
            "item": str(number),
            "year": 2024,
        }
        desk.submit(city.ledger, city.code, lin, msgspec.convert(asked, ClaimSubmitted))
    with city.ledger.store.reading() as rows:
        first = casework.queue(rows, CIXI, 2024, "submitted", None, 2)
        last = first[-1]
        after = (last.code, last.claim)
        rest = casework.queue(rows, CIXI, 2024, None, after, 2)
        assert [each.claim for each in first + rest] == ["C0", "C1", "C2"]
        assert [each.at[:16] for each in first] == ["2025-05-06T02:03", "2025-05-06T02:02"]
        assert casework.queue(rows, CIXI, 2024, "approved", None, 2) == []
        assert casework.casefile(rows, CIXI, city.code, "C9") is None
        assert standing.towns(rows) == ["周巷镇"]


# --- refused data -----------------------------------------------------------------------------


def refuse(city: City, raw: bytes) -> str:
    """Have a message refused; its digest."""
    [result] = ingest(city.ledger, [raw], "http")
    assert result.refusal is not None, result
    return result.refusal


@SQLITE
@pytest.mark.parametrize(("lang", "words"), [("zh", "退回原因"), ("en", "Why it was refused")])
def test_a_refused_message_is_corrected_and_recorded(city: City, lang: str, words: str) -> None:
    message = json.loads(city.feed.sales("online", 2024, "12.345"))
    digest = refuse(city, json.dumps(message).encode())
    browser = city.browser(lang).works("Lin", "officer")
    assert digest in browser.get("refused")
    assert words in browser.get(f"refused/{digest}")
    again = browser.post(
        f"refused/{digest}", 422, step="resubmit", text=json.dumps({**message, "extra": 1})
    ).text
    assert "&#34;extra&#34;" in again
    message["data"]["amount"] = "12.34"
    browser.post(f"refused/{digest}", step="resubmit", text=json.dumps(message))
    with city.ledger.store.reading() as rows:
        found = find(rows, digest)
    assert found is not None
    assert found.resolved == "resubmitted"
    assert "readonly" in browser.get(f"refused/{digest}")
    browser.post(f"refused/{digest}", 409, step="dismiss")


@SQLITE
def test_a_refused_message_is_dismissed_and_stays_on_record(city: City) -> None:
    digest = refuse(city, b"{")
    browser = city.person("Lin", "officer")
    browser.post(f"refused/{digest}", step="dismiss")
    assert digest not in browser.get("refused")
    assert digest in browser.get("refused?open=false")
    browser.post(f"refused/{DIGEST}", 404, step="dismiss")
    browser.post(f"refused/{digest}", 404, step="nonsense")


@SQLITE
def test_a_huge_text_is_shown_in_part_and_cannot_be_sent_again_from_here(city: City) -> None:
    digest = refuse(city, b'{"a":"' + "慈".encode() * 400_000 + b'"}')
    browser = city.person("Lin", "officer")
    text = browser.get(f"refused/{digest}")
    assert len(text.encode()) < SHOWN_BYTES + 20_000
    assert "1,200,008" in text
    assert 'value="resubmit"' not in text
    browser.post(f"refused/{digest}", 404, step="resubmit", text="{}")


def test_refused_messages_are_listed_without_their_text_newest_first(city: City) -> None:
    digests = [refuse(city, b"{%d" % number) for number in range(3)]
    with city.ledger.store.reading() as rows:
        found = heads(rows, None, 2)
        assert [each.digest for each in found] == [digests[2], digests[1]]
        assert [each.raw for each in found] == [b"", b""]
        assert [each.digest for each in heads(rows, found[-1].number, 2)] == [digests[0]]


@SQLITE
def test_refused_messages_are_paged(city: City) -> None:
    for number in range(51):
        refuse(city, b"{%d" % number)
    browser = city.browser()
    [address] = re.findall(r'rel="next" href="([^"]+)"', browser.get("refused"))
    assert browser.get(address.replace("&amp;", "&")).count("<time") == 1


# --- what every page holds to -----------------------------------------------------------------


@SQLITE
def test_what_others_wrote_is_text_and_never_markup(city: City) -> None:
    take(
        city.ledger, city.feed.send("enterprise-registered", "2025-02-01T00:00:00Z", name=XSS, town=XSS[:20])
    )
    officer = city.person("Lin", "officer")
    address = submitted(officer, city, item=XSS, title=[XSS], location=[XSS], sha256=[DIGEST])
    city.person("Gao", "officer").post(address, step="reject", reason=XSS)
    message = {**json.loads(city.feed.sales("online", 2024, "1.00")), "source": XSS, "type": XSS, "id": XSS}
    digest = refuse(city, ("</textarea>" + XSS + json.dumps(message)).encode())
    other = refuse(city, json.dumps(message).encode())
    paths = [
        "enterprises",
        f"enterprises/{city.code}",
        f"enterprises/{city.code}/statement",
        "claims?status=all",
    ]
    paths += [address, "refused", f"refused/{digest}", f"refused/{other}", "enterprises?q=" + quote(XSS)]
    paths += ["claims/new?enterprise=" + quote(XSS[:18])]
    for path in paths:
        for lang in ("zh", "en"):
            officer.client.set_cookie(language.COOKIE, lang)
            text = officer.get(path)
            assert "<script>alert" not in text, path
            assert "<img" not in text, path
            assert "</textarea><" not in text.replace("</textarea></div>", "").replace(
                "</textarea><small", ""
            )


@SQLITE
@pytest.mark.parametrize("path", ["claims", "claims/new", "claims/x/y", f"refused/{DIGEST}"])
def test_a_form_without_its_token_is_refused(city: City, path: str) -> None:
    browser = city.person("Lin", "officer")
    for data in ({}, {"csrf_token": "x"}):
        response = browser.client.post(f"{HERE}/{path}", data=data)
        assert response.status_code == 403
        assert "The form has expired" in response.text


@SQLITE
@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/console//evil", "/console/\\evil"]
)
def test_nobody_is_led_to_another_site(city: City, back: str) -> None:
    browser = city.browser()
    assert 'name="back" value="/console/"' in browser.get(f"/console/who?back={quote(back)}")
    response = browser.post("/console/who", 302, name="Lin", roles=["officer"], back=back)
    assert response.location == "/console/"


@SQLITE
def test_a_browser_names_this_site_when_it_sends_a_form(city: City) -> None:
    response = city.browser().client.get(f"{HERE}/claims")
    assert response.headers["Referrer-Policy"] == "same-origin"


@SQLITE
def test_pages_of_an_empty_ledger_say_so(open_at: Callable[..., Ledger]) -> None:
    browser = Browser(create_app(open_at()).test_client())
    for path, words in (("enterprises", "企业"), ("claims", "没有这类申报"), ("refused", "没有退回的数据")):
        assert words in browser.get(path)
    assert browser.get("claims/new")


@SQLITE
def test_every_page_loads_what_it_needs_from_here_and_nothing_inline(city: City) -> None:
    officer = city.person("Lin", "officer")
    address = submitted(officer, city)
    digest = refuse(city, b"{")
    for path in ("enterprises", f"enterprises/{city.code}", f"enterprises/{city.code}/statement", "claims",
                 "claims/new", address, "refused", f"refused/{digest}"):  # fmt: skip
        text = officer.get(path)
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text), path
        assert text.count("<h1") == 1, path
