"""Recoveries by the bank's reference: money that came back is recorded once, wherever it is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from domain.events.accounts import ClawbackRecovered
from domain.events.stored import topic_of
from domain.things.spelling import fold_reference
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored


class Recovery(NamedTuple):
    """Where a bank's reference was used: the clawback, fen, and the day in Asia/Shanghai."""

    policy: str
    year: int
    enterprise: str
    clawback: str
    amount_fen: int
    on: str


def put_recoveries(rows: Rows, events: Iterable[Stored]) -> None:
    """Write what came back, by the bank's reference."""
    rows.run_many(
        "INSERT INTO recoveries (policy, year, code, version, clawback, reference, amount, day, position) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (
                *(c.policy, c.year, c.enterprise, event.version, c.clawback),
                *(fold_reference(c.reference), c.amount_fen, c.on, event.position),
            )
            for event, c in ((event, event.fact.content) for event in events)
            if isinstance(c, ClawbackRecovered)
        ],
    )


def fill_recoveries(rows: Rows) -> None:
    """Write what came back before there was the table."""
    recorded = rows.all(f"{SELECT} WHERE topic=? ORDER BY rowid", [topic_of(ClawbackRecovered.__name__)])
    put_recoveries(rows, map(stored, recorded))


def refill_recoveries(rows: Rows) -> None:
    """Write again what came back, by references as they are compared now."""
    rows.run("DELETE FROM recoveries")
    fill_recoveries(rows)


def recoveries_under(rows: Rows, reference: str) -> list[Recovery]:
    """Every recovery under a bank's reference, the first one first."""
    sql = (
        "SELECT policy, year, code, clawback, amount, day FROM recoveries WHERE reference=? ORDER BY position"
    )
    return [Recovery(*row) for row in rows.all(sql, [fold_reference(reference)])]
