"""Payees that are looked through before money leaves, and the forms that banks take."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from ledger.export.banks.forms import BankForm, list_forms, read_form, write_form
from ledger.export.banks.payees import find_warnings, fits_luhn, may_be_damaged, read_payees
from ledger.export.books import NotExportable
from ledger.export.file_faults import FileError
from ledger.export.payment_files import Payee, PaymentLine
from tests.settled import Payees, Payments, code
from tests.unit.test_payment_files import faults_of

DOCS = Path(__file__).parents[2] / "docs"
HEADINGS = "统一社会信用代码,户名,账号,行号,核对说明\n"
BANK = "102332000017"


def payee(number: int, account: str, checked: str = "") -> str:
    return f"{code(number)},企业{number},{account},{BANK},{checked}\n"


@pytest.mark.parametrize(
    ("account", "damaged"),
    [
        ("6222021300012340000", True),
        ("62220213000123000", True),
        ("1202022409800120", True),  # its last digit may have been any
        ("6222021300012460", False),  # a card whose check digit is right
        ("6222021300012345678", False),
        ("6222021300012340001", False),
        ("622202130001230", False),
        ("NRA1202022409800000000", False),
    ],
)
def test_digits_that_a_spreadsheet_dropped_are_recognised(account: str, damaged: bool) -> None:
    assert may_be_damaged(account) is damaged


def test_what_is_in_doubt_is_refused_at_once_unless_somebody_says_why() -> None:
    shared = "3901120009000012345"
    lines = [
        HEADINGS,
        payee(1, shared),
        payee(2, "6222021300012340000"),
        payee(3, "6.2E+18"),
        payee(4, shared),
    ]
    lines.append(payee(5, shared))

    with pytest.raises(FileError) as caught:
        read_payees(lines)

    assert [(fault.line, fault.code) for fault in caught.value.faults] == [
        (3, "account.damaged"),
        (4, "account.number"),
        (5, "account.shared"),
        (6, "account.shared"),
    ]
    assert f"第 2 行的企业（{code(1)}）" in caught.value.faults[2].rule
    checked = [HEADINGS, payee(1, shared), payee(2, "6222021300012340000", "已与开户许可核对")]
    checked += [payee(4, shared, "两户同一账户：总公司代收"), payee(5, "1", "")]
    assert list(read_payees(checked)) == [code(number) for number in (1, 2, 4, 5)]
    assert faults_of(lambda: read_payees([HEADINGS, payee(3, "6.2E+18", "ok")])) == [
        (2, "account", "account.number")
    ]


def test_a_card_or_a_holder_that_does_not_fit_is_told_and_stops_nothing() -> None:
    lines = [PaymentLine(f"p{n}", code(n), "慈溪市 某某(集团)公司", 1) for n in (1, 2, 3)]
    payees = {
        code(1): Payee("6222021300012460", BANK, "慈溪市某某（集团）公司", 2),
        code(2): Payee("6222021300012461", BANK, "慈溪市某某（集团）公司", 3),
        code(3): Payee("1202", BANK, "另一公司", 4),
    }

    assert fits_luhn("79927398713")
    assert [(each.line, each.code) for each in find_warnings(lines, payees)] == [
        (3, "account.luhn"),
        (4, "name.other"),
    ]


def read_back(path: Path, form: BankForm) -> list[list[str]]:
    """The rows of a file, as another program reads them."""
    if form.file == "xlsx":
        sheet = openpyxl.load_workbook(path).worksheets[0]
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
        return [[str(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    text = path.read_bytes().decode(form.encoding)
    return list(csv.reader(text.splitlines(), delimiter=form.separator))


@pytest.mark.parametrize("name", list_forms())
def test_every_form_holds_each_payment_once_to_the_digit(name: str, tmp_path: Path) -> None:
    form, payments, payees = read_form(name), Payments(7), Payees()
    path = tmp_path / f"p.{form.file}"

    write_form(path, form, payments.file(), payments, payees)

    rows = read_back(path, form)[1 if form.has_headings else 0 :]
    place = {column.value: number for number, column in enumerate(form.columns)}
    assert [(row[place["payment"]], row[place["account"]], row[place["amount"]]) for row in rows] == [
        (each.payment, payees[each.code].account, f"1.{number:02d}") for number, each in enumerate(payments)
    ]
    assert {"holder", "bank", "purpose"} <= place.keys()
    if form.own_bank:
        own = [payees[each.code].bank.startswith(form.own_bank) for each in payments]
        texts = form.columns[place["same_bank"]].texts
        assert [row[place["same_bank"]] for row in rows] == [texts[0 if each else 1] for each in own]


@pytest.mark.parametrize("name", list_forms())
def test_every_form_stands_in_the_documentation_with_its_source(name: str) -> None:
    form = read_form(name)
    for page, title in (("bank.md", form.zh), ("bank.en.md", form.en)):
        assert f"| `{name}` | {title} |" in (DOCS / page).read_text("utf-8")
    assert form.source_zh
    assert form.source_en


def test_what_does_not_fit_a_form_is_told_by_the_payees_line_and_nothing_is_written(tmp_path: Path) -> None:
    path, form = tmp_path / "p.txt", read_form("ccb")
    payments = Payments(2)
    payees = {
        each.code: Payee("1", BANK, f"公司|{'长' * 70 * number}", 2 + number)
        for number, each in enumerate(payments)
    }

    assert faults_of(lambda: write_form(path, form, payments.file(), payments, payees)) == [
        (2, "收款户名", "form.separator"),
        (3, "收款户名", "form.length"),
        (3, "收款户名", "form.separator"),
    ]
    with pytest.raises(NotExportable, match=r"以 \.txt 结尾"):
        write_form(tmp_path / "p.csv", form, payments.file(), payments, Payees())
    many = Payments(form.rows_max + 1)
    with pytest.raises(NotExportable, match="最多 1000 笔"):
        write_form(path, form, many.file(), many, Payees())
    with pytest.raises(NotExportable, match="可用：abc、boc"):
        read_form("none")
    assert not list(tmp_path.iterdir())
