"""An enterprise as the eventsourcing library's aggregate; its commands are the steps of its claims.

Facts that upstream systems report are not decided here: they come in bulk, and ``domain.intake``
judges them. Both are events of the same stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from domain.authority.roles import Actor
from domain.claims import steps
from domain.claims.steps import ClaimFile, file_of
from domain.events.aggregate import OUR_SOURCE, RecordedEvent, Stream
from domain.events.claims import ClaimEvent, ClaimSubmitted
from domain.events.event import SEP, Event
from domain.events.instants import instant
from domain.events.speaking import attribute_step
from domain.facts.claims import file_key
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.rulebook import Rulebook


class Enterprise(Stream):
    """One enterprise, known by its unified social credit code."""

    known_facts: EnterpriseFacts | None = None
    """The facts as they were folded already; ``None`` where all events are at hand."""

    @classmethod
    def opened_with(
        cls, code: str, version: int, facts: EnterpriseFacts, steps: Iterable[Event], now: datetime
    ) -> Self:
        """An enterprise without its events but the steps of one claim: what a command on that claim needs.

        Args:
            code: the enterprise.
            version: of its last event; 0 where there is none.
            facts: what all its events say.
            steps: the events that were recorded as steps of the claim, in order of recording.
            now: the present.
        """
        enterprise = cls.__new__(cls)
        enterprise.__base_init__(code, version, now)
        enterprise.begin()
        enterprise.events += steps
        enterprise.known_facts = facts
        return enterprise

    @property
    def facts(self) -> EnterpriseFacts:
        """The facts as they stand after all corrections."""
        return fold(self.events) if self.known_facts is None else self.known_facts

    def claim_file(self, policy: str, claim: str) -> ClaimFile | None:
        """Where one claim stands; none where it was never submitted."""
        return file_of(self.facts, self.events, policy, claim)

    def submit_claim(
        self, actor: Actor, book: Rulebook, claim: ClaimSubmitted, today: str, now: datetime
    ) -> None:
        """Ask for an award.

        Raises:
            NotAllowed: see ``steps.submit``.
        """
        submitted = steps.submit(actor, today, book, self.facts, self.id, claim)
        self._take(actor, "claim.submit", submitted, now)

    def review_claim(
        self, actor: Actor, book: Rulebook, claim: str, amount_fen: int, opinion: str, now: datetime
    ) -> None:
        """First review (初审).

        Raises:
            NotAllowed: see ``steps.review``.
        """
        file = self.claim_file(book.id, claim)
        self._take(actor, "claim.review", steps.review(actor, book, file, claim, amount_fen, opinion), now)

    def approve_claim(
        self, actor: Actor, book: Rulebook, claim: str, amount_fen: int | None, now: datetime
    ) -> None:
        """Second review (复审).

        Raises:
            NotAllowed: see ``steps.approve``.
        """
        file = self.claim_file(book.id, claim)
        self._take(actor, "claim.approve", steps.approve(actor, book, file, claim, amount_fen, None), now)

    def reject_claim(self, actor: Actor, policy: str, claim: str, reason: str, now: datetime) -> None:
        """Reject a claim at either review.

        Raises:
            NotAllowed: see ``steps.reject``.
        """
        file = self.claim_file(policy, claim)
        self._take(actor, "claim.reject", steps.reject(actor, policy, file, claim, reason), now)

    def withdraw_claim(self, actor: Actor, policy: str, claim: str, now: datetime) -> None:
        """Take an undecided claim back.

        Raises:
            NotAllowed: see ``steps.withdraw``.
        """
        file = self.claim_file(policy, claim)
        self._take(actor, "claim.withdraw", steps.withdraw(actor, policy, self.id, file, claim), now)

    def appeal_claim(
        self,
        actor: Actor,
        book: Rulebook,
        claim: str,
        today: str,
        rejected_on: str,
        reason: str,
        now: datetime,
    ) -> None:
        """Ask for a rejected claim to be reviewed again.

        Raises:
            NotAllowed: see ``steps.appeal``.
        """
        file = self.claim_file(book.id, claim)
        appealed = steps.appeal(actor, today, book, self.id, file, claim, rejected_on, reason)
        self._take(actor, "claim.appeal", appealed, now)

    def _take(self, actor: Actor, action: str, step: ClaimEvent, now: datetime) -> None:
        """Trigger a step behind all earlier ones of its claim, however clocks differ; its id is its place."""
        earlier = self.facts.claims.get(file_key(step.policy, step.claim))
        time = instant(now)
        if earlier is not None and (latest := earlier.latest.partition(SEP)[0]) >= time:
            time = instant(datetime.fromisoformat(latest) + timedelta(microseconds=1))
        attribution = attribute_step(actor, action)
        event = Event(step, OUR_SOURCE, f"{self.id}:{self.version + 1}", time, *attribution)
        self.trigger_event(RecordedEvent, timestamp=now, event=event)
