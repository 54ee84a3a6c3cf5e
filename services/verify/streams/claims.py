"""Claims at the bureau's desk: submitter, first and second reviewer are different people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.authority.persons import Person, is_among, is_same_person
from domain.events.claims import ClaimApproved, ClaimEvent, ClaimRejected, ClaimReviewed, ClaimSubmitted
from domain.events.event import Event
from domain.events.speaking import person_of
from services.verify.streams.procedure import PlacedEvent, ReportFault


@dataclass(slots=True)
class _ClaimFile:
    """Who took which step of one claim; ``None`` for steps of upstream systems."""

    submitter: Person | None = None
    first: Person | None = None
    before: list[Person] = field(default_factory=list)
    """Who reviewed or rejected it before an appeal."""


def check_claims(policy: str, events: Iterable[PlacedEvent], fault: ReportFault) -> None:
    """Follow the claims of one enterprise under a policy.

    An upstream system's steps name nobody: it answers for its own reviews.
    """
    files: dict[str, _ClaimFile] = {}
    for position, _, event, _ in events:
        content = event.content
        if isinstance(content, ClaimEvent) and content.policy == policy:
            reason = _reason_against(files.setdefault(content.claim, _ClaimFile()), content, event)
            if reason:
                fault(position, f"the claim {content.claim}: {reason}")


def _reason_against(file: _ClaimFile, content: ClaimEvent, event: Event) -> str:
    """Count one step; what is wrong with who took it, empty where nothing is."""
    person = person_of(event, content.actor) if content.actor else None
    if isinstance(content, ClaimSubmitted):
        file.submitter = person or file.submitter
    if not isinstance(content, ClaimReviewed | ClaimApproved | ClaimRejected):
        return ""
    reason = "" if person is None else _conflict(file, content, person)
    if isinstance(content, ClaimReviewed):
        file.first = person
    elif isinstance(content, ClaimRejected):
        file.before += [each for each in (person, file.first) if each]
        file.first = None
    return reason


def _conflict(file: _ClaimFile, content: ClaimEvent, person: Person) -> str:
    """Why a person may not take a step of a review; empty where they may."""
    actor = person.name
    if file.submitter and is_same_person(person, file.submitter):
        return f"{actor} submitted it and decided on it"
    if isinstance(content, ClaimApproved) and file.first is None:
        return f"{actor} approved it without a first review"
    if file.first and is_same_person(person, file.first) and not isinstance(content, ClaimReviewed):
        return f"{actor} was its first and its second reviewer"
    if is_among(person, file.before):
        return f"{actor} reviewed it before the appeal, and again after it"
    return ""
