"""Deciding which of the facts that disagree count: an event for each of them, undone by a later one."""

from __future__ import annotations

from domain.facts import SEP
from domain.roles import Actor, NotAllowed, require
from ledger.application import Ledger
from ledger.disagreements.kept import COUNTS, NOT, Kept, decided
from ledger.disagreements.reading import Listed, one
from ledger.inbox import DESK, Batch


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
        holds, ended = [], []
        for (source, event_id), fact in sorted(known.items()):
            key = f"{source}{SEP}{event_id}"
            counts = (source, event_id) in counting
            who = (fact["enterprise"], fact["event"], counts, actor.name, reason.strip())
            holds.append(decided(disagreement, key, *who))
            ended.append((disagreement, key, COUNTS if counts else NOT))
        batch.record_holds(holds)
        batch.commit()
        Kept(rows).end(ended, rows.last_position())
        made = one(rows, disagreement)
    assert made is not None
    return made
