"""Forms and commands that are sent twice: once in the books, by whichever door."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from ledger.projections.closings import today
from ledger.store.application import Ledger, open_ledger, utc_now
from services.cli.main import main
from services.console import language
from tests.events import CIXI
from tests.integration.api_client import Api
from tests.integration.bureau import Bureau, Clock
from tests.integration.test_repeated_steps import CODE, TEXTS, Office, ordered_office

HERE = f"/console/{CIXI}/2024"
RESULT_HEADS = "payment,status,amount,on,reference,reason"
CLAW = {"enterprise": CODE, "amount": "1.00", "reason": "用途不符"}


@pytest.fixture
def office(open_at: Callable[..., Ledger]) -> Office:
    """An office whose year is closed, and whose payments were made."""
    found = ordered_office(open_at)
    found.hears("made")
    return found


def at_work(api: Api, name: str, *roles: str) -> FlaskClient:
    """A browser at which somebody works."""
    client = api.app.test_client()
    said = {"csrf_token": token_of(client, "/console/who"), "name": name, "roles": list(roles)}
    assert client.post("/console/who", data=said).status_code == 302
    return client


def token_of(client: FlaskClient, path: str = f"{HERE}/settlement") -> str:
    """The token of a page's first form, as it is loaded now."""
    return str(re.findall(r'name="csrf_token" value="([^"]+)"', client.get(path).text)[0])


def test_a_form_that_is_sent_again_is_recorded_once_and_says_so(office: Office) -> None:
    client = at_work(office.api, "Lin", "officer")
    form = {"csrf_token": token_of(client), **CLAW}
    first = client.post(f"{HERE}/settlement/claw-back", data=form)
    position = office.position()
    again = client.post(f"{HERE}/settlement/claw-back", data=form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert again.headers["Location"] == first.headers["Location"]
    page = client.get(first.headers["Location"]).text
    assert language.words()["form-again"]["zh"].partition("：")[0] in page
    assert office.position() == position
    other = client.post(f"{HERE}/settlement/claw-back", data={**form, "amount": "2.00"})
    assert other.status_code == 409
    assert language.words()["form-used"]["zh"] in other.text
    assert office.position() == position


def test_two_tabs_with_the_same_form_are_one_clawback_and_a_reference_makes_another(office: Office) -> None:
    client = at_work(office.api, "Lin", "officer")
    tabs = [token_of(client), token_of(client)]
    assert tabs[0] != tabs[1]
    position = office.position()
    for token in tabs:
        form = {"csrf_token": token, **CLAW}
        assert client.post(f"{HERE}/settlement/claw-back", data=form).status_code == 303
    assert office.position() == position + 1
    form = {"csrf_token": token_of(client), **CLAW, "reference": "甬追2号"}
    assert client.post(f"{HERE}/settlement/claw-back", data=form).status_code == 303
    assert office.position() == position + 2


def test_a_form_sent_eight_times_at_once_is_recorded_once(office: Office) -> None:
    client = at_work(office.api, "Lin", "officer")
    form = {"csrf_token": token_of(client), **CLAW}
    cookie = client.get_cookie("subsidy-console", path="/console")
    assert cookie is not None

    def send(_: int) -> int:
        browser = office.api.app.test_client()
        browser.set_cookie("subsidy-console", cookie.value, path="/console")
        return browser.post(f"{HERE}/settlement/claw-back", data=form).status_code

    position = office.position()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(8))) == [303] * 8
    assert office.position() == position + 1


def test_a_form_that_was_refused_may_be_mended_and_sent_again(office: Office) -> None:
    client = at_work(office.api, "Lin", "officer")
    form = {"csrf_token": token_of(client), **CLAW, "amount": "99999999.00"}
    assert client.post(f"{HERE}/settlement/claw-back", data=form).status_code == 409
    assert client.post(f"{HERE}/settlement/claw-back", data={**form, "amount": "1.00"}).status_code == 303


# --- commands ----------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A ledger in a file, whose year is closed and ordered by the command line itself."""
    path = str(tmp_path / "ledger.db")
    ledger = open_ledger(path)
    bureau = Bureau(ledger, Clock())
    bureau.api.post("/v1/policies", TEXTS[0].encode(), 201, "application/yaml")
    data = {"platform": "tmall", "kind": "flagship", "shop": "one", "on": "2024-03-04"}
    bureau.publish("store-registered", CODE, "shop", **data)
    bureau.settle()
    bureau.finance.post(bureau.year("payments"), {}, 201)
    ledger.close()
    return path


def run(database: str, *words: str) -> Result:
    """Run a command as a caller does."""
    result = CliRunner().invoke(main, ["--database", database, "--language", "en", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def count(database: str) -> int:
    """How many events there are."""
    ledger = open_ledger(database)
    with ledger.store.reading() as rows:
        position = rows.last_position()
    ledger.close()
    return position


def written(path: Path, heads: str, *lines: list[Any]) -> str:
    """A CSV file as a Chinese spreadsheet program saves it."""
    out = io.StringIO()
    csv.writer(out).writerows([heads.split(","), *lines])
    path.write_bytes(out.getvalue().encode("gb18030"))
    return str(path)


def test_files_in_gb18030_are_read_by_the_commands_as_by_the_console(database: str, tmp_path: Path) -> None:
    [(payment, amount)] = payments(database)
    heads = "支付编号,状态,金额,日期,银行流水号,失败原因"
    answers = written(tmp_path / "回执.csv", heads, [payment, "成功", amount, "2026/1/29", "B0", ""])
    payee = [CODE, "示例0有限公司", "6222020000000000017", "102332000000"]
    payees = written(tmp_path / "账户.csv", "统一社会信用代码,户名,账号,行号", payee)
    out = tmp_path / "orders.xml"
    payer = ("--payer-name", "慈溪市财政局", "--payer-account", "39", "--payer-bank", "102332000018")
    day = ("--on", today(utc_now()))
    made = run(database, "pay", "file", "2024-001", str(out), "--payees", payees, *payer, *day)
    assert made.exit_code == 0, made.output
    assert "示例0有限公司" in out.read_text("utf-8")
    for expected in ("recorded 1, known 0", "recorded 0, known 1"):
        result = run(database, "pay", "results", answers)
        assert expected in result.output, result.output
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\xff\xff\x80\x00")
    refused = run(database, "pay", "results", str(broken))
    assert refused.exit_code == 1
    assert "UTF-8" in refused.output


def payments(database: str) -> list[tuple[str, str]]:
    """Every payment: its number and amount."""
    ledger = open_ledger(database)
    with ledger.store.reading() as rows:
        listed = rows.all("SELECT payment, amount FROM payments ORDER BY payment")
    ledger.close()
    return [(str(payment), f"{fen // 100}.{fen % 100:02d}") for payment, fen in listed]


def test_a_command_under_the_same_reference_is_recorded_once(database: str, tmp_path: Path) -> None:
    [(payment, amount)] = payments(database)
    answers = written(
        tmp_path / "a.csv",
        RESULT_HEADS,
        [payment, "made", amount, "2026-01-29", "B", ""],
    )
    run(database, "pay", "results", answers)
    claw = ("clawback", CODE, "1.00", "breach", "--reference", "D-1")
    first = run(database, *claw)
    position = count(database)
    again = run(database, *claw)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "recorded already" in again.output
    assert count(database) == position
    assert run(database, "clawback", CODE, "1.00", "breach", "--reference", "D-2").exit_code == 0
    assert count(database) == position + 1
    budget = ("set-budget", CIXI, "2025", "9000000.00", "--reference", "B-1")
    for said in ("9000000.00", "recorded already"):
        assert said in run(database, *budget).output
    assert count(database) == position + 2
    other = run(database, "set-budget", CIXI, "2025", "8000000.00", "--reference", "B-1")
    assert (other.exit_code, count(database)) == (2, position + 2)
    for number in range(2):
        key = run(database, "keys", "add", "tax", "--source", "urn:tax", "--reference", "K-1")
        assert key.exit_code == 0, key.output
        assert ("recorded already" in key.output) == bool(number)
    assert run(database, "keys", "list").output.count("urn:tax") == 1
