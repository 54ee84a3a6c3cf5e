"""What documents say of what was paid too much and is not ordered back."""

from __future__ import annotations

from domain.money.amounts import CURRENCIES, print_fen
from domain.policy.model import Policy
from ledger.settlement.overpaid import sum_to_order
from ledger.store.rows import Rows


def describe_to_order(rows: Rows, policy: Policy, year: int, language: str) -> str:
    """The end of a sentence in ``zh`` or ``en`` on a closed year; empty where nothing is to be ordered."""
    fen = sum(sum_to_order(rows, policy.id, year).values())
    if not fen:
        return ""
    amount = f"{CURRENCIES[policy.currency].symbol}{print_fen(fen, grouped=True)}"
    if language == "zh":
        return f"；另有多付待追回{amount}"
    return f"; {amount} more was paid too much and is to be ordered back"
