"""In which currency amounts are shown: that of the policy that a request or command is about."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from domain.faults.fault import FaultArgs
from domain.money.amounts import Amount, Quantity, print_fen
from ledger.policies.versions import rulebooks
from ledger.store.rows import Rows

_YUAN = "CNY"
_currencies: ContextVar[Mapping[str, str]] = ContextVar("currencies", default={})  # noqa: B039 - never changed
_about: ContextVar[str] = ContextVar("about", default="")


def about(rows: Rows | None, policy: str | None) -> None:
    """Show amounts from here on in a policy's currency; in yuan where there is none, or none is known."""
    _about.set(policy or "")
    if rows is not None:
        _currencies.set({name: book.latest.currency for name, book in rulebooks(rows).items()})


def in_currency(currency: str | None) -> None:
    """Show amounts from here on in a currency; in yuan where none is said."""
    _currencies.set({"": currency or _YUAN})
    _about.set("")


def printed(fen: int, policy: str | None = None) -> str:
    """Fen for readers, ``123456789`` → ``"¥1,234,567.89"``, by default of the policy at hand."""
    return print_fen(fen, _currencies.get().get(_about.get() if policy is None else policy, _YUAN))


def print_quantity(quantity: Quantity, *, grouped: bool = False) -> str:
    """So many things (``grouped`` with thousands apart), or so much money, for readers."""
    if quantity.currency is not None:
        return print_fen(*quantity)
    return f"{quantity.number:,}" if grouped else str(quantity.number)


def print_short(fen: int, currency: str, language: str) -> str:
    """Fen as a chart shows it: 万元 in Chinese, thousands of the currency in English, both cut off."""
    if language == "zh":
        return f"{print_fen(fen // 10_000, grouped=True)}万"
    return f"{print_fen(fen // 100_000 * 100, currency).removesuffix('.00')}k"


def for_readers(args: FaultArgs) -> FaultArgs:
    """What fills the words of a refusal, its amounts as readers write them."""
    return {name: print_fen(*value) if isinstance(value, Amount) else value for name, value in args.items()}
