"""What was recorded before spellings were canonical, and counts apart though it may be one thing.

An upgrade changes no figure: such facts wait here, with what would change, until an officer decides.
Where they are one thing, the ledger corrects old reports to the canonical spelling, or retracts what was
reported twice; where they are not, that is recorded, and nothing changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events.amendments import FactCorrected, FactRetracted, SpellingsDecided
from domain.events.claims import ClaimApproved
from domain.events.content import DatedThing
from domain.events.event import SEP, Event
from domain.events.second_person.requests import AwardChange, DecideMerge, SpeltFact
from domain.events.speaking import attribute_step
from domain.facts.canonical import canonical_event, identity_of
from domain.facts.folding import fold
from domain.policy.rulebook import Rulebook
from ledger.intake.batch import DESK, Batch
from ledger.intake.old_spellings import OTHER_SPELLING, amended_keys, correct_spelling
from ledger.policies.versions import rulebooks
from ledger.projections.disagreements import Hold
from ledger.reading.changes import compare_awards
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of
from ledger.store.things.spellings import ITEM, KEY, THING, OldSpelling, spellings_of_enterprises
from ledger.waiting.second_person import require_second_person, writing_step


class Merge(msgspec.Struct, frozen=True):
    """Facts of one enterprise that may be one thing in several spellings."""

    id: str
    enterprise: str
    what: str
    """``thing``, ``key`` (the same id of the same source) or ``item`` (approved twice)."""
    event: str
    canonical: str
    """How it would be spelt today; parts are joined by ``SEP``."""
    facts: tuple[SpeltFact, ...]
    changes: tuple[AwardChange, ...]
    """What would change of the enterprise's awards if they are one."""


STEP = "merge.decide"
Amending = FactCorrected | FactRetracted


class _Group(NamedTuple):
    what: str
    event: str
    canonical: str
    events: tuple[Event, ...]
    """In order of recording."""
    is_alone: bool = False
    """One spelling of a thing that facts of another kind are about too, perhaps in another spelling."""


def list_merges(rows: Rows, enterprise: str | None = None) -> list[Merge]:
    """What waits for a decision, of one enterprise or of all, in order of recording."""
    spellings = spellings_of_enterprises(rows, None if enterprise is None else {enterprise})
    by_code: dict[str, list[OldSpelling]] = {}
    for spelling in spellings:
        by_code.setdefault(spelling.code, []).append(spelling)
    books = rulebooks(rows) if by_code else {}
    return [merge for code, old in by_code.items() for merge in _merges_of(rows, code, old, books)]


def find_merge(rows: Rows, merge_id: str) -> Merge | None:
    """A group that waits for a decision, by its id."""
    return next((each for each in list_merges(rows) if each.id == merge_id), None)


def decide_merge(ledger: Ledger, merge_id: str, actor: Actor, same: bool, reason: str) -> Merge:
    """Say whether the facts of a group are one thing; one event records who said so, and why.

    Raises:
        NotAllowed: for an actor who may not, no reason, or a group that does not wait.
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, STEP)
    if not reason.strip():
        raise NotAllowed("merge.reason", "reason")
    with writing_step(ledger) as rows:
        merge = find_merge(rows, merge_id)
        if merge is None:
            raise NotAllowed("merge.unknown", "merge", merge=merge_id[:60])
        request = DecideMerge(
            merge=merge.id,
            same=same,
            reason=reason.strip(),
            enterprise=merge.enterprise,
            facts=merge.facts,
            changes=merge.changes,
        )
        actor = require_second_person(ledger, rows, actor, request)
        decision = SpellingsDecided(
            of_type=merge.event,
            canonical=merge.canonical,
            spellings=tuple(fact.written for fact in merge.facts),
            same=same,
            reason=reason.strip(),
        )
        history = [event.fact for event in events_of(rows, merge.enterprise)]
        group = next(each for each in _groups_of(rows, merge.enterprise, history) if _matches(each, merge))
        amendments = _amendments(rows, merge.enterprise, group) if same else []
        batch = Batch(rows, ledger, DESK, attribute_step(actor, STEP))
        batch.workspace.load_targets(amended_keys(amendments))
        batch.record_holds([Hold(merge.enterprise, content) for content in (decision, *amendments)])
        batch.commit()
        Batch(rows, ledger, DESK).look_back([merge.enterprise])
    return merge


def _matches(group: _Group, merge: Merge) -> bool:
    return (group.what, group.event, group.canonical) == (merge.what, merge.event, merge.canonical)


def _merges_of(
    rows: Rows, code: str, old: Sequence[OldSpelling], books: dict[str, Rulebook]
) -> Iterator[Merge]:
    history = [event.fact for event in events_of(rows, code)]
    facts = fold(history)
    groups = list(_groups_of(rows, code, history))
    for group in groups:
        joined = [each for each in groups if each.is_alone and each.canonical == group.canonical]
        amendments = [
            amendment
            for each in (joined if group.is_alone else [group])
            for amendment in _amendments(rows, code, each)
        ]
        after = fold([*history, *(Event(each, "", "", "") for each in amendments)])
        changes = tuple(compare_awards(facts, after, books))
        if group.is_alone and not changes:
            continue
        named = SEP.join((code, group.what, group.event, group.canonical))
        yield Merge(
            hashlib.sha256(named.encode()).hexdigest()[:16],
            code,
            group.what,
            group.event,
            group.canonical,
            tuple(SpeltFact(_spelt(group.what, each), each.source, each.event_id) for each in group.events),
            changes,
        )


def _groups_of(rows: Rows, code: str, history: Sequence[Event]) -> Iterator[_Group]:
    """Facts that count apart, and would be one in canonical spelling, but for what was decided."""
    facts = fold(list(history))
    decided = {
        (event.content.of_type, event.content.canonical)
        for event in history
        if isinstance(event.content, SpellingsDecided) and not event.content.same
    }
    old = spellings_of_enterprises(rows, {code})
    for what, name, canonical in dict.fromkeys((each.field, each.event, each.canonical) for each in old):
        if what not in (THING, KEY, ITEM) or (name, canonical) in decided:
            continue
        events = []
        for event in history:
            content = facts.effective(event) if event.name == name else None
            if content is not None:
                current = msgspec.structs.replace(event, content=content)
                if _spelt(what, canonical_event(current)) == canonical:
                    events.append(current)
        spelt = {_spelt(what, event) for event in events}
        if len(spelt) > 1 or (what == ITEM and len(events) > 1):
            yield _Group(what, name, canonical, tuple(events))
        elif (
            what == THING
            and spelt not in (set(), {canonical})
            and _is_named_elsewhere(history, name, canonical)
        ):
            yield _Group(what, name, canonical, tuple(events), is_alone=True)


def _is_named_elsewhere(history: Sequence[Event], name: str, canonical: str) -> bool:
    """Whether facts of another kind are about the thing, in whatever spelling."""
    return any(
        event.name != name
        and isinstance(event.content, DatedThing)
        and _spelt(THING, canonical_event(event)) == canonical
        for event in history
    )


def _spelt(what: str, event: Event) -> str:
    content = event.content
    if what == THING and isinstance(content, DatedThing):
        return identity_of(content)
    if what == ITEM and isinstance(content, ClaimApproved):
        return SEP.join((content.policy, content.measure, content.item))
    return event.key


def _amendments(rows: Rows, code: str, group: _Group) -> list[Amending]:
    """What makes the facts of a group one: the canonical spelling, or the earliest report alone."""
    if group.what == THING:
        return [
            correct_spelling(OldSpelling(0, THING, code, group.event, written, group.canonical, event.key))
            for event in group.events
            if (written := _spelt(THING, event)) != group.canonical
        ]
    return [
        FactRetracted(of=event.event_id, of_source=event.source, of_type=event.name, reason=OTHER_SPELLING)
        for event in group.events[1:]
    ]
