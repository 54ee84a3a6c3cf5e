"""Statements that would hide money, or take time without bound."""

from __future__ import annotations

import pytest

from domain.settlement.reconciliation import Kind, PaymentStanding, reconcile
from ledger.export.file_faults import FileError
from ledger.settlement.statements.reading import TEXT_MAX, read_statement

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
