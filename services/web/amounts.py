"""Amounts as readers see them, each in the currency that its answer names."""

from __future__ import annotations

from domain.faults.fault import FaultArgs
from domain.money.amounts import Amount, Quantity, print_fen
from ledger.policies.versions import rulebooks
from ledger.store.rows import Rows


def read_currencies(rows: Rows) -> dict[str, str]:
    """What each policy pays in, by its id."""
    return {policy: book.latest.currency for policy, book in rulebooks(rows).items()}


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
