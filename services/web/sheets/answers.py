"""What the API and the console tell of a spreadsheet that waits."""

from __future__ import annotations

from typing import Any

from domain.authority.roles import STAFF, Actor
from ledger.intake.sheets.previewing import (
    DEFAULT_SOURCE,
    SheetSender,
    described,
    doubtful,
    faulty,
    left_out,
)
from services.web.identity.gate import scope, sender_of
from services.web.sheets.desk import Sent, Waiting


def is_staff(actor: Actor) -> bool:
    """Whether somebody may see what a file would do to the budget, and what others said."""
    return bool(actor.roles & set(STAFF))


def owner(actor: Actor) -> str | None:
    """Whose sheets somebody may see; ``None``: everybody's."""
    return None if is_staff(actor) else actor.identity


def sent_by(actor: Actor, file_name: str, source: str, table_name: str | None) -> Sent:
    """Who sends a sheet, and what of it; a machine's source is its own."""
    limits = scope()
    fact_source = source or (limits.source if limits else DEFAULT_SOURCE)
    return Sent(
        actor.identity,
        file_name or "sheet",
        fact_source,
        table_name,
        SheetSender(sender_of(actor), not is_staff(actor)),
    )


def preview_of(waiting: Waiting, state: dict[str, Any], actor: Actor) -> dict[str, Any] | None:
    """What a sheet would do; ``None`` before that is known."""
    if state["stage"] not in ("ready", "recorded"):
        return None
    with waiting.holding() as holding:
        answer = {**described(holding), "faulty": list(faulty(holding)), "doubtful": doubtful(holding)}
        answer["left_out"] = list(left_out(holding))
        answer["recorded"] = holding.read_note("recorded") if state["stage"] == "recorded" else None
    if not is_staff(actor):
        answer.update({"consequences": None, "disagreements": None, "doubtful": []})
    return answer
