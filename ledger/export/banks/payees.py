"""The accounts that enterprises are paid on, read from a file: what cannot be right, and what is in doubt.

What is in doubt (digits that a spreadsheet may have dropped, one account for several enterprises) is
refused unless the row says in its column ``checked`` that somebody looked, and why it is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from domain.things.credit_code import fault_of
from domain.things.spelling import fold_reference
from ledger.export.file_faults import Faults, FileFault, records
from ledger.export.payment_files import (
    ACCOUNT,
    PAYEE_NAME_MAX,
    Payee,
    PaymentLine,
    is_bank,
    proper,
)

PAYEE_COLUMNS = {
    "code": ("code", "统一社会信用代码"),
    "name": ("name", "户名"),
    "account": ("account", "账号"),
    "bank": ("bank", "行号"),
}
CHECKED_COLUMN = {"checked": ("checked", "核对说明")}
EXACT_DIGITS = 15
"""How many digits of a number spreadsheet programs keep."""
WARNINGS_MAX = 1_000
"""Most warnings that are kept of one batch."""
_AS_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+|[0-9]+\.[0-9]+")
"""What is left of an account that a spreadsheet took for a number."""
_CARD = re.compile(r"62[0-9]{14,17}")
"""The number of a bank card, whose last digit checks the others (ISO/IEC 7812-1, Luhn's formula)."""


def read_payees(lines: Iterable[str]) -> dict[str, Payee]:
    """The accounts by credit code, from CSV with the columns code, name, account, bank, and maybe checked.

    Raises:
        FileError: with everything that is wrong, and all that is in doubt and not said to be checked.
    """
    faults, payees, first = Faults(), {}, dict[str, int]()
    holders: dict[str, str] = {}
    for line, row in records(lines, PAYEE_COLUMNS, faults, CHECKED_COLUMN):
        code, name, bank = row["code"], row["name"], row["bank"].upper().replace(" ", "")
        account = row["account"].replace(" ", "")
        checks = [
            ("code", fault_of(code) and "code"),
            ("name", not proper(name, PAYEE_NAME_MAX) and "text"),
            ("account", _account_fault(account, bool(row["checked"]))),
            ("bank", not is_bank(bank) and "bank"),
        ]
        for field, fault in checks:
            if fault:
                fault = fault if row[field] else "missing"
                faults.add(line, field, fault, value=row[field][:40], most=str(PAYEE_NAME_MAX))
        if code in first:
            faults.add(line, "code", "twice", earlier=str(first[code]))
        elif code:
            first[code] = line
            payees[code] = Payee(account, bank, name, line)
            holder = holders.setdefault(account, code)
            if account and holder != code and not row["checked"]:
                earlier = str(first[holder])
                faults.add(
                    line, "account", "account.shared", value=account, earlier=earlier, enterprise=holder
                )
    faults.raise_any()
    return payees


def _account_fault(account: str, is_checked: bool) -> str | None:
    if _AS_NUMBER.fullmatch(account):
        return "account.number"
    if not ACCOUNT.fullmatch(account):
        return "account"
    return "account.damaged" if may_be_damaged(account) and not is_checked else None


def may_be_damaged(account: str) -> bool:
    """Whether an account looks as a spreadsheet leaves one: zeros alone behind the digits it keeps.

    A card of sixteen digits may end in a zero that checks the others.
    """
    rest = account[EXACT_DIGITS:] if account.isdigit() else ""
    is_card = len(rest) == 1 and bool(_CARD.fullmatch(account)) and fits_luhn(account)
    return bool(rest) and not rest.strip("0") and not is_card


def fits_luhn(digits: str) -> bool:
    """Whether the last digit checks the others by Luhn's formula (ISO/IEC 7812-1, annex B)."""
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    plain = (int(digit) for digit in digits[::-2])
    return (sum(value - 9 * (value > 9) for value in doubled) + sum(plain)) % 10 == 0


def find_warnings(lines: Iterable[PaymentLine], payees: Mapping[str, Payee]) -> list[FileFault]:
    """What is odd about the payees of a batch and stops nothing: cards, and holders of another name."""
    return list(islice(_warn(lines, payees), WARNINGS_MAX))


def _warn(lines: Iterable[PaymentLine], payees: Mapping[str, Payee]) -> Iterator[FileFault]:
    for line in lines:
        payee = payees[line.code]
        if _CARD.fullmatch(payee.account) and not fits_luhn(payee.account):
            yield FileFault(payee.line, "account", "account.luhn", {"value": payee.account})
        if line.name and fold_reference(line.name) != fold_reference(payee.name):
            names = {"value": payee.name, "registered": line.name}
            yield FileFault(payee.line, "name", "name.other", names)
