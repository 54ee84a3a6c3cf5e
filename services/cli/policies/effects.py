"""What other rules would change, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.simulation.effects import Effect
from services.cli.tables import Column, Money, table


def print_effects(
    title: str, heads: list[Column], effects: Sequence[tuple[str, Effect]], currency: str
) -> None:
    """A table of what differs; none where nothing does."""
    lines = [
        (name, Money(effect.before_fen, currency), Money(effect.after_fen, currency))
        for name, effect in effects
        if effect.before_fen != effect.after_fen
    ]
    if lines:
        table(title, heads, lines)
