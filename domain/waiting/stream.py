"""The proposals of one matter that need a second person, as the eventsourcing library's aggregate."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from domain.authority.persons import Person
from domain.authority.roles import Actor
from domain.authority.two_persons import (
    WAITING_DAYS,
    PendingProposal,
    judge_proposal,
    may_withdraw,
    require_confirming_role,
)
from domain.events.aggregate import Stream
from domain.events.event import Event, Speaker
from domain.events.instants import instant
from domain.events.second_person import Request, StepConfirmed, StepProposed, StepWithdrawn
from domain.events.speaking import attribute_step


class WaitingStream(Stream):
    """Of one matter at most one proposal waits; a later one takes the place of what has lapsed."""

    def begin(self) -> None:
        """Start with nothing that waits."""
        super().begin()
        self.pending: PendingProposal | None = None

    def count_event(self, event: Event) -> None:
        """Take an event into the state."""
        super().count_event(event)
        content = event.content
        if isinstance(content, StepProposed):
            request, speaker = content.request, event.said_by or Speaker()
            proposer = Person(speaker.issuer, speaker.subject, speaker.name)
            self.pending = PendingProposal(
                content.waiting, proposer, request.request_digest, request.digest, content.until
            )
        elif isinstance(content, StepConfirmed | StepWithdrawn):
            self.pending = None

    def take_call(self, actor: Actor, request: Request, now: datetime) -> Person | None:
        """Take a person's call of the step: who proposed it, where this confirms; none where it proposes.

        Raises:
            NotAllowed: see ``judge_proposal`` and ``require_confirming_role``.
        """
        request_digest, digest = request.request_digest, request.digest
        outcome = judge_proposal(
            self.pending, actor.person, request_digest, digest, instant(now), actor.confirming
        )
        attribution = attribute_step(actor, request.step)
        if outcome == "confirm" and self.pending is not None:
            require_confirming_role(request.step, actor)
            waiting, proposer = self.pending.waiting, self.pending.proposer
            confirmed = StepConfirmed(waiting=waiting, proposed_by=Speaker(**proposer._asdict()))
            self.record(confirmed, now, attribution=attribution)
            return proposer
        until = instant(now + timedelta(days=WAITING_DAYS))
        waiting = hashlib.sha256(f"{self.id}:{self.version + 1}".encode()).hexdigest()[:16]
        proposed = StepProposed(waiting=waiting, request=request, until=until)
        self.record(proposed, now, attribution=attribution)
        return None

    def withdraw(self, actor: Actor, waiting: str, now: datetime) -> None:
        """Take a proposal back.

        Raises:
            NotAllowed: for who neither made it nor is an operator, or where it waits no more.
        """
        may_withdraw(self.pending, actor.person, waiting, "operator" in actor.roles)
        self.record(StepWithdrawn(waiting=waiting), now, attribution=attribute_step(actor, "step.withdraw"))
