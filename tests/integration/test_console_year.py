"""The console's pages of a year: settlement, payments, what if, replay, audit, as a browser asks for them."""

from __future__ import annotations

import io
import re
import threading
import time
import zipfile
from collections.abc import Callable
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from domain.log.notes import VerifierKey
from domain.money.amounts import print_fen
from ledger.intake.inbox import ingest
from ledger.projections.closings import settlement_of
from ledger.reading.overview import factor_over_time
from ledger.settlement import adjusting
from ledger.store.application import Ledger
from services.console import language
from services.console.background import WAITING_MAX, Background
from services.sample.city import city
from services.server.app import create_app
from services.verify import verify
from tests import answers as queries
from tests.events import CIXI
from tests.integration.bureau import MAY, Clock
from tests.integration.closings import OFFICER, closed
from tests.integration.test_console_desk import HERE, SQLITE, XSS, Browser

PAGES = (
    *("settlement", "settlement/lines", "open-matters", "payments", "adjustments", "what-if", "replay"),
    "audit",
    *("replay?kind=true&day=2024-06-30", "difference", "log/1"),
)
PAYER = {"payer_name": "慈溪市财政局", "payer_account": "3901120009000012345", "payer_bank": "102332000017"}
PATIENCE = 60


class Year:
    """A ledger, its clock and its console, with people at browsers."""

    def __init__(self, ledger: Ledger, key_file: Path) -> None:
        self.ledger, self.app = ledger, create_app(ledger)
        self.app.config["SIGNING_KEY"] = str(key_file)
        assert isinstance(ledger.clock, Clock)
        self.clock = ledger.clock

    def browser(self, lang: str = "en") -> Browser:
        found = Browser(self.app.test_client(), lang)
        found.client.set_cookie(language.COOKIE, lang)
        return found

    def person(self, name: str, *roles: str) -> Browser:
        return self.browser().works(name, *roles)

    def stage(self) -> str:
        with self.ledger.store.reading() as rows:
            return settlement_of(rows, CIXI, 2024).stage

    def position(self) -> int:
        with self.ledger.store.reading() as rows:
            return rows.last_position()


def settled(browser: Browser, path: str) -> str:
    """A page once its long reading is done."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        text = browser.get(path)
        if "<progress" not in text:
            return text
        time.sleep(0.05)
    raise AssertionError(f"{path} is still at work")


def words(text: str) -> str:
    """A page without its tags."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", text).split()))


@pytest.fixture
def year(open_at: Callable[..., Ledger], tmp_path: Path) -> Year:
    ledger = open_at(MAY)
    ledger.clock = Clock()
    ingest(ledger, list(city(60)), "tests")
    return Year(ledger, tmp_path / "signing.key")


@pytest.fixture
def done(open_at: Callable[..., Ledger], tmp_path: Path) -> Year:
    return Year(closed(open_at, years=(2024,)).ledger, tmp_path / "signing.key")


@SQLITE
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_in_both_languages(year: Year, lang: str, path: str) -> None:
    text = settled(year.browser(lang), path)
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in text
    assert "<style" not in text
    assert re.findall(r"<script(?![^>]*src=)", text) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_a_closed_year_opens_on_either_store(done: Year, path: str) -> None:
    settled(done.browser(), path)


@SQLITE
def test_every_page_of_a_ledger_without_facts_says_what_is_missing(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(MAY)
    ledger.clock = Clock()
    browser = Year(ledger, tmp_path / "signing.key").browser()
    for path in PAGES:
        settled(browser, path)
    assert "No list was proposed yet." in browser.get("settlement/lines")


@SQLITE
@pytest.mark.parametrize(
    "path",
    [
        *(f"settlement/{step}" for step in ("propose", "publish", "object", "resolve", "close", "order")),
        *("settlement/results", "settlement/claw-back", "settlement/recovery"),
        *("reconciliation", "payments/file", "adjustments/accept", "adjustments/claw-back"),
    ],
)
def test_a_write_without_its_token_is_refused(year: Year, path: str) -> None:
    before = year.position()
    response = year.person("Lin", "officer").client.post(f"{HERE}/{path}", data={"reason": "x"})
    assert response.status_code == 403
    assert year.position() == before


def test_a_whole_settlement_is_driven_through_the_forms(year: Year) -> None:
    officer, reviewer = year.person("Lin", "officer"), year.person("Shen", "reviewer")
    finance = year.person("Qian", "finance")
    assert "Publish the list first." in officer.get("settlement")
    officer.post("settlement/propose")
    assert "The list is proposed." in officer.get("settlement")
    officer.post("settlement/publish")
    officer.post("settlement/object", reason="the sum is wrong")
    objection = objection_of(reviewer.get("settlement"))
    assert "Decide every objection first." in reviewer.get("settlement")
    reviewer.post("settlement/resolve", objection=objection, outcome="dismissed", reason="it is right")
    year.clock.pass_(days=8)
    reviewer.post("settlement/close", sure="1")
    assert year.stage() == "closed"
    ordered = finance.post("settlement/order")
    assert ordered.headers["Location"].endswith("/settlement#pay")
    assert "Batch 2024-001 is ordered" in finance.get("settlement")
    paid = upload_results(finance, year)
    assert "results recorded" in finance.get("settlement")
    code, _ = max(paid, key=lambda each: each[1])
    officer.post("settlement/claw-back", enterprise=code, amount="100.00", reason="false papers")
    clawback = f"2024-{code}-01 {code}"
    finance.post("settlement/recovery", clawback=clawback, amount="40.00", on=today(year), reference="back 1")
    text = words(finance.get("settlement"))
    total = print_fen(sum(fen for _, fen in paid), "CNY")
    assert f"Paid {total}" in text
    assert "Clawed back ¥100.00 Recovered ¥40.00" in text


def objection_of(text: str) -> str:
    return str(re.findall(r'name="objection" value="([^"]+)"', text)[0])


def today(year: Year) -> str:
    return str(year.clock().date().isoformat())


def payments_of(year: Year) -> list[tuple[str, str, int]]:
    with year.ledger.store.reading() as rows:
        sql = "SELECT payment, code, amount FROM payments ORDER BY payment"
        return [(str(row[0]), str(row[1]), int(row[2])) for row in rows.all(sql)]


def upload_results(finance: Browser, year: Year) -> list[tuple[str, int]]:
    """Every payment was made, says the bank, in a file as Chinese spreadsheets save it."""
    found = payments_of(year)
    lines = ["支付编号,状态,金额,日期,银行流水号,失败原因"]
    lines += [
        f"{payment},成功,{fen // 100}.{fen % 100:02d},{today(year)},工行{n},"
        for n, (payment, _, fen) in enumerate(found)
    ]
    file = (io.BytesIO("\r\n".join(lines).encode("gb18030")), "回执.csv")
    finance.post("settlement/results", file=file)
    return [(code, fen) for _, code, fen in found]


@SQLITE
def test_an_upheld_objection_asks_for_a_new_list(year: Year) -> None:
    officer, reviewer = year.person("Lin", "officer"), year.person("Shen", "reviewer")
    officer.post("settlement/propose")
    officer.post("settlement/publish")
    officer.post("settlement/object", reason="an award is missing")
    objection = objection_of(reviewer.get("settlement"))
    reviewer.post("settlement/resolve", objection=objection, outcome="upheld", reason="so it is")
    year.clock.pass_(days=8)
    text = reviewer.get("settlement")
    assert "An objection was upheld" in text
    assert "settlement/close" not in text
    refused = reviewer.post("settlement/close", 409)
    assert "Nothing was done." in refused.text
    officer.post("settlement/propose")
    assert "proposal 2" in officer.get("settlement")


@SQLITE
def test_a_refusal_stands_beside_its_form_with_the_mend_and_keeps_what_was_written(year: Year) -> None:
    officer = year.person("Lin", "officer", "reviewer")
    assert "Say who you are" in words(year.browser().post("settlement/propose", 409).text)
    told = words(year.person("Qian", "finance").post("settlement/propose", 409).text)
    assert "The roles you work in may not take this step It is taken by: Officer (first review)" in told
    officer.post("settlement/propose")
    officer.post("settlement/publish")
    wrong = officer.post("settlement/object", 409, enterprise="91330282MAR8GCEW46", reason="my words").text
    assert "Credit code" in wrong
    assert ">my words</textarea>" in wrong
    assert 'value="91330282MAR8GCEW46"' in wrong
    early = words(officer.post("settlement/close", 409).text)
    assert "2025-05-12" in early
    year.clock.pass_(days=8)
    own = words(officer.post("settlement/close", 409).text)
    assert "proposed the list" in own
    assert year.stage() == "published"


@SQLITE
def test_what_people_write_is_escaped_wherever_it_stands(year: Year) -> None:
    officer = year.person(XSS[:40], "officer", "reviewer")
    officer.post("settlement/propose")
    officer.post("settlement/publish")
    position = year.position()
    officer.post("settlement/object", reason=XSS)
    for path in ("settlement", f"log/{position + 1}", "audit", f"what-if?budget={XSS}", f"replay?day={XSS}"):
        text = officer.client.get(f"{HERE}/{path}").text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
    assert "&lt;script&gt;alert" in officer.get("settlement")


@SQLITE
def test_a_wrong_file_of_results_is_told_line_by_line(done: Year) -> None:
    finance = done.person("Qian", "finance")
    nothing = words(finance.post("settlement/results", 409).text)
    assert "No file was chosen Choose a file" in nothing
    lines = "payment,status,amount,on,reference,reason\nP-1,perhaps,12.345,2025-13-01,,\n"
    told = words(finance.post("settlement/results", 409, file=(io.BytesIO(lines.encode()), "r.csv")).text)
    for part in ("a status is made or failed", "an amount is yuan above zero", "a date is a day that exists"):
        assert part in told
    unknown = "payment,status,amount,on,reference,reason\nP-1,made,1.00,2025-06-01,R,\n"
    refused = finance.post("settlement/results", 409, file=(io.BytesIO(unknown.encode()), "r.csv"))
    assert "P-1" in refused.text


@SQLITE
@pytest.mark.parametrize(("form", "begins"), [("csv", "支付编号"), ("pain.001", "<?xml")])
def test_a_batch_is_given_as_a_file_for_the_bank(year: Year, form: str, begins: str) -> None:
    officer, reviewer = year.person("Lin", "officer"), year.person("Shen", "reviewer")
    officer.post("settlement/propose")
    officer.post("settlement/publish")
    year.clock.pass_(days=8)
    reviewer.post("settlement/close")
    finance = year.person("Qian", "finance")
    finance.post("settlement/order")
    codes = [code for _, code, _ in payments_of(year)]
    head = "code,name,account,bank\n"
    lines = head + "".join(f"{code},某公司,62220000001{n:04d},102332000017\n" for n, code in enumerate(codes))
    given = {"batch": "2024-001", "form": form, "on": "2025-06-30", **PAYER}

    def sent(payees: str, status: int) -> TestResponse:
        file = (io.BytesIO(payees.encode()), "payees.csv")
        return finance.post("payments/file", status, payees=file, **given)

    made = sent(lines, 200)
    assert "attachment" in made.headers["Content-Disposition"]
    assert begins in made.text[:40]
    assert all(code in made.text for code in codes)
    missing = sent(head + lines.splitlines()[1] + "\n", 422)
    assert "3901120009000012345" in missing.text
    assert 'role="alert"' in missing.text


@SQLITE
def test_payments_are_filtered_and_late_facts_are_accepted(done: Year) -> None:
    browser = done.person("Lin", "officer")
    failed, made = browser.get("payments?status=failed"), browser.get("payments?status=made")
    assert failed.count('class="tag failed"') == 1
    assert made.count('class="tag made"') > 10
    assert 'class="tag failed"' not in made
    assert "check the credit code" in browser.get("payments?enterprise=nothing")
    assert "No adjustments are pending." in browser.get("adjustments")
    late(done)
    text = browser.get("adjustments")
    assert "+¥100,000.00" in text
    fields = dict(re.findall(r'name="(enterprise|measure|amount)" value="([^"]+)"', text))
    wrong = browser.post(
        "adjustments/accept", 409, **{**fields, "amount": "1.00"}, into_year="2025", reason="r"
    )
    assert "Nothing was done." in wrong.text
    browser.post("adjustments/accept", **fields, into_year="2025", reason="came late")
    assert "¥100,000.00 is accepted into 2025." in browser.get("adjustments")
    assert "No adjustments are pending." in browser.get("adjustments")


def test_the_count_of_adjustments_follows_facts_and_decisions(done: Year) -> None:
    def counts() -> tuple[int, int]:
        with done.ledger.store.reading() as rows:
            known = adjusting.pending_count(done.ledger, rows, CIXI, 2024, 100)
            return known, len(adjusting.pending(rows, CIXI, 2024, limit=100))

    assert counts() == (0, 0)
    late(done)
    assert counts() == (1, 1)
    assert counts() == (1, 1)
    with done.ledger.store.reading() as rows:
        [each] = adjusting.pending(rows, CIXI, 2024)
    adjusting.accept(done.ledger, CIXI, 2024, each.code, each.measure, 2025, OFFICER, each.amount, "late")
    assert counts() == (0, 0)


@SQLITE
def test_the_factor_of_a_closed_year_stays_on_its_line(done: Year) -> None:
    with done.ledger.store.reading() as rows:
        before = factor_over_time(rows, CIXI, 2024)[-1][1]
    done.clock.pass_(days=3)
    late(done)
    with done.ledger.store.reading() as rows:
        now = queries.budget(done.ledger, rows, CIXI, 2024)["factor"]["fraction"]
        after = factor_over_time(rows, CIXI, 2024)[-1][1]
    assert before == after == Fraction(now)


def late(year: Year) -> None:
    """An honour of 2024 that comes after the closing."""
    with year.ledger.store.reading() as rows:
        sql = "SELECT code FROM accounts WHERE code NOT IN (SELECT code FROM adjustments) ORDER BY code"
        code = rows.all(sql)[0][0]
    raw = (
        f'{{"specversion":"1.0","id":"later","source":"urn:late","subject":"{code}",'
        '"type":"subsidy.brand-certified.v1","time":"2024-06-01T00:00:00Z",'
        '"data":{"kind":"famous_export","ref":"later","on":"2024-06-01"}}'
    )
    ingest(year.ledger, [raw.encode()], "tests")


@SQLITE
def test_the_list_is_paged_and_found_by_credit_code(year: Year) -> None:
    officer = year.person("Lin", "officer")
    officer.post("settlement/propose")
    text = officer.get("settlement/lines")
    code = re.findall(r"enterprises/([0-9A-Z]{18})", text)[0]
    found = officer.get(f"settlement/lines?enterprise={code}")
    assert set(re.findall(r"enterprises/([0-9A-Z]{18})", found)) == {code}
    for name in ("list.xlsx", "list.csv", "summary.xlsx"):
        address = f"/v1/policies/{CIXI}/years/2024/settlement/{name}"
        assert address in officer.get("settlement")
        assert officer.client.get(address).status_code == 200


def test_what_if_shows_both_sides_and_records_nothing(year: Year) -> None:
    browser, before = year.browser(), year.position()
    text = words(settled(browser, "what-if?budget=1000000.00"))
    assert "Nothing is recorded" in text
    assert "¥1,000,000.00" in text
    assert re.search(r"▼ \d+ lose", text)
    asked = "what-if?r.dtc-units=pro-rata&f.brand.famous-export/amount=200000.00"
    assert "▲" in settled(browser, asked)
    assert year.position() == before
    wrong = year.app.test_client().get(f"{HERE}/what-if?budget=1.234")
    assert wrong.status_code == 422
    part = year.app.test_client().get(f"{HERE}/what-if?budget=2000000.00", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert part.status_code == 200
    assert "HX-Request" in part.vary, "going back in a browser gives the page, not this part of it"


def test_a_replay_of_the_present_gives_the_present_figures(year: Year) -> None:
    browser = year.browser()
    with year.ledger.store.reading() as rows:
        now = queries.budget(year.ledger, rows, CIXI, 2024)
    known, true = settled(browser, "replay"), settled(browser, "replay?kind=true&day=2025-05-06")
    for text in (known, true):
        assert now["factor"]["percent"] in text
        assert now["factor"]["fraction"] in text
    early = settled(browser, "replay?kind=true&day=2023-12-31")
    assert "Nothing had been earned by then." in early
    assert "cannot answer" in browser.get("replay?day=2020-01-01", 422)
    moved = browser.client.get(f"{HERE}/replay?kind=true&stop=0")
    assert moved.status_code == 302
    assert "day=2024-01-01" in moved.headers["Location"]


def test_what_changed_between_two_days_is_explained(year: Year) -> None:
    year.clock.pass_(days=10)
    late_day = today(year)
    ingest(year.ledger, list(city(90, year=2024))[-200:], "tests")
    browser = year.browser()
    text = words(settled(browser, f"difference?first=2025-05-06&second={late_day}"))
    assert re.search(r"\d+ events came in", text)
    assert "awards of" in text
    assert "must lie before" in browser.get(f"difference?first={late_day}&second=2025-05-06", 422)


def test_the_audit_page_gives_bundles_that_verify_and_books(done: Year, tmp_path: Path) -> None:
    browser = done.person("Hu", "auditor")
    text = browser.get("audit")
    key = re.findall(r"subsidy-ledger\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", text)[0]
    with done.ledger.store.reading() as rows:
        code = rows.all("SELECT code FROM accounts ORDER BY code")[0][0]
    for number, path in enumerate(("audit/bundle", f"audit/bundle?enterprise={code}")):
        file = tmp_path / f"{number}.zip"
        file.write_bytes(browser.client.get(f"{HERE}/{path}").data)
        _, verdict = verify(file, [VerifierKey.parse(key)])
        assert verdict.faults == []
    for form, begins in (("hledger", b""), ("beancount", b""), ("xlsx", b"PK"), ("parquet", b"PK")):
        response = browser.client.get(f"{HERE}/audit/books/{form}")
        assert response.status_code == 200
        assert response.data.startswith(begins)
        assert len(response.data) > 100
    names = zipfile.ZipFile(io.BytesIO(response.data)).namelist()
    assert names == [f"{CIXI}-2024.parquet", f"{CIXI}-2024-events.parquet"]
    assert browser.client.get(f"{HERE}/audit/books/exe").status_code == 404
    assert browser.client.get(f"{HERE}/audit/bundle?enterprise=91").status_code == 404


@SQLITE
def test_every_kind_of_event_has_its_page(done: Year) -> None:
    browser, seen = done.browser(), set[str]()
    with done.ledger.store.reading() as rows:
        found = rows.all("SELECT MIN(rowid), topic FROM stored_events GROUP BY topic ORDER BY 1")
        last = rows.last_position()
    for position, topic in found:
        text = browser.get(f"log/{position}")
        assert f'data-position="{position}"' in text
        assert topic.rpartition(":")[2] in text
        seen.add(topic)
    assert len(seen) > 20
    assert f"log/{last - 1}" in browser.get(f"log/{last}")
    browser.get(f"log/{last + 1}", 404)
    browser.get("log/0", 404)
    assert browser.client.get(f"{HERE}/log?position=12").headers["Location"].endswith("/log/12")
    browser.get("log?position=twelve", 404)


@SQLITE
def test_a_correction_is_named_on_both_pages(year: Year) -> None:
    with year.ledger.store.reading() as rows:
        topic = "domain.events:FactCorrected"
        position = rows.all("SELECT MAX(rowid) FROM stored_events WHERE topic=?", [topic])[0][0]
    text = year.browser().get(f"log/{position}")
    assert "What it corrects or takes back" in text
    first = re.findall(r'/log/(\d+)">#', text)[0]
    assert f'/log/{position}">#' in year.browser().get(f"log/{first}")


@SQLITE
def test_looking_at_an_event_of_an_enterprise_is_noted(year: Year) -> None:
    auditor = year.person("Hu", "auditor")
    auditor.get("log/2")
    year.app.extensions["subsidy-looks"].flush()
    assert f"{HERE}/log/2" in auditor.get("audit")


@SQLITE
def test_long_readings_are_kept_and_the_waiting_are_bounded(year: Year) -> None:
    background, gate, read = Background(year.ledger), threading.Event(), list[int]()

    def slow(number: int) -> Callable[[Ledger, object], int]:
        def reading(_: Ledger, __: object) -> int:
            gate.wait(PATIENCE)
            read.append(number)
            return number

        return reading

    works = [background.ask(n, 1, slow(n)) for n in range(WAITING_MAX + 3)]
    gate.set()
    for work in works:
        assert work.done.wait(PATIENCE)
    assert len(read) <= WAITING_MAX + 1
    assert works[-1].value() == WAITING_MAX + 2
    assert background.ask(WAITING_MAX + 2, 1, slow(99)).value() == WAITING_MAX + 2
    background.close()
