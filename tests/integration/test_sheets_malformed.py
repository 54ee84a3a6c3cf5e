"""Every kind of cell, row and file that offices send: understood, or refused with its reason.

The cases are data: ``tests/data/sheets``.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.intake.sheets import marking, template
from ledger.intake.sheets.faults import SheetError
from ledger.intake.sheets.files import cells
from ledger.intake.sheets.files.cells import Cell
from ledger.intake.sheets.holding import STATES, HeldRow, Holding
from ledger.intake.sheets.previewing import preview, reading_of
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.intake.sheets.understanding import Place, Unit, read_cell
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.lengths import length_of
from tests.xlsx import sheet_of, text, workbook

HERE = Path(__file__).parent.parent / "data" / "sheets"
NOW = datetime(2025, 6, 1, tzinfo=UTC)
CODE = Feed(7).code
SHOP = {"统一社会信用代码": CODE, "平台": "天猫", "类别": "旗舰店", "店铺名称": "某店", "日期": "2024-03-05"}
SALES = {
    "统一社会信用代码": CODE,
    "年度": "2024",
    "金额": "1",
    "币种": "CNY",
    "渠道": "网络销售",
    "报送日期": "2025-01-05",
}
OF_CURRENCY = {
    "CNY": {},
    "USD": {"币种": "USD", "渠道": "自主品牌独立站出口"},
    "HKD": {"币种": "港元"},
}
KEYS = {"统一社会信用代码": "subject", "平台": "platform", "店铺名称": "shop", "日期": "on"}
PIECES = {
    "{code}": CODE,
    "{wide}": "".join(chr(ord(letter) + 0xFEE0) for letter in CODE),
    "{small}": CODE.lower(),
    "{spaced}": f"{CODE[:4]} {CODE[4:8]}　{CODE[8:]}",
    "{unchecked}": CODE[:17] + ("A" if CODE[17] != "A" else "B"),
    "{long}": "长" * 201,
}


def cases(name: str) -> list[Any]:
    found: list[dict[str, str]] = yaml.safe_load((HERE / f"{name}.yaml").read_text("utf-8"))
    return [pytest.param(each, id=each["case"]) for each in found]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = open_ledger(str(tmp_path_factory.mktemp("sheets") / "ledger.db"), clock=lambda: NOW)
    adopt_policy(opened, CIXI_TEXT)
    yield opened
    opened.close()


Taken = Callable[..., list[HeldRow]]


@pytest.fixture
def taken(ledger: Ledger, tmp_path: Path) -> Iterator[Taken]:
    """Preview bytes of a file; its rows come back."""
    opened: list[Holding] = []

    def take(data: bytes, name: str = "店铺注册.xlsx", wanted: str | None = None) -> list[HeldRow]:
        path = tmp_path / "file"
        path.write_bytes(data)
        (tmp_path / "rows").unlink(missing_ok=True)
        holding = Holding.open_file(tmp_path / "rows")
        opened.append(holding)
        preview(ledger, reading_of(ledger, path, name, "urn:t", wanted), holding, lambda *_: None)
        marked = tmp_path / "marked.xlsx"
        marking.mark(path, bool(holding.read_note("is_text")), holding, marked)
        assert zipfile.is_zipfile(marked)
        return list(holding.rows_in(STATES))

    yield take
    for each in opened:
        each.close()


def filled(said: str) -> str:
    for mark, piece in PIECES.items():
        said = said.replace(mark, piece)
    return said


def shop_sheet(**changed: str) -> bytes:
    row = {**SHOP, **changed}
    return workbook(sheet_of([list(row), list(row.values())]))


def message(held: HeldRow) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(held.raw)
    return {**said["data"], "subject": said.get("subject")}


def outcome(held: HeldRow) -> tuple[str, list[str]]:
    return held.state, [each.fault.code for each in held.marked]


@pytest.mark.parametrize("case", cases("rows"))
def test_a_cell_is_understood_or_refused_with_its_reason(taken: Taken, case: dict[str, str]) -> None:
    [held] = taken(shop_sheet(**{case["column"]: filled(case["cell"])}))

    if "code" in case:
        assert outcome(held) == ("wrong", [case["code"]])
        assert held.marked[0].column == list(SHOP).index(case["column"]) + 1
    else:
        assert outcome(held) == ("new", [])
        assert message(held)[KEYS[case["column"]]] == filled(case["reads"])


@pytest.mark.parametrize("case", cases("amounts"))
def test_an_amount_keeps_every_fen_or_is_refused(taken: Taken, case: dict[str, str]) -> None:
    heads = [f"金额（{case['unit']}）" if head == "金额" and "unit" in case else head for head in SALES]
    row = {**SALES, "金额": case["cell"], **OF_CURRENCY[case.get("currency", "CNY")]}
    [held] = taken(workbook(sheet_of([heads, list(row.values())]), "年度销售额"))

    if "code" in case:
        assert outcome(held) == ("wrong", [case["code"]])
        assert held.marked[0].column == 3
    else:
        assert outcome(held) == ("new", [])
        assert message(held)["amount"] == case["reads"]


def test_a_claim_that_names_no_currency_is_in_one_that_policies_pay(taken: Taken) -> None:
    row = {
        "统一社会信用代码": CODE,
        "申报编号": "1号",
        "政策编号": CIXI,
        "条款编号": "standard.cixi",
        "申报事项": "标准",
        "年度": "2024",
        "金额": "US$5000",
        "报送日期": "2025-01-05",
    }
    [held] = taken(workbook(sheet_of([list(row), list(row.values())]), "申报提交"))

    assert outcome(held) == ("wrong", ["cell.currency"])


ROW = list(SHOP.values())
LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
)
FILES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "ole": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "macros": lambda: workbook(sheet_of([list(SHOP), ROW]), parts={"xl/vbaProject.bin": b"x"}),
    "other_zip": lambda: workbook("", parts={"xl/workbook.xml": None}),
    "broken_off": lambda: shop_sheet()[:900],
    "broken_sheet": lambda: workbook(sheet_of([list(SHOP), ROW])[:-40]),
    "lost_sheet": lambda: workbook("", parts={"xl/worksheets/sheet1.xml": None}),
    "lost_text": lambda: shop_sheet(日期='<c t="s"><v>7</v></c>'),
    "laughs": lambda: workbook(sheet_of([list(SHOP), ROW]).replace("<worksheet", LAUGHS + "<worksheet")),
    "external_entity": lambda: workbook(
        sheet_of([list(SHOP), ROW]).replace(
            "<worksheet", '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet'
        )
    ),
    "styles_entity": lambda: workbook(
        sheet_of([list(SHOP), ROW]), parts={"xl/styles.xml": '<!DOCTYPE s [<!ENTITY a "b">]><styleSheet/>'}
    ),
    "bomb": lambda: workbook(sheet_of([list(SHOP), ROW]), parts={"xl/styles.xml": b" " * 20_000_000}),
    "far_row": lambda: workbook(sheet_of([list(SHOP), ROW]).replace('<row r="2">', '<row r="9999999">')),
    "many_merges": lambda: workbook(
        sheet_of(
            [list(SHOP), ROW], '<mergeCells><mergeCell ref="A1:B2"/>' + '<mergeCell ref="A1:B2"/>' * 50_001
        )
    ),
    "crossed_merges": lambda: workbook(
        sheet_of(
            [list(SHOP), ROW, ROW],
            '<mergeCells><mergeCell ref="A2:B3"/><mergeCell ref="B3:C3"/></mergeCells>',
        )
    ),
    "no_headings": lambda: workbook(sheet_of([["甲", "乙"], ["1", "2"]])),
    "only_headings": lambda: workbook(sheet_of([list(SHOP)])),
    "unknown_column": lambda: workbook(sheet_of([[*SHOP, "星座"], [*ROW, "白羊"]])),
    "twice": lambda: workbook(sheet_of([[*SHOP, "平台"], [*ROW, "天猫"]])),
    "twice_in_two": lambda: workbook(sheet_of([[*SHOP, "platform"], [*ROW, "天猫"]])),
    "missing_column": lambda: workbook(sheet_of([list(SHOP)[:-1], ROW[:-1]])),
    "nameless": lambda: workbook(
        sheet_of([[*SALES, "", "备注"], [*SALES.values(), "9710", ""]]), "年度销售额"
    ),
    "beyond": lambda: workbook(sheet_of([list(SHOP), ROW, [*ROW[:4], ROW[4], "", "看这里"]])),
    "renamed": lambda: workbook(sheet_of([list(SHOP), ROW]), "企业登记信息"),
    "renamed_kin": lambda: workbook(sheet_of([[*SHOP, "报送日期"], [*ROW, ROW[4]]]), "企业登记信息"),
    "page": lambda: b"\r\n<html xmlns:x='urn:schemas-microsoft-com:office:excel'><table><tr><td>a</td></tr>",
    "marked_page": lambda: b"\xef\xbb\xbf<!DOCTYPE html><html></html>",
    "one_xml": lambda: (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
    ),
    "other_order": lambda: workbook(
        sheet_of([list(SHOP), ROW, [*list(SHOP)[::-1], "备注"], [*ROW[::-1], ""]]),
    ),
    "unit": lambda: workbook(
        sheet_of([[f"{h}（斤）" if h == "金额" else h for h in SALES], list(SALES.values())]), "年度销售额"
    ),
    "either": lambda: workbook(
        sheet_of([["统一社会信用代码", "分公司名称", "日期"], [CODE, "某分公司", "2024-03-05"]]), "Sheet1"
    ),
    "utf16": lambda: "统一社会信用代码,平台\n".encode("utf-16"),
    "utf16_unmarked": lambda: "统一社会信用代码,平台\n".encode("utf-16-le"),
    "big5": lambda: "統一社會信用代碼,平臺,類別,店鋪名稱,日期\n".encode("big5"),
    "big5_name": lambda: f"subject,platform,kind,shop,on\n{CODE},tmall,flagship,旗艦店,2024-03-05".encode(
        "big5"
    ),
    "bytes_": lambda: b"abc\xff\xff\xff,\x81\n",
    "open_quote": lambda: f'{",".join(SHOP)}\n{CODE},"天猫,旗舰店,某店,2024-03-05\n'.encode(),
}


@pytest.mark.parametrize("case", cases("files"))
def test_a_file_that_cannot_be_read_says_why(taken: Taken, case: dict[str, str]) -> None:
    with pytest.raises(SheetError) as raised:
        taken(FILES[case["make"]]())

    assert [fault.code for fault in raised.value.faults] == [case["code"]]
    for fault in raised.value.faults:
        for language in ("zh", "en"):
            words = fault.words(language)
            assert words["rule"]
            assert words["mend"]


def test_exchanged_headings_are_found_by_the_words_below_them(taken: Taken) -> None:
    heads = list(SHOP)
    heads[1], heads[2] = heads[2], heads[1]

    [held] = taken(workbook(sheet_of([heads, ROW])))

    assert [(each.fault.code, each.column) for each in held.marked] == [("cell.list", 2), ("cell.list", 3)]
    fault = held.marked[0].fault
    assert "平台" in fault.words("zh")["rule"]
    assert "platform" in fault.words("en")["rule"]
    assert "旗舰店、专营店" in fault.words("zh")["mend"]
    assert "flagship store, specialty store" in fault.words("en")["mend"]


def test_a_level_of_a_warehouse_is_no_kind_of_shop(taken: Taken) -> None:
    heads = ["统一社会信用代码", "级别", "海外仓名称", "日期"]
    rows = [[CODE, level, "某仓", "2024-03-05"] for level in ("旗舰店", "省级", "county")]

    found = taken(workbook(sheet_of([heads, *rows]), "海外仓认定"))

    assert outcome(found[0]) == ("wrong", ["cell.list"])
    assert [message(held)["level"] for held in found[1:]] == ["provincial", "county"]


def test_the_choices_of_a_list_are_told_in_the_readers_language(taken: Taken) -> None:
    [held] = taken(shop_sheet(平台="某平台"))

    fault = held.marked[0].fault
    assert "天猫、京东、跨境平台" in fault.words("zh")["rule"]
    assert fault.words("en")["rule"] == "is none of: Tmall, JD, cross-border platform"


def test_columns_stand_in_any_order_in_either_language_and_below_a_title(taken: Taken) -> None:
    heads = ["date", "店铺名称*", "kind", "platform *", "subject", "备注"]
    row = ["2024/3/5", "某店", "旗舰店", "天猫", CODE, ""]
    data = workbook(
        sheet_of([["2024年店铺汇总表"], [], heads, row], '<mergeCells><mergeCell ref="A1:F1"/></mergeCells>')
    )

    [held] = taken(data)

    assert outcome(held) == ("new", [])
    assert held.row == 4
    assert message(held) == {
        "platform": "tmall",
        "kind": "flagship",
        "shop": "某店",
        "on": "2024-03-05",
        "subject": CODE,
    }


def test_the_example_the_second_heading_and_blank_rows_are_not_read(taken: Taken) -> None:
    heads = ["备注", *SHOP]
    english = ["note", "credit code", "platform", "kind", "shop", "date"]
    rows = [heads, english, ["示例（不读取）", *ROW], ["", "", "　"], ["只有备注"], ["", *ROW]]

    [held] = taken(workbook(sheet_of(rows)))

    assert (held.row, held.state) == (6, "new")


def test_a_row_of_totals_is_refused_and_not_taken_for_a_fact(taken: Taken) -> None:
    found = taken(workbook(sheet_of([list(SHOP), ROW, ["合计", "", "", "1", ""]])))

    assert [outcome(held) for held in found] == [("new", []), ("wrong", ["row.total"])]


def test_a_cell_merged_downwards_holds_for_each_row_and_one_merged_sideways_for_none(taken: Taken) -> None:
    rows = [list(SHOP), ROW, ["", *ROW[1:3], "二店", ROW[4]], [*ROW[:3], "三店", ""]]
    merges = '<mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="D4:E4"/></mergeCells>'

    found = taken(workbook(sheet_of(rows, merges)))

    assert [held.state for held in found] == ["new", "new", "wrong"]
    assert message(found[1])["subject"] == CODE
    assert {(each.fault.code, each.column) for each in found[2].marked} == {
        ("cell.merged", 4),
        ("cell.merged", 5),
    }


def test_merged_ranges_cost_at_most_what_their_columns_do(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged: list[int] = []
    monkeypatch.setattr(cells, "_merge", lambda *said: merged.append(said[-1]))
    ranges = [f"{cells.letters(column)}2:{cells.letters(column)}101" for column in range(7, 2_007)]
    behind = "".join(f'<mergeCell ref="{each}"/>' for each in ranges)
    rows = [list(SHOP), *([*ROW[:3], f"{number}店", ROW[4]] for number in range(100))]

    found = taken(workbook(sheet_of(rows, f"<mergeCells>{behind}</mergeCells>")))

    assert len(found) == 100
    assert max(merged.count(number) for number in range(2, 102)) <= cells.COLUMNS_MAX


def test_days_since_1904_are_counted_from_there(taken: Taken) -> None:
    data = workbook(
        sheet_of([list(SHOP), [*ROW[:4], '<c s="1"><v>43894</v></c>']]), properties=' date1904="1"'
    )

    [held] = taken(data)

    assert message(held)["on"] == "2024-03-05"


@pytest.mark.parametrize("style", ["", ' s="1"'])
def test_a_day_since_1904_needs_no_format_of_a_date(taken: Taken, style: str) -> None:
    rows = [[*ROW[:4], f"<c{style}><v>{serial}</v></c>"] for serial in ("43894", "44195.999998842592")]
    data = workbook(sheet_of([list(SHOP), *rows]), properties=' date1904="1"')

    assert [message(held)["on"] for held in taken(data)] == ["2024-03-05", "2024-12-31"]


def test_ids_keep_the_zeros_that_are_shown(taken: Taken) -> None:
    ids = ['<c s="3"><v>123</v></c>', "'0000124", '<c s="6"><v>12000</v></c>', '<c s="1"><v>45356</v></c>']
    rows = [[*ROW[:3], f"店{n}", ROW[4], cell] for n, cell in enumerate(ids)]
    data = workbook(sheet_of([[*SHOP, "行编号"], *rows]))

    found = taken(data)

    assert [held.event_id for held in found[:2]] == ["0000123", "0000124"]
    assert [outcome(held) for held in found[2:]] == [("wrong", ["cell.format"]), ("wrong", ["cell.date"])]


@pytest.mark.parametrize("marks", ["\ufeff", "\ufeff\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_marks_of_an_encoding_are_no_part_of_a_heading(taken: Taken, encoding: str, marks: str) -> None:
    [held] = taken(
        f'{marks}"{",".join(SHOP).replace(",", chr(34) + "," + chr(34))}"\n{",".join(ROW)}'.encode(encoding),
        "店铺注册.csv",
    )

    assert outcome(held) == ("new", [])


@pytest.mark.parametrize("name", ["某店", "旗舰店", "宁波家电", "宝玥（慈溪）店", "喆"])
def test_names_in_gb18030_are_not_taken_for_big5(taken: Taken, name: str) -> None:
    [held] = taken(
        f"subject,platform,kind,shop,on\n{CODE},tmall,flagship,{name},2024-03-05".encode("gb18030"),
        "店铺注册.csv",
    )

    assert message(held)["shop"] == name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_csv_is_read_as_chinese_offices_save_it(taken: Taken, encoding: str, separator: str) -> None:
    lines = [separator.join(SHOP), separator.join(ROW), separator.join([*ROW[:3], '"某""店"', ROW[4]])]

    found = taken("\r\n".join(lines).encode(encoding), "三月 店铺注册.csv")

    assert [held.state for held in found] == ["new", "new"]
    assert message(found[1])["shop"] == '某"店'


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize(
    "above",
    ["", "2024年第一季度，店铺注册情况（周巷镇，观海卫镇，宗汉街道，浒山街道，坎墩）", "a;b;c,d;e,f;g,h,i"],
)
def test_csv_may_have_a_title_of_any_kind_above_its_headings(
    taken: Taken, separator: str, above: str
) -> None:
    lines = [above, separator.join(SHOP), separator.join([*ROW[:3], '"某,店;甲"', ROW[4]])]

    [held] = taken("\n".join(lines).encode(), "店铺注册.csv")

    assert outcome(held) == ("new", [])
    assert message(held)["shop"] == "某,店;甲"


def test_a_table_that_was_taken_for_another_says_which(taken: Taken) -> None:
    with pytest.raises(SheetError) as raised:
        taken(FILES["renamed"]())

    [fault] = raised.value.faults
    assert "企业登记信息" in fault.words("zh")["rule"]
    assert "店铺注册" in fault.words("zh")["rule"]
    assert fault.words("en")["rule"].endswith("has the columns of: Store registered")


def book_of(*sheets: tuple[str, str, list[list[str]]]) -> bytes:
    """A workbook of several sheets: (name, state, rows)."""
    import openpyxl

    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, state, rows in sheets:
        sheet = made.create_sheet(name)
        sheet.sheet_state = state
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


SHOPS = [list(SHOP), ROW]
PASSED: list[tuple[str, str, list[list[str]], list[str]]] = [
    # name and state of a sheet, its rows, and what is told of it
    ("店铺注册2", "hidden", SHOPS, ["hidden"]),
    ("店铺注册3", "veryHidden", SHOPS, ["hidden"]),
    ("附表", "hidden", [["随便"]], ["hidden"]),
    ("空表", "hidden", [], []),
    ("选项 Lists", "hidden", [["StoreRegistered.kind"], ["旗舰店"]], []),
    ("说明及店铺", "visible", [["填表说明"], *SHOPS], ["help"]),
    ("说明", "visible", [["请填写平台、店铺名称"], ["店铺名称", "shop", "必填"]], []),
    ("附图", "visible", [["随便"]], ["headings"]),
    ("空白", "visible", [], []),
]


@pytest.mark.parametrize("case", PASSED, ids=lambda case: case[0])
def test_a_sheet_with_rows_is_never_passed_over_without_a_word(
    taken: Taken, tmp_path: Path, case: tuple[str, str, list[list[str]], list[str]]
) -> None:
    name, state, rows, told = case

    [held] = taken(book_of(("店铺注册", "visible", SHOPS), (name, state, rows)))

    assert held.sheet == "店铺注册"
    with closing(Holding.open_file(tmp_path / "rows")) as holding:
        assert holding.read_note("passed") == [[name, why] for why in told]


@pytest.mark.parametrize("family", SHIPPED_TABLES.families)
def test_the_help_and_lists_of_a_template_are_no_sheets_that_were_passed_over(
    taken: Taken, tmp_path: Path, family: str
) -> None:
    template.write_template(family, tmp_path / "template.xlsx")

    with pytest.raises(SheetError) as raised:
        taken((tmp_path / "template.xlsx").read_bytes())

    assert [fault.code for fault in raised.value.faults] == ["sheet.nothing"]


def test_a_workbook_whose_rows_are_all_hidden_says_so(taken: Taken) -> None:
    with pytest.raises(SheetError) as raised:
        taken(book_of(("封面", "visible", [["封面"]]), ("店铺注册", "hidden", SHOPS)))

    assert [(fault.code, fault.field) for fault in raised.value.faults] == [
        ("sheet.headings", "封面"),
        ("sheet.passed", "店铺注册"),
    ]


def test_a_table_is_known_by_its_columns_or_by_what_the_sender_says(taken: Taken) -> None:
    plain = "\n".join([",".join(SHOP), ",".join(ROW)]).encode()
    branch = f"统一社会信用代码,分公司名称,日期\n{CODE},某分公司,2024-03-05\n".encode()

    assert taken(plain, "export.csv")[0].name == "StoreRegistered"
    assert taken(branch, "x.csv", "AboveQuotaAdmitted")[0].name == "AboveQuotaAdmitted"


def test_the_same_matter_with_other_content_is_contradictory_and_the_same_again_is_told(
    taken: Taken,
) -> None:
    rows = [list(SHOP), ROW, ROW, [*ROW[:4], "2024-03-06"]]

    found = taken(workbook(sheet_of(rows)))

    assert [outcome(held) for held in found] == [
        ("new", []),
        ("repeated", ["row.same"]),
        ("contradictory", ["matter.file"]),
    ]
    assert found[2].marked[0].column == 5


def test_a_text_that_looks_like_a_formula_goes_back_as_a_text(ledger: Ledger, tmp_path: Path) -> None:
    import openpyxl

    lines = [",".join(SHOP), ",".join([CODE, "天猫", "旗舰店", "=1+1", "昨天"])]
    (tmp_path / "店铺注册.csv").write_text("\n".join(lines), "utf-8")
    holding = Holding.open_file(tmp_path / "rows")
    reading = reading_of(ledger, tmp_path / "店铺注册.csv", "店铺注册.csv", "urn:t")
    preview(ledger, reading, holding, lambda *_: None)
    marking.mark(reading.path, True, holding, tmp_path / "out.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    by_head = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (by_head["店铺名称*"].value, by_head["店铺名称*"].data_type) == ("=1+1", "s")
    assert by_head["日期*"].comment is not None
    holding.close()


ID = "行编号"
RETURNED: dict[str, tuple[dict[str, str], str]] = {
    # case: (cells of a wrong row, the row id that it comes back with)
    "a control character in the id": ({ID: "x_x0001_y", "日期": "昨天"}, "xy"),
    "an id that reads like a formula": ({ID: '=HYPERLINK("http://x","y")', "日期": "昨天"}, ""),
    "a control character in a code": ({ID: "a", "统一社会信用代码": "9.13_x000B_303E+17"}, "a"),
}


@pytest.mark.parametrize("case", RETURNED)
def test_whatever_a_row_holds_it_comes_back_marked_as_plain_text(
    taken: Taken, tmp_path: Path, case: str
) -> None:
    import openpyxl

    changed, kept = RETURNED[case]
    row = {**SHOP, **changed}

    [held] = taken(workbook(sheet_of([list(row), list(row.values())])))

    sheet = openpyxl.load_workbook(tmp_path / "marked.xlsx").worksheets[0]
    by_head = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (by_head[ID].value, by_head[ID].data_type) == (kept or held.event_id, "s")
    assert by_head["问题"].data_type == "s"
    assert held.marked[0].fault.code in str(by_head["问题"].value)


def test_rows_whose_ids_are_merged_come_back_with_an_id_each(taken: Taken, tmp_path: Path) -> None:
    import openpyxl

    wrong = [*ROW[:4], "昨天"]
    merges = '<mergeCells><mergeCell ref="F2:F3"/></mergeCells>'
    taken(workbook(sheet_of([[*SHOP, ID], [*wrong, "a"], [*wrong, ""]], merges)))

    sheet = openpyxl.load_workbook(tmp_path / "marked.xlsx").worksheets[0]
    assert [sheet["F2"].value, sheet["F3"].value] == ["a", "a"]


def test_a_character_that_is_none_stays_as_it_is_written_and_a_pair_is_one(taken: Taken) -> None:
    found = taken(shop_sheet(店铺名称="a_xD800_b")) + taken(shop_sheet(店铺名称="a_xD83D__xDE00_b"))

    assert [message(held)["shop"] for held in found] == ["a_xD800_b", "a\U0001f600b"]


def test_a_workbook_merged_without_end_comes_back_made_anew(taken: Taken, tmp_path: Path) -> None:
    import openpyxl

    merges = '<mergeCells><mergeCell ref="G3:XFD1048576"/></mergeCells>'
    [held] = taken(workbook(sheet_of([list(SHOP), [*ROW[:4], "昨天"]], merges)))

    assert held.state == "wrong"
    assert openpyxl.load_workbook(tmp_path / "marked.xlsx").worksheets[0].title != "店铺注册"


PRINTED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")
"""What no XML holds."""
KINDS = ("text", "number", "date", "truth", "error", "merged", "formula", "external")
CELLS = st.builds(
    Cell,
    st.sampled_from(KINDS),
    st.one_of(
        st.text(max_size=60),
        st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{0,20})?(E[+-]?[0-9]{1,6})?", fullmatch=True),
        st.from_regex(r"[（(]?[¥￥]?[0-9０-９,，]{0,9}[.．]?[0-9]{0,4}[万亿]?元?[)）]?", fullmatch=True),
        st.from_regex(
            r"[0-9]{1,6}[年/.-]?[0-9]{0,3}[月/.-]?[0-9]{0,3}[日号]?[ T]?[0-9:]{0,9}", fullmatch=True
        ),
    ),
)


@settings(
    max_examples=length_of("SUBSIDY_TEST_CELLS"), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    cell=CELLS,
    name=st.sampled_from(list(SHIPPED_TABLES.by_name)),
    since=st.booleans(),
    scale=st.sampled_from([1, 10_000]),
)
def test_no_cell_is_an_error_of_ours(cell: Cell, name: str, since: bool, scale: int) -> None:
    table = SHIPPED_TABLES.by_name[name]
    for column in table.columns:
        if column.field is not None:
            said = read_cell(Place(SHIPPED_TABLES, table, column, Unit(scale), since), cell)
            assert (
                (said.value is None) == (said.fault is not None)
                or said == (None, None)
                or said.value is not None
            )
            json.dumps(said.value)
            if said.fault:
                assert said.fault.words("zh")["mend"]


@settings(
    max_examples=length_of("SUBSIDY_TEST_SHEETS"), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(values=st.lists(st.lists(st.text(max_size=30), min_size=5, max_size=5), min_size=1, max_size=4))
def test_no_row_is_an_error_of_ours(
    ledger: Ledger, tmp_path_factory: pytest.TempPathFactory, values: Any
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "店铺注册.xlsx"
    clean = [[text(PRINTED.sub("", value)) for value in row] for row in values]
    path.write_bytes(workbook(sheet_of([list(SHOP), *clean])))
    holding = Holding.open_file(folder / "rows")
    with closing(holding), suppress(SheetError):
        preview(ledger, reading_of(ledger, path, path.name, "urn:t"), holding, lambda *_: None)
        assert sum(holding.counts().values()) <= len(values)
        marking.mark(path, False, holding, folder / "out.xlsx")
