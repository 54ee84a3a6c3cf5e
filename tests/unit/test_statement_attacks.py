"""Statements that would hide money, or take time without bound."""

from __future__ import annotations

import pytest

from domain.settlement.reconciliation import Kind, PaymentStanding, reconcile
from ledger.export.file_faults import FileError
from ledger.settlement.statements.reading import TEXT_MAX, is_statement, read_statement

PAYMENT = PaymentStanding("P", "2025-001", "E", 100_00, "made", "R")


def camt(inside: str) -> bytes:
    """A statement around entries."""
    head = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S</Id>'
    account = "<Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"
    return f"{head}{account}{inside}</Stmt></BkToCstmrStmt></Document>".encode()


def entry(amount: str, details: str) -> str:
    """A debit of one reference, with its transactions."""
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        "<BookgDt><Dt>2025-04-01</Dt></BookgDt><AcctSvcrRef>R</AcctSvcrRef>"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def transaction(amount: str, more: str = "") -> str:
    """A transaction of the payment P without a reference of its own."""
    refs = "<Refs><EndToEndId>P</EndToEndId></Refs>"
    return f'<TxDtls>{refs}<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{more}</TxDtls>'


def test_a_payment_booked_twice_within_one_entry_is_seen_and_read_again_is_the_same() -> None:
    statement = camt(entry("200.00", transaction("100.00") * 2))
    entries = read_statement(statement).entries + read_statement(statement).entries
    found = reconcile([PAYMENT], entries)
    assert [line.kind for line in found.lines] == [Kind.BOOKED_TWICE]
    assert found.total.booked_fen == 200_00


def test_one_transaction_alone_must_come_to_its_entry() -> None:
    with pytest.raises(FileError) as refused:
        read_statement(camt(entry("900.00", transaction("100.00"))))
    assert [fault.code for fault in refused.value.faults] == ["entry.sum"]


def test_elements_without_end_within_each_other_are_refused() -> None:
    with pytest.raises(FileError) as refused:
        read_statement(camt("<Ntry>" + "<a>" * 200_000 + "</a>" * 200_000 + "</Ntry>"))
    assert [fault.code for fault in refused.value.faults] == ["xml"]


def test_reasons_without_end_are_cut() -> None:
    reasons = f"<RtrInf>{'<AddtlInf>0123456789</AddtlInf>' * 100_000}</RtrInf>"
    (only,) = read_statement(camt(entry("100.00", transaction("100.00", reasons)))).entries
    assert len(only.reason) <= TEXT_MAX


def test_a_reason_with_the_word_of_a_heading_makes_no_statement_of_results() -> None:
    results = "支付编号,状态,金额,日期,银行流水号,失败原因\nP,失败,1,2025-04-01,,账户收支受限\n"
    assert not is_statement(results.encode())
    statement = '标题\n"账号","记账日期","收支","金额","银行流水号"\n1,2025-04-01,支出,1,R\n'
    assert is_statement(statement.encode())
    assert is_statement(statement.encode("gb18030"))
