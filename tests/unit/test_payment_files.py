"""Payment files that leave and come back: exact, complete, schema-valid, and of a bounded size in memory."""

from __future__ import annotations

import csv
import importlib
import io
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.faults.registry import FILE_AREAS, read_codes
from domain.money.amounts import print_fen
from ledger.export import payment_files
from ledger.export.banks.payees import read_payees
from ledger.export.books import NotExportable
from ledger.export.file_faults import FAULTS_MAX, FORMULA_STARTS, FileError
from ledger.export.payment_files import (
    NoPayee,
    Payee,
    PaymentLine,
    write_csv,
    write_pain001,
)
from tests.lengths import length_of
from tests.settled import TITLE, Payees, Payments, code, quick_code

SCHEMAS = Path(__file__).parent.parent / "data" / "iso20022"
NS = {"p": payment_files.NAMESPACE}
ONE, TWO, THREE = code(1), code(2), code(3)


@cache
def schema(name: str) -> Any:
    """A schema of ISO 20022, compiled."""
    try:
        xmlschema = importlib.import_module("xmlschema")
    except ImportError:
        pytest.fail("xmlschema is not installed: run bash .ci/environment", pytrace=False)
    return xmlschema.XMLSchema(str(SCHEMAS / name))


def as_csv(payments: Payments, payees: Any = None, **other: Any) -> str:
    out = io.StringIO(newline="")
    write_csv(out, payments.file(), payments, Payees() if payees is None else payees, **other)
    return out.getvalue()


def as_xml(payments: Payments, payees: Any = None, **other: str) -> bytes:
    out = io.BytesIO()
    write_pain001(out, payments.file(**other), payments, Payees() if payees is None else payees)
    return out.getvalue()


def faults_of(read: Callable[[], Any]) -> list[tuple[int, str, str]]:
    with pytest.raises(FileError) as caught:
        read()
    return [(fault.line, fault.field, fault.code) for fault in caught.value.faults]


# --- payees ---


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("head", ["code,name,account,bank", "户名,统一社会信用代码,行号,账号,备注"])
def test_payees_are_read_with_either_headings(mark: str, head: str) -> None:
    values = {"code": ONE, "统一社会信用代码": ONE, "name": "张三", "户名": "张三", "备注": "x"}
    values |= dict.fromkeys(("account", "账号"), "6222 0213 0001 2345 678\t")
    values |= dict.fromkeys(("bank", "行号"), "102332000017")
    row = ",".join(values[name] for name in head.split(","))

    read = read_payees([f"{mark}{head}\r\n", f"{row}\r\n", "\r\n"])

    assert read == {ONE: Payee("6222021300012345678", "102332000017", "张三", 2)}


def test_every_fault_of_the_payees_is_said_at_once() -> None:
    lines = [
        "code,name,account,bank\n",
        f"{ONE},甲,6.22202E+18,102332000017\n",
        f"{ONE[:17]}#,,622202,icbkcnbjnbo\n",
        f"{TWO},{'长' * 201},账号,12345\n",
        f"{TWO},乙\n",
        '"没有结束',
    ]

    assert faults_of(lambda: read_payees(lines)) == [
        (2, "account", "account.number"),
        (3, "code", "code"),
        (3, "name", "missing"),
        (4, "name", "text"),
        (4, "account", "account"),
        (4, "bank", "bank"),
        (5, "account", "missing"),
        (5, "bank", "missing"),
        (5, "code", "twice"),
        (6, "row", "row.shape"),
    ]


def test_a_name_that_is_longer_than_banks_take_is_written_short_and_stops_nothing() -> None:
    """An enterprise's name may have 200 characters, and ISO 20022 takes 140: the first 140 are written."""
    name = "长" * 139 + "名字"
    [payee] = read_payees(["code,name,account,bank\n", f"{ONE},{name},622202,102332000017\n"]).values()
    payees = Payees(payee.name)

    root = ElementTree.fromstring(as_xml(Payments(1), payees))

    assert payee.name == name
    assert root.findtext(".//p:Cdtr/p:Nm", "", NS) == name[:140]
    assert name[:140] in as_csv(Payments(1), payees)
    assert name not in as_csv(Payments(1), payees)


def test_a_fault_says_line_field_rule_and_mend_in_two_languages() -> None:
    with pytest.raises(FileError) as caught:
        read_payees(["code,name,account,bank\n", f"{ONE},甲,6.22202E+18,102332000017\n"])

    assert str(caught.value).startswith("第 2 行，account：账号被电子表格改成了数值（6.22202E+18）")
    assert "设为文本格式" in str(caught.value)
    said = caught.value.faults[0].words("en")
    assert (said["line"], said["field"], said["code"]) == (2, "account", "account.number")
    assert "spreadsheet" in str(said["rule"])
    assert "text" in str(said["mend"])


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], (0, "file", "file.empty")),
        (["code,name\n"], (1, "headings", "file.headings")),
        (["\n"], (1, "headings", "file.headings")),
    ],
)
def test_a_file_without_its_columns_is_refused(lines: list[str], fault: tuple[int, str, str]) -> None:
    assert faults_of(lambda: read_payees(lines)) == [fault]


def test_the_faults_of_a_large_file_are_counted_and_not_all_kept() -> None:
    rows = (f"x,甲,{number},102332000017\n" for number in range(2_000))

    with pytest.raises(FileError) as caught:
        read_payees(["code,name,account,bank\n", *rows])

    assert (len(caught.value.faults), caught.value.total) == (FAULTS_MAX, 3_999)
    assert str(caught.value).count("\n") == 50
    assert "另有 3949 处" in str(caught.value)


def test_every_fault_has_its_words() -> None:
    assert all(len(words) == 4 and all(words) for words in read_codes(*FILE_AREAS).values())


# --- before anything is written ---


@pytest.mark.parametrize("write", [write_csv, write_pain001])
def test_enterprises_without_an_account_are_all_named_and_nothing_is_written(write: Any) -> None:
    payments = Payments(3)
    out = io.StringIO() if write is write_csv else io.BytesIO()

    with pytest.raises(NoPayee) as caught:
        write(out, payments.file(), payments, {quick_code(1): Payee("1", "102332000017", "甲")})

    assert (caught.value.codes, caught.value.total) == ([quick_code(0), quick_code(2)], 2)
    assert quick_code(0) in str(caught.value)
    assert quick_code(2) in str(caught.value)
    assert not out.getvalue()


def test_many_without_an_account_are_counted_and_the_first_named() -> None:
    payments = Payments(500)

    with pytest.raises(NoPayee, match="等 500 户") as caught:
        write_csv(io.StringIO(), payments.file(), payments, {})

    assert caught.value.codes == [quick_code(number) for number in range(payment_files.NAMED_MAX)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (PaymentLine("x" * 36, ONE, "", 100), "编号或金额"),
        (PaymentLine("付款", ONE, "", 100), "编号或金额"),
        (PaymentLine("x", ONE, "", 0), "编号或金额"),
        (PaymentLine("x", ONE, "", 99), "共 99 分"),
    ],
)
def test_an_unfit_payment_or_another_sum_is_refused(line: PaymentLine, said: str) -> None:
    out = io.BytesIO()

    with pytest.raises(NotExportable, match=said):
        write_pain001(out, Payments(1).file(), [line], Payees())

    assert not out.getvalue()


@pytest.mark.parametrize(
    "other", [{"batch": "x" * 36}, {"batch": ""}, {"made_at": "2025-03-31"}, {"on": "2025-02-29"}]
)
def test_an_unfit_head_is_refused_by_name(other: dict[str, str]) -> None:
    with pytest.raises(NotExportable, match=next(iter(other))):
        as_xml(Payments(1), **other)


def test_payments_that_can_be_read_once_only_are_refused() -> None:
    with pytest.raises(TypeError, match="gone through twice"):
        write_csv(io.StringIO(), Payments(1).file(), iter(Payments(1)), Payees())


def test_payments_may_come_from_a_function_that_queries_anew() -> None:
    payments, out = Payments(3), io.StringIO(newline="")
    write_csv(out, payments.file(), lambda: iter(payments), Payees())

    assert out.getvalue() == as_csv(payments)


# --- CSV ---


def test_the_csv_has_a_mark_headings_and_plain_yuan() -> None:
    text = as_csv(Payments(2))
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))

    assert text.startswith("\ufeff支付编号,统一社会信用代码,")
    assert rows[2] == [
        *("CX-2024-0000001", quick_code(1), "慈溪市卓力电器科技有限公司", "慈溪市卓力电器科技有限公司"),
        *("6222000000001000001", "102332000017", "1.01"),
        *(f"{TITLE} 2024年度 cixi-ecommerce-2024", "2025-04-01"),
    ]


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_name_becomes_a_formula(start: str) -> None:
    said = f'{start}HYPERLINK("http://x","y")'
    rows = list(csv.reader(io.StringIO(as_csv(Payments(1, said), Payees(said)))))

    assert not any(value.startswith(FORMULA_STARTS) for row in rows for value in row)
    assert len(rows) == 2
    assert "HYPERLINK" in rows[1][2]
    assert "HYPERLINK" in rows[1][3]


def test_a_line_break_in_a_name_makes_no_row_of_its_own() -> None:
    assert as_csv(Payments(1), Payees("甲\r\n=1+1")).count("\r\n") == 2


# --- pain.001 ---


def test_pain001_is_valid_and_adds_up() -> None:
    xml = as_xml(Payments(40))
    schema("pain.001.001.09.xsd").validate(io.BytesIO(xml))
    root = ElementTree.fromstring(xml)
    amounts = root.findall(".//p:InstdAmt", NS)

    assert {each.get("Ccy") for each in amounts} == {"CNY"}
    total = print_fen(sum(int(Decimal(each.text or "") * 100) for each in amounts))
    for place in (".//p:GrpHdr", ".//p:PmtInf"):
        assert root.findtext(f"{place}/p:CtrlSum", "", NS) == total == print_fen(Payments(40).total)
        assert root.findtext(f"{place}/p:NbOfTxs", "", NS) == str(len(amounts)) == "40"


def test_pain001_says_who_is_paid_where_and_for_what() -> None:
    first, second = ElementTree.fromstring(as_xml(Payments(2))).findall(".//p:CdtTrfTxInf", NS)

    def said(path: str) -> str | None:
        return second.findtext(path, None, NS)

    assert said("p:PmtId/p:EndToEndId") == "CX-2024-0000001"
    assert said("p:Amt/p:InstdAmt") == "1.01"
    assert said("p:Cdtr/p:Id/p:OrgId/p:Othr/p:Id") == quick_code(1)
    assert said("p:CdtrAcct/p:Id/p:Othr/p:Id") == "6222000000001000001"
    assert said("p:CdtrAgt/p:FinInstnId/p:ClrSysMmbId/p:ClrSysId/p:Cd") == "CNAPS"
    assert said("p:CdtrAgt/p:FinInstnId/p:ClrSysMmbId/p:MmbId") == "102332000017"
    assert first.findtext("p:CdtrAgt/p:FinInstnId/p:BICFI", None, NS) == "ICBKCNBJNBO"
    assert said("p:RmtInf/p:Ustrd") == f"{TITLE} 2024年度 cixi-ecommerce-2024"


NASTY = "</Nm><Nm>& <!-- ]]> \"' \x00\x1b\ufffe"


@given(st.text(min_size=1, max_size=200) | st.just(NASTY))
def test_whatever_a_policy_or_a_name_holds_the_file_is_sound(said: str) -> None:
    root = ElementTree.fromstring(as_xml(Payments(1), Payees("甲" + said[:100]), title=said))

    assert len(root.findall(".//p:Cdtr/p:Nm", NS)) == 1
    assert len(root.findtext(".//p:Ustrd", "", NS)) <= payment_files.NAME_MAX


def test_a_name_with_markup_is_schema_valid() -> None:
    xml = as_xml(Payments(1), Payees(f"甲{NASTY}"), title=NASTY * 20)

    schema("pain.001.001.09.xsd").validate(io.BytesIO(xml))


class Nothing(io.RawIOBase):
    """A file that keeps nothing."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.size += len(data)
        return len(data)


def peak(write: Callable[[], None]) -> int:
    """The most bytes that are held while writing."""
    tracemalloc.start()
    try:
        write()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_many_payments_take_no_more_memory_than_a_thousand() -> None:
    def both(count: int) -> int:
        payments, out = Payments(count), Nothing()

        def write() -> None:
            write_pain001(out, payments.file(), payments, Payees())  # type: ignore[arg-type]
            text = io.TextIOWrapper(io.BufferedWriter(out), encoding="utf-8", newline="")
            write_csv(text, payments.file(), payments, Payees())

        most = peak(write)
        assert out.size > 400 * count
        return most

    both(10)
    assert both(length_of("SUBSIDY_TEST_LINES")) < 1.5 * both(1_000) + 50_000
