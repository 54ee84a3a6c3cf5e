"""The steps of an enterprise's claims by the claim, so that one claim is looked at without all the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.events.claims import ClaimApproved, ClaimEvent, ClaimRejected
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts, file_key

DECISIONS = (ClaimApproved, ClaimRejected)
"""Steps that decide a claim."""


class StandingStep(NamedTuple):
    """A step of a claim, and what it says as corrections leave it."""

    event: Event
    content: ClaimEvent


class ClaimSteps:
    """Every step of an enterprise's claims, in order of recording.

    A step is noted again when it was amended; it is then found under the claim that it came into, too.
    """

    def __init__(self, events: Iterable[Event], facts: EnterpriseFacts) -> None:
        self._steps: dict[str, dict[str, Event]] = {}
        self._places: dict[str, int] = {}
        for event in events:
            self.note(event, facts)

    def note(self, event: Event, facts: EnterpriseFacts) -> None:
        """Note a step that was counted, or amended."""
        if isinstance(event.content, ClaimEvent) and isinstance(step := facts.corrected(event), ClaimEvent):
            self._places.setdefault(event.key, len(self._places))
            self._steps.setdefault(file_key(step.policy, step.claim), {})[event.key] = event

    def steps_of(self, claim: str, facts: EnterpriseFacts) -> Iterator[StandingStep]:
        """The steps that stand of a claim, in order of recording."""
        steps = self._steps.get(claim, {}).values()
        for event in sorted(steps, key=lambda step: self._places[step.key]):
            step = facts.corrected(event)
            if isinstance(step, ClaimEvent) and file_key(step.policy, step.claim) == claim:
                yield StandingStep(event, step)

    def find_holder(self, claim: str, facts: EnterpriseFacts) -> str | None:
        """The source whose claim it is.

        That is who took the first of its steps that stand; a decision is about the claim of another, and
        makes it nobody's.
        """
        steps = self.steps_of(claim, facts)
        return next((step.event.source for step in steps if not isinstance(step.content, DECISIONS)), None)

    def restore_claim(self, claim: str, facts: EnterpriseFacts) -> None:
        """Work out from its steps where a claim stands."""
        facts.claims.pop(claim, None)
        for step in self.steps_of(claim, facts):
            facts.add_claim(step.event, step.content)
