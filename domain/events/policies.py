"""Events about a policy; the originator is ``"policy:" + policy id``."""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content


class PolicyEvent(Content, frozen=True, kw_only=True):
    """An event about a policy."""

    aggregate_topic: ClassVar[str] = "domain.policy.record:PolicyRecord"
    policy: str


class PolicyAdopted(PolicyEvent, frozen=True, kw_only=True):
    """A version of a policy file came into the ledger, whole, with its SHA-256 digest."""

    version: int
    digest: str
    effective_from: str
    document: str


class BudgetSet(PolicyEvent, frozen=True, kw_only=True):
    """The budget of one period: a calendar year, or ``"life"`` for the policy's whole life."""

    period: str
    amount_fen: int
    currency: str
