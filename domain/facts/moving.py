"""What a correction, retraction or hold of a fact that is counted already moves, without folding all again.

Whatever a message is judged on follows exactly: sums, approvals, where claims stand. What else may
lose its earliest or latest fact is told (``Moved``) and is folded once, before the facts are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from domain.events.amendments import FollowUp
from domain.events.claims import ClaimApproved, ClaimEvent
from domain.events.content import Content, DatedThing, EnterpriseStatus, YearlyAmount
from domain.events.event import SEP, Event
from domain.facts.canonical import identity_of
from domain.facts.claims import claim_after, file_key, latest_of
from domain.facts.folding import ADD, EnterpriseFacts, Profile, amendable_key, amended_key, amount_key
from domain.facts.months import month_in

NOBODYS = f"{SEP}{SEP}"
"""In place of the latest report of a sum, where that no longer counts: earlier than any, of no source."""


class Moved(NamedTuple):
    """What is left to do once a follow-up is counted."""

    is_complete: bool = True
    """False where the facts must be folded again before they are stored; no message is judged on those."""
    lost_claim: str | None = None
    """The claim whose latest step went: where it stands follows from its other steps."""
    is_moved: bool = False
    """Whether a report went to another yearly amount."""


def names(follow_up: FollowUp, fact: Event) -> bool:
    """Whether a follow-up is about this fact, by its very id, source and kind."""
    return amended_key(follow_up) == amendable_key(fact)


def move(facts: EnterpriseFacts, fact: Event, follow_up: Event) -> Moved:
    """Count a follow-up of a fact that is counted in these facts."""
    step_before, before = facts.corrected(fact), facts.effective(fact)
    facts.note(follow_up)
    step, after = facts.corrected(fact), facts.effective(fact)
    if isinstance(fact.content, ClaimEvent):
        return _move_claim(facts, fact, (step_before, step), (before, after))
    is_moved = (
        isinstance(step, YearlyAmount)
        and isinstance(step_before, YearlyAmount)
        and amount_key(step) != amount_key(step_before)
    )
    if before == after:
        return Moved(is_moved=is_moved)
    if before is None:
        for add in ADD.get(fact.content.shape, ()):
            add(facts, fact, cast("Content", after))
        return Moved(is_moved=is_moved)
    change = _CHANGES.get(fact.content.shape)
    return Moved(change is None or change(facts, fact, before, after), is_moved=is_moved)


def _move_amount(facts: EnterpriseFacts, fact: Event, before: Content, after: Content | None) -> bool:
    assert isinstance(before, YearlyAmount)
    key, groups = amount_key(before), facts.amounts[fact.name]
    reports, month = groups[key], month_in(before.year, fact.time)
    is_latest = reports.latest == latest_of(fact)
    if isinstance(after, YearlyAmount) and amount_key(after) == key:
        more_fen = after.amount_fen - before.amount_fen
        reports.total += more_fen
        reports.months[month] += more_fen
        if is_latest:
            reports.latest_amount = after.amount_fen
        return True
    reports.total -= before.amount_fen
    reports.count -= 1
    reports.months[month] -= before.amount_fen
    # A month that comes to nothing may still have reports of nothing.
    is_complete = reports.months[month] != 0
    if reports.count == 0:
        del groups[key]
        is_complete = True
    elif is_latest:
        reports.latest, reports.latest_amount, is_complete = NOBODYS, 0, False
    if not groups:
        del facts.amounts[fact.name]
    if after is not None:
        facts.add_amount(fact, after)
    return is_complete


def _move_dated(facts: EnterpriseFacts, fact: Event, before: Content, after: Content | None) -> bool:
    assert isinstance(before, DatedThing)
    if after is not None:
        facts.add_dated(fact, after)
    if isinstance(after, DatedThing) and _record_of(before) == _record_of(after):
        return True
    return before.on > facts.dated[fact.name][identity_of(before)].on


def _record_of(thing: DatedThing) -> tuple[object, ...]:
    """All that is kept of a thing."""
    return thing.on, *(thing.field_value(part) for part in (*thing.identity, *thing.attributes))


def _move_profile(facts: EnterpriseFacts, fact: Event, _: Content, after: Content | None) -> bool:
    latest = latest_of(fact)
    if facts.profile is None or facts.profile.latest != latest:
        return True
    if isinstance(after, EnterpriseStatus):
        facts.profile = Profile(after.name, after.town, after.size, after.sector, latest)
        return True
    return False


def _move_figure(facts: EnterpriseFacts, fact: Event, before: Content, after: Content | None) -> bool:
    return False  # another report may say the same figure


_CHANGES: dict[str, Callable[[EnterpriseFacts, Event, Content, Content | None], bool]] = {
    "amount": _move_amount,
    "dated": _move_dated,
    "figure": _move_figure,
    "profile": _move_profile,
}


def _move_claim(
    facts: EnterpriseFacts,
    fact: Event,
    steps: tuple[Content | None, Content | None],
    counted: tuple[Content | None, Content | None],
) -> Moved:
    """Move a step of a claim, which stands also where it is held; ``counted`` is then None."""
    (step_before, step), (before, after) = steps, counted
    if before != after:
        if isinstance(before, ClaimApproved):
            facts.take_approval(fact, before)
        if isinstance(after, ClaimApproved):
            facts.add_approval(fact, after)
    if step_before == step or not isinstance(step_before, ClaimEvent):
        return Moved()
    key, latest = file_key(step_before.policy, step_before.claim), latest_of(fact)
    claim = facts.claims[key]
    stays = isinstance(step, ClaimEvent) and file_key(step.policy, step.claim) == key
    if not stays:
        facts.take_step(key, fact)
    if isinstance(step, ClaimEvent) and stays and step.actor == step_before.actor:
        if claim.latest == latest:
            facts.put_claim(key, claim_after(step, latest, claim.desk))
        return Moved()
    if step is not None:
        facts.add_claim(fact, step)
    is_lost = claim.latest == latest or step_before.actor is not None
    return Moved(lost_claim=key if is_lost else None)
