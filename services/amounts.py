"""In which currency amounts are shown: that of the policy that a request or command is about."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from domain.money import Owed
from domain.money import printed as printed_in
from ledger.policies import UnknownPolicy, rulebook
from ledger.store import Rows

_currency: ContextVar[str] = ContextVar("currency", default="CNY")


def about(rows: Rows | None, policy: str | None) -> str:
    """Show amounts from here on in a policy's currency; in yuan where there is none, or none is known."""
    currency = "CNY"
    if rows is not None and policy:
        with suppress(UnknownPolicy):
            currency = rulebook(rows, policy).latest.currency
    _currency.set(currency)
    return currency


def printed(fen: int) -> str:
    """Fen for readers, ``123456789`` → ``"¥1,234,567.89"``."""
    return printed_in(fen, _currency.get())


def for_readers(args: dict[str, Any]) -> dict[str, Any]:
    """What fills the words of a refusal, its amounts in the currency at hand."""
    return {name: printed(value) if isinstance(value, Owed) else value for name, value in args.items()}
