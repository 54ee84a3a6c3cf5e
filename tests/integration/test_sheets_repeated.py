"""What a sheet or a message says once more: told where it was retracted or is a repeat, and reported anew.

The files of tests/data/faults went wrong before: a retracted row was "known" and stayed at 0 without a word.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger.intake.inbox import ingest, ingest_all
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import (
    Moved,
    described,
    doubtful,
    left_out,
    preview,
    reading_of,
    record,
    report_anew,
)
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from services.cli.main import main
from tests import answers as queries
from tests.events import CIXI, CIXI_TEXT, Feed, take
from tests.integration.api_client import BATCH, Api
from tests.integration.test_sheets import sent, settled, token_of, until, uploaded, working
from tests.xlsx import sheet_of, workbook

Opener = Callable[..., Ledger]
FAULTS = Path(__file__).parents[1] / "data" / "faults"
SHOPS = FAULTS / "店铺注册-sent-retracted-sent-again.csv"
SALES = FAULTS / "two-equal-rows-that-add-up.xlsx"
RETRACTION = (FAULTS / "retraction-of-sheet-row.ndjson").read_bytes().splitlines()
SHOP_CODE, SALES_CODE = "91330282MA0016000D", "91330282MA0002008H"
SOURCE = "周巷镇"
HEADS = ["统一社会信用代码", "年度", "金额", "币种", "渠道", "报送日期"]
REPORT = [Feed(7).code, "2024", "600.00", "CNY", "online", "2024-03-05"]


class Door:
    """Previews and records files from one source."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder, self.files = ledger, folder, 0

    def preview(self, data: bytes, name: str = "年度销售额.xlsx", source: str = SOURCE) -> Holding:
        self.files += 1
        path = self.folder / f"{self.files}-{name}"
        path.write_bytes(data)
        holding = Holding.open_file(self.folder / f"rows-{self.files}")
        preview(self.ledger, reading_of(self.ledger, path, name, source), holding, lambda *_: None)
        return holding

    def record(self, holding: Holding, *anew: str) -> int:
        return record(self.ledger, holding, holding.read_note("preview"), lambda *_: None, anew=anew).accepted

    def states(self, data: bytes, name: str = "年度销售额.xlsx") -> list[str]:
        holding = self.preview(data, name)
        return [state for (state,) in holding.db.execute("SELECT state FROM rows ORDER BY n")]


@pytest.fixture
def door(open_at: Opener, tmp_path: Path) -> Door:
    return Door(open_at(), tmp_path)


def reports(*rows: list[str]) -> bytes:
    return workbook(sheet_of([HEADS, *rows]), "年度销售额")


def gross(ledger: Ledger, code: str) -> str:
    with ledger.store.reading() as rows:
        return str(queries.balance(ledger, rows, code, CIXI, 2024)["gross"])


def sold(ledger: Ledger, code: str) -> int:
    """What an enterprise sold, in fen, as its facts are folded."""
    from ledger.projections.enterprises import load

    with ledger.store.reading() as rows:
        groups = load(rows, [code])[code].facts.amounts["SalesReported"]
    return sum(each.total for each in groups.values())


def test_a_row_that_was_retracted_is_told_and_can_be_reported_anew(door: Door) -> None:
    name = "店铺注册.csv"
    door.record(door.preview(SHOPS.read_bytes(), name))
    before = gross(door.ledger, SHOP_CODE)
    assert ingest(door.ledger, RETRACTION, "file")[0].status == "accepted"
    assert gross(door.ledger, SHOP_CODE) == "0.00" != before

    holding = door.preview(SHOPS.read_bytes(), name)
    assert (described(holding)["counts"]["retracted"], described(holding)["counts"]["known"]) == (1, 0)
    [row] = left_out(holding)
    [fault] = [each["fault"] for each in row["faults"]]
    assert (fault.code, fault.args) == ("row.retracted", {"position": 2, "retracted_at": 3})
    assert door.record(holding) == 0, "nothing is reported anew that nobody chose"
    assert door.record(holding, row["anew"]) == 1
    assert gross(door.ledger, SHOP_CODE) == before

    assert door.states(SHOPS.read_bytes(), name) == ["known"], "the same file finds its second report"


def test_a_row_that_was_retracted_twice_is_told_each_time(door: Door) -> None:
    data = reports(REPORT)
    for _ in range(3):
        holding = door.preview(data)
        door.record(holding, *(row["anew"] for row in left_out(holding)))
        with door.ledger.store.reading() as rows:
            event_id = rows.all("SELECT key FROM event_keys ORDER BY position DESC LIMIT 1")[0][0]
        retraction = json.loads(Feed(7).retract(event_id.partition("\x1f")[2], "sales-reported"))
        retraction["source"] = retraction["data"]["of_source"] = SOURCE
        retraction["id"] = event_id[-9:]
        take(door.ledger, json.dumps(retraction).encode())
        assert door.states(data) == ["retracted"]
    assert door.states(reports(REPORT, REPORT)) == ["retracted", "retracted"]


def test_equal_rows_that_add_up_are_named_and_may_be_two_reports(door: Door) -> None:
    holding = door.preview(SALES.read_bytes())
    counts = described(holding)["counts"]
    assert (counts["new"], counts["repeated"], counts["known"]) == (1, 1, 0)
    [row] = left_out(holding)
    assert (row["row"], row["anew"]) == (3, "年度销售额!3")
    assert [(each["fault"].code, each["fault"].args) for each in row["faults"]] == [
        ("row.repeated", {"row": "2"})
    ]

    report_anew(door.ledger, holding, ["3"], lambda *_: None)
    assert described(holding)["counts"]["new"] == 2, "the preview then has it"
    total = record(door.ledger, holding, holding.read_note("preview"), lambda *_: None)
    assert total.accepted == 2
    assert sold(door.ledger, SALES_CODE) == 2 * 60_000_000_00
    assert door.states(SALES.read_bytes()) == ["known", "known"]


def test_any_of_equal_rows_may_be_another_report_and_is_found_again(door: Door) -> None:
    data = reports(REPORT, REPORT, REPORT, REPORT)
    assert door.record(door.preview(data), "年度销售额!5", "年度销售额!3") == 3
    assert sold(door.ledger, REPORT[0]) == 3 * 600_00
    assert sorted(door.states(data)) == ["known", "known", "known", "repeated"]
    assert door.states(reports(REPORT)) == ["known"]


@pytest.mark.parametrize("amount", ["600", "６００．００元", "0.06万"])
def test_one_report_in_two_spellings_is_a_repeat(door: Door, amount: str) -> None:
    assert door.states(reports(REPORT, [*REPORT[:2], amount, *REPORT[3:]])) == ["new", "repeated"]


def test_what_another_source_reported_is_named_and_may_be_another_report(door: Door) -> None:
    door.record(door.preview(reports(REPORT), source="统计局"))
    holding = door.preview(reports(REPORT))
    [row] = left_out(holding)
    [fault] = [each["fault"] for each in row["faults"]]
    assert (row["state"], fault.code, fault.args["source"]) == ("repeated", "row.reported", "统计局")
    assert door.record(holding, row["anew"]) == 1


def test_a_thing_counts_once_and_its_second_row_is_named(door: Door) -> None:
    heads = ["统一社会信用代码", "级别", "海外仓名称", "日期"]
    rows = [[Feed(7).code, "provincial", name, "2024-05-01"] for name in ("EU-1", "ＥＵ－1", "eu-1 ")]
    holding = door.preview(workbook(sheet_of([heads, *rows]), "海外仓认定"), "海外仓认定.xlsx")
    repeated = list(left_out(holding))
    assert [(row["row"], row["faults"][0]["fault"].code, row["anew"]) for row in repeated] == [
        (3, "row.same", None),
        (4, "row.same", None),
    ]


def test_a_choice_that_the_ledger_overtook_is_asked_for_again(door: Door) -> None:
    data = reports(REPORT, REPORT)
    holding = door.preview(data)
    agreed = holding.read_note("preview")
    door.record(door.preview(reports(REPORT)))
    with pytest.raises(Moved):
        record(door.ledger, holding, agreed, lambda *_: None, anew=["年度销售额!3"])
    assert holding.counts()["repeated"] == 1


def test_a_file_that_waited_before_the_upgrade_can_be_confirmed(door: Door) -> None:
    holding = door.preview(reports(REPORT))
    agreed = holding.read_note("preview")
    for column in ("own_id", "next_id"):
        holding.db.execute("DROP INDEX IF EXISTS by_id")
        holding.db.execute(f"ALTER TABLE rows DROP COLUMN {column}")
    holding.close()
    waited = Holding.open_file(door.folder / "rows-1")
    assert waited.read_note("preview") == agreed
    assert door.record(waited) == 1


# --- API, console, command line ------------------------------------------------------------------


def test_the_confirmation_of_the_api_names_rows_to_report_anew(api: Api) -> None:
    officer = api.by("林晓", "officer")
    said = sent(officer, SALES.read_bytes())
    [row] = said["preview"]["left_out"]
    assert (row["state"], row["faults"][0]["code"], row["anew"]) == (
        "repeated",
        "row.repeated",
        "年度销售额!3",
    )
    path = f"/v1/sheets/{said['sheet']}/confirmation"
    body = {"preview": said["preview"]["preview"], "anew": ["年度销售额!9"]}
    assert officer.post(path, body, 422)["faults"][0]["code"] == "row.anew"
    officer.post(path, {**body, "anew": [row["anew"]]})
    assert until(officer, said["sheet"], "recorded")["recorded"]["accepted"] == 2


def test_the_console_has_a_tick_for_each_row_to_report_anew(api: Api) -> None:
    client = working(api, "officer")
    where = uploaded(client, SALES.read_bytes(), "年度销售额.xlsx").headers["Location"]
    page = settled(client, where)
    assert "重复行" in page
    [place] = re.findall(r'name="anew" value="([^"]+)"', page)
    [preview_] = re.findall(r'name="preview" value="([^"]+)"', page)
    form = {"csrf_token": token_of(page), "preview": preview_, "anew": html.unescape(place)}
    client.post(where, data=form)
    assert "入账 2 行" in settled(client, where)


def test_the_command_says_retracted_and_reports_anew(tmp_path: Path) -> None:
    database = str(tmp_path / "cli.db")
    ledger = open_ledger(database, clock=lambda: datetime(2031, 1, 1, tzinfo=UTC))
    adopt_policy(ledger, CIXI_TEXT)
    ledger.close()

    def command(*words: str) -> str:
        done = CliRunner().invoke(main, ["--database", database, "ingest", *words])
        assert done.exit_code == 0, done.output
        return done.output

    sheet = (str(SHOPS), "--source", SOURCE, "--type", "store-registered")
    command(*sheet, "--yes")
    command(str(FAULTS / "retraction-of-sheet-row.ndjson"))
    said = command(*sheet)
    assert "已撤回 1" in said
    assert "row.retracted" in said
    assert "--anew" in said
    told = json.loads(command(*sheet, "--anew", "retracted", "--yes", "--json"))
    assert told["recorded"]["accepted"] == 1
    assert json.loads(command(*sheet, "--json"))["counts"]["known"] == 1


# --- messages -------------------------------------------------------------------------------------


def test_a_message_that_repeats_what_was_retracted_is_told_so(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    shop = feed.shop("tmall", "某店", "2024-03-01")
    take(ledger, shop, feed.retract("e1-1", "store-registered"))

    for channel in ("file", "kafka"):
        [[result]] = ingest_all(ledger, iter([shop]), channel)
        assert (result.status, [each.code for each in result.faults]) == (
            "duplicate",
            ["identity.retracted"],
        )
    answer = Api(ledger).post("/v1/events", b"[" + shop + b"]", 200, BATCH)
    [said] = answer["results"]
    assert (said["status"], said["faults"][0]["code"]) == ("duplicate", "identity.retracted")
    assert said["faults"][0]["mend"]
    again = json.loads(shop)
    again["id"] = "e1-anew"
    assert ingest(ledger, [json.dumps(again).encode()], "file")[0].status == "accepted"


def test_a_message_retracted_in_the_batch_that_repeats_it_is_told_so(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    shop, other = feed.shop("tmall", "某店", "2024-03-01"), feed.shop("tmall", "别店", "2024-03-01")
    results = ingest(ledger, [shop, other, feed.retract("e1-1", "store-registered"), shop, other], "file")
    assert [[each.code for each in result.faults] for result in results] == [
        [],
        [],
        [],
        ["identity.retracted"],
        [],
    ]


# --- two sources of one amount ----------------------------------------------------------------------


def test_the_preview_notes_an_amount_that_another_source_reported(door: Door) -> None:
    door.record(door.preview(reports(REPORT), source="统计局"))
    holding = door.preview(reports([*REPORT[:5], "2024-03-06"]))
    assert described(holding)["counts"]["new"] == 1
    assert described(holding)["disagreements"] == {"noted": 1, "held": 0}
    assert doubtful(holding)[0]["kind"] == "reported-twice"
