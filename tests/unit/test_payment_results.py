"""What became of payments, read back: exact, complete, final, and safe against what a file may hold."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money.amounts import print_fen
from ledger.export import payment_files
from ledger.export.file_faults import FileError
from ledger.settlement.payment_results import (
    NOT_FINAL,
    RESULT_COLUMNS,
    STATUSES,
    Result,
    read_pain002,
    read_results,
)
from tests.settled import Payments
from tests.unit.test_payment_files import as_csv, faults_of, schema

DOCS = Path(__file__).parents[2] / "docs"
PAIN002 = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"

# --- results as CSV ---

RESULTS = "支付编号,状态,金额,日期,银行流水号,失败原因\n"


@pytest.mark.parametrize(
    "lines",
    [
        [RESULTS, "a,成功,1234.56,2025-04-02,R1,\n", "b,失败,0.5,2025/4/2,,账号与户名不符\n"],
        [
            "\ufeffreason,payment,status,amount,on,reference,note\n",
            ",a,made,1234.56,2025-04-02,R1,x\n",
            "账号与户名不符,b,failed,0.50,2025-4-2,,x\n",
        ],
    ],
)
def test_results_are_read_with_either_headings(lines: list[str]) -> None:
    assert read_results(lines).results == [
        Result("a", "made", 123456, "2025-04-02", "R1", "", 2),
        Result("b", "failed", 50, "2025-04-02", "", "账号与户名不符", 3),
    ]


def test_every_fault_of_the_results_is_said_at_once() -> None:
    lines = [
        RESULTS,
        "a,成功,1e3,2025-02-29,,账号不符\n",
        "a,失败,-1,,R,\n",
        "付,好像成功,1.234,2025/13/1,R,x\n",
        ",成功,0,2025-04-02,R\n",
        '"b",成功,"1,234.56",2025-04-02,R2,\n',
    ]

    assert faults_of(lambda: read_results(lines)) == [
        (2, "reason", "reason.made"),
        (2, "amount", "amount"),
        (2, "on", "date"),
        (2, "reference", "missing"),
        (3, "amount", "amount"),
        (3, "on", "missing"),
        (3, "reason", "missing"),
        (3, "payment", "twice"),
        (4, "status", "status"),
        (4, "payment", "identifier"),
        (4, "amount", "amount"),
        (4, "on", "date"),
        (5, "payment", "missing"),
        (5, "amount", "amount"),
        (6, "amount", "amount"),
    ]


@given(st.integers(1, 10**14 - 1))
def test_amounts_come_back_to_the_fen(fen: int) -> None:
    assert read_results([RESULTS, f"a,成功,{print_fen(fen)},2025-04-02,R,\n"]).results[0].amount == fen


def test_a_bank_can_answer_within_the_file_it_was_sent() -> None:
    sent = as_csv(Payments(2)).splitlines()
    answered = [f"{sent[0]},状态,日期,银行流水号,失败原因"]
    answered += [f"{line},成功,2025-04-02,R{number}," for number, line in enumerate(sent[1:])]

    assert [(each.payment, each.amount, each.reference) for each in read_results(answered).results] == [
        ("CX-2024-0000000", 100, "R0"),
        ("CX-2024-0000001", 101, "R1"),
    ]


# --- results as pain.002 ---


def payment(name: str, status: str, more: str = "", amount: str = "1234.56") -> str:
    original = f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt></OrgnlTxRef>'
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        f"{more}{original if amount else ''}</TxInfAndSts>\n"
    )


def report(*payments: str, before: str = "", space: str = PAIN002) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<Document xmlns="{space}"><CstmrPmtStsRpt>\n'
        "<GrpHdr><MsgId>m</MsgId><CreDtTm>2025-04-02T17:00:00Z</CreDtTm></GrpHdr>"
        "<OrgnlGrpInfAndSts><OrgnlMsgId>CX-2024-0001</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>CX-2024-0001</OrgnlPmtInfId>\n{''.join(payments)}"
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


REASON = "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>账号不存在</AddtlInf></StsRsnInf>"
SETTLED = "<AccptncDtTm>2025-04-01T23:30:00+08:00</AccptncDtTm><AcctSvcrRef>R1</AcctSvcrRef>"


def test_a_status_report_is_read_payment_by_payment() -> None:
    data = report(payment("a", "ACSC", SETTLED), payment("b", "RJCT", REASON), payment("c", "ACCC"))
    schema("pain.002.001.12.xsd").validate(io.BytesIO(data))

    assert read_pain002(data).results == [
        Result("a", "made", 123456, "2025-04-01", "R1", "", 3),
        # the report is of 17:00 in Greenwich, which is the next day in China
        Result("b", "failed", 123456, "2025-04-03", "b", "AC01 账号不存在", 4),
        Result("c", "made", 123456, "2025-04-03", "c", "", 5),
    ]


def test_amounts_that_a_report_leaves_out_are_those_that_were_ordered() -> None:
    data = report(payment("a", "ACSC", amount=""))

    assert read_pain002(data, {"a": 5}).results[0].amount == 5
    assert faults_of(lambda: read_pain002(data)) == [(3, "InstdAmt", "amount.absent")]


@pytest.mark.parametrize("status", sorted(NOT_FINAL))
def test_what_is_not_final_is_passed_over_and_counted(status: str) -> None:
    """The results of the others are not lost, whatever stands beside them."""
    data = report(
        payment("a", "ACSC", SETTLED),
        payment("b", status, amount=""),
        payment("a", status),
        payment("c", "CANC"),
    )

    results, pending = read_pain002(data)

    assert pending == 2
    assert [(each.payment, each.status) for each in results] == [("a", "made"), ("c", "failed")]
    assert read_pain002(report(payment("a", status))) == ([], 1)


def test_rows_that_are_not_final_are_passed_over_and_counted() -> None:
    lines = [RESULTS, "a,成功,1.00,2025-04-02,R,\n", "b,处理中,,,,\n", "c,PENDING,1.00,2025-04-02,,\n"]

    assert [each.payment for each in read_results(lines).results] == ["a"]
    assert read_results(lines).pending == 2


@pytest.mark.parametrize("status", ["acsc", "DONE"])
def test_a_status_that_is_none_of_iso_is_a_fault(status: str) -> None:
    with pytest.raises(FileError, match=f"{status} 不是 ISO 20022 的付款状态"):
        read_pain002(report(payment("a", status)))


def test_two_payments_never_share_a_reference_of_the_bank() -> None:
    """One reference is one booking; case, blanks and width tell no two apart."""
    rows = [RESULTS, "a,成功,1.00,2025-04-02,R-1,\n", "b,成功,1.00,2025-04-02,ｒ-1,\n"]
    report_of_batch = report(payment("a", "ACSC", SETTLED), payment("b", "ACCC", SETTLED))

    assert faults_of(lambda: read_results(rows)) == [(3, "reference", "reference.twice")]
    assert faults_of(lambda: read_pain002(report_of_batch)) == [(4, "reference", "reference.twice")]


def test_every_fault_of_a_report_is_said_at_once() -> None:
    data = report(
        payment("a", "ACSC", amount="0"),
        payment("a", "RJCT", amount="1.234"),
        payment("付", "DONE").replace("CNY", "USD"),
        "<TxInfAndSts><TxSts>ACSC</TxSts></TxInfAndSts>\n",
        payment("b", "ACSC", amount="1000.00000"),
    )

    assert faults_of(lambda: read_pain002(data)) == [
        (3, "amount", "amount"),
        (4, "amount", "amount"),
        (4, "payment", "twice"),
        (5, "TxSts", "status.unknown"),
        (5, "InstdAmt", "currency"),
        (5, "payment", "identifier"),
        (6, "payment", "missing"),
        (6, "amount", "missing"),
        (6, "reference", "missing"),
    ]


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


@pytest.mark.parametrize(
    "doctype",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_a_document_type_is_refused_and_no_entity_is_expanded(doctype: str) -> None:
    data = report(payment("&i;", "ACSC"), before=doctype)

    assert faults_of(lambda: read_pain002(data)) == [(1, "file", "xml.dtd")]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "xml"),
        (b"PK\x03\x04", "xml"),
        (report(payment("a", "ACSC"))[:-20], "xml"),
        (b'<?xml version="1.0" encoding="nonsense"?><x/>', "xml"),
        (report(payment("a", "ACSC"), space=payment_files.NAMESPACE), "xml.kind"),
        (b"<Document/>", "xml.kind"),
        (report(), "batch-only"),
    ],
)
def test_what_is_no_status_report_of_payments_is_refused(data: bytes, fault: str) -> None:
    assert [code for _, _, code in faults_of(lambda: read_pain002(data))] == [fault]


@pytest.mark.parametrize("page", ["bank.md", "bank.en.md"])
def test_the_columns_of_the_results_stand_in_the_documentation(page: str) -> None:
    sections = (DOCS / page).read_text("utf-8").split("\n## ")
    columns = next(section for section in sections if "CSV" in section.partition("\n")[0])
    rows = [row for row in columns.splitlines() if row.startswith("|")]
    for headings in RESULT_COLUMNS.values():
        [row] = [row for row in rows if row.startswith(f"| {headings[-1]} |")]
        assert all(f"`{heading}`" in row.split("|")[2] for heading in headings[:-1])
    for word in STATUSES:
        assert any(word in row for row in rows)
