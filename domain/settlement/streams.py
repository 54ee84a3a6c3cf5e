"""A year's settlement and an enterprise's account as the eventsourcing library's aggregates.

Each command checks its step against the state, by the functions of ``domain.settlement.steps`` and
``domain.settlement.accounts``, and triggers the event.
"""

from __future__ import annotations

from datetime import datetime

from domain.authority.roles import Actor
from domain.events.accounts import AccountEvent, AdjustmentAccepted
from domain.events.aggregate import Stream
from domain.events.event import Event
from domain.events.instants import day_of, instant
from domain.events.second_person.requests import AcknowledgedMatters
from domain.events.settlements import (
    MeasureSum,
    OpenMattersAcknowledged,
    SettlementEvent,
    SettlementProposed,
)
from domain.events.speaking import attribute_step
from domain.settlement import accounts, steps
from domain.settlement.accounts import Account, Holder
from domain.settlement.year import Settlement


class SettlementYear(Stream):
    """One policy's year: proposed, published, objected to, closed."""

    def begin(self) -> None:
        """Start open."""
        super().begin()
        policy, _, year = self.id.removeprefix("settlement:").rpartition(":")
        self.state = Settlement(policy, int(year))

    def count_event(self, event: Event) -> None:
        """Take an event into the state."""
        super().count_event(event)
        self.state.count_event(event)

    def propose(self, actor: Actor, proposal: SettlementProposed, now: datetime) -> None:
        """Propose the list that ``proposal`` sums up.

        Raises:
            NotAllowed: see ``steps.may_propose``.
        """
        steps.may_propose(self.state, actor)
        self._take(actor, "settlement.propose", proposal, now)

    def acknowledge(self, actor: Actor, step: str, acknowledged: AcknowledgedMatters, now: datetime) -> None:
        """Record who takes a step although matters are open, and why."""
        acknowledgement = OpenMattersAcknowledged(
            policy=self.state.policy,
            year=self.state.year,
            actor=actor.name,
            step=step,
            matters=acknowledged.matters,
            digest=acknowledged.digest,
            reason=acknowledged.reason,
        )
        self._take(actor, step, acknowledgement, now)

    def publish(
        self, actor: Actor, today: str, notice_days: int, list_root: str, list_lines: int, now: datetime
    ) -> None:
        """Publish the proposed list.

        Raises:
            NotAllowed: see ``steps.publish``.
        """
        published = steps.publish(self.state, actor, today, notice_days, list_root, list_lines)
        self._take(actor, "settlement.publish", published, now)

    def raise_objection(
        self, actor: Actor, today: str, objection: str, enterprise: str | None, reason: str, now: datetime
    ) -> None:
        """Object to the published list.

        Raises:
            NotAllowed: see ``steps.raise_objection``.
        """
        raised = steps.raise_objection(self.state, actor, today, objection, enterprise, reason)
        self._take(actor, "settlement.object", raised, now)

    def resolve_objection(
        self, actor: Actor, objection: str, outcome: str, reason: str, now: datetime
    ) -> None:
        """Decide an objection.

        Raises:
            NotAllowed: see ``steps.resolve_objection``.
        """
        resolved = steps.resolve_objection(self.state, actor, objection, outcome, reason)
        self._take(actor, "settlement.resolve", resolved, now)

    def close(
        self,
        actor: Actor,
        today: str,
        first_position: int,
        measures: tuple[MeasureSum, ...],
        log_size: int,
        log_root: str,
        now: datetime,
    ) -> None:
        """Make the published list final.

        Raises:
            NotAllowed: see ``steps.may_close``.
        """
        closed = steps.close(self.state, actor, today, first_position, measures, log_size, log_root)
        self._take(actor, "settlement.close", closed, now)

    def record_statement(
        self,
        actor: Actor,
        digest: str,
        accounts: tuple[str, ...],
        days: tuple[str, str],
        entries: int,
        now: datetime,
    ) -> bool:
        """Record that a bank statement was brought; false for a file that was before.

        Raises:
            NotAllowed: see ``steps.record_statement``.
        """
        recorded = steps.record_statement(self.state, actor, digest, accounts, days, entries)
        if recorded is None:
            return False
        self._take(actor, "payment.record", recorded, now)
        return True

    def _take(self, actor: Actor, action: str, step: SettlementEvent, now: datetime) -> None:
        self.record(step, now, attribution=attribute_step(actor, action))


class AccountStream(Stream):
    """One enterprise's account of one policy and year."""

    def begin(self) -> None:
        """Start with nothing."""
        super().begin()
        self.account = Account()
        self.policy, year, self.enterprise = self.id.removeprefix("account:").rsplit(":", 2)
        self.year = int(year)

    def count_event(self, event: Event) -> None:
        """Take an event into the account."""
        super().count_event(event)
        self.account.apply(event.content, day_of(event.time))

    def order_payment(self, actor: Actor, batch: str, now: datetime, bank_batch: str | None = None) -> int:
        """Order what is outstanding to be paid; how much it is, in fen (0: nothing was ordered)."""
        ordered = accounts.order_payment(self.account, self._holder(actor, now), batch, bank_batch)
        if ordered is None:
            return 0
        self._take(actor, "payment.order", ordered, now)
        return ordered.amount_fen

    def confirm_payment(
        self, actor: Actor, payment: str, amount_fen: int, on: str, reference: str, now: datetime
    ) -> None:
        """Record that the bank paid.

        Raises:
            NotAllowed: see ``accounts.confirm_payment``.
        """
        holder = self._holder(actor, now)
        payment_made = accounts.confirm_payment(self.account, holder, payment, amount_fen, on, reference)
        self._take(actor, "payment.record", payment_made, now)

    def fail_payment(
        self, actor: Actor, payment: str, amount_fen: int, on: str, reason: str, now: datetime
    ) -> None:
        """Record that the bank did not pay.

        Raises:
            NotAllowed: see ``accounts.fail_payment``.
        """
        holder = self._holder(actor, now)
        failed = accounts.fail_payment(self.account, holder, payment, amount_fen, on, reason)
        self._take(actor, "payment.record", failed, now)

    def may_claw_back(self, clawback: str, amount_fen: int) -> None:
        """Check that so much may be ordered back.

        Raises:
            NotAllowed: see ``accounts.order_clawback``.
        """
        holder = Holder(self.policy, self.year, self.enterprise, "", "")
        accounts.order_clawback(self.account, holder, clawback, amount_fen, "", "")

    def order_clawback(
        self,
        actor: Actor,
        clawback: str,
        amount_fen: int,
        on: str,
        reason: str,
        now: datetime,
        measure: str | None = None,
        award_fen: int = 0,
        reference: str | None = None,
    ) -> None:
        """Order back what was paid too much.

        Raises:
            NotAllowed: see ``accounts.order_clawback``.
        """
        holder = self._holder(actor, now)
        ordered = accounts.order_clawback(
            self.account, holder, clawback, amount_fen, on, reason, measure, award_fen, reference
        )
        self._take(actor, "clawback.order", ordered, now)

    def recover_clawback(
        self, actor: Actor, clawback: str, amount_fen: int, on: str, reference: str, now: datetime
    ) -> None:
        """Record that the enterprise paid back.

        Raises:
            NotAllowed: see ``accounts.recover_clawback``.
        """
        holder = self._holder(actor, now)
        recovered = accounts.recover_clawback(self.account, holder, clawback, amount_fen, on, reference)
        self._take(actor, "clawback.record", recovered, now)

    def accept_adjustment(
        self,
        actor: Actor,
        adjustment: str,
        measure: str,
        into_year: int,
        amount_fen: int,
        reason: str,
        now: datetime,
    ) -> None:
        """Let what late facts add to an award share the budget of an open year."""
        accepted = AdjustmentAccepted(
            policy=self.policy,
            year=self.year,
            enterprise=self.enterprise,
            adjustment=adjustment,
            measure=measure,
            into_year=into_year,
            amount_fen=amount_fen,
            reason=reason,
            actor=actor.name,
        )
        self._take(actor, "adjustment.accept", accepted, now)

    def _holder(self, actor: Actor, now: datetime) -> Holder:
        return Holder(self.policy, self.year, self.enterprise, actor.name, day_of(instant(now)))

    def _take(self, actor: Actor, action: str, step: AccountEvent, now: datetime) -> None:
        self.record(step, now, attribution=attribute_step(actor, action))
