"""A Beancount ledger: operating currency, open directives, and metadata on every transaction.

Beancount wants every word of an account to start with a capital or a digit and to hold only
letters, digits and hyphens. A measure's id holds lower-case letters, digits and single dots or
hyphens between them, so a dot becomes two hyphens and the first letter a capital, and both ways
lead back: ``brand.domestic-sales`` ↔ ``Brand--domestic-sales``. A credit code stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

from domain.money.amounts import print_fen
from domain.settlement.postings import Transaction
from ledger.export.books import NotExportable, Tick, no_tick

_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_CODE = re.compile(r"[0-9A-Z]+")
_OF_CODES = (["liabilities"], ["assets", "clawback"])
"""What stands before a credit code."""
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


class AccountError(NotExportable):
    """A name that cannot be turned into an account and back."""


def account_name(account: str) -> str:
    """An account as Beancount names it.

    Raises:
        AccountError: for a word that could not be read back.
    """
    words = account.split(":")
    return ":".join(_word(word, words[:index] in _OF_CODES) for index, word in enumerate(words))


def _word(word: str, is_code: bool) -> str:
    if not (_CODE if is_code else _NAME).fullmatch(word):
        raise AccountError(f"{word!r} is no {'credit code' if is_code else 'name of a-z, 0-9, . and -'}")
    return word if is_code else word[0].upper() + word[1:].replace(".", "--")


def account_of(name: str) -> str:
    """The account that Beancount's name stands for."""
    words: list[str] = []
    for word in name.split(":"):
        words.append(word if words in _OF_CODES else word[0].lower() + word[1:].replace("--", "."))
    return ":".join(words)


def quoted(text: str) -> str:
    """A string of Beancount on one line."""
    flat = _BREAKS.sub(" ", text)
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'


def entry(transaction: Transaction, currency: str = "CNY") -> str:
    """One transaction with its metadata."""
    lines = [f"{transaction.day} * {quoted(transaction.narration)}"]
    lines += [
        f"  {name}: {value if isinstance(value, int) else quoted(value)}"
        for name, value in transaction.meta.items()
    ]
    lines += [f"  {account_name(p.account)}  {print_fen(p.fen)} {currency}" for p in transaction.postings]
    return "\n".join(lines) + "\n\n"


def write(
    out: TextIO,
    title: str,
    opened: str,
    accounts: Iterable[str],
    transactions: Iterable[Transaction],
    tick: Tick = no_tick,
    currency: str = "CNY",
) -> None:
    """Write options, accounts opened on a day, and transactions, one after another."""
    out.write(f'option "title" {quoted(title)}\noption "operating_currency" "{currency}"\n\n')
    for account in accounts:
        out.write(f"{opened} open {account_name(account)} {currency}\n")
    out.write("\n")
    for transaction in transactions:
        out.write(entry(transaction, currency))
        tick()
