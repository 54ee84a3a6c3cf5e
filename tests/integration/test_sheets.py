"""Spreadsheets through the command, the API and the console: previewed, confirmed, given back marked."""

from __future__ import annotations

import fcntl
import io
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from domain.authority.publishers import Scope
from domain.authority.roles import Actor
from domain.authority.writes import Writer
from domain.events.event import Capacity, Speaker
from domain.intake.authorising import Sender
from ledger.intake.refusals import count_open, list_refused
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import DEFAULT_SOURCE, SheetSender, preview, reading_of
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from ledger.store.stored_events import events_of
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.web.sheets.desk import SheetDesk
from tests import answers as queries
from tests.events import CIXI, CIXI_TEXT, Feed, budget, naming, take
from tests.integration.api_client import Api, is_problem
from tests.sheets import NOTHING_BEFORE
from tests.xlsx import sheet_of, workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADS = ["统一社会信用代码", "平台", "类别", "店铺名称", "日期"]
HERE = f"/console/{CIXI}/2024/sheets"
LATER = datetime(2031, 1, 1, tzinfo=UTC)


def shop(number: int, name: str = "", day: str = "2024-03-05") -> list[str]:
    return [Feed(number).code, "天猫", "旗舰店", name or f"店{number}", day]


def shops(*rows: list[str]) -> bytes:
    return workbook(sheet_of([HEADS, *rows]))


THREE = shops(shop(1), shop(2), shop(3, day="昨天"))


def until(api: Api, sheet: str, *stages: str) -> dict[str, Any]:
    """Ask until the work is done."""
    for _ in range(400):
        said: dict[str, Any] = api.get(f"/v1/sheets/{sheet}")
        if said["stage"] in stages:
            return said
        time.sleep(0.02)
    raise AssertionError(said)


def sent(api: Api, data: bytes, query: str = "", media: str = XLSX) -> dict[str, Any]:
    made = api.post(f"/v1/sheets{query}", data, 202, media)
    return until(api, made["sheet"], "ready", "failed")


def test_a_file_is_previewed_then_recorded_and_counts_once(api: Api) -> None:
    officer = api.by("lin", "officer")
    said = sent(officer, THREE, "?source=周巷镇&name=店铺.xlsx")
    with api.ledger.store.reading() as rows:
        assert rows.last_position() == 1, "a preview records nothing"
        assert count_open(rows) == 0
    assert said["preview"]["counts"] == {
        "new": 2,
        "known": 0,
        **NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 1,
    }
    [faulty] = said["preview"]["faulty"]
    assert (faulty["row"], faulty["faults"][0]["cell"], faulty["faults"][0]["code"]) == (4, "E4", "date.form")

    path = f"/v1/sheets/{said['sheet']}"
    officer.post(f"{path}/confirmation", {"preview": said["preview"]["preview"]})
    done = until(officer, said["sheet"], "recorded")
    assert done["recorded"] == {"accepted": 2, "duplicate": 0, "refused": 1, "unkept": 0}
    officer.post(f"{path}/confirmation", {"preview": said["preview"]["preview"]})
    with api.ledger.store.reading() as rows:
        assert rows.last_position() == 3
        assert {row.channel for row in list_refused(rows)} == {"sheet"}
        [event] = events_of(rows, Feed(1).code)
    assert event.fact.said_by == Speaker(issuer="local", subject="lin", name="lin")
    assert event.fact.acting_as == Capacity(role="officer", on_behalf_of="周巷镇")

    again = sent(officer, THREE, "?source=周巷镇&name=店铺.xlsx")
    assert again["preview"]["counts"] == {
        "new": 0,
        "known": 2,
        **NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 1,
    }
    other = sent(officer, THREE, "?source=税务局")
    assert other["preview"]["counts"] == {
        "new": 0,
        "known": 2,
        **NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 1,
    }


def test_who_confirms_a_sheet_that_another_sent_is_named_beside_the_sender(api: Api) -> None:
    sender, other = api.by("lin", "officer"), api.by("chen", "officer")
    said = sent(sender, shops(shop(1)), "?source=周巷镇")
    assert (said["sent_by"], said["confirmed_by"]) == ("lin", None)
    other.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": said["preview"]["preview"]})
    done = until(other, said["sheet"], "recorded")
    assert (done["sent_by"], done["confirmed_by"]) == ("lin", "chen")
    with api.ledger.store.reading() as rows:
        [event] = events_of(rows, Feed(1).code)
    assert event.fact.said_by == Speaker(issuer="local", subject="lin", name="lin")
    chen = Speaker(issuer="local", subject="chen", name="chen")
    assert event.fact.acting_as == Capacity(role="officer", on_behalf_of="周巷镇", confirmed_by=chen)
    listed = other.get(f"/v1/enterprises/{Feed(1).code}/events")["items"]
    assert listed[-1]["acting_as"]["confirmed_by"]["name"] == "chen"
    page = other.client.get(f"/console/{CIXI}/2024/log/{event.position}").text
    assert "chen" in page
    assert "确认入账" in page

    again = sent(other, shops(shop(2)), "?source=周巷镇")
    api.by("Ｃhen", "officer").post(
        f"/v1/sheets/{again['sheet']}/confirmation", {"preview": again["preview"]["preview"]}
    )
    assert until(other, again["sheet"], "recorded")["confirmed_by"] is None, "one person in two spellings"


def test_the_preview_says_what_balances_factor_and_targets_would_become(api: Api) -> None:
    officer = api.by("林晓", "officer")
    sales = [["信用代码", "年度", "金额（万元）", "币种", "渠道", "报送日期"]]
    sales += [[Feed(9).code, "2024", "12000", "CNY", "境内网络零售", "2025-01-05"]]
    data = workbook(sheet_of(sales), "年度销售额")
    said = sent(officer, data)
    told = said["preview"]["consequences"]

    officer.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": said["preview"]["preview"]})
    until(officer, said["sheet"], "recorded")
    after = budget(api.ledger, CIXI, 2024)
    targets = officer.get(f"/v1/policies/{CIXI}/years/2024/targets")["targets"]
    reached = {each["target"]: each["reached"] for each in targets}
    moved = {each["target"]: each["after_value"] for each in told if each["kind"] == "target"}
    assert moved
    assert moved == {name: value for name, value in reached.items() if name in moved}
    for each in told:
        if each["kind"] == "period":
            assert each["after"]["sharing"] == after["sharing"]
            assert each["after"]["factor"] == after["factor"]
            assert each["after"]["payable"] == after["payable"]


def test_a_reduced_year_is_divided_in_the_preview_as_it_is_after_recording(api: Api) -> None:
    officer = api.by("林晓", "officer")
    api.put(f"/v1/policies/{CIXI}/budgets/2024", {"amount": "30000.00", "currency": "CNY"})
    take(api.ledger, *(Feed(n).shop("tmall", f"旧{n}", "2024-02-01") for n in range(20, 25)))
    said = sent(officer, shops(*(shop(n) for n in range(1, 6))))
    [told] = [each for each in said["preview"]["consequences"] if each["kind"] == "period"]
    assert (told["before"]["factor"]["fraction"], told["after"]["factor"]["fraction"]) == ("3/5", "3/10")

    officer.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": said["preview"]["preview"]})
    until(officer, said["sheet"], "recorded")
    with api.ledger.store.reading() as rows:
        for each in told["largest"]:
            balance = queries.balance(api.ledger, rows, each["enterprise"], CIXI, 2024)
            assert balance["payable"] == each["payable_after"]
            assert balance["eligible"] == each["gross_after"]


def confirmed(api: Api, data: bytes) -> dict[str, Any]:
    """Send a file and agree to its preview."""
    said = sent(api, data)
    api.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": said["preview"]["preview"]})
    return until(api, said["sheet"], "recorded")


def test_a_row_mended_to_what_the_ledger_says_settles_its_refusal(api: Api) -> None:
    officer = api.by("林晓", "officer")
    confirmed(officer, shops(shop(1)))
    said = confirmed(officer, shops(shop(1, day="2024-03-06")))
    assert said["recorded"] == {"accepted": 0, "duplicate": 0, "refused": 1, "unkept": 0}
    marked = api.client.get(f"/v1/sheets/{said['sheet']}/workbook").data

    workbook_ = openpyxl.load_workbook(io.BytesIO(marked))
    workbook_.worksheets[0]["E2"] = "2024-03-05"
    mended = io.BytesIO()
    workbook_.save(mended)
    with api.ledger.store.reading() as rows:
        assert [each.resolved for each in list_refused(rows)] == [None]
    said = confirmed(officer, mended.getvalue())

    assert said["preview"]["counts"] == {
        "new": 0,
        "known": 1,
        **NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 0,
    }
    with api.ledger.store.reading() as rows:
        assert [each.resolved for each in list_refused(rows)] == ["resubmitted"]


def test_what_the_ledger_recorded_in_between_is_told_before_anything_is_recorded(api: Api) -> None:
    officer = api.by("林晓", "officer")
    said = sent(officer, THREE)
    take(api.ledger, Feed(1).shop("tmall", "店1", "2024-03-04"))

    officer.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": said["preview"]["preview"]})
    moved = until(officer, said["sheet"], "ready")
    assert moved["moved"]
    assert moved["preview"]["counts"] == {
        "new": 1,
        "known": 0,
        **NOTHING_BEFORE,
        "contradictory": 1,
        "wrong": 1,
    }
    first = moved["preview"]["faulty"][0]["faults"][0]
    assert (first["code"], first["cell"]) == ("matter.ledger", "E2")
    assert "2024-03-04 → 2024-03-05" in first["rule"]
    officer.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": moved["preview"]["preview"]})
    assert until(officer, said["sheet"], "recorded")["recorded"]["accepted"] == 1


def test_what_moved_elsewhere_does_not_stand_in_the_way(api: Api) -> None:
    officer = api.by("林晓", "officer")
    said = sent(officer, THREE)
    take(api.ledger, Feed(50).shop("tmall", "别家", "2024-03-04"))

    officer.post(f"/v1/sheets/{said['sheet']}/confirmation", {"preview": said["preview"]["preview"]})
    assert until(officer, said["sheet"], "recorded")["recorded"]["accepted"] == 2


def test_a_retracted_fact_contradicts_nothing_and_a_corrected_one_as_it_now_stands(api: Api) -> None:
    officer = api.by("林晓", "officer")
    one, two = Feed(1), Feed(2)
    take(api.ledger, one.shop("tmall", "店1", "2024-03-01"), one.retract("e1-1", "store-registered"))
    take(
        api.ledger,
        two.shop("tmall", "店2", "2024-03-01"),
        two.correct("e2-1", "store-registered", on="2024-03-05"),
    )

    said = sent(officer, shops(shop(1), shop(2)))
    assert said["preview"]["counts"] == {
        "new": 1,
        "known": 1,
        **NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 0,
    }


def test_rows_of_one_enterprise_are_judged_together_by_the_rules_of_the_inbox(api: Api) -> None:
    heads = ["信用代码", "申报编号", "政策编号", "条款编号", "申报事项", "年度", "金额", "币种", "报送日期"]
    rows = [
        [Feed(1).code, f"〔2024〕{n}号", CIXI, measure, item, "2024", amount, "CNY", "2025-01-05"]
        for n, (measure, item, amount) in enumerate(
            [
                ("standard.cixi", "甲标准", "20000"),
                ("standard.cixi", "甲标准", "20000"),
                ("standard.cixi", "乙标准", "900000"),
                ("no.such", "丙标准", "1"),
                ("store.tmall", "丁", "1"),
            ]
        )
    ]
    adopt_policy(api.ledger, naming(CIXI_TEXT.replace("version: 1", "version: 2"), (DEFAULT_SOURCE,)))
    said = sent(api.by("林晓", "operator"), workbook(sheet_of([heads, *rows]), "申报批准"))

    found = {row["row"]: [fault["code"] for fault in row["faults"]] for row in said["preview"]["faulty"]}
    assert found == {3: ["matter.file"], 4: ["claim.cap"], 5: ["measure.unknown"], 6: ["measure.no-claims"]}


def test_a_file_that_cannot_be_read_says_why_and_an_unknown_sheet_is_none(api: Api) -> None:
    said = sent(api, b"\xd0\xcf\x11\xe0" + bytes(100))
    assert (said["stage"], said["faults"][0]["code"]) == ("failed", "sheet.old")
    is_problem(api.send("POST", f"/v1/sheets/{said['sheet']}/confirmation", {"preview": "x"}))
    assert api.get(f"/v1/sheets/{'0' * 32}", 404)["code"] == "sheet-unknown"
    assert api.post("/v1/sheets", b"", 422, "text/csv")["faults"][0]["code"] == "sheet.empty"
    assert api.post("/v1/sheets?type=x", b"a", 422, "text/csv")["faults"][0]["code"] == "value.choice"
    assert api.post("/v1/sheets", b"a", 415, "text/html")["code"] == "media-wrong"
    api.app.config["MAX_CONTENT_LENGTH"] = 1_000
    assert api.post("/v1/sheets", bytes(1_001), 413, "text/csv")["code"] == "body-large"
    untold = {"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(bytes(5_000))}
    chunked = api.client.post("/v1/sheets", content_type="text/csv", environ_overrides=untold)
    assert is_problem(chunked)["faults"][0]["code"] == "sheet.large"


def test_the_marked_workbook_and_the_templates_can_be_fetched(api: Api) -> None:
    said = sent(api, THREE)
    response = api.client.get(f"/v1/sheets/{said['sheet']}/workbook")
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).worksheets[0]
    assert sheet["E4"].comment.text.startswith("[date.form]")
    assert sheet["E3"].comment is None
    response = api.client.get("/v1/sheets/templates/sales")
    assert openpyxl.load_workbook(io.BytesIO(response.data)).sheetnames[0].startswith("年度销售额")


def test_an_upstream_sees_its_own_sheets_without_budget_or_what_others_said(api: Api) -> None:
    take(api.ledger, Feed(1).shop("tmall", "店1", "2024-03-04"))
    one, other = api.by("platform-a", "upstream"), api.by("platform-b", "upstream")
    said = sent(one, THREE)

    assert said["preview"]["consequences"] is None
    rule = said["preview"]["faulty"][0]["faults"][0]["rule"]
    assert "2024-03-04" not in rule
    assert "urn:tests" not in rule
    assert other.get(f"/v1/sheets/{said['sheet']}", 404)["code"] == "sheet-unknown"
    assert api.by("林晓", "officer").get(f"/v1/sheets/{said['sheet']}")["stage"] == "ready"


def test_a_machine_may_say_what_its_key_allows_and_nothing_else(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(THREE)
    holding = Holding.open_file(tmp_path / "rows")
    scope = Scope("urn:else", frozenset({"subsidy.sales-reported.v1"}))
    preview(
        api.ledger,
        reading_of(api.ledger, path, "f.xlsx", "urn:else"),
        holding,
        lambda *_: None,
        SheetSender(Sender(Writer(Actor("k", frozenset({"upstream"})), "local", scope))),
    )
    found = [[each.fault.code for each in held.marked] for held in holding.rows_in(("wrong",))]
    assert found == [["type.foreign"], ["type.foreign"], ["date.form"]]
    holding.close()


def test_work_that_was_broken_off_is_taken_up_again(api: Api, tmp_path: Path) -> None:
    said = sent(api, THREE)
    folder = api.app.extensions["subsidy-sheets"].folder
    waiting = SheetDesk(api.ledger, folder).find(said["sheet"], None)
    waiting.set(stage="reading")
    assert until(api, said["sheet"], "ready")["preview"]["counts"]["new"] == 2


# --- the command line --------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "cli.db")
    ledger = open_ledger(path, clock=lambda: LATER)
    adopt_policy(ledger, CIXI_TEXT)
    ledger.close()
    return path


def command(database: str, *words: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, ["--database", database, *words])
    assert done.exit_code == status, done.output
    return done.output


def test_the_command_previews_marks_and_records(database: str, tmp_path: Path) -> None:
    file, marked = tmp_path / "店铺.xlsx", tmp_path / "退回.xlsx"
    file.write_bytes(THREE)

    said = command(database, "ingest", str(file), "--marked", str(marked), status=ExitStatus.REFUSED)
    assert "新数据 2" in said
    assert "有误 1" in said
    assert "date.form" in said
    assert "未入账" in said
    assert openpyxl.load_workbook(marked).worksheets[0]["E4"].comment is not None
    recorded = command(database, "ingest", str(file), "--yes", "--json", status=ExitStatus.REFUSED)
    told = json.loads(recorded)
    assert told["recorded"] == {"accepted": 2, "duplicate": 0, "refused": 1}
    words = ("--language", "en", "ingest", str(file), "--yes", "--json")
    told = json.loads(command(database, *words, status=ExitStatus.REFUSED))
    assert told["counts"]["known"] == 2
    assert told["recorded"]["accepted"] == 0


def test_the_command_says_what_is_wrong_with_a_file(database: str, tmp_path: Path) -> None:
    file = tmp_path / "x.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(100))
    assert "另存为" in command(database, "ingest", str(file), status=1)
    assert ".xlsx" in command(database, "--language", "en", "ingest", str(file), status=1)


def test_the_command_writes_templates(database: str, tmp_path: Path) -> None:
    command(database, "sheet", "template", "--all", "-o", str(tmp_path / "all"))
    assert len(list((tmp_path / "all").glob("*.xlsx"))) == 9
    command(database, "sheet", "template", "shops", "-o", str(tmp_path / "one"))
    assert [each.name for each in (tmp_path / "one").iterdir()] == ["店铺与分公司-shops.xlsx"]
    command(database, "sheet", "template", status=2)


# --- the console -------------------------------------------------------------------------------


def token_of(text: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert found is not None
    return found[1]


def working(api: Api, *roles: str) -> FlaskClient:
    client = api.app.test_client()
    token = token_of(client.get("/console/who").text)
    client.post("/console/who", data={"csrf_token": token, "name": "林晓", "roles": list(roles)})
    return client


def uploaded(client: FlaskClient, data: bytes, name: str = "店铺.xlsx", **more: str) -> Any:
    token = token_of(client.get(HERE).text)
    form = {"csrf_token": token, "file": (io.BytesIO(data), name), **more}
    return client.post(HERE, data=form, content_type="multipart/form-data")


@pytest.mark.parametrize(
    ("lang", "begin", "new", "done"),
    [
        ("zh", "从这里开始", "将入账", "入账 2 行"),
        ("en", "begin here", "would be recorded", "2 rows recorded"),
    ],
)
def test_an_officer_sends_looks_and_confirms(api: Api, lang: str, begin: str, new: str, done: str) -> None:
    client = working(api, "officer")
    assert begin in client.get(f"{HERE}?lang={lang}").text
    answer = uploaded(client, THREE, source="周巷镇")
    assert answer.status_code == 303
    where = answer.headers["Location"]
    page = settled(client, where)
    assert new in page
    assert "店铺注册!E4" in page
    assert "100.0000%" in page
    assert client.post(where, data={"preview": "x"}).status_code == 403, "a form needs its token"
    agreed = re.search(r'name="preview" value="([0-9a-f]+)"', page)
    assert agreed is not None
    client.post(where, data={"csrf_token": token_of(page), "preview": agreed[1]})
    assert done in settled(client, where)
    marked = client.get(f"{where}/workbook")
    assert openpyxl.load_workbook(io.BytesIO(marked.data)).worksheets[0]["E4"].comment is not None
    refused = client.get(f"/console/{CIXI}/2024/refused").text
    assert Feed(3).code in refused


def test_an_officer_may_confirm_rows_that_are_known_and_learns_once_that_the_ledger_moved(api: Api) -> None:
    client = working(api, "officer")
    where = uploaded(client, shops(shop(1), shop(2))).headers["Location"]
    page = settled(client, where)
    take(api.ledger, Feed(1).shop("tmall", "店1", "2024-03-05"), Feed(2).shop("tmall", "店2", "2024-03-05"))

    def confirm(page: str) -> str:
        agreed = re.search(r'name="preview" value="([0-9a-f]+)"', page)
        assert agreed is not None
        client.post(where, data={"csrf_token": token_of(page), "preview": agreed[1]})
        return settled(client, where)

    moved = confirm(page)
    assert moved.count("预览之后账本有变") == 1
    assert '<button type="submit">确认入账' in moved
    assert "入账 0 行" in confirm(moved)


def settled(client: FlaskClient, where: str) -> str:
    for _ in range(400):
        page = client.get(where).text
        if "<progress" not in page:
            return page
        time.sleep(0.02)
    raise AssertionError(page)


def test_the_page_of_a_sheet_at_work_asks_again(api: Api) -> None:
    client = working(api, "officer")
    where = uploaded(client, THREE).headers["Location"]
    settled(client, where)
    desk: SheetDesk = api.app.extensions["subsidy-sheets"]
    waiting = desk.find(where.rpartition("/")[2], None)
    with (waiting.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting.set(stage="trying", done=12345)
        fragment = client.get(where, headers={"HX-Request": "true"})
        assert "12,345" in fragment.text
        assert f'hx-get="{where}"' in fragment.text
        assert "<html" not in fragment.text
        assert "HX-Refresh" not in fragment.headers
    assert "将入账" in settled(client, where), "whoever asks takes up what nobody works on"
    assert client.get(where, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_sheets_that_are_not_read_are_told_with_the_reason(api: Api) -> None:
    book = openpyxl.load_workbook(io.BytesIO(THREE))
    hidden = book.create_sheet("三月")
    hidden.append(HEADS)
    hidden.append(shop(4))
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)

    assert sent(api, out.getvalue())["preview"]["unread"] == ["三月（隐藏的工作表）"]
    client = working(api, "officer")
    page = settled(client, uploaded(client, out.getvalue()).headers["Location"] + "?lang=en")
    assert "三月 (hidden)" in page


def test_what_cannot_be_sent_is_told_beside_the_form(api: Api) -> None:
    assert uploaded(working(api, "auditor"), THREE).status_code == 422
    client = working(api, "officer")
    answer = uploaded(client, b"")
    assert answer.status_code == 422
    assert "文件没有内容" in answer.text
    where = uploaded(client, b"\xd0\xcf\x11\xe0" + bytes(50)).headers["Location"]
    assert "另存为" in settled(client, where)
    assert client.get(f"{HERE}/{'0' * 32}").status_code == 404
    assert client.get(f"{HERE}/..%2f..%2fetc").status_code == 404
    assert client.get(f"{HERE}/templates/shops").mimetype == XLSX
    assert client.get(f"{HERE}/templates/none").status_code == 404
