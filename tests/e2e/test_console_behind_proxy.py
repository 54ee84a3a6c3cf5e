"""The console as a bureau runs it: nginx with TLS, four workers, PostgreSQL, Kafka, persons who sign in.

Every fact comes by Kafka; three officials do every job of the console in Chromium, through the proxy, from
signing in to signing out, and a fourth person sees what an enterprise sees. A week is let pass by moving the
present of the ledger's processes; all else is as in production.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import openpyxl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from kafka import KafkaProducer
from playwright.sync_api import Download, Response, expect

from domain.authority.two_persons import TWO_PERSON_STEPS
from domain.events.event import Event
from domain.faults.registry import read_problems
from domain.log.notes import VerifierKey
from domain.money.amounts import print_fen
from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from ledger.store.stored_events import SELECT, stored
from services.console import language
from services.console.menu import menu_entries
from services.sample.city import city
from services.server.app import create_app
from services.verify import verify
from services.web.identity.access import CONSOLE_STEPS
from services.web.identity.signing_in import COOKIE
from tests.brokers import KafkaCluster
from tests.console import HERE, NOW, YEAR, Hall, Person, Served, chromium, late
from tests.e2e.processes import Commands, taken, wait_until
from tests.e2e.test_console_browser import answers_of_the_bank, ready, submits
from tests.events import CITY_TEXT, SOURCE, Feed
from tests.identity_provider import CLIENT, SECRET, Provider, providing
from tests.integration.test_sheets import shop, shops
from tests.present import Present, start_at
from tests.processes import Ports
from tests.proxies import NAME, Proxy, Site
from tests.steps import STEPS

pytestmark = pytest.mark.slow

WORKERS = 4
ENTERPRISES = 30
SECONDS_MAX = 60
LATE = "urn:late"
NAMES = ("late", "false", "one", "two", "claims", "foreign")
"""Of the test's own enterprises, by what becomes of them."""
KEPT = (COOKIE, "subsidy-console")
"""The cookies of somebody who is signed in and fills in forms."""
WITHOUT_IDENTITIES = {
    "console.start_work": "whoever works says so, where nobody is checked",
    "console.leave": "leaving without having signed in",
    "console.make_sample": "the made-up year, for trying",
}
"""Forms of a service that checks nobody: pages of one that does must not offer them."""
REFUSED = {
    ("console.settlement_step", 409),
    ("console.settlement_step", 401),
    ("console.year_page", 403),
    ("console.enterprise_statement", 403),
}
"""What is refused on purpose: one person's second step, a form of a week ago, what is not one's own."""


# --- what is done ---------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What the service answered to a browser."""

    method: str
    endpoint: str
    step: str
    """Which of the steps of a form's address; empty where it has one."""
    status: int


@dataclass
class Record:
    """Everything that browsers asked of the service, and what it answered."""

    ledger: Ledger
    origin: str
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = create_app(self.ledger)
        self.urls = self.app.url_map.bind(NAME)

    def note(self, response: Response) -> None:
        """Keep an answer, unless it is another server's."""
        asked = response.request
        if asked.url.startswith(f"{self.origin}/"):
            is_form = "urlencoded" in asked.headers.get("content-type", "")
            self._keep(asked.method, asked.url, response.status, asked.post_data if is_form else None)

    def note_file(self, method: str, download: Download) -> None:
        """Keep the answer that a file came with, of which a page may not know."""
        if download.failure() is None:
            self._keep(method, download.url, 200, None)

    def _keep(self, method: str, address: str, status: int, form: str | None) -> None:
        endpoint, values = self.urls.match(unquote(urlsplit(address).path), method=method)
        step = values.get("step") or parse_qs(form or "").get("step", [""])[0]
        self.answers.append(Answer(method, endpoint, step, status))

    def steps_of(self, method: str) -> dict[str, set[str]]:
        """By endpoint, the steps that were answered well."""
        found: dict[str, set[str]] = {}
        for answer in self.answers:
            if answer.method == method and answer.status < 400:
                found.setdefault(answer.endpoint, set()).add(answer.step)
        return found

    def left_out(self, method: str) -> set[str]:
        """Addresses of the console that nobody used, or not with success."""
        rules = self.app.url_map.iter_rules()
        every = {rule.endpoint for rule in rules if method in (rule.methods or ())}
        return {name for name in every if name.startswith("console.")} - set(self.steps_of(method))


# --- where it is done -----------------------------------------------------------------------------


@dataclass
class Bureau:
    """The service behind its proxy, what feeds it, and the browsers before it."""

    site: Served
    https: Site
    provider: Provider
    commands: Commands
    present: Present
    hall: Hall
    record: Record
    folder: Path
    topics: dict[str, str]
    sent: int = 0

    def send(self, messages: Iterable[bytes]) -> None:
        """Send facts by Kafka, each on its source's topic, and wait until the ledger has them."""
        servers = self.commands.cluster.bootstrap.split(",")
        producer = KafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=20)
        for message in messages:
            fact = json.loads(message)
            producer.send(self.topics[fact["source"]], key=fact["subject"].encode(), value=message)
            self.sent += 1
        producer.flush(timeout=30)
        producer.close()
        wait_until(lambda: taken(self.site.ledger) == self.sent, SECONDS_MAX, "not every fact was taken")

    def token(self, subject: str, name: str, *roles: str) -> str:
        """A token for the API of somebody whom the provider knows."""
        now = int(self.present().timestamp())
        person = {"sub": subject, "preferred_username": name, "roles": list(roles)}
        token = {"iss": self.provider.address, "aud": "subsidy-ledger", "iat": now, "exp": now + 300}
        return jwt.encode({"alg": "ES256", "kid": "p1"}, {**token, **person}, self.provider.key)

    def seats(self, lang: str) -> Person:
        """A browser that nobody is signed in at."""
        person = self.hall.person(self.site, lang)
        person.page.on("response", self.record.note)
        return person

    def sign_in(
        self, person: Person, name: str, *roles: str, path: str = "/console/", **claims: str
    ) -> Person:
        """Sign a person in at the provider."""
        self.provider.person = {
            "sub": f"u-{name}",
            "preferred_username": name,
            "roles": list(roles),
            **claims,
        }
        return person.signs_in(name, path)

    def workers(self) -> set[int]:
        """The processes that serve."""
        service = self.commands.running[0].pid
        return {int(pid) for pid in Path(f"/proc/{service}/task/{service}/children").read_text().split()}

    def kill_workers(self) -> None:
        """Kill all but the worker that has worked least: whoever goes on is served by another than before."""
        workers = self.workers()
        for pid in sorted(workers, key=seconds_worked)[1:]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(self.workers() & workers) == 1, SECONDS_MAX, "workers that were killed live")

    def events(self) -> list[Event]:
        """Everything that was recorded."""
        with self.site.ledger.store.reading() as rows:
            return [stored(row).fact for row in rows.all(f"{SELECT} ORDER BY rowid")]


def seconds_worked(pid: int) -> float:
    """The processor time of a process."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def pin_of(certificate: Path) -> str:
    """What Chromium trusts a certificate's key by, without an authority of its own."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


@contextmanager
def opened(database: str, kafka: KafkaCluster, folder: Path, messages: list[bytes]) -> Iterator[Bureau]:
    """Start everything; topics are there for the sources of the messages."""
    present = Present.begin(folder / "present", NOW)
    ports = Ports()
    with ExitStack() as stack:
        provider = stack.enter_context(providing(lambda: present().timestamp()))
        provider.signs_out = True
        proxy, port = Proxy("nginx", folder), ports.take()
        stack.callback(ports.release)
        sources = sorted({json.loads(message)["source"] for message in messages} | {SOURCE, LATE})
        name = folder.name.replace("_", "-")
        topics = {source: f"{name}.{number}" for number, source in enumerate(sources)}
        (folder / "secret").write_text(SECRET)
        more = {
            "PORT": str(port),
            "WORKERS": str(WORKERS),
            "SHEETS": str(folder / "sheets"),
            "PUBLIC_ADDRESS": proxy.address,
            "TRUSTED_PROXIES": "127.0.0.1",
            "IDENTITY": "required",
            "OIDC_ISSUER": provider.address,
            "OIDC_JWKS": f"{provider.address}/jwks",
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET_FILE": str(folder / "secret"),
            "KAFKA_TOPICS": ";".join(f"{topic}={source}" for source, topic in topics.items()),
        }
        commands = Commands(database, kafka, name, more)
        stack.callback(commands.end)
        commands.running.append(start_at(present, "serve", environment=commands.environment))
        commands.topics(1)
        wanted = {topic: {"num_partitions": 1, "replication_factor": 1} for topic in topics.values()}
        kafka.admin.create_topics(wanted, wait_for_metadata=True)
        ledger = open_ledger(database, clock=present)
        stack.callback(ledger.close)
        https = stack.enter_context(proxy.before(port))
        trust = f"--ignore-certificate-errors-spki-list={pin_of(proxy.certificate[0])}"
        browser = stack.enter_context(chromium(f"--host-resolver-rules=MAP {NAME} 127.0.0.1", trust))
        site = Served(ledger, present, proxy.address, None, provider.address)
        record = Record(ledger, proxy.address)
        yield Bureau(site, https, provider, commands, present, Hall(browser), record, folder, topics)


# --- how it is done -------------------------------------------------------------------------------


def takes(person: Person, key: str, within: str = "main", **args: Any) -> None:
    """Press a button and wait for the page that comes of it, which says that the step was taken."""
    with person.page.expect_navigation():
        person.press(key, person.page.locator(within).first, **args)
    person.acknowledges(key, **args)
    notices = person.page.locator(".notice[role=status]")
    assert notices.count(), f"{key}: {person.text()[:2000]}"


def waits(person: Person) -> None:
    """See that the step waits for another person."""
    told = person.says("waiting-did-propose", step="|", waiting="|").split("|")[-1]
    assert told.strip() in person.page.locator(".notice[role=status]").first.inner_text()


def confirms(person: Person) -> None:
    """Confirm the one step that waits, on its page."""
    person.goes("waiting")
    takes(person, "waiting-confirm")


def unfolds(person: Person, holding: str) -> None:
    """Open the part of a page that holds an element."""
    page = person.page
    page.locator("details", has=page.locator(holding)).last.locator("summary").first.click()


def saved(bureau: Bureau, download: Download, method: str = "GET") -> Path:
    """A file that the browser was given."""
    bureau.record.note_file(method, download)
    file = bureau.folder / "taken" / download.suggested_filename
    download.save_as(file)
    return file


def adopts(bureau: Bureau, person: Person) -> None:
    """The first policy: proposed by a program of the operators, confirmed on the page of an empty ledger."""
    headers = {
        "Authorization": f"Bearer {bureau.token('u-api', '周凯', 'operator')}",
        "Content-Type": "application/yaml",
    }
    status, _, text = bureau.https.fetch("/v1/policies", headers, "POST", content=CITY_TEXT.encode())
    assert status == 202, text
    bureau.sign_in(person, "沈洁", "reviewer", "auditor", "operator")
    assert person.page.url == f"{bureau.site.origin}/console/"
    assert person.page.locator("form[method=post]").count() == 0, "nothing is offered that would be refused"
    person.page.get_by_role("link", name=person.says("waiting-first")).click()
    takes(person, "waiting-confirm")
    assert person.page.url.endswith(f"{HERE}/")


def looks_around(bureau: Bureau, person: Person) -> None:
    """Every page of the menu, an enterprise with its reasons, the past, what if, and the other language."""
    page = person.goes("")
    for entry in menu_entries():
        page.locator("nav.menu").get_by_role("link", name=person.says(entry.words_key), exact=True).click()
        expect(page.locator("nav.menu a[aria-current=page]")).to_have_text(person.says(entry.words_key))
    person.goes("")
    with page.expect_navigation():
        page.locator("form.choose button").click()
    page.locator("nav.menu").get_by_role("link", name=person.says("nav-enterprises"), exact=True).click()
    code = bureau.site.richest()
    page.locator("#f-q").fill(code)
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.locator("#found tbody a").first.click()
    page.locator("details.award summary").first.click()
    expect(page.locator("details.award blockquote").first).to_be_visible()
    page.locator("details.award a[href*='/log/']").first.click()
    ready(page)
    expect(page.locator("#verdict strong.good")).to_be_visible()
    assert f"curl {bureau.site.origin}/v1/log/checkpoint" in page.locator("main").inner_html()
    assert any(topic in person.text() for topic in bureau.topics.values()), "it came by Kafka"
    person.goes(f"enterprises/{code}/statement")
    expect(page.locator("article.sheet")).to_be_visible()
    for path in ("replay", "replay?kind=true&day=2024-06-30", "difference"):
        ready(person.goes(path))
    person.press("difference-do")
    ready(page)
    page = person.goes("what-if")
    page.locator("#what-budget").fill("100000.00")
    page.locator("#what-budget").press("Enter")
    page.locator("#answer .counts .down").wait_for()
    page.get_by_role("link", name="API", exact=True).click()
    page.wait_for_url(f"{bureau.site.origin}/docs")
    page.go_back()
    for name, lang in (("English", "en"), ("中文", "zh-CN")):
        page.locator(".languages").get_by_role("link", name=name).click()
        expect(page.locator("html")).to_have_attribute("lang", lang)
    kept = {each["name"]: each["secure"] for each in person.context.cookies(f"{bureau.site.origin}/console/")}
    assert kept[language.COOKIE]


def takes_in_a_sheet(bureau: Bureau, person: Person) -> None:
    """A template, a preview, the file with its faults marked, and the rows recorded."""
    page = person.goes("sheets")
    with page.expect_download() as template:
        page.locator("main a[href*='/templates/']").first.click()
    assert openpyxl.load_workbook(saved(bureau, template.value)).sheetnames
    file = bureau.folder / "店铺.xlsx"
    file.write_bytes(shops(shop(9001), shop(9002), shop(9003, day="昨天")))
    page.locator("#sheet-file").set_input_files(file)
    page.locator("#sheet-source").fill("周巷镇")
    person.press("sheets-do")
    expect(page.get_by_role("link", name=person.says("sheet-marked"))).to_be_visible()
    with page.expect_download() as marked:
        page.get_by_role("link", name=person.says("sheet-marked")).click()
    assert openpyxl.load_workbook(saved(bureau, marked.value)).worksheets[0]["E4"].comment
    bureau.kill_workers()
    person.press("sheet-confirm")
    person.sees("sheet-recorded", accepted="2", duplicate="0", refused="1")


def settles_what_was_refused(first: Person, second: Person, wrong: dict[str, Any]) -> None:
    """One message is corrected and sent again; another is dismissed by two."""
    page = first.goes("refused")
    page.locator("tr", has_text=wrong["id"]).get_by_role("link").click()
    right = {**wrong, "data": {**wrong["data"], "amount": "12.34"}}
    page.locator("#f-text").fill(json.dumps(right, ensure_ascii=False))
    takes(first, "refused-resubmit")
    page = first.goes("refused")
    page.locator("tbody a").first.click()
    address = page.url.removeprefix(first.site.origin)
    for person in (first, second):
        person.goes(address).locator("#f-reason").fill("上游已另行报送")
        takes(person, "refused-dismiss")
    assert second.page.url.endswith(f"{HERE}/refused")


def decides_what_disagrees(first: Person, second: Person, code: str) -> None:
    """Two enterprises with one certificate: two persons say whose it is."""
    first.goes("disagreements")
    name = first.page.locator("section.card", has_text=code).locator("p code").first.inner_text()
    for person, path in ((first, "disagreements"), (second, f"disagreements/{name}")):
        page = person.goes(path)
        card = page.locator("section.card", has_text=code)
        card.locator(f"input[name=counts][aria-label*='{code}']").check()
        card.locator("textarea").fill("证书原件所载权利人")
        takes(person, "disagree-do", f"section.card:has-text('{code}')")


def decides_claims(clerk: Person, officer: Person, reviewer: Person, code: str) -> None:
    """One claim is approved, one rejected, appealed and withdrawn; those that facts earn are proposed."""
    address = submits(clerk, code, "窗口/2025-1")
    officer.goes(address).locator("#f-review-amount").fill("15,000.00")
    officer.page.locator("#f-opinion").fill("材料齐全")
    takes(officer, "claims-step-review")
    reviewer.goes(address)
    takes(reviewer, "claims-step-approve")
    reviewer.goes(f"enterprises/{code}")
    assert "¥15,000.00" in reviewer.text()
    address = submits(clerk, code, "窗口/2025-2", "直播间布置规范")
    officer.goes(address).locator("#f-reject-reason").fill("材料不齐")
    takes(officer, "claims-step-reject")
    clerk.goes(address).locator("#f-appeal-reason").fill("材料已经补齐")
    takes(clerk, "claims-step-appeal")
    takes(clerk, "claims-step-withdraw")
    clerk.goes("claims")
    takes(clerk, "claims-propose")


def amends(officer: Person, reviewer: Person, position: int) -> None:
    """A proposal to correct what a source said is taken back; one to retract it is confirmed."""
    page = officer.goes(f"log/{position}")
    unfolds(officer, "#to-shop")
    page.locator("#to-shop").fill("更正后的店名")
    page.locator("#correction-reason").fill("登记有误")
    takes(officer, "amend-propose-correction")
    waits(officer)
    officer.goes("waiting")
    takes(officer, "waiting-withdraw")
    page = officer.goes(f"log/{position}")
    unfolds(officer, "#retraction-reason")
    page.locator("#retraction-reason").fill("不是本市店铺")
    takes(officer, "amend-propose-retraction")
    confirms(reviewer)
    reviewer.goes(f"log/{position}")
    assert "不是本市店铺" in reviewer.text()


def publishes(officer: Person, second: Person, reviewer: Person, code: str) -> None:
    """The list is worked out and published; an objection to it is raised and dismissed."""
    page = officer.goes("settlement")
    takes(officer, "settle-propose-do")
    takes(officer, "settle-publish-do")
    waits(officer)
    officer.press("settle-publish-do")
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator(".languages").get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_contain_text("2024")
    page.locator(".languages").get_by_role("link", name="中文").click()
    second.goes("settlement")
    takes(second, "settle-publish-do")
    page = officer.goes("settlement")
    page.locator("#object summary").click()
    page.locator("#object-enterprise").fill(code)
    page.locator("#object-reason").fill("金额不对")
    takes(officer, "settle-object-do")
    page = reviewer.goes("settlement")
    page.locator("input[name=outcome][value=dismissed]").check()
    page.locator("textarea[name=reason]").first.fill("核对无误")
    takes(reviewer, "settle-resolve-do")
    assert page.locator("#close form").count() == 0, "the list is out for a week"


def closes(bureau: Bureau, first: Person, second: Person) -> None:
    """The year is closed by two, and every file of it can be taken away."""
    page = first.goes("settlement")
    page.locator("input[name=sure]").check()
    takes(first, "settle-close-do", year=YEAR)
    waits(first)
    confirms(second)
    page = second.goes("settlement")
    links = page.locator("#propose a[download]")
    assert links.count() >= 6
    for number in range(links.count()):
        with page.expect_download() as given:
            links.nth(number).click()
        assert saved(bureau, given.value).stat().st_size > 100
    page.locator("#propose").get_by_role("link", name=second.says("settle-list"), exact=True).click()
    assert page.locator("tbody tr").count() > 10


def pays(bureau: Bureau, finance: Person, second: Person, recorder: Person, code: str) -> None:
    """Ordered by two, given to the bank as a file; a third records its answers and what comes back."""
    finance.goes("settlement")
    takes(finance, "pay-order-do")
    waits(finance)
    second.goes("settlement")
    takes(second, "pay-order-do")
    with bureau.site.ledger.store.reading() as rows:
        codes = [each for (each,) in rows.all("SELECT code FROM payments ORDER BY code")]
    payees = bureau.folder / "账户.csv"
    lines = [f"{each},企业{each[-6:]},62220000001{n:04d},102332000017" for n, each in enumerate(codes)]
    payees.write_text("\n".join(["code,name,account,bank", *lines]), "utf-8")
    page = finance.goes("payments?status=ordered")
    unfolds(finance, "#file-batch")
    page.locator("#file-payer_name").fill("慈溪市商务局")
    page.locator("#file-payer_account").fill("33010000")
    page.locator("#file-payer_bank").fill("102332000017")
    page.locator("#file-payees").set_input_files(payees)
    with page.expect_download() as given:
        finance.press("pay-file-do")
    assert len(saved(bureau, given.value, "POST").read_text("utf-8-sig").splitlines()) == len(codes) + 1
    answers_of_the_bank(bureau.site, bureau.folder / "回单.csv")
    page = recorder.goes("settlement")
    page.locator("#results-file").set_input_files(bureau.folder / "回单.csv")
    takes(recorder, "pay-results-do")
    reconciles(bureau, recorder)
    for person in (finance, second):
        page = person.goes("settlement")
        unfolds(person, "#claw-amount")
        page.locator("#claw-enterprise").fill(code)
        page.locator("#claw-amount").fill("100.00")
        page.locator("#claw-reason").fill("材料不实")
        takes(person, "pay-claw-do")
    page = recorder.goes("settlement")
    unfolds(recorder, "#recovery-amount")
    page.locator("#recovery-amount").fill("100.00")
    page.locator("#recovery-reference").fill("回单 1")
    takes(recorder, "pay-recover-do")
    assert page.locator("#recover .facts").inner_text().count("¥100.00") == 2
    recorder.goes("payments?status=made")
    assert page.locator(".tag.made").count() == len(codes)


def reconciles(bureau: Bureau, finance: Person) -> None:
    """The bank's statement has every payment that it said was made."""
    statement, day = bureau.folder / "对账单.csv", bureau.present().date().isoformat()
    with bureau.site.ledger.store.reading() as rows:
        payments = rows.all("SELECT payment, amount, said FROM payments ORDER BY payment")
    lines = ["账号,记账日期,收支,金额,银行流水号,支付编号"]
    lines += [f"33010000,{day},支出,{print_fen(int(fen))},{said},{name}" for name, fen, said in payments]
    statement.write_text("\n".join(lines), "utf-8")
    page = finance.goes("reconciliation")
    page.locator("#reconcile-file").set_input_files(statement)
    finance.press("reconcile-do")
    finance.sees("reconcile-none")


def adjusts(first: Person, second: Person, more: str, less: str) -> None:
    """What came late is accepted into the next year; what was paid for no shop is clawed back."""
    assert first.goes("open-matters").locator("tbody tr").count() > 0
    for code, step in ((more, "accept"), (less, "claw-back")):
        for person in (first, second):
            page = person.goes("adjustments")
            row = page.locator("tbody > tr", has_text=code).first
            row.locator("summary").click()
            row.locator("textarea").fill("迟报" if step == "accept" else "店铺不存在")
            takes(person, f"adjust-{step}", f"tbody > tr:has-text('{code}')")


def audits(bureau: Bureau, person: Person) -> None:
    """The bundle of the year proves itself; the books are given."""
    page = person.goes("audit")
    key = re.findall(r"subsidy-ledger\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", person.text())[0]
    with page.expect_download() as given:
        page.get_by_role("link", name=person.says("audit-bundle-year", year=YEAR), exact=True).click()
    assert verify(saved(bureau, given.value), [VerifierKey.parse(key)])[1].faults == []
    with page.expect_download() as books:
        page.get_by_role("link", name=person.says("audit-books-xlsx"), exact=True).click()
    saved(bureau, books.value)
    page.locator("#a-position").fill("17")
    page.locator("#a-position").press("Enter")
    ready(page)


def sees_its_own(bureau: Bureau, person: Person, code: str) -> None:
    """An enterprise's clerk sees its own statement, takes its letter, and sees nothing else."""
    own = f"{HERE}/enterprises/{code}/statement"
    bureau.sign_in(person, "企业经办人", "enterprise", path=own, credit_code=code)
    page = person.page
    assert page.url.endswith(own)
    expect(page.locator("article.sheet")).to_be_visible()
    with page.expect_download() as letter:
        page.get_by_role("link", name=person.says("statement-letter"), exact=True).click()
    assert saved(bureau, letter.value).suffix == ".docx"
    page.get_by_role("link", name=person.says("statement-receipt-page"), exact=True).click()
    expect(page.locator("body")).to_contain_text(code)
    for path in ("", f"enterprises/{bureau.site.richest()}/statement"):
        answer = page.goto(f"{bureau.site.origin}{HERE}/{path}")
        assert answer is not None
        assert answer.status == 403


def signs_out(bureau: Bureau, person: Person, key: str = "sign-out") -> None:
    """Sign out here and at the provider; pages ask to sign in again."""
    person.goes("/console/who")
    cookies = {each["name"]: each for each in person.context.cookies(f"{bureau.site.origin}/console/")}
    assert all(cookies[name]["secure"] and cookies[name]["httpOnly"] for name in KEPT), cookies
    actions = [form.get_attribute("action") for form in person.page.locator("main form").all()]
    assert actions == ["/console/sign-out"]
    person.press(key)
    person.page.wait_for_url(f"{bureau.site.origin}/console/sign-in")
    assert COOKIE not in {each["name"] for each in person.context.cookies(f"{bureau.site.origin}/console/")}
    asks_to_sign_in(person)


def finds_a_week_gone(bureau: Bureau, person: Person) -> None:
    """A form that was left open for a week is not taken; what was typed stands on the page that says so."""
    page = person.goes("settlement")
    page.locator("#object summary").click()
    page.locator("#object-reason").fill("还没写完")
    bureau.present.pass_(days=8)
    person.press("settle-object-do")
    expect(page.locator("main")).to_contain_text(read_problems()["signed-out"].title_zh)
    expect(page.locator("#typed-1")).to_have_value("还没写完")
    asks_to_sign_in(person)


def asks_to_sign_in(person: Person) -> None:
    """See that nobody is signed in."""
    page = person.goes("settlement")
    assert page.url.startswith(f"{person.site.origin}/console/sign-in?back={HERE}/"), page.url


# --- all of it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_every_job_of_the_console_is_done_behind_a_proxy(
    kafka: KafkaCluster, database_at: Any, tmp_path: Path
) -> None:
    firms = {name: Feed(number) for number, name in enumerate(NAMES, 901)}
    facts = list(city(ENTERPRISES, 1, YEAR))
    facts += [
        firm.send("enterprise-registered", name=f"慈溪{name}公司", town="浒山街道")
        for name, firm in firms.items()
    ]
    facts += [firms[name].shop("jd", f"{name}旗舰店", "2024-03-01") for name in ("late", "foreign", "false")]
    false_shop = firms["false"].last
    facts += [
        firms[name].send("brand-certified", kind="famous_export", ref="b1", on="2024-05-01")
        for name in ("one", "two")
    ]
    wrong = json.loads(firms["claims"].sales("online", YEAR, "12.345"))
    facts.append(json.dumps(wrong).encode())
    with opened(database_at("ledger.db"), kafka, tmp_path, facts) as bureau:
        lin, gao, shen = (bureau.seats(lang) for lang in ("zh", "zh", "en"))
        adopts(bureau, shen)
        consumer = start_at(bureau.present, "consume", environment=bureau.commands.environment)
        bureau.commands.running.append(consumer)
        bureau.send(facts)
        bureau.sign_in(lin, "林晓", "officer", "finance")
        bureau.sign_in(gao, "高远", "officer", "reviewer", "finance")
        looks_around(bureau, lin)
        takes_in_a_sheet(bureau, lin)
        settles_what_was_refused(lin, gao, wrong)
        decides_what_disagrees(lin, gao, firms["one"].code)
        decides_claims(lin, gao, shen, firms["claims"].code)
        at = "SELECT MIN(rowid) FROM stored_events WHERE originator_id=? AND topic LIKE '%:StoreRegistered'"
        amends(lin, shen, bureau.site.one(at, firms["foreign"].code))
        publishes(lin, gao, shen, firms["late"].code)

        finds_a_week_gone(bureau, lin)
        bureau.sign_in(lin, "林晓", "officer", "finance")
        bureau.sign_in(gao, "高远", "officer", "reviewer", "finance")
        bureau.sign_in(shen, "沈洁", "reviewer", "auditor", "operator")
        closes(bureau, gao, shen)
        fang = bureau.seats("zh")
        bureau.sign_in(fang, "方圆", "finance")
        pays(bureau, lin, gao, fang, firms["late"].code)
        retraction = firms["false"].retract(false_shop, "store-registered")
        bureau.send([late(firms["late"].code, "late-1"), retraction])
        adjusts(lin, gao, firms["late"].code, firms["false"].code)
        audits(bureau, shen)
        sees_its_own(bureau, bureau.seats("zh"), firms["late"].code)
        signs_out(bureau, lin)
        signs_out(bureau, gao, "sign-out-every")
        signs_out(bureau, shen)
        signs_out(bureau, fang)

        assert bureau.hall.leave() == []
        assert len(bureau.workers()) == WORKERS, "others took the place of those that were killed"
        every_job_was_done(bureau)
        assert replay(bureau.site.ledger, str(tmp_path / "replica.db")).equal


def every_job_was_done(bureau: Bureau) -> None:
    """Hold what was done to the service's own lists of addresses, forms and steps."""
    record = bureau.record
    refused = {(answer.endpoint, answer.status) for answer in record.answers if answer.status >= 400}
    assert refused == REFUSED
    assert record.left_out("POST") == set(WITHOUT_IDENTITIES)
    assert record.left_out("GET") == set()
    forms = record.steps_of("POST")
    by_persons = dict[str, set[bool]]()
    for event in bureau.events():
        speaker = event.said_by
        if speaker is None:  # of the ledger itself: rows that are stated by digest
            assert event.source not in bureau.topics, event.name
        elif speaker.issuer != bureau.provider.address:
            assert speaker.publisher == f"kafka:{bureau.topics[event.source]}", event.name
        else:
            proposer = event.acting_as.proposed_by if event.acting_as else None
            is_by_two = proposer is not None and proposer.subject != speaker.subject
            by_persons.setdefault(event.name, set()).add(is_by_two)
    for endpoint, steps in CONSOLE_STEPS.items():
        if endpoint in WITHOUT_IDENTITIES:
            continue
        assert len(forms[endpoint]) >= len(steps), (endpoint, forms[endpoint])
        for step in steps:
            if step in STEPS:  # the others are of messages
                assert (step in TWO_PERSON_STEPS) in by_persons[STEPS[step].event], step
