"""The steps of a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from domain.events.content import EnterpriseContent


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A document that supports a claim, never the document itself: its digest is SHA-256, in hex."""

    title: str
    location: str
    sha256: str


class ClaimEvent(EnterpriseContent, frozen=True, kw_only=True):
    """A step of a claim; ``item`` is what is claimed for, ``claim`` its file number.

    ``actor`` is who took the step at this ledger's own desk (``domain.claims``); no upstream says it.
    """

    shape: ClassVar[str] = "claim"
    desk_fields: ClassVar[frozenset[str]] = frozenset(("actor", "evidence"))
    claim: str
    policy: str
    measure: str
    item: str
    year: int
    if TYPE_CHECKING:
        actor: str | None  # each step has it, in its place among the fields


class ClaimSubmitted(ClaimEvent, frozen=True, kw_only=True):
    """An enterprise asks for an award that an officer must decide."""

    amount_fen: int | None = None
    currency: str | None = None
    person: str | None = None
    """The name that a talent award must keep, encrypted (``ledger.store.persons``); never in clear."""
    evidence: tuple[Evidence, ...] | None = None
    actor: str | None = None


class ClaimApproved(ClaimEvent, frozen=True, kw_only=True):
    """A claim was approved with an amount, within the policy's cap."""

    shape: ClassVar[str] = "approval"
    amount_fen: int
    currency: str
    person: str | None = None
    """As in ``ClaimSubmitted``."""
    actor: str | None = None


class ClaimReviewed(ClaimEvent, frozen=True, kw_only=True):
    """First review (初审): an amount is recommended to the second reviewer."""

    shape: ClassVar[str] = "desk"
    amount_fen: int
    currency: str
    actor: str
    opinion: str


class ClaimRejected(ClaimEvent, frozen=True, kw_only=True):
    """A claim was rejected, with the reason."""

    reason: str
    actor: str | None = None


class ClaimWithdrawn(ClaimEvent, frozen=True, kw_only=True):
    """The enterprise took its claim back."""

    actor: str | None = None


class ClaimAppealed(ClaimEvent, frozen=True, kw_only=True):
    """The enterprise asks for a rejected claim to be reviewed again, by others."""

    shape: ClassVar[str] = "desk"
    reason: str
    actor: str


AmountStep = ClaimSubmitted | ClaimReviewed | ClaimApproved
"""The steps that name an amount."""

CLAIM_STATUS: dict[type[ClaimEvent], str] = {
    ClaimSubmitted: "submitted",
    ClaimReviewed: "reviewed",
    ClaimApproved: "approved",
    ClaimRejected: "rejected",
    ClaimWithdrawn: "withdrawn",
    ClaimAppealed: "appealed",
}
"""Where each step leaves a claim."""
