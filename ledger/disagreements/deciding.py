"""Deciding which of the facts that disagree count: an event for each of them, undone by a later one."""

from __future__ import annotations

from collections.abc import Mapping

from domain.authority.persons import is_same_person
from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events import CATALOGUE
from domain.events.event import SEP
from domain.events.second_person.requests import CountingFact, DecideDisagreement
from domain.events.speaking import attribute_step, person_of
from ledger.intake.batch import DESK, Batch
from ledger.projections.disagreements import (
    AGREES,
    COUNTS,
    NOT,
    SETTLED,
    WITHDRAWN,
    DisagreementTables,
    EntryEnd,
    decide_fact,
)
from ledger.reading.disagreements import DisagreeingFact, Disagreement, read_disagreement
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, stored
from ledger.waiting.second_person import require_second_person, writing_step


def decide(
    ledger: Ledger,
    disagreement: str,
    actor: Actor,
    counting: list[tuple[str, str]],
    reason: str,
    seen: int | None = None,
) -> Disagreement:
    """Say which facts of a disagreement count; all others of it do not.

    The same decision once more, by the same person for the same reason, records nothing.

    Args:
        counting: (source, id) of each fact that counts.
        seen: ``latest`` of the disagreement as it was seen; without it, it is decided as it stands.

    Raises:
        NotAllowed: for an unknown disagreement, one in which nothing disagrees, one that has
            changed since it was seen, a fact that is none of it, no reason, or an actor who may not.
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, "disagreement.decide")
    if not reason.strip():
        raise NotAllowed("disagreement.reason", "reason")
    with writing_step(ledger) as rows:
        found = read_disagreement(rows, disagreement)
        if found is None:
            raise NotAllowed("disagreement.unknown", "disagreement", disagreement=disagreement)
        known = _to_decide(found, seen)
        for source, event_id in counting:
            if (source, event_id) not in known:
                raise NotAllowed("disagreement.fact", "counting", source=source, id=event_id)
        outcomes = {each: COUNTS if each in counting else NOT for each in known}
        if _decided_so(rows, found, actor, reason.strip()) and all(
            known[each].outcome == outcome for each, outcome in outcomes.items()
        ):
            return found
        request = DecideDisagreement(
            disagreement=disagreement,
            counting=tuple(CountingFact(*fact) for fact in sorted(set(counting))),
            reason=reason.strip(),
            latest=found.latest,
        )
        actor = require_second_person(ledger, rows, actor, request)
        _record(ledger, rows, actor, request, known, outcomes)
        made = read_disagreement(rows, disagreement)
    assert made is not None
    return made


def _record(
    ledger: Ledger,
    rows: Rows,
    actor: Actor,
    request: DecideDisagreement,
    facts: Mapping[tuple[str, str], DisagreeingFact],
    outcomes: Mapping[tuple[str, str], str],
) -> None:
    """Record an outcome of each fact, and compare again what they measure."""
    disagreement, reason = request.disagreement, request.reason
    batch = Batch(rows, ledger, DESK, attribution=attribute_step(actor, "disagreement.decide"))
    holds, ends = [], []
    for (source, event_id), fact in sorted(facts.items()):
        key = f"{source}{SEP}{event_id}"
        outcome = outcomes[source, event_id]
        who = (fact.enterprise, fact.event, outcome == COUNTS, actor.name, reason)
        holds.append(decide_fact(disagreement, key, *who))
        ends.append(EntryEnd(disagreement, key, outcome))
    batch.record_holds(holds)
    batch.commit()
    tables = DisagreementTables(rows)
    tables.end_entries(ends, rows.last_position())
    tables.note_decision(disagreement, rows.last_position(), actor.name, reason)
    if any(CATALOGUE[fact.event].shape == "amount" for fact in facts.values()):
        # Later years are measured by what counts.
        Batch(rows, ledger, DESK).look_back(sorted({fact.enterprise for fact in facts.values()}))


def _to_decide(found: Disagreement, seen: int | None) -> dict[tuple[str, str], DisagreeingFact]:
    """The facts that a decision is about, by source and id; refused where there are none, or other ones."""
    if seen is not None and seen < found.latest:
        raise NotAllowed("disagreement.moved", "seen", seen=seen, latest=found.latest)
    known = {(fact.source, fact.id): fact for fact in found.facts if fact.outcome not in (WITHDRAWN, AGREES)}
    if all(fact.outcome == SETTLED for fact in known.values()):
        raise NotAllowed("disagreement.over", "disagreement", disagreement=found.id)
    return known


def _decided_so(rows: Rows, disagreement: Disagreement, actor: Actor, reason: str) -> bool:
    """Whether the same person decided it last, for the same reason."""
    decision = disagreement.decision
    if decision is None or decision.reason != reason:
        return False
    decided = "SELECT decided FROM disputes WHERE disagreement=?"
    (row,) = rows.all(f"{SELECT} WHERE rowid=({decided})", [disagreement.id])
    return is_same_person(person_of(stored(row).fact, decision.actor), actor.person)
