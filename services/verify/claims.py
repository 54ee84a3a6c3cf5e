"""Claims at the bureau's desk: submitter, first and second reviewer are different people."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.events.content import Content
from services.verify.procedure import Fault, Placed


@dataclass(slots=True)
class _File:
    """Who took which step of one claim; ``None`` for steps of upstream systems."""

    submitter: str | None = None
    first: str | None = None
    before: set[str] = field(default_factory=set)
    """Who reviewed or rejected it before an appeal."""


def check_claims(policy: str, events: list[Placed], fault: Fault) -> None:
    """Follow the claims of one enterprise under a policy.

    An upstream system's steps name nobody: it answers for its own reviews.
    """
    files: dict[str, _File] = {}
    for event in events:
        content = event.fact.content
        if event.fact.name.startswith("Claim") and content["policy"] == policy:
            file = files.setdefault(content["claim"], _File())
            wrong = _taken(file, event.fact.name, content)
            if wrong:
                fault(event.position, f"the claim {content['claim']}: {wrong}")


def _taken(file: _File, name: str, content: Content) -> str:
    """Count one step; what is wrong with who took it."""
    actor, wrong = content.get("actor"), ""
    if name == "ClaimSubmitted":
        file.submitter = actor or file.submitter
    elif actor is not None and name in ("ClaimReviewed", "ClaimApproved", "ClaimRejected"):
        if actor == file.submitter:
            wrong = f"{actor} submitted it and decided on it"
        elif name == "ClaimApproved" and file.first is None:
            wrong = f"{actor} approved it without a first review"
        elif actor == file.first and name != "ClaimReviewed":
            wrong = f"{actor} was its first and its second reviewer"
        elif actor in file.before:
            wrong = f"{actor} reviewed it before the appeal, and again after it"
    if name == "ClaimReviewed":
        file.first = actor
    elif name == "ClaimRejected":
        file.before |= {who for who in (actor, file.first) if who}
        file.first = None
    return wrong
