"""The bank's statements as entries: ISO 20022 camt.053 and camt.054, or CSV.

An entry that holds several transactions, such as the booking of a batch, becomes an entry for each; what
is not booked yet is passed over and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from domain.money.amounts import MoneyError, parse_fen
from domain.settlement.reconciliation import StatementEntry
from ledger.export.file_faults import LOOKED_LINES, SEPARATORS, Faults, records, text_lines
from ledger.export.payment_files import is_day
from ledger.settlement.statements.xml_reading import XmlReader, china_day, trim_amount

NAMESPACES = (
    "urn:iso:std:iso:20022:tech:xsd:camt.053.001.",
    "urn:iso:std:iso:20022:tech:xsd:camt.054.001.",
)
STATEMENT_COLUMNS = {
    "account": ("account", "账号"),
    "on": ("on", "date", "记账日期"),
    "direction": ("direction", "收支"),
    "amount": ("amount", "金额"),
    "reference": ("reference", "银行流水号"),
}
OPTIONAL_COLUMNS = {
    "payment": ("payment", "支付编号"),
    "batch": ("batch", "批次"),
    "currency": ("currency", "币种"),
    "reason": ("reason", "退回原因"),
}
DEBITS = frozenset(("debit", "支出", "借", "付", "dbit"))
CREDITS = frozenset(("credit", "收入", "贷", "收", "crdt"))
TEXT_MAX = 140
_SEPARATOR = re.compile("|".join(SEPARATORS))
_NOT_GIVEN = "NOTPROVIDED"
"""What ISO 20022 has banks write for an end-to-end id that nobody gave."""


class Statement(NamedTuple):
    """What a file says: entries that are booked, and how many are not yet."""

    entries: list[StatementEntry]
    pending: int


def is_statement(data: bytes) -> bool:
    """Whether a file says by its head that it is a statement, and not a list of results."""
    head = _head_text(data[:4_000])
    if any(namespace in head for namespace in NAMESPACES):
        return True
    lines = head.splitlines()[:LOOKED_LINES]
    cells = {cell.strip(' "\ufeff\r\n').casefold() for line in lines for cell in _SEPARATOR.split(line)}
    return not cells.isdisjoint(STATEMENT_COLUMNS["direction"])


def _head_text(head: bytes) -> str:
    """The first bytes of a file as text, whatever it is written in; a letter cut in two is left out."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "ignore")
    text = head.decode("utf-8", "ignore")
    return text if head.startswith(text.encode()) else head.decode("gb18030", "ignore")


def read_statement(data: bytes, currency: str = "CNY") -> Statement:
    """The entries of a statement, whatever its form; ``currency`` is that of a CSV that names none.

    Raises:
        FileError: with everything that is wrong.
    """
    if data.lstrip(b" \t\r\n\xef\xbb\xbf").startswith(b"<") or data.startswith(
        (b"\xff\xfe<", b"\xfe\xff\x00<")
    ):
        reader = _Camt()
        reader.read(data)
        reader.faults.raise_any()
        return Statement(reader.entries, reader.pending)
    return _read_csv(text_lines(data), currency)


def _read_csv(lines: Iterable[str], currency: str) -> Statement:
    faults, entries = Faults(), list[StatementEntry]()
    for line, row in records(lines, STATEMENT_COLUMNS, faults, OPTIONAL_COLUMNS):
        direction = row["direction"].casefold()
        values = {**row, "on": row["on"].replace("/", "-"), "currency": row["currency"] or currency}
        if direction not in DEBITS | CREDITS:
            faults.add(line, "direction", "direction" if direction else "missing")
        _add(entries, faults, line, values, is_debit=direction in DEBITS)
    faults.raise_any()
    return Statement(_number_equal(entries), 0)


def _number_equal(entries: Iterable[StatementEntry]) -> list[StatementEntry]:
    """Entries of one file, in which a row that stands twice is money that moved twice.

    A CSV has no number of its own for a booking, and a bank writes each one once: the second of two equal
    rows is named after its place among them. In another file that overlaps they come to the same names.
    """
    rows = Counter[StatementEntry]()
    numbered = list[StatementEntry]()
    for entry in entries:
        rows[entry] += 1
        count = rows[entry]
        numbered.append(entry._replace(reference=f"{entry.reference}/{count}") if count > 1 else entry)
    return numbered


def _add(
    entries: list[StatementEntry], faults: Faults, line: int, row: Mapping[str, str], *, is_debit: bool
) -> None:
    """One entry; whatever is unfit goes to the faults."""
    try:
        fen = parse_fen(trim_amount(row.get("amount", "")))
    except MoneyError:
        fen = 0
    fits = {"amount": fen > 0, "on": is_day(row.get("on", "")), "reference": True, "account": True}
    codes = {"amount": "amount", "on": "date"}
    for field, fit in fits.items():
        if not row.get(field):
            faults.add(line, field, "missing")
        elif not fit:
            faults.add(line, field, codes[field])
    entries.append(
        StatementEntry(
            account=row.get("account", "").replace(" ", ""),
            reference=row.get("reference", ""),
            booked_on=row.get("on", ""),
            amount_fen=fen,
            currency=row.get("currency", ""),
            is_debit=is_debit,
            payment="" if row.get("payment") == _NOT_GIVEN else row.get("payment", ""),
            batch=row.get("batch", ""),
            reason=row.get("reason", "")[:TEXT_MAX],
        )
    )


class _Camt(XmlReader):
    """Reads a statement or a notification entry by entry."""

    def __init__(self) -> None:
        super().__init__(NAMESPACES, "xml.statement")
        self.entries: list[StatementEntry] = []
        self.pending = 0
        self.statement: dict[str, str] = {}
        self.number = 0
        self.entry: dict[str, str] | None = None
        self.transaction: dict[str, str] | None = None
        self.transactions: list[tuple[int, dict[str, str]]] = []
        self.began = 0

    def begin(self, local: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of a statement, an entry, a transaction, or the currency of an amount."""
        if local in ("Stmt", "Ntfctn"):
            self.statement, self.number = {}, 0
        elif local == "Ntry":
            self.entry, self.transactions, self.began = {}, [], self.line
            self.number += 1
        elif local == "TxDtls" and self.entry is not None:
            self.transaction = {"line": str(self.line)}
        elif local == "Amt" and self.path[-2] in ("Ntry", "TxDtls"):
            self._present()["currency"] = attributes.get("Ccy", "")

    def _present(self) -> dict[str, str]:
        """What is being read: a transaction of an entry, an entry, or the statement around it."""
        if self.transaction is not None:
            return self.transaction
        return self.statement if self.entry is None else self.entry

    def end(self, local: str, within: str, text: str) -> None:
        """Take an element's text."""
        if local == "Ntry" and self.entry is not None:
            self._add_entry(self.entry)
            self.entry = None
        elif local == "TxDtls" and self.transaction is not None:
            self.transactions.append((int(self.transaction["line"]), self.transaction))
            self.transaction = None
        elif self.entry is None:
            if (within, local) in _OF_STATEMENT:  # the account stands before its owner and servicer
                self.statement.setdefault(_OF_STATEMENT[within, local], text)
        elif "RtrInf" in self.path and (
            local == "AddtlInf" or (within == "Rsn" and local in ("Cd", "Prtry"))
        ):
            present = self._present()
            present["reason"] = f"{present.get('reason', '')} {text}".strip()[:TEXT_MAX]
        elif text and (key := _OF_ENTRY.get((within, local))):
            self._present()[key] = text

    def _add_entry(self, entry: dict[str, str]) -> None:
        """One entry, or those of its transactions; what they leave of its amount is an entry too."""
        if entry.get("status", "BOOK") != "BOOK":
            self.pending += 1
            return
        place = f"{self.statement.get('id', '')}/{self.number}"
        common = {
            "account": self.statement.get("account", ""),
            "on": china_day(entry.get("on") or self.statement.get("made_at", "")),
            "reference": entry.get("reference") or place,
            "batch": entry.get("batch", ""),
        }
        single = len(self.transactions) < 2
        bookings = Counter[tuple[str, str, str]]()
        for line, transaction in self.transactions or [(self.began, {})]:
            amounts = {name: entry.get(name, "") for name in ("amount", "currency")} if single else {}
            fields = {name: value for name, value in transaction.items() if value}
            row = {**common, "direction": entry.get("direction", ""), **amounts, **fields}
            direction = row["direction"]
            booking = (row["reference"], row.get("payment", ""), direction)
            bookings[booking] += 1
            if bookings[booking] > 1:  # money that went twice in one entry is not one entry told twice
                row["reference"] = f"{row['reference']}/{bookings[booking]}"
            if direction not in ("DBIT", "CRDT"):
                self.faults.add(line, "CdtDbtInd", "direction" if direction else "missing")
            _add(self.entries, self.faults, line, row, is_debit=direction == "DBIT")
        if self.transactions:
            self._must_add_up(entry)

    def _must_add_up(self, entry: dict[str, str]) -> None:
        """Hold an entry to its transactions, in whole minor units."""
        sign = 1 if entry.get("direction") == "DBIT" else -1
        booked = self.entries[-len(self.transactions) :]
        try:
            entry_fen = parse_fen(trim_amount(entry.get("amount", "")))
        except MoneyError:
            entry_fen = 0
        if sign * sum(each.net_fen for each in booked) != entry_fen:
            self.faults.add(self.began, "Ntry", "entry.sum")


_OF_STATEMENT: Mapping[tuple[str, str], str] = {
    ("Stmt", "Id"): "id",
    ("Ntfctn", "Id"): "id",
    ("Stmt", "CreDtTm"): "made_at",
    ("Ntfctn", "CreDtTm"): "made_at",
    ("Id", "IBAN"): "account",
    ("Othr", "Id"): "account",
}
_OF_ENTRY: Mapping[tuple[str, str], str] = {
    ("Ntry", "Amt"): "amount",
    ("TxDtls", "Amt"): "amount",
    ("Ntry", "CdtDbtInd"): "direction",
    ("TxDtls", "CdtDbtInd"): "direction",
    ("Sts", "Cd"): "status",
    ("Ntry", "Sts"): "status",
    ("BookgDt", "Dt"): "on",
    ("BookgDt", "DtTm"): "on",
    ("Ntry", "AcctSvcrRef"): "reference",
    ("Refs", "AcctSvcrRef"): "reference",
    ("Refs", "EndToEndId"): "payment",
    ("Refs", "PmtInfId"): "batch",
    ("Btch", "PmtInfId"): "batch",
}
"""What is kept of an entry and of its transactions, by the element around it and its own name."""
