"""A journal in plain text that both hledger and ledger read; accounts stand as they are named here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

from domain.money.amounts import print_fen
from domain.settlement.postings import Transaction
from ledger.export.books import Tick, no_tick

_NEVER_PLAIN = re.compile(r"[\x00-\x1f\x7f\u2028\u2029;|]+")


def plain(text: str) -> str:
    """Text for a line of the journal: nothing in it starts a comment, a payee or another line."""
    return _NEVER_PLAIN.sub(" ", text).strip()


def tag(text: str) -> str:
    """Text for a tag's value, which a comma would end."""
    return plain(text).replace(",", "，")


def entry(transaction: Transaction, currency: str = "CNY") -> str:
    """One transaction with its tags."""
    tags = ", ".join(f"{name}:{tag(str(value))}" for name, value in transaction.meta.items())
    lines = [f"{transaction.day} * {plain(transaction.narration).lstrip('(*! ')}"]
    if tags:
        lines.append(f"    ; {tags}")
    lines += [
        f"    {posting.account}  {print_fen(posting.fen)} {currency}" for posting in transaction.postings
    ]
    return "\n".join(lines) + "\n\n"


def write(
    out: TextIO,
    accounts: Iterable[str],
    transactions: Iterable[Transaction],
    tick: Tick = no_tick,
    currency: str = "CNY",
) -> None:
    """Write accounts, so that hledger's strict check holds, and transactions, one after another."""
    out.write(f"commodity {currency}\n  format 1000.00 {currency}\n\n")
    for account in accounts:
        out.write(f"account {account}\n")
    out.write("\n")
    for transaction in transactions:
        out.write(entry(transaction, currency))
        tick()
