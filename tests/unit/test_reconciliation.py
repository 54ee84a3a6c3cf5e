"""Payments beside statements: one class each, to the fen, in whatever order the bank tells."""

from __future__ import annotations

import io
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settlement.reconciliation import (
    Kind,
    PaymentStanding,
    StatementEntry,
    find_untold,
    reconcile,
)
from ledger.export.file_faults import FileError
from ledger.settlement.statements.reading import is_statement, read_statement
from tests.unit.test_payment_files import faults_of, schema


def payment(name: str, status: str, fen: int = 100) -> PaymentStanding:
    return PaymentStanding(name, "2024-001", name, fen, status)


def entry(
    name: str, fen: int = 100, *, debit: bool = True, day: int = 1, reference: str = ""
) -> StatementEntry:
    reference = reference or f"{name}{day}{debit}"
    return StatementEntry("3901", reference, f"2025-06-{day:02d}", fen, "CNY", debit, name)


CASES = [
    ("made", [(True, 100)], Kind.MATCHED),
    ("ordered", [], Kind.UNDER_WAY),
    ("failed", [], Kind.FAILED),
    ("failed", [(True, 100), (False, 100)], Kind.RETURNED),
    ("made", [], Kind.NOT_BOOKED),
    ("ordered", [(True, 100)], Kind.BOOKED_UNTOLD),
    ("made", [(True, 100), (False, 100)], Kind.RETURNED_UNTOLD),
    ("ordered", [(True, 100), (False, 100)], Kind.RETURNED_UNTOLD),
    ("failed", [(True, 100)], Kind.FAILED_YET_BOOKED),
    ("made", [(True, 99)], Kind.AMOUNT_DIFFERS),
    ("made", [(True, 100), (False, 1)], Kind.AMOUNT_DIFFERS),
    ("made", [(False, 100)], Kind.AMOUNT_DIFFERS),
    ("made", [(True, 100), (True, 100)], Kind.BOOKED_TWICE),
    ("made", [(True, 100), (False, 100), (True, 100)], Kind.MATCHED),
]


@pytest.mark.parametrize(("status", "booked", "kind"), CASES)
def test_each_way_in_which_ledger_and_bank_may_differ_is_told(
    status: str, booked: list[tuple[bool, int]], kind: Kind
) -> None:
    entries = [entry("a", fen, debit=debit, day=day) for day, (debit, fen) in enumerate(booked, 1)]

    reconciliation = reconcile([payment("a", status)], entries)

    assert [line.kind for line in reconciliation.lines] == [kind]
    assert reconciliation.sums[kind].booked_fen == sum(each.net_fen for each in entries)


def test_an_entry_of_no_payment_or_another_currency_or_that_contradicts_is_unexplained() -> None:
    good = entry("a")
    entries = [
        good,
        good,
        entry("b"),
        good._replace(reference="x", currency="USD"),
        good._replace(amount_fen=99),
    ]

    reconciliation = reconcile([payment("a", "made")], entries)

    assert Counter(line.kind for line in reconciliation.lines)[Kind.UNEXPLAINED] == 3
    assert reconciliation.total.number == 4
    assert len(reconciliation.open_lines) == 4 - (reconciliation.lines[0].kind is Kind.MATCHED)


PAYMENTS = [
    payment(name, status) for name, status in zip("abcd", ("made", "ordered", "failed", "made"), strict=True)
]
ENTRIES = [
    entry("a"),
    entry("b", day=2),
    entry("b", debit=False, day=5),
    entry("c", day=3),
    entry("d", 99, day=3),
    entry("wrong", 7),
    entry("", debit=False, reference="interest"),
]


@given(st.permutations(ENTRIES * 2), st.integers(0, len(ENTRIES) * 2))
def test_order_and_repetition_change_nothing_and_parts_add_up(told: list[StatementEntry], cut: int) -> None:
    """Statements in any order, twice, and in part: what came is in one class each, to the fen."""
    whole, part = reconcile(PAYMENTS, told), reconcile(PAYMENTS, told[:cut])

    assert whole == reconcile(PAYMENTS, ENTRIES)
    assert find_untold(whole) == find_untold(reconcile(PAYMENTS, ENTRIES))
    assert part.total.booked_fen == sum(each.net_fen for each in set(told[:cut]))
    assert part.total.ordered_fen == 400


def test_what_statements_confirm_comes_in_the_order_of_booking() -> None:
    steps = find_untold(reconcile(PAYMENTS, ENTRIES))

    assert [(step.status, step.payment.payment, step.entry.booked_on[-2:]) for step in steps] == [
        ("made", "b", "02"),
        ("made", "c", "03"),
        ("failed", "b", "05"),
    ]
    shared = [entry("b", reference="batch"), entry("c", reference="batch")]
    assert [step.remark for step in find_untold(reconcile(PAYMENTS, shared))] == ["b", "c"]


@pytest.mark.parametrize(
    ("booked", "steps"),
    [
        ([(True, 4)], []),
        ([(True, 5)], []),
        ([(True, 6)], [("made", 6)]),
        ([(True, 4), (False, 5), (True, 5)], []),
        ([(True, 4), (False, 5), (True, 6)], [("made", 6)]),
        ([(True, 6), (False, 7)], []),
    ],
)
def test_only_a_debit_after_the_failure_says_that_the_money_arrived(
    booked: list[tuple[bool, int]], steps: list[tuple[str, int]]
) -> None:
    """One booked by that day is the money that failed: it is in sight until it is seen coming back."""
    failed = payment("a", "failed")._replace(failed_on="2025-06-05")
    entries = [entry("a", debit=debit, day=day, reference=f"R{n}") for n, (debit, day) in enumerate(booked)]
    is_back = sum(1 if debit else -1 for debit, _ in booked) == 0

    for told in permutations(entries):
        found = reconcile([failed], [*told, *told])

        assert [(step.status, int(step.entry.booked_on[-2:])) for step in find_untold(found)] == steps
        assert [line.kind for line in found.open_lines] == ([] if is_back else [Kind.FAILED_YET_BOOKED])


# --- statements as files ---


def transaction(name: str, amount: str, more: str = "") -> str:
    return (
        f"<TxDtls><Refs><PmtInfId>2024-001</PmtInfId><EndToEndId>{name}</EndToEndId></Refs>"
        f'<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{more}</TxDtls>\n'
    )


def booked(
    amount: str, details: str, *, way: str = "DBIT", reference: str = "R1", status: str = "BOOK"
) -> str:
    named = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    details = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>'
        f"<BookgDt><DtTm>2025-06-01T17:00:00Z</DtTm></BookgDt>{named}"
        f"<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>{details}</Ntry>\n"
    )


def statement(*entries: str, kind: str = "053", before: str = "") -> bytes:
    message, part = ("BkToCstmrStmt", "Stmt") if kind == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2025-06-02</Dt></Dt></Bal>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08"><{message}>'
        "<GrpHdr><MsgId>m</MsgId><CreDtTm>2025-06-02T00:00:00Z</CreDtTm></GrpHdr>"
        f"<{part}><Id>S1</Id><Acct><Id><Othr><Id>3901</Id></Othr></Id>"
        "<Ownr><Id><OrgId><Othr><Id>owner</Id></Othr></OrgId></Id></Ownr></Acct>\n"
        f"{balance if kind == '053' else ''}{''.join(entries)}</{part}></{message}></Document>"
    ).encode()


@pytest.mark.parametrize("kind", ["053", "054"])
def test_statements_of_iso_20022_are_read_transaction_by_transaction(kind: str) -> None:
    back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>账户已销户</AddtlInf></RtrInf>"
    data = statement(
        booked("3.50", transaction("a", "1.00000") + transaction("b", "2.5")),
        booked("2.50", transaction("b", "2.50", back).replace("DBIT", "CRDT"), way="CRDT", reference="R2"),
        booked("9", "", reference=""),
        booked("1", transaction("c", "1"), status="PDNG"),
        kind=kind,
    )
    schema(f"camt.{kind}.001.08.xsd").validate(io.BytesIO(data))

    entries, pending = read_statement(data)

    assert pending == 1
    assert entries == [
        # booked at 17:00 in Greenwich, which is the next day in China
        StatementEntry("3901", "R1", "2025-06-02", 100, "CNY", True, "a", "2024-001"),
        StatementEntry("3901", "R1", "2025-06-02", 250, "CNY", True, "b", "2024-001"),
        StatementEntry("3901", "R2", "2025-06-02", 250, "CNY", False, "b", "2024-001", "AC04 账户已销户"),
        StatementEntry("3901", "S1/3", "2025-06-02", 900, "CNY", True),
    ]


def test_everything_wrong_with_a_statement_is_said_at_once() -> None:
    data = statement(
        booked("3", transaction("a", "1") + transaction("b", "1")),
        booked("0.001", "", way="BOTH"),
    )

    assert faults_of(lambda: read_statement(data)) == [
        (2, "Ntry", "entry.sum"),
        (5, "CdtDbtInd", "direction"),
        (5, "amount", "amount"),
    ]
    doctype = '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>'
    assert faults_of(lambda: read_statement(statement(before=doctype))) == [(1, "file", "xml.dtd")]
    with pytest.raises(FileError, match=r"不是 ISO 20022 camt\.053"):
        read_statement(b"<Document/>")


def test_a_csv_statement_is_read_with_either_headings() -> None:
    head = "账号,记账日期,收支,金额,银行流水号,支付编号,退回原因\n"
    rows = f"{head}3901,2025/06/01,支出,1.00,R1,a,\n3901,2025-06-02,收入,1.00,R2,a,销户\n"
    english = "account,on,direction,amount,reference\n3901,2025-06-01,debit,1.00,R1\n"

    assert read_statement(rows.encode("gb18030")).entries == [
        StatementEntry("3901", "R1", "2025-06-01", 100, "CNY", True, "a"),
        StatementEntry("3901", "R2", "2025-06-02", 100, "CNY", False, "a", "", "销户"),
    ]
    assert read_statement(english.encode()).entries[0].payment == ""
    for encoding in ("utf-16", "utf-8-sig", "gb18030"):
        assert is_statement(rows.encode(encoding))
        assert read_statement(rows.encode(encoding)) == read_statement(rows.encode())
    wrong = f"{head},2025-02-30,来,1.001,,,\n".encode()
    assert faults_of(lambda: read_statement(wrong)) == [
        (2, "direction", "direction"),
        (2, "amount", "amount"),
        (2, "on", "date"),
        (2, "reference", "missing"),
        (2, "account", "missing"),
    ]


def test_equal_rows_of_one_csv_are_two_bookings_and_overlapping_files_are_not() -> None:
    """A CSV numbers no booking of its own: a row that stands twice in a file is money that moved twice."""
    row = "3901,2025-06-01,debit,1.00,R1,a\n"
    head = "account,on,direction,amount,reference,payment\n"
    once, twice = (read_statement(f"{head}{row * times}".encode()).entries for times in (1, 2))

    assert [each.reference for each in twice] == ["R1", "R1/2"]
    kinds = [
        reconcile([payment("a", "made")], told).lines[0].kind
        for told in (once, once + once, once + twice, twice + once, twice + twice)
    ]
    assert kinds == [Kind.MATCHED, Kind.MATCHED, *[Kind.BOOKED_TWICE] * 3]


def test_a_statement_in_utf_16_is_told_from_results_by_its_head() -> None:
    camt = statement(booked("1.00", transaction("a", "1.00")))
    as_utf16 = camt.decode().replace("UTF-8", "UTF-16").encode("utf-16")
    long_title = "户" * 3_000 + "\n账号,记账日期,收支,金额,银行流水号\n"

    assert is_statement(as_utf16)
    assert read_statement(as_utf16) == read_statement(camt)
    assert not is_statement(long_title.encode("utf-16"))  # its head is not within what is looked at
    assert not is_statement("payment,status,amount,on,reference,reason\n".encode("utf-16"))
