"""Deciding which of the facts that disagree count: an event for each of them, undone by a later one."""

from __future__ import annotations

from domain.facts import SEP
from domain.roles import Actor, NotAllowed, require
from ledger.application import Ledger
from ledger.disagreements.finding import hold_of
from ledger.disagreements.reading import Listed, one
from ledger.inbox import DESK, Batch
from ledger.store import Rows

COUNTS, NOT = "counts", "does-not-count"


def decide(
    ledger: Ledger, disagreement: str, actor: Actor, counting: list[tuple[str, str]], reason: str
) -> Listed:
    """Say which facts of a disagreement count; all others of it do not.

    Args:
        counting: (source, id) of each fact that counts.

    Raises:
        NotAllowed: for an unknown disagreement, a fact that is none of it, no reason, or an actor
            who may not.
    """
    require(actor, "disagreement.decide")
    if not reason.strip():
        raise NotAllowed("disagreement.reason", "reason")
    with ledger.store.writing() as rows:
        found = one(rows, disagreement)
        if found is None:
            raise NotAllowed("disagreement.unknown", "disagreement", disagreement=disagreement)
        known = {(fact["source"], fact["id"]): fact for fact in found.facts if fact["outcome"] != "withdrawn"}
        for source, event_id in counting:
            if (source, event_id) not in known:
                raise NotAllowed("disagreement.fact", "counting", source=source, id=event_id)
        batch = Batch(rows, ledger, DESK)
        holds = []
        for (source, event_id), fact in sorted(known.items()):
            key = f"{source}{SEP}{event_id}"
            counts = (source, event_id) in counting and not _held_elsewhere(rows, disagreement, key)
            said = {"counts": counts, "actor": actor.name, "reason": reason.strip()}
            holds.append(hold_of(disagreement, key, fact["enterprise"], fact["event"], said))
        batch.record_holds(holds)
        batch.commit()
        for (source, event_id), _ in known.items():
            outcome = COUNTS if (source, event_id) in counting else NOT
            rows.run(
                "UPDATE disagreements SET outcome=? WHERE disagreement=? AND key=?",
                [outcome, disagreement, f"{source}{SEP}{event_id}"],
            )
        decided = one(rows, disagreement)
    assert decided is not None
    return decided


def _held_elsewhere(rows: Rows, disagreement: str, key: str) -> bool:
    """Whether another disagreement keeps a fact from counting: it waits there, or was decided against."""
    sql = (
        "SELECT 1 FROM disagreements WHERE key=? AND disagreement<>? "
        "AND ((outcome IS NULL AND held=1) OR outcome=?) LIMIT 1"
    )
    return bool(rows.all(sql, [key, disagreement, NOT]))
