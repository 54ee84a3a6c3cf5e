"""The console in a real browser: a city, a server on a free port with a clock that the test moves, people."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from domain.authority.roles import Actor
from domain.events.claims import ClaimSubmitted
from domain.money.amounts import parse_fen
from ledger.claims import desk
from ledger.intake.inbox import ingest, ingest_all
from ledger.policies.versions import adopt_policy
from ledger.settlement import paying, proposing
from ledger.settlement.paying import Result
from ledger.store.application import Ledger, open_ledger
from services.console import language
from services.sample.city import city
from services.server.app import create_app
from tests import acknowledging
from tests.events import CIXI, CIXI_TEXT
from tests.integration.bureau import Clock
from tests.integration.closings import earners

YEAR = 2024
HERE = f"/console/{CIXI}/{YEAR}"
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
WAIT_MS = 20_000
IMPORTED = datetime(2025, 4, 14, 2, tzinfo=UTC)
NOW = datetime(2025, 5, 6, 2, tzinfo=UTC)
LIN, GAO = Actor("林晓", frozenset({"officer"})), Actor("高远", frozenset({"officer"}))
SHEN, QIAN = Actor("沈洁", frozenset({"reviewer"})), Actor("钱进", frozenset({"finance"}))
EXPECTED = ("the server responded with a status of 4",)
"""What a browser says on its console of a form that was refused: no fault of the page."""


# --- cities ------------------------------------------------------------------------------------


def open_year(path: Path, enterprises: int) -> None:
    """A city whose year is open: facts of some months, recorded over some days, claims in every state."""
    ledger = open_ledger(str(path), clock=Clock(IMPORTED))
    adopt_policy(ledger, CIXI_TEXT)
    fill(ledger, enterprises)
    file_claims(ledger)
    ledger.close()


def fill(ledger: Ledger, enterprises: int) -> None:
    """Ingest the sample city, a day between its batches."""
    assert isinstance(ledger.clock, Clock)
    for _ in ingest_all(ledger, city(enterprises, 1, YEAR), "sample", 150):
        ledger.clock.pass_(days=1)
    ledger.clock.now = max(ledger.clock.now, NOW)


CLAIMS = (
    ("慈溪市直播电商选品规范", "standard.cixi", "20000.00"),
    ("跨境小家电包装与标识要求", "standard.ningbo", "30000.00"),
    ("电商供应链对接会", "climate.event", "60000.00"),
    ("跨境电商校企合作课程", "talent.cooperation", "50000.00"),
    ("小家电产品研发设计中心", "brand.design-centre", "150000.00"),
)
"""Item, measure and yuan."""


def file_claims(ledger: Ledger) -> None:
    """One claim at each status: submitted, reviewed, approved, rejected, appealed."""
    assert isinstance(ledger.clock, Clock)
    with ledger.store.reading() as rows:
        codes = [code for (code,) in rows.all("SELECT code FROM enterprises ORDER BY code LIMIT 5 OFFSET 20")]
    for number, (code, (item, measure, amount)) in enumerate(zip(codes, CLAIMS, strict=True)):
        ledger.clock.pass_(hours=1)
        case, fen = (code, CIXI, f"慈申〔2025〕{number + 1}号"), parse_fen(amount)
        paper = {
            "title": "申报表及佐证材料",
            "location": f"档案室 3-{number + 1}",
            "sha256": f"{number + 1:064x}",
        }
        asked = {"policy": CIXI, "claim": case[2], "measure": measure, "item": item, "year": YEAR}
        desk.submit(
            ledger,
            code,
            LIN,
            msgspec.convert({**asked, "amount_fen": fen, "evidence": [paper]}, ClaimSubmitted),
        )
        if number in (1, 2):
            desk.review(ledger, *case, GAO, fen, "材料齐全，建议按标准奖励")
        if number == 2:
            desk.approve(ledger, *case, SHEN, fen)
        if number in (3, 4):
            desk.reject(ledger, *case, GAO, "缺少合作协议原件")
        if number == 4:
            desk.appeal(ledger, *case, LIN, "原件已补交")


def closed_year(path: Path, enterprises: int) -> None:
    """A city whose year is closed and paid: an objection, a failed payment, a clawback, late facts."""
    open_year(path, enterprises)
    clock = Clock()
    ledger = open_ledger(str(path), clock=clock)
    code, other = earners(ledger, YEAR)[:2]
    object_to(ledger, code, other)
    clock.pass_(days=1)
    acknowledging.propose(ledger, CIXI, YEAR, LIN)
    acknowledging.publish(ledger, CIXI, YEAR, LIN)
    clock.pass_(days=8)
    acknowledging.close(ledger, CIXI, YEAR, SHEN)
    pay(ledger, clock, code)
    for number, whose in enumerate(earners(ledger, YEAR)[2:4]):
        ingest(ledger, [late(whose, f"late-{number}")], "http")
    ledger.close()


def object_to(ledger: Ledger, code: str, other: str) -> None:
    """A first list, and two objections to it: one dismissed, one upheld."""
    acknowledging.propose(ledger, CIXI, YEAR, LIN)
    state = acknowledging.publish(ledger, CIXI, YEAR, LIN)
    for about, reason in ((code, "网络销售额少计一个渠道"), (other, "地方综合贡献基数有误")):
        clerk = Actor("企业经办人", frozenset({"enterprise"}), about)
        state = proposing.raise_objection(ledger, CIXI, YEAR, clerk, about, reason)
    decided = (
        ("dismissed", "核对平台数据，各渠道均已计入"),
        ("upheld", "基数按税务更正数据调整，重新拟定名单"),
    )
    for objection, (outcome, reason) in zip(state.open_objections, decided, strict=True):
        proposing.resolve_objection(ledger, CIXI, YEAR, SHEN, objection, outcome, reason)


def pay(ledger: Ledger, clock: Clock, code: str) -> None:
    """Everything is paid, one payment at the second try; a part of it is clawed back, and partly returned."""
    day = clock().date().isoformat()
    for attempt in (1, 2):
        acknowledging.order_payments(ledger, CIXI, YEAR, QIAN)
        with ledger.store.reading() as rows:
            sql = "SELECT payment, code, amount FROM payments WHERE status='ordered' ORDER BY payment"
            ordered = rows.all(sql)
        said = [
            Result(payment, "failed", amount, day, "收款账户已销户")
            if attempt == 1 and whose == code
            else Result(payment, "made", amount, day, f"工行{attempt}{number:04d}")
            for number, (payment, whose, amount) in enumerate(ordered, 1)
        ]
        paying.record_results(ledger, CIXI, YEAR, QIAN, said)
    name, _ = paying.claw_back(ledger, CIXI, YEAR, code, LIN, 1_000_00, "检测报告系伪造")
    paying.recover(ledger, CIXI, YEAR, code, QIAN, name, 400_00, day, "电汇 20250515-7")


def late(code: str, name: str) -> bytes:
    """An honour of the year that is reported when the year is long closed."""
    return (
        f'{{"specversion":"1.0","id":"{name}","source":"urn:late","subject":"{code}",'
        f'"type":"subsidy.brand-certified.v1","time":"{YEAR}-06-01T00:00:00Z",'
        f'"data":{{"kind":"famous_export","ref":"{name}","on":"{YEAR}-06-01"}}}}'
    ).encode()


def copied(source: Path, target: Path) -> Path:
    """A ledger of one's own, as another one stands."""
    with sqlite3.connect(source) as held:
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(source, target)
    return target


# --- the server ----------------------------------------------------------------------------------


@dataclass
class Served:
    """A console that answers at ``origin``; its present is ``clock``."""

    ledger: Ledger
    clock: Clock
    origin: str
    app: Any
    issuer: str = ""
    """Where people sign in, which their browsers go to as well."""

    def one(self, sql: str, *values: Any) -> Any:
        """The first value of the first row of an answer."""
        with self.ledger.store.reading() as rows:
            return rows.all(sql, values)[0][0]

    def richest(self) -> str:
        """The enterprise with the largest awards."""
        sql = "SELECT code FROM balances WHERE policy=? AND year=? ORDER BY eligible DESC, code LIMIT 1"
        return str(self.one(sql, CIXI, YEAR))


@contextmanager
def served(path: Path, clock: Clock | None = None, port: int = 0) -> Iterator[Served]:
    """Serve a ledger on a port of this machine, by default a free one."""
    clock = clock or Clock()
    ledger = open_ledger(str(path), clock=clock)
    app = create_app(ledger)
    app.config["SIGNING_KEY"] = f"{path}.key"
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Served(ledger, clock, f"http://127.0.0.1:{server.server_port}", app)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        ledger.close()


# --- browsers --------------------------------------------------------------------------------------


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """Debian's Chromium, with further options."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *options])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Person:
    """Somebody at a browser of their own, who notes whatever a page does that it should not."""

    site: Served
    context: BrowserContext
    page: Page
    lang: str
    is_new: bool
    """Whether the browser ends when the person leaves."""
    faults: list[str] = field(default_factory=list)

    def goes(self, path: str) -> Page:
        """Open a page of the year, or any path of the console."""
        self.page.goto(self.site.origin + (path if path.startswith("/") else f"{HERE}/{path}"))
        return self.page

    def says(self, key: str, **args: Any) -> str:
        """The words of a key in the reader's language."""
        text = language.words()[key][self.lang]
        return text.format(**args) if args else text

    def press(self, key: str, within: Locator | None = None, **args: Any) -> None:
        """Press the button with the words of a key."""
        where = within or self.page.locator("main")
        where.get_by_role("button", name=self.says(key, **args), exact=True).click()

    def acknowledges(self, key: str, **args: Any) -> bool:
        """Where a form shows what is open, say that it is known and press its button again."""
        form = self.page.locator("form:has(input[name=acknowledges])")
        if not form.count():
            return False
        form.locator("textarea[name=reason]").fill("已知悉，仍须办理")
        if form.locator("input[name=sure]").count():
            form.locator("input[name=sure]").check()
        with self.page.expect_navigation():
            self.press(key, form, **args)
        return True

    def sees(self, key: str, **args: Any) -> None:
        """Wait until the words of a key stand on the page."""
        self.page.get_by_text(self.says(key, **args)).first.wait_for()

    def text(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    def works(self, name: str, *roles: str) -> Person:
        """Say who is working, and stay there."""
        page = self.goes("/console/who?back=/console/who")
        page.locator("#f-name").fill(name)
        for box in page.locator("input[name=roles]").all():
            box.set_checked(box.get_attribute("value") in roles)
        self.press("start-work")
        page.get_by_text(self.says("working-as", name=name)).wait_for()
        return self

    def signs_in(self, name: str, path: str = "/console/") -> Person:
        """Sign in as the provider says who sits here, on the way to a page."""
        page = self.goes(path)
        page.locator("main").get_by_role("link", name=self.says("sign-in"), exact=True).click()
        page.get_by_text(self.says("working-as", name=name)).wait_for()
        return self

    def watched(self, page: Page) -> Page:
        """Note requests to elsewhere, errors, broken rules of the content policy, and dialogs."""
        own = (f"{self.site.origin}/", f"{self.site.issuer or self.site.origin}/", "data:", "blob:")
        note = self.faults.append
        page.on("request", lambda r: None if r.url.startswith(own) else note(f"asked {r.url}"))
        page.on("pageerror", lambda error: note(f"error {error}"))
        page.on("console", lambda m: note(f"{m.type} {m.text}") if _bad(m.type, m.text) else None)

        def dialog(shown: Any) -> None:
            note(f"dialog {shown.message}")
            shown.dismiss()

        page.on("dialog", dialog)
        return page


def _bad(kind: str, text: str) -> bool:
    return kind in ("error", "warning") and not any(each in text for each in EXPECTED)


class Hall:
    """Where people sit down at browsers; whatever was noted is looked at when they leave.

    A browser takes seconds to warm up: who comes after gets one whose cookies and pages are gone, and where a
    page that stands for nobody keeps Chromium's process alive.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.people: list[Person] = []
        self._free: list[BrowserContext] = []

    def person(
        self, site: Served, lang: str = "zh", viewport: ViewportSize | None = None, **options: Any
    ) -> Person:
        """A browser of one's own, of a desk; with ``options`` of Playwright's contexts, a new one."""
        context = self._free.pop() if self._free and not options else self._start(**options)
        context.add_cookies([{"name": language.COOKIE, "value": lang, "url": site.origin}])
        page = context.new_page()
        page.set_viewport_size(viewport or {"width": 1280, "height": 900})
        person = Person(site, context, page, lang, is_new=bool(options))
        person.watched(page)
        self.people.append(person)
        return person

    def _start(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(accept_downloads=True, **options)
        context.set_default_timeout(WAIT_MS)
        if not options:
            nobody = context.new_page()
            nobody.route("**/*", lambda route: route.fulfill(content_type="text/html", body=""))
            nobody.goto("http://127.0.0.1/")
        return context

    def leave(self) -> list[str]:
        """End everybody's work; what was noted comes back."""
        noted = []
        for person in self.people:
            noted += person.faults
            if person.is_new:
                person.context.close()
                continue
            for page in person.context.pages[1:]:
                page.close()
            person.context.clear_cookies()
            self._free.append(person.context)
        self.people = []
        return noted
