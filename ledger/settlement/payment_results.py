"""What became of payments: the bank's answer as CSV, or as an ISO 20022 pain.002 status report.

What is not final yet is passed over and counted, so that the results of the others are not lost; the
bank says it again once it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from domain.money.amounts import MoneyError, parse_fen, print_fen
from domain.things.spelling import fold_reference
from ledger.export.file_faults import Faults, records
from ledger.export.payment_files import IDENTIFIER, is_day, proper
from ledger.settlement.statements.xml_reading import XmlReader, china_day, trim_amount

SETTLED, FAILED = "made", "failed"
STATUSES = {"made": SETTLED, "成功": SETTLED, "failed": FAILED, "失败": FAILED}
PENDING = "pending"
STATUSES |= dict.fromkeys(("pending", "处理中", "待处理", "已受理"), PENDING)
FINAL = {"ACSC": SETTLED, "ACCC": SETTLED, "RJCT": FAILED, "CANC": FAILED}
"""ISO 20022 statuses that are final: settled for the debtor or the creditor, rejected, cancelled."""
NOT_FINAL = frozenset(
    ["ACCP", "ACFC", "ACPT", "ACSP", "ACTC", "ACWC", "ACWP", "PART", "PATC", "PDNG", "RCVD"]
)
"""ISO 20022 statuses that another one follows (ExternalPaymentTransactionStatus1Code)."""
TEXT_MAX = 140

RESULT_COLUMNS = {
    "payment": ("payment", "支付编号"),
    "status": ("status", "状态"),
    "amount": ("amount", "金额"),
    "on": ("on", "date", "日期"),
    "reference": ("reference", "银行流水号"),
    "reason": ("reason", "失败原因"),
}
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001."


class Result(NamedTuple):
    """What became of a payment: ``made`` or ``failed``, amount in fen, day, the bank's reference."""

    payment: str
    status: str
    amount: int
    on: str
    reference: str
    reason: str
    line: int = 0
    """Where it stands in the file."""

    @property
    def remark(self) -> str:
        """The bank's reference of what was made, or its reason."""
        return self.reference or self.reason


class BankAnswers(NamedTuple):
    """What a file says: results that are final, and how many payments it tells of that are not."""

    results: list[Result]
    pending: int


def read_results(lines: Iterable[str]) -> BankAnswers:
    """Results from CSV, with the columns of ``RESULT_COLUMNS``; others are passed over.

    Raises:
        FileError: with everything that is wrong.
    """
    faults, results, first, pending = Faults(), [], _First({}, {}), 0
    for line, row in records(lines, RESULT_COLUMNS, faults):
        status = STATUSES.get(row["status"].casefold(), "")
        if status == PENDING:
            pending += 1
            continue
        if not status:
            faults.add(line, "status", "status" if row["status"] else "missing")
        if status == SETTLED and row["reason"]:
            faults.add(line, "reason", "reason.made")
        result_row = {**row, "status": status, "on": _day(row["on"])}
        results.append(_result(line, result_row, first, faults))
    faults.raise_any()
    return BankAnswers(results, pending)


class _First(NamedTuple):
    """In which line each payment, and each of the bank's references, stood first."""

    payments: dict[str, int]
    references: dict[str, int]


def _result(line: int, row: Mapping[str, str], first: _First, faults: Faults) -> Result:
    """A result; whatever is unfit goes to the faults."""
    payment, status = row["payment"], row["status"]
    needed = {"payment", "amount", "on", {SETTLED: "reference", FAILED: "reason"}.get(status, "amount")}
    fits: dict[str, tuple[bool, str]] = {
        "payment": (bool(IDENTIFIER.fullmatch(payment)), "identifier"),
        "amount": (_fen(row["amount"]) > 0, "amount"),
        "on": (is_day(row["on"]), "date"),
        "reference": (proper(row["reference"]) and len(row["reference"]) <= TEXT_MAX, "text"),
        "reason": (proper(row["reason"]) and len(row["reason"]) <= TEXT_MAX, "text"),
    }
    for field, (fit, code) in fits.items():
        if not fit and (row[field] or field in needed):
            faults.add(line, field, code if row[field] else "missing", most=str(TEXT_MAX))
    if payment in first.payments:
        faults.add(line, "payment", "twice", earlier=str(first.payments[payment]))
    first.payments.setdefault(payment, line)
    reference = fold_reference(row["reference"]) if status == SETTLED else ""
    if reference and first.references.setdefault(reference, line) != line:
        faults.add(line, "reference", "reference.twice", earlier=str(first.references[reference]))
    return Result(payment, status, _fen(row["amount"]), row["on"], row["reference"], row["reason"], line)


def _fen(text: str) -> int:
    """Yuan as fen, 0 where it is no amount; never through a float."""
    try:
        return parse_fen(text)
    except MoneyError:
        return 0


def _day(text: str) -> str:
    """A day as ISO has it; spreadsheets save 2025/3/1. What is no day stays as it is."""
    matched = _DAY.fullmatch(text)
    try:
        return date(*map(int, matched.groups())).isoformat() if matched else text
    except ValueError:
        return text


def read_pain002(data: bytes, ordered: Mapping[str, int] | None = None, currency: str = "CNY") -> BankAnswers:
    """Results from a pain.002 status report of any version, payment by payment.

    ACSC and ACCC are made, RJCT and CANC failed; the statuses that another one follows are passed over
    and counted. A document type declaration is refused, so no entity is ever expanded or fetched.

    Args:
        data: the file.
        ordered: what was ordered, in fen by payment, for reports that repeat no amount.
        currency: what they were ordered in.

    Raises:
        FileError: with everything that is wrong.
    """
    report = _Report(ordered or {}, currency)
    report.read(data)
    report.faults.raise_any()
    return BankAnswers(report.results, report.pending)


class _Report(XmlReader):
    """Reads a status report element by element; of each payment only what is needed is kept."""

    def __init__(self, ordered: Mapping[str, int], currency: str) -> None:
        super().__init__((_NAMESPACE,), "xml.kind")
        self.ordered, self.currency = ordered, currency
        self.results: list[Result] = []
        self.first = _First({}, {})
        self.pending = 0
        self.made_at = ""
        self.payment: dict[str, str] | None = None
        self.began = 0

    def read(self, data: bytes) -> None:
        """Read it all, collecting faults."""
        super().read(data)
        if not self.results and not self.pending and not self.faults.total:
            self.faults.add(0, "file", "batch-only")

    def begin(self, local: str, attributes: Mapping[str, str]) -> None:
        """Take a payment's beginning, and the currency of its amount."""
        if local == "TxInfAndSts":
            self.payment, self.began = {}, self.line
        elif local in ("InstdAmt", "EqvtAmt") and self.payment is not None:
            self.payment["currency"] = attributes.get("Ccy", "")

    def end(self, local: str, within: str, text: str) -> None:
        """Take an element's text."""
        if local == "CreDtTm" and within == "GrpHdr":
            self.made_at = text
        if self.payment is None:
            return
        if local == "TxInfAndSts":
            self._add_payment(self.payment, self.began)
            self.payment = None
        elif local == "AddtlInf" or (within == "Rsn" and local in ("Cd", "Prtry")):
            self.payment["reason"] = f"{self.payment.get('reason', '')} {text}".strip()[:TEXT_MAX]
        elif key := _KEYS.get((within, local)):
            self.payment[key] = text

    def _add_payment(self, elements: dict[str, str], line: int) -> None:
        """One payment's status, whole."""
        payment, code = elements.get("payment", ""), elements.get("status", "")
        if code in NOT_FINAL:
            self.pending += 1
            return
        status = FINAL.get(code, "")
        if not status:
            self.faults.add(line, "TxSts", "status.unknown" if code else "missing", status=code[:40])
        if elements.get("currency", self.currency) != self.currency:
            self.faults.add(line, "InstdAmt", "currency", wanted=self.currency)
        amount = trim_amount(elements.get("amount", ""))
        if not amount and payment:
            if payment not in self.ordered:
                self.faults.add(line, "InstdAmt", "amount.absent")
                return
            fen = self.ordered[payment]
            amount = print_fen(fen)
        reason = elements.get("reason", "") or code
        row = {
            "payment": payment,
            "status": status,
            "amount": amount,
            "on": china_day(elements.get("settled") or elements.get("accepted") or self.made_at),
            "reference": elements.get("reference") or elements.get("clearing") or payment,
            "reason": reason if status == FAILED else "",
        }
        self.results.append(_result(line, row, self.first, self.faults))


_KEYS: Mapping[tuple[str, str], str] = {
    ("TxInfAndSts", "OrgnlEndToEndId"): "payment",
    ("TxInfAndSts", "TxSts"): "status",
    ("TxInfAndSts", "AccptncDtTm"): "accepted",
    ("TxInfAndSts", "AcctSvcrRef"): "reference",
    ("TxInfAndSts", "ClrSysRef"): "clearing",
    ("FctvIntrBkSttlmDt", "Dt"): "settled",
    ("FctvIntrBkSttlmDt", "DtTm"): "settled",
    ("Amt", "InstdAmt"): "amount",
}
"""What is kept of a payment, by the element around it and its own name."""
