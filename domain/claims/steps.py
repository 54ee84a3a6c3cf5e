"""The life of a claim at the bureau's desk: submitted, reviewed by two people, decided, appealed.

Each function checks one step against the claim's file and returns the event; what
must not be is ``NotAllowed``. Caps, and that one item is approved once, are checked for every
approval, from the desk or from an upstream system, in ``domain.intake.judging``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypedDict

from msgspec.structs import replace

from domain.authority.persons import Person
from domain.authority.roles import Actor, NotAllowed
from domain.authority.two_persons import require_another_person
from domain.authority.writes import require
from domain.events.claims import (
    ClaimAppealed,
    ClaimApproved,
    ClaimEvent,
    ClaimRejected,
    ClaimReviewed,
    ClaimSubmitted,
    ClaimWithdrawn,
)
from domain.events.event import Event
from domain.events.speaking import person_of
from domain.facts.claims import file_key
from domain.facts.folding import EnterpriseFacts
from domain.faults.fault import Fault
from domain.money.amounts import Amount
from domain.policy.model import Measure, Policy
from domain.policy.rulebook import Rulebook
from domain.things.spelling import canonical_identity, is_same_item

OPEN = ("submitted", "reviewed", "appealed")


@dataclass(slots=True)
class ClaimFile:
    """One claim as its steps left it; nobody stands for steps of upstream systems."""

    status: str
    measure: str
    item: str
    year: int
    amount: int | None = None
    """Fen asked for, or recommended by the first review."""
    parties: list[Person] = field(default_factory=list)
    """Who submitted or appealed it: they never review it."""
    first_reviewer: Person | None = None
    involved: list[Person] = field(default_factory=list)
    """Who reviewed or rejected it before an appeal: they do not review it again."""
    rejected_at: str = ""
    """UTC instant of the last rejection."""


def file_of(facts: EnterpriseFacts, events: Iterable[Event], policy: str, claim: str) -> ClaimFile | None:
    """The file of one claim, from the enterprise's folded facts and its events in order of recording."""
    stands = facts.claims.get(file_key(policy, claim))
    if stands is None:
        return None
    file = ClaimFile(stands.status, stands.measure, stands.item, stands.year)
    for event in events:
        step = event.content
        if isinstance(step, ClaimEvent) and (step.policy, step.claim) == (policy, claim):
            _count(file, step, event)
    return file


def _count(file: ClaimFile, step: ClaimEvent, event: Event) -> None:
    person = person_of(event, step.actor) if step.actor else None
    if isinstance(step, ClaimSubmitted | ClaimAppealed) and person:
        file.parties.append(person)
    if isinstance(step, ClaimSubmitted):
        file.amount = step.amount_fen or file.amount
    elif isinstance(step, ClaimReviewed):
        file.first_reviewer, file.amount = person, step.amount_fen
    elif isinstance(step, ClaimRejected):
        file.rejected_at = event.time
        file.involved += [each for each in (person, file.first_reviewer) if each]
        file.first_reviewer = None


class _Head(TypedDict):
    """What every step of a claim says of it."""

    claim: str
    policy: str
    measure: str
    item: str
    year: int


def _head(policy: str, claim: str, file: ClaimFile) -> _Head:
    return _Head(claim=claim, policy=policy, measure=file.measure, item=file.item, year=file.year)


def submit(
    actor: Actor, today: str, book: Rulebook, facts: EnterpriseFacts, code: str, claim: ClaimSubmitted
) -> ClaimSubmitted:
    """An enterprise asks for an award: the claim as it was asked for, with the actor.

    Raises:
        NotAllowed: for a measure that takes no claims, a file number in use, an item that is
            claimed already, an amount above the cap, or after the deadline.
    """
    require(actor, "claim.submit", code)
    claim = replace(claim, claim=canonical_identity(claim.claim), item=canonical_identity(claim.item))
    measure = _claimable(book, claim.measure, claim.year)
    if file_key(claim.policy, claim.claim) in facts.claims:
        raise NotAllowed("claim.known", "claim", claim=claim.claim)
    _item_free(facts, claim.policy, claim.measure, claim.item, claim.claim)
    _on_time(book.of_year(claim.year), claim.year, today)
    if claim.currency not in (None, book.latest.currency):
        raise NotAllowed("claim.currency", "currency", wanted=book.latest.currency)
    if claim.amount_fen is not None:
        _within_cap(measure, claim.amount_fen, book.latest.currency)
    return replace(claim, actor=actor.name)


def _claimable(book: Rulebook, measure_id: str, year: int) -> Measure:
    measure = book.claimable_measure(measure_id, year)
    if isinstance(measure, Measure) and not book.covers_year(year):
        measure = Fault("measure.not-in-year", "year", {"measure": measure_id, "year": year})
    if isinstance(measure, Fault):
        raise NotAllowed(measure.code, measure.field, **measure.args)
    return measure


def _item_free(facts: EnterpriseFacts, policy: str, measure: str, item: str, claim: str) -> None:
    for present in facts.claims.values():
        same = (present.policy, present.measure) == (policy, measure) and is_same_item(present.item, item)
        if same and present.claim != claim and present.status in (*OPEN, "approved"):
            raise NotAllowed("claim.item-claimed", "item", item=item, claim=present.claim)


def _on_time(policy: Policy, year: int, today: str) -> None:
    until = policy.procedure.claims_until
    if until is not None and today > f"{year + 1:04d}-{until}":
        raise NotAllowed("claim.late", "year", until=f"{year + 1:04d}-{until}")


def _within_cap(measure: Measure, fen: int, currency: str) -> None:
    if fen <= 0:
        raise NotAllowed("amount.zero", "amount")
    if measure.exceeds_cap(fen):
        raise NotAllowed("claim.cap", "amount", cap=Amount(measure.cap_fen or 0, currency))


def _stands(file: ClaimFile | None, claim: str, *statuses: str) -> ClaimFile:
    if file is None:
        raise NotAllowed("claim.unknown", "claim", claim=claim)
    if file.status not in statuses:
        raise NotAllowed("claim.status", "claim", status=file.status, wanted=", ".join(statuses))
    return file


def review(
    actor: Actor, book: Rulebook, file: ClaimFile | None, claim: str, amount: int, opinion: str
) -> ClaimReviewed:
    """First review: recommend an amount (fen). Not by who submitted it, nor by who rejected it before."""
    require(actor, "claim.review")
    file = _stands(file, claim, "submitted", "appealed")
    _impartial(actor, file)
    _within_cap(_claimable(book, file.measure, file.year), amount, book.latest.currency)
    return ClaimReviewed(
        **_head(book.id, claim, file),
        amount_fen=amount,
        currency=book.latest.currency,
        actor=actor.name,
        opinion=opinion,
    )


def approve(
    actor: Actor, book: Rulebook, file: ClaimFile | None, claim: str, amount: int | None, person: str | None
) -> ClaimApproved:
    """Second review (复审): approve the recommended amount, or less.

    Raises:
        NotAllowed: for the submitter, the first reviewer, or more than was recommended.
    """
    require(actor, "claim.approve")
    file = _stands(file, claim, "reviewed")
    _impartial(actor, file)
    _other_reviewer(actor, file)
    recommended = file.amount or 0
    fen = recommended if amount is None else amount
    _within_cap(_claimable(book, file.measure, file.year), fen, book.latest.currency)
    if fen > recommended:
        most = Amount(recommended, book.latest.currency)
        raise NotAllowed("claim.above-review", "amount", recommended=most)
    return ClaimApproved(
        **_head(book.id, claim, file),
        amount_fen=fen,
        currency=book.latest.currency,
        person=person,
        actor=actor.name,
    )


def _impartial(actor: Actor, file: ClaimFile) -> None:
    for party in file.parties:
        require_another_person(actor.person, party, "claim.own")
    for reviewer in file.involved:
        require_another_person(actor.person, reviewer, "claim.involved")


def _other_reviewer(actor: Actor, file: ClaimFile) -> None:
    if file.first_reviewer is not None:
        require_another_person(actor.person, file.first_reviewer, "claim.same-reviewer")


def reject(actor: Actor, policy: str, file: ClaimFile | None, claim: str, reason: str) -> ClaimRejected:
    """Reject a claim at either review, with the reason."""
    require(actor, "claim.reject")
    file = _stands(file, claim, *OPEN)
    _impartial(actor, file)
    if file.status == "reviewed":
        _other_reviewer(actor, file)
    return ClaimRejected(**_head(policy, claim, file), reason=reason, actor=actor.name)


def withdraw(actor: Actor, policy: str, code: str, file: ClaimFile | None, claim: str) -> ClaimWithdrawn:
    """The enterprise takes an undecided claim back."""
    require(actor, "claim.withdraw", code)
    file = _stands(file, claim, *OPEN)
    return ClaimWithdrawn(**_head(policy, claim, file), actor=actor.name)


def appeal(
    actor: Actor,
    today: str,
    book: Rulebook,
    code: str,
    file: ClaimFile | None,
    claim: str,
    rejected_on: str,
    reason: str,
) -> ClaimAppealed:
    """Ask for a rejected claim to be reviewed again, within the policy's days after ``rejected_on``."""
    require(actor, "claim.appeal", code)
    file = _stands(file, claim, "rejected")
    days = book.of_year(file.year).procedure.appeal_days
    until = (date.fromisoformat(rejected_on) + timedelta(days=days)).isoformat()
    if today > until:
        raise NotAllowed("claim.appeal-late", "claim", until=until)
    return ClaimAppealed(**_head(book.id, claim, file), reason=reason, actor=actor.name)
