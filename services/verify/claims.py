"""Claims at the bureau's desk: submitter, first and second reviewer are different people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.events.claims import ClaimApproved, ClaimEvent, ClaimRejected, ClaimReviewed, ClaimSubmitted
from services.verify.procedure import PlacedEvent, ReportFault


@dataclass(slots=True)
class _ClaimFile:
    """Who took which step of one claim; ``None`` for steps of upstream systems."""

    submitter: str | None = None
    first: str | None = None
    before: set[str] = field(default_factory=set)
    """Who reviewed or rejected it before an appeal."""


def check_claims(policy: str, events: Iterable[PlacedEvent], fault: ReportFault) -> None:
    """Follow the claims of one enterprise under a policy.

    An upstream system's steps name nobody: it answers for its own reviews.
    """
    files: dict[str, _ClaimFile] = {}
    for position, _, event in events:
        content = event.content
        if isinstance(content, ClaimEvent) and content.policy == policy:
            reason = _reason_against(files.setdefault(content.claim, _ClaimFile()), content)
            if reason:
                fault(position, f"the claim {content.claim}: {reason}")


def _reason_against(file: _ClaimFile, content: ClaimEvent) -> str:
    """Count one step; what is wrong with who took it, empty where nothing is."""
    if isinstance(content, ClaimSubmitted):
        file.submitter = content.actor or file.submitter
    if not isinstance(content, ClaimReviewed | ClaimApproved | ClaimRejected):
        return ""
    actor = content.actor
    reason = "" if actor is None else _conflict(file, content, actor)
    if isinstance(content, ClaimReviewed):
        file.first = actor
    elif isinstance(content, ClaimRejected):
        file.before |= {person for person in (actor, file.first) if person}
        file.first = None
    return reason


def _conflict(file: _ClaimFile, content: ClaimEvent, actor: str) -> str:
    """Why a person may not take a step of a review; empty where they may."""
    if actor == file.submitter:
        return f"{actor} submitted it and decided on it"
    if isinstance(content, ClaimApproved) and file.first is None:
        return f"{actor} approved it without a first review"
    if actor == file.first and not isinstance(content, ClaimReviewed):
        return f"{actor} was its first and its second reviewer"
    if actor in file.before:
        return f"{actor} reviewed it before the appeal, and again after it"
    return ""
