"""The steps of one claim: whose it is, and where it stands once a step of it went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from domain.events.claims import ClaimApproved, ClaimEvent, ClaimRejected
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts

DECISIONS = (ClaimApproved, ClaimRejected)
"""Steps that decide a claim."""


class StandingStep(NamedTuple):
    """A step of a claim, and what it says as corrections leave it."""

    event: Event
    content: ClaimEvent


def find_holder(steps: Iterable[StandingStep]) -> str | None:
    """The source whose claim it is, by its steps in order of recording.

    That is who took the first of its steps that stand; a decision is about the claim of another, and
    makes it nobody's.
    """
    return next((step.event.source for step in steps if not isinstance(step.content, DECISIONS)), None)


def restore_claim(facts: EnterpriseFacts, claim: str, steps: Iterable[StandingStep]) -> None:
    """Work out from the steps that stand where a claim stands."""
    facts.put_claim(claim, None)
    for step in steps:
        facts.add_claim(step.event, step.content)
