"""Steps of a settlement for tests that are about something else: whatever is open is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from domain.authority.roles import Actor
from domain.settlement.year import Settlement
from ledger.settlement import closing, paying, proposing
from ledger.settlement.open_matters import Acknowledging, read_open_matters
from ledger.settlement.paying import Ordered
from ledger.store.application import Ledger

REASON = "known to the tests"


def acknowledge(ledger: Ledger, policy: str, year: int, step: str) -> Acknowledging | None:
    """What a step must acknowledge now; none where nothing is open."""
    with ledger.store.reading() as rows:
        open_matters = read_open_matters(ledger, rows, policy, year, step)
    return Acknowledging(open_matters.digest, REASON) if open_matters.matters else None


def propose(ledger: Ledger, policy: str, year: int, actor: Actor) -> Settlement:
    """Propose a list."""
    known = acknowledge(ledger, policy, year, "settlement.propose")
    return proposing.propose(ledger, policy, year, actor, known)


def publish(ledger: Ledger, policy: str, year: int, actor: Actor) -> Settlement:
    """Publish a list."""
    known = acknowledge(ledger, policy, year, "settlement.publish")
    return proposing.publish(ledger, policy, year, actor, known)


def close(ledger: Ledger, policy: str, year: int, actor: Actor) -> Settlement:
    """Close a year."""
    known = acknowledge(ledger, policy, year, "settlement.close")
    return closing.close(ledger, policy, year, actor, known)


def order_payments(
    ledger: Ledger, policy: str, year: int, actor: Actor, codes: Sequence[str] | None = None
) -> Ordered:
    """Order what is outstanding."""
    known = acknowledge(ledger, policy, year, "payment.order")
    return paying.order_payments(ledger, policy, year, actor, codes, known)
