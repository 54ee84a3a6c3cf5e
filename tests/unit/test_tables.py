"""Tables of the command line: what gives way to a narrow terminal, and how programs get them."""

from __future__ import annotations

import csv
import io
import re

import click
import pytest
from click.testing import CliRunner

from ledger.export.file_faults import FORMULA_STARTS
from services.cli.tables import Codes, Money, Names, Sums, csv_option, note, table
from services.cli.words.speaking import count_cells

CODE = "91330282MAR8GCEW45"
NAME = "慈溪市观海卫镇跨境电子商务产业服务有限公司"
COLUMNS = [Codes("统一社会信用代码"), Names("名称"), Sums("应奖励"), Sums("应兑现")]
ROWS = [
    (CODE, NAME, Money(147_908_484, "CNY"), Money(53_112_096, "CNY")),
    (CODE, "=HYPERLINK(0)", Money(-1, "CNY"), Money(0, "CNY")),
]


@click.command()
@csv_option
def printed() -> None:
    table("一", COLUMNS, ROWS)
    table("二", [Names("甲"), Sums("数")], [("a", "-1")])
    note("beside")


def at(columns: int, *words: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.cli.tables.PIPED_COLUMNS", columns)
        done = CliRunner().invoke(printed, words)
    assert done.exit_code == 0, done.exception
    return done.stdout


@pytest.mark.parametrize("columns", [40, 60, 66, 72, 80, 100, 140])
def test_a_table_fits_and_codes_and_amounts_are_whole(columns: int) -> None:
    text = at(columns)

    assert max(map(count_cells, text.splitlines())) <= columns
    assert text.count(CODE) == 2
    for amount in ("¥1,479,084.84", "¥531,120.96", "-¥0.01", "=HYPERLINK(0)"):
        assert amount in text
    assert re.sub(r"[^\u4e00-\u9fff]", "", text).count(NAME[:4]) == 1


def test_programs_get_plain_amounts_and_no_formulas() -> None:
    first, second = at(40, "--csv").split("\n\n")

    assert list(csv.reader(io.StringIO(first))) == [
        ["统一社会信用代码", "名称", "应奖励", "应兑现"],
        [CODE, NAME, "1479084.84", "531120.96"],
        [CODE, "'=HYPERLINK(0)", "-0.01", "0.00"],
    ]
    assert list(csv.reader(io.StringIO(second))) == [["甲", "数"], ["a", "-1"]]
    assert "beside" in CliRunner().invoke(printed, ["--csv"]).stderr


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_cell_of_a_csv_begins_as_a_formula(start: str) -> None:
    @click.command()
    @csv_option
    def named() -> None:
        table("", [Names("名称")], [(f"{start}1+1|cmd",)])

    done = CliRunner().invoke(named, ["--csv"])
    rows = list(csv.reader(io.StringIO(done.stdout)))

    assert rows == [["名称"], [f"'{start}1+1|cmd".replace("\r", "\n")]]
