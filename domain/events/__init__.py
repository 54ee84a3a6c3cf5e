"""The catalogue of domain events: what is kept for ever.

Each class is one kind of event; its fields are its content (``domain.events.content`` has the
shapes). A class whose content has changed carries ``class_version`` and a step ``upcast_vN_vN+1``,
so that what was stored years ago is read as if it had been stored today.

``time`` is an instant in UTC, in the fixed-width form ``YYYY-MM-DDTHH:MM:SS.ffffffZ`` so that text
order is time order.
"""

from __future__ import annotations

from domain.events.accounts import (
    AccountEvent,
    AdjustmentAccepted,
    AwardsSettled,
    ClawbackOrdered,
    ClawbackRecovered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
    account_id,
)
from domain.events.amendments import (
    FactCorrected,
    FactDecided,
    FactHeld,
    FactRetracted,
    SpellingsDecided,
)
from domain.events.claims import (
    ClaimAppealed,
    ClaimApproved,
    ClaimRejected,
    ClaimReviewed,
    ClaimSubmitted,
    ClaimWithdrawn,
)
from domain.events.content import Content, DatedThing, EnterpriseStatus, YearlyAmount, YearlyFigure
from domain.events.facts import FACTS
from domain.events.policies import BudgetSet, PolicyAdopted, PolicyEvent
from domain.events.refusals import RefusalDismissed, RefusalResubmitted, refusal_id
from domain.events.second_person import StepConfirmed, StepProposed, StepWithdrawn
from domain.events.settlements import (
    BankStatementRecorded,
    ObjectionRaised,
    ObjectionResolved,
    OpenMattersAcknowledged,
    SettlementClosed,
    SettlementEvent,
    SettlementProposed,
    SettlementPublished,
    settlement_id,
)
from domain.events.stored import Catalogue, topic_of
from domain.events.upkeep.clocks import ClockCorrected
from domain.events.upkeep.digests import RowsDigested, digests_id
from domain.events.upkeep.publisher_keys import (
    EarlierKeysFound,
    PublisherKeyEnded,
    PublisherKeyMade,
    publisher_key_id,
)
from domain.events.upkeep.restores import RestoreRecorded

CATALOGUE: dict[str, type[Content]] = FACTS | {
    kind.__name__: kind
    for kind in (
        FactHeld,
        FactDecided,
        ClaimSubmitted,
        ClaimApproved,
        ClaimReviewed,
        ClaimRejected,
        ClaimWithdrawn,
        ClaimAppealed,
        FactCorrected,
        FactRetracted,
        SpellingsDecided,
        PolicyAdopted,
        BudgetSet,
        RefusalDismissed,
        RefusalResubmitted,
        SettlementProposed,
        SettlementPublished,
        ObjectionRaised,
        ObjectionResolved,
        SettlementClosed,
        AwardsSettled,
        PaymentOrdered,
        PaymentMade,
        PaymentFailed,
        ClawbackOrdered,
        ClawbackRecovered,
        AdjustmentAccepted,
        RestoreRecorded,
        ClockCorrected,
        PublisherKeyMade,
        PublisherKeyEnded,
        EarlierKeysFound,
        RowsDigested,
        StepProposed,
        StepConfirmed,
        StepWithdrawn,
        OpenMattersAcknowledged,
        BankStatementRecorded,
    )
}
"""Every kind of event by its class name."""

STATES = Catalogue(CATALOGUE)
"""The readers of stored states."""

AMENDABLE_SHAPES = frozenset({"dated", "amount", "figure", "approval", "claim", "profile"})
"""Shapes of events that a correction or retraction may name."""


def is_enterprise(originator: str) -> bool:
    """Whether an originator is an enterprise: a credit code holds no colon, every other id does."""
    return ":" not in originator


_APART = frozenset({"key", "digest", "log", "refusal"})


def is_apart(originator: str) -> bool:
    """Whether no figure follows from an originator's events: they are about the ledger itself."""
    return originator.partition(":")[0] in _APART


__all__ = [
    "AMENDABLE_SHAPES",
    "CATALOGUE",
    "STATES",
    "AccountEvent",
    "AdjustmentAccepted",
    "AwardsSettled",
    "BankStatementRecorded",
    "BudgetSet",
    "Catalogue",
    "ClaimAppealed",
    "ClaimApproved",
    "ClaimRejected",
    "ClaimReviewed",
    "ClaimSubmitted",
    "ClaimWithdrawn",
    "ClawbackOrdered",
    "ClawbackRecovered",
    "ClockCorrected",
    "Content",
    "DatedThing",
    "EarlierKeysFound",
    "EnterpriseStatus",
    "FactCorrected",
    "FactDecided",
    "FactHeld",
    "FactRetracted",
    "ObjectionRaised",
    "ObjectionResolved",
    "OpenMattersAcknowledged",
    "PaymentFailed",
    "PaymentMade",
    "PaymentOrdered",
    "PolicyAdopted",
    "PolicyEvent",
    "PublisherKeyEnded",
    "PublisherKeyMade",
    "RefusalDismissed",
    "RefusalResubmitted",
    "RestoreRecorded",
    "RowsDigested",
    "SettlementClosed",
    "SettlementEvent",
    "SettlementProposed",
    "SettlementPublished",
    "SpellingsDecided",
    "StepConfirmed",
    "StepProposed",
    "StepWithdrawn",
    "YearlyAmount",
    "YearlyFigure",
    "account_id",
    "digests_id",
    "is_apart",
    "is_enterprise",
    "publisher_key_id",
    "refusal_id",
    "settlement_id",
    "topic_of",
]
