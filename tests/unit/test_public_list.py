"""The public list: masked, exact, safe, the same in both forms, and of a bounded size in memory."""

from __future__ import annotations

import csv
import io
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money.amounts import print_fen
from domain.money.capitals import capitals
from domain.things.masking import code_masked, person_masked
from ledger.export import finance_summary, official, public_list
from ledger.export.books import NotExportable
from ledger.export.file_faults import FORMULA_STARTS
from ledger.export.finance_summary import Account
from ledger.export.public_list import FIRST_ROW, SHEET, MeasureShare, PublicLine, masked
from tests.lengths import length_of
from tests.settled import accounts, code, parts, public_head, public_lines, summary_head

BOTH = ("code", "person")


def payable(count: int) -> int:
    """What the list's enterprises are paid, in fen."""
    return sum(line.payable for line in public_lines(count))


def as_csv(lines: list[PublicLine], mask: tuple[str, ...] = ()) -> list[list[str]]:
    out = io.StringIO(newline="")
    head = public_head(len(lines), sum(line.payable for line in lines))
    public_list.write_csv(out, head, lines, mask)
    assert out.getvalue().startswith("\ufeff")
    return list(csv.reader(io.StringIO(out.getvalue()[1:])))


def as_sheet(lines: list[PublicLine], path: Path, mask: tuple[str, ...] = ()) -> Any:
    head = public_head(len(lines), sum(line.payable for line in lines))
    public_list.write_xlsx(path, head, lines, mask)
    return openpyxl.load_workbook(path)[SHEET]


# --- masking ---


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("张三", "张*"),
        ("王小明", "王**"),
        ("王小明（个体工商户）", "王**（个体工商户）"),
        ("欧阳修", "欧阳*"),
        ("张三百货店", "张*百货店"),
        ("欧阳锋电子商务工作室", "欧阳*电子商务工作室"),
        ("慈溪市张三", "慈溪市张*"),
        ("慈溪市周巷镇李小明食品经营部", "慈溪市周巷镇李**食品经营部"),
        # the place is not the town's, and no word of a place follows it
        ("慈溪市浒山张三百货店", "慈溪市浒山张*百货店"),
        ("慈溪张小明食品店", "慈溪张**食品店"),
        # the trade is not known: the two characters that may be the given name
        ("张三丰航模俱乐城", "张**航模俱乐城"),
        # no person
        ("大众超市", "大众超市"),
        ("东方电子商务工作室", "东方电子商务工作室"),
        ("", ""),
    ],
)
def test_a_persons_given_name_is_hidden(name: str, hidden: str) -> None:
    assert person_masked(name) == hidden


@given(
    st.sampled_from(["", "慈溪市", "慈溪市周巷镇", "浙江省慈溪市浒山街道", "慈溪"]),
    st.sampled_from(["张", "王", "李", "陈", "罗", "岑", "欧阳", "诸葛"]),
    st.text("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂", min_size=1, max_size=2),
    st.sampled_from(["百货店", "食品经营部", "电子商务商行", "服装店", "（个体工商户）", ""]),
)
def test_no_given_name_is_left_in_a_shops_name(place: str, surname: str, given: str, trade: str) -> None:
    if place == "慈溪" and trade in ("", "（个体工商户）"):
        return  # nothing tells where the place ends
    assert person_masked(f"{place}{surname}{given}{trade}") == f"{place}{surname}{'*' * len(given)}{trade}"


def test_only_what_is_asked_for_is_hidden_and_companies_keep_their_names() -> None:
    company, shop = code(1), code(2, "92")
    line = PublicLine(company, "张三百货店", "", [], 0, 0, 0, 0)

    assert masked(line, ()) == line
    assert masked(line, BOTH) == line._replace(code=code_masked(company))
    assert masked(line._replace(code=shop), ("person",)).name == "张*百货店"
    assert masked(line._replace(code=shop), ("code",)).name == "张三百货店"


def test_the_middle_of_a_code_is_hidden() -> None:
    assert code_masked("91330282MAR8GCEW45") == "91330282******EW45"
    assert code_masked("12345") == "*****"


def test_a_mask_that_would_hide_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="persons"):
        masked(next(public_lines(1)), ("persons",))


# --- CSV ---


def test_the_csv_is_exact_and_masked() -> None:
    lines = list(public_lines(7))
    rows = as_csv(lines, BOTH)

    assert rows[0] == [*public_list.HEADS, *(f"{head}（元）" for head in public_list.MONEY_HEADS)]
    assert [row[5:] for row in rows[1:]] == [[print_fen(fen) for fen in line.sums] for line in lines]
    assert rows[5][1:4] == [code_masked(lines[4].code), "慈溪市周巷镇李**食品经营部", "周巷镇"]
    assert rows[2][4].split("；") == [
        "年度网络零售额达标奖励 1,000,050.01／359,087.01",
        "新注册京东店铺 1,000,000.01／359,087.01",
    ]


# --- both forms ---


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_text_becomes_a_formula(start: str, tmp_path: Path) -> None:
    said = f'{start}HYPERLINK("http://x","y")'
    line = PublicLine(said, said, said, [MeasureShare(said, 2, 1)], 2, 0, 1, 1)

    rows = as_csv([line])
    sheet = as_sheet([line], tmp_path / "list.xlsx")

    assert not any(value.startswith(FORMULA_STARTS) for value in rows[1])
    shown = [sheet.cell(FIRST_ROW, column) for column in (2, 3, 4, 5)]
    assert [(cell.data_type, cell.quotePrefix) for cell in shown] == [("s", True)] * 4
    formulas = {cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"}
    assert formulas == {f"=SUM({letter}{FIRST_ROW}:{letter}{FIRST_ROW})" for letter in "FGHI"}


@pytest.mark.parametrize(
    "change", [{"payable": 2}, {"gross": 3}, {"withheld": 1}, {"measures": [MeasureShare("x", 2, 2)]}]
)
def test_a_line_that_does_not_add_up_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    line = PublicLine(code(1), "甲", "", [MeasureShare("x", 2, 1)], 2, 0, 1, 1)._replace(**change)

    with pytest.raises(NotExportable, match="合计不符"):
        as_csv([line])
    with pytest.raises(NotExportable, match="合计不符"):
        as_sheet([line], tmp_path / "list.xlsx")
    assert not (tmp_path / "list.xlsx").exists()


@pytest.mark.parametrize(("count", "more"), [(2, 0), (3, 1)])
def test_a_list_of_other_sums_than_its_head_is_refused_and_leaves_nothing(
    count: int, more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    head = public_head(count, payable(3) + more)

    with pytest.raises(NotExportable, match="不符"):
        public_list.write_xlsx(tmp_path / "list.xlsx", head, public_lines(3), ())
    assert list(tmp_path.iterdir()) == []


# --- the sheet ---


def test_the_sheet_is_printed_on_a4_across_with_its_heads_on_every_page(tmp_path: Path) -> None:
    sheet = as_sheet(list(public_lines(3)), tmp_path / "list.xlsx")

    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (int(sheet.page_setup.fitToWidth), int(sheet.page_setup.fitToHeight)) == (1, 0)
    assert sheet.print_title_rows == "$6:$7"
    assert sheet.freeze_panes == f"A{FIRST_ROW}"
    assert sheet["A2"].font.name == "方正小标宋简体"
    assert {"A2:I2", "F6:I6", "A6:A7", "A11:E11"} <= {str(cells) for cells in sheet.merged_cells.ranges}


def test_the_sheet_says_all_that_a_reader_needs(tmp_path: Path) -> None:
    lines = list(public_lines(3))
    sheet = as_sheet(lines, tmp_path / "list.xlsx", BOTH)
    said = "\n".join(str(row[0].value or "") for row in sheet.iter_rows())

    paid = sum(line.payable for line in lines)
    for words in (
        *("附件", "拟兑现名单", "慈商务〔2025〕3号", "2025年3月1日至2025年3月7日", "合计（3 户）"),
        *("1000000000/2784836153（35.9087%）", "第 10941 号", "9f" * 32, "0574-63980000"),
        *(f"人民币{capitals(paid)}", "慈溪市商务局", "　　年　　月　　日", "中间六位"),
    ):
        assert words in said
    assert sheet["F8"].number_format == "#,##0.00"


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    sheet = as_sheet([], tmp_path / "list.xlsx")

    assert sheet["F8"].value == "=0"


@pytest.mark.parametrize(("digits", "height"), [(10, 22), (26, 22), (27, 37), (52, 37), (53, 52)])
def test_rows_are_as_high_as_their_longest_text(digits: int, height: int, tmp_path: Path) -> None:
    line = next(public_lines(1))._replace(
        name="8" * digits, town="", measures=[MeasureShare("x", 100_005_000, 35_908_700)]
    )
    sheet = as_sheet([line], tmp_path / "list.xlsx")

    assert sheet.row_dimensions[FIRST_ROW].height == height


def test_more_rows_than_a_sheet_has_are_refused() -> None:
    official.room_for(official.ROWS_MAX)
    with pytest.raises(NotExportable, match="export CSV instead"):
        official.room_for(official.ROWS_MAX + 1)


# --- the summary's refusals ---


def test_a_summary_whose_figures_do_not_add_up_is_refused(tmp_path: Path) -> None:
    path, count = tmp_path / "summary.xlsx", 3
    lines = list(public_lines(count))
    gross, withheld, paid = (sum(line.sums[place] for line in lines) for place in (0, 1, 3))
    head = summary_head(count, gross, withheld, paid)
    good = parts(gross, withheld, paid, "甲", "乙")
    short = parts(gross, withheld, paid - 1, "甲", "乙")
    wrong = summary_head(count, gross, withheld, paid + 1)
    extra = [*accounts(count), Account(code(9), "", 0, 0, 0, 0, 0, 0)]

    for figures, rows, said in (
        ((head, good, good, short), accounts(count), "按牵头单位"),
        ((head, good, good, good), iter(extra), "支付明细 4 户"),
        ((wrong, good, good, good), accounts(count), "支付明细 3 户"),
    ):
        with pytest.raises(NotExportable, match=said):
            finance_summary.write_xlsx(path, *figures, rows)
    assert not path.exists()


# --- memory ---


class Nothing(io.TextIOBase):
    """Text that is kept nowhere."""

    def write(self, text: str) -> int:
        return len(text)


def peak(count: int, path: Path | None) -> int:
    """The most bytes that are held while a list of so many is written."""
    head = public_head(count, payable(count))
    tracemalloc.start()
    try:
        if path:
            public_list.write_xlsx(path, head, public_lines(count), BOTH)
        else:
            public_list.write_csv(Nothing(), head, public_lines(count), BOTH)  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_many_lines_take_no_more_memory_than_a_thousand() -> None:
    peak(10, None)
    assert peak(length_of("SUBSIDY_TEST_LINES"), None) < 1.5 * peak(1_000, None) + 50_000


def test_a_long_sheet_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    peak(10, path)
    assert peak(length_of("SUBSIDY_TEST_SHEET_LINES"), path) < 1.5 * peak(400, path) + 200_000
