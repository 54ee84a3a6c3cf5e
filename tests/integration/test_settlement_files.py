"""The settlement's files in LibreOffice: the same fen, no formula from outside, pages that are not cut."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from ledger.export import finance_summary, public_list
from ledger.export.banks.forms import read_form, write_form
from ledger.export.finance_summary import ACCOUNTS, SUMMARY
from ledger.export.public_list import MeasureShare, PublicLine
from tests import programs
from tests.settled import (
    MEASURES,
    Payees,
    Payments,
    accounts,
    parts,
    public_head,
    public_lines,
    summary_head,
)

COUNT = 120
LONG = "慈溪市前湾新区跨境电子商务综合试验区进出口供应链管理服务有限责任公司（宁波杭州湾分公司）"
A4_ACROSS, A4_UPRIGHT = (842, 595), (595, 842)


@pytest.fixture(scope="module")
def lines() -> list[PublicLine]:
    """The list's enterprises; some names are long, some would be formulas."""
    made = list(public_lines(COUNT))
    made[1] = made[1]._replace(name=LONG)
    made[2] = made[2]._replace(name='=HYPERLINK("http://x","y")')
    # the largest amounts there can be, in one enterprise
    most = 10**14 - 1
    made[3] = made[3]._replace(
        measures=[MeasureShare(LONG, most, most - 1)], gross=most, withheld=0, reduction=1, payable=most - 1
    )
    return made


@pytest.fixture(scope="module")
def listed(lines: list[PublicLine], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public list."""
    path = tmp_path_factory.mktemp("list") / "list.xlsx"
    head = public_head(len(lines), sum(line.payable for line in lines))
    public_list.write_xlsx(path, head, lines, ("code", "person"))
    return path


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The summary for the finance bureau."""
    path = tmp_path_factory.mktemp("summary") / "summary.xlsx"
    gross, withheld, _, paid = (
        sum(column) for column in zip(*(x.sums for x in public_lines(COUNT)), strict=True)
    )
    finance_summary.write_xlsx(
        path,
        summary_head(COUNT, gross, withheld, paid),
        parts(gross, withheld, paid, "第一条", "第三条", "第五条"),
        parts(gross, withheld, paid, *MEASURES),
        parts(gross, withheld, paid, "慈溪市商务局", "慈溪海关"),
        accounts(COUNT),
    )
    return path


def pages(file: Path, folder: Path) -> list[tuple[int, int]]:
    """The sizes of a file's pages, in points, as LibreOffice prints it."""
    folder.mkdir()
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    head = (programs.program("soffice"), profile, "--headless", "--norestore")
    programs.run(*head, "--convert-to", "pdf", "--outdir", str(folder), str(file))
    data = (folder / f"{file.stem}.pdf").read_bytes()
    boxes = re.findall(rb"/Type\s*/Page\b(?!s).*?/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", data, re.DOTALL)
    return [(round(float(width)), round(float(height))) for width, height in boxes]


def amount(shown: str) -> int:
    """An amount that a spreadsheet program holds as a float, in fen: the nearest decimal is ours."""
    return int((Decimal(shown) * 100).quantize(Decimal(1)))


def test_libreoffice_adds_the_public_list_up_to_the_fen(
    listed: Path, lines: list[PublicLine], tmp_path: Path
) -> None:
    rows = programs.recomputed(listed, tmp_path / "out")[public_list.SHEET]

    table = rows[public_list.FIRST_ROW - 1 :][:COUNT]
    assert [[amount(each) for each in row[5:9]] for row in table] == [list(line.sums) for line in lines]
    total = next(row for row in rows if row[0].startswith("合计"))
    assert [amount(each) for each in total[5:9]] == [
        sum(column) for column in zip(*(line.sums for line in lines), strict=True)
    ]
    assert table[2][2] == '=HYPERLINK("http://x","y")'
    assert not any("###" in each or "Err" in each or "#REF" in each for row in rows for each in row)


def test_the_public_list_is_printed_within_the_width_of_a4(listed: Path, tmp_path: Path) -> None:
    printed = pages(listed, tmp_path / "out")

    assert set(printed) == {A4_ACROSS}
    # a table wider than a page would take twice as many
    assert 5 <= len(printed) <= 12


def test_libreoffice_works_out_the_summary_to_the_fen(summary: Path, tmp_path: Path) -> None:
    sheets = programs.recomputed(summary, tmp_path / "out")
    figures = {row[0]: row[1] for row in sheets[SUMMARY] if re.fullmatch(r"-?\d+(\.\d+)?", row[1])}
    due, ordered, paid, failed, clawed, recovered = (
        sum(column) for column in zip(*(each[2:] for each in accounts(COUNT)), strict=True)
    )

    said = {name: amount(shown) for name, shown in figures.items()}
    expected = {
        f"应兑现（{COUNT} 户）": due,
        "支付在途": ordered,
        "已支付": paid,
        "支付失败": failed,
        "尚未支付": due - paid,
        "应追回": clawed,
        "已追回": recovered,
        "尚未追回": clawed - recovered,
        "预算结余": due + 12_345 - paid + recovered,
    }
    assert {name: said[name] for name in expected} == expected
    totals = [row for row in sheets[SUMMARY] if row[0] == "合计"]
    assert [amount(row[5]) for row in totals] == [due] * 3
    detail = sheets[ACCOUNTS]
    assert [amount(row[9]) for row in detail[4:-1]] == [each.payable - each.paid for each in accounts(COUNT)]
    assert [amount(each) for each in detail[-1][3:]] == [
        due,
        ordered,
        paid,
        failed,
        clawed,
        recovered,
        due - paid,
    ]


def test_the_summary_is_one_page_and_the_payments_follow_across(summary: Path, tmp_path: Path) -> None:
    printed = pages(summary, tmp_path / "out")

    assert printed[0] == A4_UPRIGHT
    assert set(printed[1:]) == {A4_ACROSS}
    assert 3 <= len(printed) <= 8


def test_a_payment_file_opened_and_saved_by_libreoffice_keeps_every_account(tmp_path: Path) -> None:
    payments = Payments(50, "=1+1")
    sent, saved = tmp_path / "payments.xlsx", tmp_path / "saved"
    write_form(sent, read_form("generic"), payments.file(), payments, Payees("@SUM(1)"))

    head = (programs.program("soffice"), f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}")
    programs.run(*head, "--headless", "--convert-to", "xlsx", "--outdir", str(saved), str(sent))

    rows = list(openpyxl.load_workbook(saved / "payments.xlsx")["付款"].iter_rows(min_row=2))
    said = [[str(cell.value).strip() for cell in row] for row in rows]
    payees = Payees()
    assert [(row[0], row[1], row[4], row[5]) for row in said] == [
        (each.payment, each.code, payees[each.code].account, payees[each.code].bank) for each in payments
    ]
    assert {(row[2].data_type, row[3].data_type) for row in rows} == {("s", "s")}
