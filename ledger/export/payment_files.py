"""Payment orders as files: CSV for people and banks' counters, ISO 20022 pain.001 for direct links.

The ledger does not store bank accounts. They are read from a file when payments are exported, and
are joined here; so every payment is looked through once before anything is written, and whoever
passes ``lines`` passes something that can be gone through twice, such as a list or a function that
queries anew.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, NamedTuple, TextIO
from xml.sax.saxutils import escape

from domain.money.amounts import print_fen
from ledger.export.books import NotExportable, Tick, no_tick
from ledger.export.file_faults import FORMULA_STARTS

IDENTIFIER = re.compile(r"[!-~]{1,35}")
BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
CNAPS = re.compile(r"[0-9]{12}")
ACCOUNT = re.compile(r"[0-9A-Za-z-]{1,34}")
NAME_MAX = 140
"""Most characters of a name or of the words of a payment in a file, as ISO 20022 has it."""
PAYEE_NAME_MAX = 200
"""Most characters of the name of an account's holder, as of an enterprise's; ``fitted`` is written of it."""
NAMED_MAX = 50
"""Most enterprises that an error names."""
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

PAYMENT_COLUMNS = (
    *("支付编号", "统一社会信用代码", "企业名称", "户名", "账号", "行号"),
    *("金额", "用途", "要求付款日"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z")


class PaymentLine(NamedTuple):
    """One payment: its end-to-end id, the enterprise's credit code and registered name or ``""``, fen."""

    payment: str
    code: str
    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Payer:
    """The account that payments are made from; ``bank`` is a BIC or a CNAPS number."""

    name: str
    account: str
    bank: str


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """What stands at the head of a batch: ``made_at`` in UTC, ``on`` the day to pay, ``total`` in fen."""

    batch: str
    made_at: str
    on: str
    policy: str
    year: int
    debtor: Payer
    count: int
    total: int
    title: str
    currency: str = "CNY"

    @property
    def purpose(self) -> str:
        """What the enterprise reads on its statement."""
        return clean(f"{self.title} {self.year}年度 {self.policy}")[:NAME_MAX]


class Payee(NamedTuple):
    """The account that an enterprise is paid on; ``bank`` is a BIC or a CNAPS number."""

    account: str
    bank: str
    name: str
    line: int = 0
    """Where it stands in the file."""


Payments = Callable[[], Iterable[PaymentLine]] | Iterable[PaymentLine]
"""Payments that can be gone through twice: a list, an object that queries anew, or a function that does."""


def _from_first(lines: Payments) -> Iterator[PaymentLine]:
    """The payments from the first on.

    Raises:
        TypeError: for an iterator, which would be at its end the second time.
    """
    anew = lines() if callable(lines) else lines
    if anew is lines and iter(anew) is anew:
        raise TypeError("payments are gone through twice: pass a list, or a function that queries anew")
    return iter(anew)


class NoPayee(NotExportable):
    """Enterprises without an account: ``codes`` holds the first, ``total`` how many there are."""

    def __init__(self, codes: list[str], total: int) -> None:
        self.codes = codes
        self.total = total
        more = f" 等 {total} 户" if total > len(codes) else ""
        super().__init__(f"没有收款账户：{'、'.join(codes)}{more} — 在收款账户文件中补上后重新导出")


def is_bank(bank: str) -> bool:
    """Whether this is a CNAPS number or a BIC."""
    return bool(CNAPS.fullmatch(bank) or BIC.fullmatch(bank))


def proper(text: str, most: int = NAME_MAX) -> bool:
    """Whether text may be a name: neither empty nor too long, without control characters."""
    return 0 < len(text) <= most and not _CONTROL.search(text)


def fitted(name: str) -> str:
    """A name as it stands in a payment file: its first ``NAME_MAX`` characters, as banks' forms take."""
    return clean(name)[:NAME_MAX]


def clean(text: str) -> str:
    """Text on one line, without what XML cannot hold."""
    return _CONTROL.sub(" ", text).strip()


def check(file: PaymentFile, lines: Payments, payees: Mapping[str, Payee]) -> None:
    """Look through everything before it is written.

    Raises:
        NoPayee: naming the enterprises that have no account.
        NotExportable: where the head is unfit, a payment is, or the sum or number differs.
    """
    unfit = [name for name, fits in _head_fits(file) if not fits]
    if unfit:
        raise NotExportable(f"付款文件不合格式：{'、'.join(unfit)}")
    missing: dict[str, None] = {}
    count = total = without = 0
    for line in _from_first(lines):
        if not IDENTIFIER.fullmatch(line.payment) or line.amount <= 0:
            raise NotExportable(f"付款 {line.payment!r} 的编号或金额（{line.amount} 分）不合格式")
        count, total = count + 1, total + line.amount
        if line.code not in payees:
            without += line.code not in missing
            if len(missing) < NAMED_MAX:
                missing[line.code] = None
    if missing:
        raise NoPayee(list(missing), without)
    _same(file, count, total)


def _head_fits(file: PaymentFile) -> Iterator[tuple[str, bool]]:
    yield "batch", bool(IDENTIFIER.fullmatch(file.batch))
    yield "made_at", bool(_INSTANT.fullmatch(file.made_at))
    yield "on", is_day(file.on)
    yield "debtor.name", proper(file.debtor.name)
    yield "debtor.account", bool(ACCOUNT.fullmatch(file.debtor.account))
    yield "debtor.bank", is_bank(file.debtor.bank)
    yield "count", file.count > 0


def is_day(text: str) -> bool:
    """Whether text is a day that exists, ``YYYY-MM-DD``."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _same(file: PaymentFile, count: int, total: int) -> None:
    if (count, total) != (file.count, file.total):
        raise NotExportable(
            f"付款 {count} 笔共 {total} 分，与批次所记 {file.count} 笔共 {file.total} 分不符 — 重新导出"
        )


def still_the_same(file: PaymentFile, lines: Payments, tick: Tick) -> Iterator[PaymentLine]:
    """The payments; at their end, that they were still as many and as much when written."""
    count = total = 0
    for line in _from_first(lines):
        yield line
        count, total = count + 1, total + line.amount
        tick()
    _same(file, count, total)


def csv_text(value: str) -> str:
    """Text that no spreadsheet program takes for a formula; digits stand as they are, for a bank's import.

    Who opens payments in a spreadsheet program takes the workbook (``ledger.export.banks``), which keeps
    every digit of an account.
    """
    flat = clean(value)
    return f"'{flat}" if flat.startswith(FORMULA_STARTS) else flat


def write_csv(
    out: TextIO,
    file: PaymentFile,
    lines: Payments,
    payees: Mapping[str, Payee],
    tick: Tick = no_tick,
) -> None:
    """Write the batch as CSV: UTF-8 with a byte order mark, amounts in plain yuan.

    ``out`` is opened with ``newline=""``; the mark is written here.

    Raises:
        NoPayee, NotExportable: before anything is written.
    """
    check(file, lines, payees)
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(PAYMENT_COLUMNS)
    purpose = csv_text(file.purpose)
    for line in still_the_same(file, lines, tick):
        to = payees[line.code]
        texts = (line.payment, line.code, fitted(line.name), fitted(to.name), to.account, to.bank)
        writer.writerow([*map(csv_text, texts), print_fen(line.amount), purpose, file.on])


def write_pain001(
    out: BinaryIO,
    file: PaymentFile,
    lines: Payments,
    payees: Mapping[str, Payee],
    tick: Tick = no_tick,
) -> None:
    """Write the batch as ISO 20022 pain.001.001.09, payment by payment.

    Raises:
        NoPayee, NotExportable: before anything is written.
    """
    check(file, lines, payees)
    out.write(_head(file).encode())
    purpose = _text(file.purpose)
    for line in still_the_same(file, lines, tick):
        out.write(_transaction(line, payees[line.code], purpose, file.currency).encode())
    out.write(b"</PmtInf></CstmrCdtTrfInitn></Document>\n")


def _head(file: PaymentFile) -> str:
    batch, payer = _text(file.batch), file.debtor
    sums = f"<NbOfTxs>{file.count}</NbOfTxs><CtrlSum>{print_fen(file.total)}</CtrlSum>"
    named = f"<Nm>{_text(payer.name)}</Nm>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>\n'
        f"<GrpHdr><MsgId>{batch}</MsgId><CreDtTm>{file.made_at}</CreDtTm>{sums}"
        f"<InitgPty>{named}</InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{batch}</PmtInfId><PmtMtd>TRF</PmtMtd>{sums}"
        f"<ReqdExctnDt><Dt>{file.on}</Dt></ReqdExctnDt>"
        f"<Dbtr>{named}</Dbtr>{_account('Dbtr', payer.account)}{_agent('Dbtr', payer.bank)}\n"
    )


def _transaction(line: PaymentLine, to: Payee, purpose: str, currency: str) -> str:
    code = _text(line.code)
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{_text(line.payment)}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{print_fen(line.amount)}</InstdAmt></Amt>'
        f"{_agent('Cdtr', to.bank)}<Cdtr><Nm>{_text(fitted(to.name))}</Nm><Id><OrgId><Othr><Id>{code}</Id>"
        "<SchmeNm><Prtry>USCC</Prtry></SchmeNm></Othr></OrgId></Id></Cdtr>"
        f"{_account('Cdtr', to.account)}<RmtInf><Ustrd>{purpose}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )


def _account(party: str, account: str) -> str:
    return f"<{party}Acct><Id><Othr><Id>{_text(account)}</Id></Othr></Id></{party}Acct>"


def _agent(party: str, bank: str) -> str:
    """A bank; CNAPS is the code of China's clearing system in ISO's external code set."""
    if CNAPS.fullmatch(bank):
        element = f"<ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>{bank}</MmbId></ClrSysMmbId>"
    else:
        element = f"<BICFI>{_text(bank)}</BICFI>"
    return f"<{party}Agt><FinInstnId>{element}</FinInstnId></{party}Agt>"


def _text(value: str) -> str:
    return escape(clean(value))
