"""The versions and budgets of one policy as the eventsourcing library's aggregate."""

from __future__ import annotations

import hashlib
from datetime import datetime

from domain.events.aggregate import Stream
from domain.events.event import NOBODY, Attribution
from domain.events.policies import BudgetSet, PolicyAdopted


class PolicyRecord(Stream):
    """What was adopted and set of one policy, in the order in which it was recorded."""

    def adopt_version(
        self,
        version: int,
        digest: str,
        effective_from: str,
        document: str,
        now: datetime,
        attribution: Attribution = NOBODY,
    ) -> None:
        """Take in a version of the policy's file, whole, with its SHA-256 digest."""
        policy = policy_of(self.id)
        adopted = PolicyAdopted(
            policy=policy, version=version, digest=digest, effective_from=effective_from, document=document
        )
        event_id = _event_id("PolicyAdopted", policy, digest)
        self.record(adopted, now, event_id=event_id, attribution=attribution)

    def set_budget(
        self,
        period: str,
        amount_fen: int,
        currency: str,
        named: str,
        now: datetime,
        attribution: Attribution = NOBODY,
    ) -> None:
        """Set the budget of a period; ``named`` is what its id is made of: the same is the same setting."""
        policy = policy_of(self.id)
        budget = BudgetSet(policy=policy, period=period, amount_fen=amount_fen, currency=currency)
        event_id = _event_id("BudgetSet", policy, named)
        self.record(budget, now, event_id=event_id, attribution=attribution)


def policy_id_of(policy: str) -> str:
    """The originator of a policy's events."""
    return f"policy:{policy}"


def policy_of(originator: str) -> str:
    """The policy that an originator names."""
    return originator.removeprefix("policy:")


def _event_id(name: str, policy: str, named: str) -> str:
    return hashlib.sha256(f"{name}:{policy}:{named}".encode()).hexdigest()[:32]
