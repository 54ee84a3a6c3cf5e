"""Every job of the console, end to end in Debian's Chromium, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, ViewportSize, expect

from domain.log.notes import VerifierKey
from domain.money.amounts import print_fen
from ledger.intake.inbox import ingest
from services.console.pages import home
from services.verify import verify
from tests.console import (
    HERE,
    NOW,
    YEAR,
    Hall,
    Person,
    Served,
    chromium,
    closed_year,
    copied,
    late,
    open_year,
    served,
)
from tests.events import Feed, take
from tests.integration.bureau import Clock
from tests.integration.test_console_desk import XSS
from tests.lengths import length_of

pytestmark = pytest.mark.slow

ENTERPRISES = 300
LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
PHONE, DESK, WALL = (
    ViewportSize(width=360, height=780),
    ViewportSize(width=1280, height=900),
    ViewportSize(width=1920, height=1080),
)
PAPER_MAX = 6
"""Most sheets of A4 that an ordinary page is printed on."""

Opener = Callable[..., Served]


@pytest.fixture(scope="module")
def browsers() -> Iterator[Hall]:
    with chromium() as browser:
        yield Hall(browser)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The city with its year open, and with its year closed."""
    folder = tmp_path_factory.mktemp("console")
    made = {"open": folder / "open.db", "closed": folder / "closed.db"}
    open_year(made["open"], ENTERPRISES)
    closed_year(made["closed"], ENTERPRISES)
    return made


@pytest.fixture
def at(years: dict[str, Path], tmp_path: Path) -> Iterator[Opener]:
    """Serve a copy of the city of one's own."""
    with ExitStack() as stack:

        def opened(stage: str = "open") -> Served:
            return stack.enter_context(served(copied(years[stage], tmp_path / f"{stage}.db"), Clock(NOW)))

        yield opened


@pytest.fixture
def hall(browsers: Hall, at: Opener) -> Iterator[Hall]:
    """Nobody's browser asked elsewhere, broke the content policy, met an error or opened a dialog."""
    assert callable(at), "people leave before their servers end"
    yield browsers
    assert browsers.leave() == []


# --- beginning, and the year --------------------------------------------------------------------


@LANGUAGES
def test_an_empty_ledger_explains_itself_and_takes_the_sample_year(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setattr(home, "ENTERPRISES", 60)
    with served(tmp_path / "empty.db") as site:
        person = hall.person(site, lang)
        page = person.goes("/console/")
        assert person.says("first-run-what") in person.text()
        person.press("first-run-sample-do")
        page.wait_for_url(f"**{HERE}/")
        assert person.says("year-title", year=YEAR) in person.text()
        assert page.locator("svg.chart").count() >= 4
        assert hall.leave() == []


@LANGUAGES
def test_every_chart_of_the_year_has_its_table(hall: Hall, at: Opener, lang: str) -> None:
    person = hall.person(at(), lang)
    page = person.goes("")
    figures = page.locator("figure").all()
    assert len(figures) >= 4
    for figure in figures:
        table = figure.locator("table")
        expect(table).to_be_hidden()
        figure.locator("summary").click()
        expect(table).to_be_visible()
        assert figure.locator("svg.chart").first.get_attribute("aria-label")
    payable = page.locator(".fact", has_text=person.says("payable")).locator("dd").first.inner_text()
    assert payable in figures[0].locator("table").inner_text()
    leader = page.locator("table").last.get_by_role("link").first
    leader.click()
    page.wait_for_url("**/enterprises/*")


# --- enterprises ----------------------------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_enterprise_is_found_and_explained(hall: Hall, at: Opener, lang: str, scripts: bool) -> None:
    site = at()
    person = hall.person(site, lang, java_script_enabled=scripts)
    code = site.richest()
    name = str(site.one("SELECT name FROM enterprises WHERE code=?", code))
    page = person.goes("enterprises")
    page.locator("#f-q").fill(code[:14].lower())
    if not scripts:
        person.press("enterprises-find")
    link = page.locator("#found tbody tr").get_by_role("link", name=name)
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(link).to_be_visible()
    if scripts:
        page.wait_for_url("**q=*")
    link.click()
    page.wait_for_url(f"**/enterprises/{code}")
    award = page.locator("details.award").first
    expect(award.locator("blockquote")).to_be_hidden()
    award.locator("summary").click()
    expect(award.locator("blockquote")).to_be_visible()
    assert person.says("enterprise-arithmetic") in award.inner_text()
    award.locator("a[href*='/log/']").first.click()
    page.wait_for_url("**/log/*")
    if scripts:
        ready(page)


@LANGUAGES
def test_an_enterprises_own_sheet_says_what_it_is_paid(hall: Hall, at: Opener, lang: str) -> None:
    site = at("closed")
    person = hall.person(site, lang)
    page = person.goes(f"enterprises/{site.richest()}")
    page.get_by_role("link", name=person.says("statement"), exact=True).click()
    expect(page.locator("article.sheet")).to_be_visible()
    expect(page.get_by_role("button", name=person.says("print"), exact=True)).to_be_visible()
    assert person.says("statement-when") in person.text()


# --- claims ---------------------------------------------------------------------------------------


def submits(person: Person, code: str, claim: str, item: str = "慈溪直播规范") -> str:
    """Submit a claim by its form; where its page stands."""
    page = person.goes("claims")
    page.get_by_role("link", name=person.says("claims-new"), exact=True).click()
    page.locator("#f-enterprise").fill(code)
    page.locator("#f-claim").fill(claim)
    page.locator("#f-measure").select_option("standard.cixi")
    page.locator("#f-item").fill(item)
    page.locator("#f-amount").fill("20,000.00")
    page.locator("#d-title-1").fill("标准文本")
    page.locator("#d-location-1").fill("档案室 1-1")
    page.locator("#d-sha256-1").fill("ab" * 32)
    person.press("claims-submit")
    page.locator(".notice[role=status]").wait_for()
    return page.url.removeprefix(person.site.origin)


def poorest(site: Served) -> str:
    """An enterprise without any award."""
    sql = (
        "SELECT e.code FROM enterprises e LEFT JOIN balances b ON b.code=e.code WHERE b.code IS NULL LIMIT 1"
    )
    return str(site.one(sql))


@LANGUAGES
def test_a_claim_is_decided_by_two_people_and_moves_the_balance(hall: Hall, at: Opener, lang: str) -> None:
    site = at()
    code = poorest(site)
    clerk = hall.person(site, lang).works("林", "officer")
    address = submits(clerk, code, "窗口/2025-1")
    first = clerk.page.locator("form.step", has=clerk.page.locator("#f-review-amount"))
    clerk.page.locator("#f-opinion").fill("自己审自己")
    clerk.press("claims-step-review", first)
    expect(clerk.page.get_by_role("alert").first).to_be_visible()
    officer = hall.person(site, lang).works("高", "officer")
    page = officer.goes(address)
    page.locator("#f-review-amount").fill("15,000.00")
    page.locator("#f-opinion").fill("材料齐全")
    officer.press("claims-step-review")
    page.locator(".tag.reviewed").first.wait_for()
    reviewer = hall.person(site, lang).works("沈", "reviewer")
    page = reviewer.goes(address)
    reviewer.press("claims-step-approve")
    page.locator(".tag.approved").first.wait_for()
    reviewer.sees("claims-nothing-due")
    reviewer.goes(f"enterprises/{code}")
    assert "¥15,000.00" in reviewer.text()
    assert "慈溪直播规范" in reviewer.text()


@LANGUAGES
def test_a_rejected_claim_is_appealed(hall: Hall, at: Opener, lang: str) -> None:
    site = at()
    officer = hall.person(site, lang).works("高", "officer")
    page = officer.goes("claims?status=submitted")
    page.locator("tbody a").first.click()
    page.locator("#f-reject-reason").fill("材料不齐")
    officer.press("claims-step-reject")
    page.locator(".tag.rejected").first.wait_for()
    assert "2025-05-21" in officer.text()
    page.locator("#f-appeal-reason").fill("材料已经补齐")
    officer.press("claims-step-appeal")
    page.locator(".tag.appealed").first.wait_for()
    assert "材料已经补齐" in officer.text()


@LANGUAGES
def test_a_refused_message_is_corrected_and_sent_again(hall: Hall, at: Opener, lang: str) -> None:
    site = at()
    message = json.loads(Feed(7).sales("online", YEAR, "12.345"))
    ingest(site.ledger, [json.dumps(message).encode()], "http")
    officer = hall.person(site, lang).works("林", "officer")
    page = officer.goes("refused")
    page.locator("tbody a").first.click()
    text = page.locator("#f-text")
    text.fill(json.dumps({**message, "data": {**message["data"], "amount": "-1"}}))
    officer.press("refused-resubmit")
    expect(page.get_by_role("alert")).to_contain_text(officer.says("refused-again"))
    text.fill(json.dumps({**message, "data": {**message["data"], "amount": "12.34"}}))
    officer.press("refused-resubmit")
    page.locator(".tag.approved").wait_for()
    expect(page.locator("#f-text")).to_have_attribute("readonly", "")


# --- the settlement -------------------------------------------------------------------------------


def takes(person: Person, key: str, **args: Any) -> None:
    """Press a step's button and wait for the notice that it was taken."""
    person.press(key, **args)
    person.page.locator(".notice[role=status], #refused").first.wait_for()
    person.acknowledges(key, **args)
    person.page.locator(".notice[role=status]").wait_for()


@LANGUAGES
def test_a_year_is_settled_from_the_proposal_to_the_last_clawback(
    hall: Hall, at: Opener, tmp_path: Path, lang: str
) -> None:
    site = at()
    officer, reviewer, finance = (
        hall.person(site, lang).works(name, role)
        for name, role in (("林", "officer"), ("沈", "reviewer"), ("钱", "finance"))
    )
    page = officer.goes("settlement")
    takes(officer, "settle-propose-do")
    takes(officer, "settle-publish-do")
    page.locator("#object summary").click()
    page.locator("#object-reason").fill("金额不对")
    takes(officer, "settle-object-do")
    page = reviewer.goes("settlement")
    page.locator("input[name=outcome][value=dismissed]").check()
    page.locator("textarea[name=reason]").first.fill("核对无误")
    takes(reviewer, "settle-resolve-do")
    assert page.locator("#close form").count() == 0
    site.clock.pass_(days=8)
    page = reviewer.goes("settlement")
    page.locator("input[name=sure]").check()
    takes(reviewer, "settle-close-do", year=YEAR)
    page = finance.goes("settlement")
    takes(finance, "pay-order-do")
    answers_of_the_bank(site, tmp_path / "results.csv")
    page.locator("#results-file").set_input_files(tmp_path / "results.csv")
    takes(finance, "pay-results-do")
    payable = page.locator("#pay .fact", has_text=finance.says("payable")).locator("dd").first.inner_text()
    assert (
        page.locator("#pay .fact", has_text=finance.says("paid")).locator("dd").first.inner_text() == payable
    )
    page = officer.goes("settlement")
    page.locator("#recover details summary").click()
    page.locator("#claw-enterprise").fill(site.richest())
    page.locator("#claw-amount").fill("100.00")
    page.locator("#claw-reason").fill("材料不实")
    takes(officer, "pay-claw-do")
    page = finance.goes("settlement")
    page.locator("#recover details", has=page.locator("#recovery-amount")).locator("summary").click()
    page.locator("#recovery-amount").fill("100.00")
    page.locator("#recovery-reference").fill("回单 1")
    takes(finance, "pay-recover-do")
    facts = page.locator("#recover .facts").inner_text()
    assert facts.count("¥100.00") == 2
    finance.goes("payments?status=made")
    assert finance.page.locator(".tag.made").count() > 10


def answers_of_the_bank(site: Served, file: Path) -> None:
    """The bank says that every payment was made."""
    with site.ledger.store.reading() as rows:
        payments = rows.all("SELECT payment, amount FROM payments ORDER BY payment")
    day = site.clock().date().isoformat()
    lines = ["支付编号,状态,金额,日期,银行流水号,失败原因"]
    lines += [f"{p},成功,{fen // 100}.{fen % 100:02d},{day},工行{n}," for n, (p, fen) in enumerate(payments)]
    file.write_bytes("\r\n".join(lines).encode("gb18030"))


@LANGUAGES
def test_what_came_late_is_accepted_into_the_next_year(hall: Hall, at: Opener, lang: str) -> None:
    site = at("closed")
    officer = hall.person(site, lang).works("林", "officer")
    page = officer.goes("settlement")
    page.get_by_role("link", name=officer.says("adjust-title"), exact=True).click()
    first = page.locator("td details").first
    pending = page.locator("td details").count()
    first.locator("summary").click()
    first.locator("textarea").fill("迟报")
    officer.press("adjust-accept", first)
    page.locator(".notice[role=status]").wait_for()
    assert page.locator("td details").count() == pending - 1


# --- what if, replay, difference ------------------------------------------------------------------


@LANGUAGES
def test_another_budget_shows_winners_and_losers_at_once(hall: Hall, at: Opener, lang: str) -> None:
    site = at()
    before = site.one("SELECT MAX(rowid) FROM stored_events")
    person = hall.person(site, lang)
    page = person.goes("what-if")
    slider = page.locator("input[type=range]")
    slider.press("PageUp")  # one key, one question: going back leads to the year as it is
    expect(page.locator("#answer table.compare")).to_be_visible()
    assert "▲" in page.locator("#answer").inner_text()
    assert person.says("what-if-nothing") in page.locator("#answer").inner_text()
    page.wait_for_url("**budget=*")
    page.go_back()
    person.sees("what-if-as-is")
    budget = page.locator("#what-budget")
    expect(budget).to_have_value("10000000.00")  # the page gets its attributes back a moment after its text
    budget.fill("100000.00")
    budget.press("Enter")
    page.locator("#answer .counts .down").wait_for()
    page.get_by_role("link", name="API", exact=True).click()
    page.wait_for_url("**/docs")
    page.go_back()
    expect(page.locator("nav.menu")).to_be_visible()  # the page, not the part of it that came last
    assert site.one("SELECT MAX(rowid) FROM stored_events") == before


@LANGUAGES
@pytest.mark.parametrize("kind", ["known", "true"])
def test_the_slider_goes_back_in_time(hall: Hall, at: Opener, lang: str, kind: str) -> None:
    person = hall.person(at(), lang)
    page = person.goes(f"replay?kind={kind}")
    page.locator("#answer .facts").wait_for()
    expect(page.locator("#answer progress")).to_have_count(0, timeout=60_000)
    now = page.locator("#answer .facts").inner_text()
    slider = page.locator("#replay-stop")
    slider.focus()
    slider.press("Home")
    page.wait_for_url("**day=*")
    expect(page.locator("#answer progress")).to_have_count(0, timeout=60_000)
    page.locator("#answer .facts").wait_for()
    assert page.locator("#answer .facts").inner_text() != now
    assert page.locator("#replay-stop").input_value() == "0"
    if kind == "known":
        assert page.locator(".uplot canvas").count() == 1


@LANGUAGES
def test_what_changed_between_two_days_is_told(hall: Hall, at: Opener, lang: str) -> None:
    person = hall.person(at(), lang)
    page = person.goes("difference")
    page.locator("#d-first").select_option(index=1)
    person.press("difference-do")
    page.wait_for_url("**first=*")
    page.locator("#answer .why").wait_for()
    assert page.locator("#answer tbody tr").count() > 3


# --- the auditor ----------------------------------------------------------------------------------


@LANGUAGES
def test_the_browser_itself_proves_that_an_event_is_in_the_log(hall: Hall, at: Opener, lang: str) -> None:
    person = hall.person(at(), lang).works("胡", "auditor")
    page = person.goes("audit")
    page.locator("#a-position").fill("17")
    page.locator("#a-position").press("Enter")
    page.locator("#verdict[data-verdict=good]").wait_for()
    expect(page.locator("#verdict strong.good")).to_be_visible()
    expect(page.locator(".proof li.good")).to_have_count(5)


@pytest.mark.parametrize(
    ("lang", "part"),
    [
        ("zh", "state"),
        ("en", "state"),
        ("en", "salt"),
        ("zh", "position"),
        ("en", "path"),
        ("zh", "checkpoint"),
    ],
)
def test_one_altered_character_turns_the_proof_red(hall: Hall, at: Opener, lang: str, part: str) -> None:
    person = hall.person(at(), lang)

    def altered(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=_altered(part, answer.text()))

    asked = {"path": "proofs/17?*", "checkpoint": "checkpoint"}.get(part, "events/17")
    person.page.route(f"**/v1/log/{asked}", altered)
    page = person.goes("log/17")
    page.locator("#verdict[data-verdict=bad]").wait_for()
    expect(page.locator("#verdict strong.bad")).to_be_visible()
    expect(page.locator("#verdict strong.good")).to_be_hidden()


def _altered(part: str, text: str) -> str:
    """An answer of the log with one character changed."""
    if part == "checkpoint":
        head, size, rest = text.split("\n", 2)
        return "\n".join((head, size, _flipped(rest)))
    said = json.loads(text)
    if part == "path":
        said["path"][0] = _flipped(said["path"][0])
    elif part == "position":
        said["position"] += 1
    else:
        said[part] = _flipped(said[part])
    return json.dumps(said)


def _flipped(text: str) -> str:
    return ("1" if text[0] != "1" else "2") + text[1:]


@LANGUAGES
def test_a_bundle_is_taken_away_and_verified(hall: Hall, at: Opener, tmp_path: Path, lang: str) -> None:
    site = at("closed")
    person = hall.person(site, lang).works("胡", "auditor")
    page = person.goes("audit")
    key = re.findall(r"subsidy-ledger\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", person.text())[0]
    with page.expect_download() as year:
        page.get_by_role("link", name=person.says("audit-bundle-year", year=YEAR), exact=True).click()
    page.locator("#a-code").fill(site.richest())
    with page.expect_download() as one:
        person.press("audit-bundle-one")
    with page.expect_download() as books:
        page.get_by_role("link", name=person.says("audit-books-xlsx"), exact=True).click()
    for number, held in enumerate((year, one)):
        file = tmp_path / f"{number}.zip"
        held.value.save_as(file)
        assert verify(file, [VerifierKey.parse(key)])[1].faults == []
    assert books.value.suggested_filename.endswith(".xlsx")


# --- every page -----------------------------------------------------------------------------------


def every_page(site: Served) -> list[str]:
    """The address of every page."""
    code = site.richest()
    claims = "SELECT code, claim FROM claims WHERE status=? LIMIT 1"
    with site.ledger.store.reading() as rows:
        found = [
            row for status in ("submitted", "reviewed", "approved") for row in rows.all(claims, [status])
        ]
        refused = rows.all("SELECT digest FROM refused WHERE resolved IS NULL LIMIT 1")[0][0]
    return [
        *("", "enterprises", "enterprises?q=zzz", f"enterprises/{code}", f"enterprises/{code}/statement"),
        *("claims?status=all", f"claims/new?enterprise={code}"),
        *(f"claims/{of}/{claim}" for of, claim in found),
        *(
            "sheets",
            "refused",
            f"refused/{refused}",
            "settlement",
            "settlement/lines",
            "payments",
            "adjustments",
        ),
        *("what-if?budget=500000.00", "replay", "replay?kind=true&day=2024-06-30", "difference"),
        *("audit", "log/17", "nothing-here", "/console/who"),
    ]


def ready(page: Page) -> None:
    """Wait until the work that a page waits for is done."""
    expect(page.locator("progress")).to_have_count(0, timeout=60_000)
    if page.locator("#verdict").count():
        page.locator("#verdict[data-verdict]:not([data-verdict=working])").wait_for()


def opens_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


LOOKS: tuple[tuple[Literal["light", "dark"], ViewportSize], ...] = (
    ("light", DESK),
    ("dark", PHONE),
    ("light", PHONE),
    ("dark", DESK),
)
"""The schemes and sizes that a page is looked at in."""


@pytest.mark.parametrize("stage", ["open", "closed"])
@LANGUAGES
def test_every_page_fits_its_screen_and_has_no_serious_finding_of_axe(
    hall: Hall, at: Opener, stage: str, lang: str
) -> None:
    """What is seen in one language in the light, at a desk, is in the other in the dark, on a phone."""
    site, found, looks = at(stage), list[str](), length_of("SUBSIDY_TEST_LOOKS")
    person = hall.person(site, lang, viewport=PHONE).works("林", "officer", "reviewer", "finance")
    for turn, path in enumerate(pages_of(site, stage, looks), LANGUAGES.args[1].index(lang)):
        for number in range(looks):
            scheme, size = LOOKS[number ^ turn % 2]
            person.page.emulate_media(color_scheme=scheme)
            person.page.set_viewport_size(PHONE)
            page = person.goes(path)
            ready(page)
            opens_everything(page)
            found += [f"{path} {fault}" for fault in [*too_wide(page), *barriers(page, size)]]
    assert found == []


def pages_of(site: Served, stage: str, looks: int) -> list[str]:
    """Every page; while the year is open those that say something else then (all, in a long run)."""
    code = site.richest()
    else_then = ("claims/9", "settlement", "payments", "adjustments", f"enterprises/{code}")
    paths = every_page(site)
    return [p for p in paths if stage == "closed" or looks > 1 or p == "" or p.startswith(else_then)]


def too_wide(page: Page) -> Iterator[str]:
    """By how much a page is wider than a phone, and than the widest screen."""
    for size in (PHONE, WALL):
        page.set_viewport_size(size)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            yield f"at {size['width']}: {over} px; {_widest(page)}"


ALIKE = """() => {
    const form = (each) =>
        [each.tagName, each.className.baseVal ?? each.className, ...[...each.children].map(form)].join();
    for (const parent of document.querySelectorAll('tbody, select, svg, svg g')) {
        const count = {};
        for (const each of [...parent.children])
            if ((count[form(each)] = (count[form(each)] ?? 0) + 1) > 2) each.remove();
    }
}"""
"""Of rows, options and marks of a chart that differ in words alone, two stay."""


def barriers(page: Page, size: ViewportSize) -> Iterator[str]:
    """What axe finds serious on a page."""
    page.set_viewport_size(size)
    page.evaluate(ALIKE)
    answer = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response
    assert answer["passes"], "axe looked at the page"
    for rule in answer["violations"]:
        if rule["impact"] in ("serious", "critical"):
            yield from (
                f"at {size['width']}: {rule['id']} {node['html'][:160]}" for node in rule["nodes"][:3]
            )


def _widest(page: Page) -> Any:
    return page.evaluate(
        """() => [...document.querySelectorAll('main *, header *, footer *')]
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.scroll'))
        .slice(0, 3).map((each) => each.outerHTML.slice(0, 120))"""
    )


def test_pages_are_printed_on_a_few_sheets_without_menus_and_forms(hall: Hall, at: Opener) -> None:
    site = at("closed")
    person = hall.person(site)
    for path, sheets in (
        ("", PAPER_MAX),
        (f"enterprises/{site.richest()}/statement", 2),
        ("settlement", PAPER_MAX),
        ("audit", PAPER_MAX),
    ):
        page = person.goes(path)
        pdf = page.pdf(format="A4", prefer_css_page_size=True)
        assert pdf.startswith(b"%PDF")
        assert 1 <= pdf.count(b"/Type /Page\n") <= sheets, path
        boxes = set(re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf))
        assert {(round(float(w)), round(float(h))) for w, h in boxes} <= {(595, 842), (596, 843)}
        page.emulate_media(media="print")
        for hidden in (page.locator("nav.menu"), page.locator("main form").first, page.locator(".who")):
            if hidden.count():
                expect(hidden).to_be_hidden()
        page.emulate_media(media="screen")


def test_a_claim_is_reviewed_by_keyboard_alone(hall: Hall, at: Opener) -> None:
    site = at()
    person = hall.person(site)
    page = person.goes("/console/who?back=/console/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    _tab_to(page, "#f-name")
    page.keyboard.type("王")
    _tab_to(page, "form.card button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HERE}/*")
    _tab_to(page, f"a[href='{HERE}/claims']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/claims*")
    _tab_to(page, "main table a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/claims/*/*")
    _tab_to(page, "#f-review-amount")
    page.keyboard.press("Control+A")
    page.keyboard.type("12000.00")
    page.keyboard.press("Tab")
    page.keyboard.type("同意")
    _tab_to(page, "main form button")
    page.keyboard.press("Enter")
    page.locator(".tag.reviewed").first.wait_for()


def _tab_to(page: Page, selector: str) -> None:
    """Go on with the Tab key until an element has the focus, which must be visible all the way."""
    for _ in range(120):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            """(wanted) => { const each = document.activeElement, style = getComputedStyle(each);
            return [each.matches(wanted), each === document.body || style.outlineStyle !== 'none'
            && parseFloat(style.outlineWidth) >= 2, each.outerHTML.slice(0, 120)]; }""",
            selector,
        )
        assert shown[1], f"the focus cannot be seen: {shown[2]}"
        if shown[0]:
            return
    raise AssertionError(f"{selector} is not reached")


def test_nothing_that_others_wrote_ever_runs(hall: Hall, at: Opener) -> None:
    site = at()
    feed = Feed(8)
    named = feed.send("enterprise-registered", name=XSS, town="</option>" + XSS[:30])
    message = {**json.loads(feed.sales("online", YEAR, "1.00")), "source": XSS, "type": XSS, "id": XSS}
    take(site.ledger, named, feed.shop("tmall", XSS, f"{YEAR}-03-01"))
    ingest(
        site.ledger,
        [("</textarea>" + XSS + json.dumps(message)).encode(), json.dumps(message).encode()],
        "http",
    )
    clerk = hall.person(site, "en").works(XSS[:50], "officer", "reviewer")
    page = clerk.goes(f"claims/new?enterprise={feed.code}")
    for name in ("#f-claim", "#f-item", "#d-title-1", "#d-location-1"):
        page.locator(name).fill(XSS)
    page.locator("#d-sha256-1").fill("ab" * 32)
    page.locator("#f-measure").select_option("standard.cixi")
    clerk.press("claims-submit")
    page.locator(".notice[role=status]").wait_for()
    claim = page.url.removeprefix(site.origin)
    clerk.goes("settlement")
    takes(clerk, "settle-propose-do")
    takes(clerk, "settle-publish-do")
    page.locator("#object summary").click()
    page.locator("#object-reason").fill(XSS)
    takes(clerk, "settle-object-do")
    last = site.one("SELECT MAX(rowid) FROM stored_events")
    with site.ledger.store.reading() as rows:
        digests = [
            digest
            for (digest,) in rows.all("SELECT digest FROM refused WHERE source=? OR source IS NULL", [XSS])
        ]
    evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (
        *("", "enterprises", f"enterprises/{feed.code}", f"enterprises/{feed.code}/statement", claim),
        *("claims?status=all", "refused", *(f"refused/{each}" for each in digests), "settlement"),
        *(f"log/{last}", f"log/{last - 3}", "audit", f"enterprises?q={evil}&town={evil}&lang={evil}"),
        *(f"enterprises?cursor={evil}", f"/console/who?back={evil}", f"what-if?budget={evil}"),
        *(
            f"replay?day={evil}&kind={evil}",
            f"difference?first={evil}&second={evil}",
            f"payments?status={evil}",
        ),
        *(f"settlement/lines?enterprise={evil}", f"{evil}", f"/console/{evil}/2024/", f"log?position={evil}"),
    ):
        page = clerk.goes(path)
        assert page.locator("script:not([src]), main img, [onerror]").count() == 0, path


def test_money_is_shown_as_it_stands_in_the_ledger(hall: Hall, at: Opener) -> None:
    site = at("closed")
    person = hall.person(site, "en")
    person.goes("")
    fen = site.one("SELECT CAST(SUM(payable) AS BIGINT) FROM settlement_lines")
    assert print_fen(fen, "CNY") in person.text()
    assert late(site.richest(), "x")
