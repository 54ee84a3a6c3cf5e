"""Events about another event of the enterprise: corrections, retractions, and holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from domain.events.content import EnterpriseContent

FieldValue = str | int | None
"""The value of a field of a fact."""


class FollowUp(EnterpriseContent, frozen=True, kw_only=True):
    """About another event of the enterprise: ``of``, ``of_source``, ``of_type`` are its id, source, kind."""

    if TYPE_CHECKING:  # each class has them, in their place among the fields
        of: str
        of_source: str
        of_type: str


class Amendment(FollowUp, frozen=True, kw_only=True):
    """Says what replaces the event that it names, or that nothing does."""

    shape: ClassVar[str] = "amendment"
    of: str
    of_source: str
    of_type: str
    reason: str


class FactCorrected(Amendment, frozen=True, kw_only=True):
    """The keys in ``changes`` replace those of the fact."""

    changes: dict[str, FieldValue]


class FactRetracted(Amendment, frozen=True, kw_only=True):
    """The fact counts as never having arrived."""


class SpellingsDecided(EnterpriseContent, frozen=True, kw_only=True):
    """An officer decided whether what was recorded in several spellings is one thing.

    Only facts from before there were canonical spellings wait for it. Where they are one, corrections
    or retractions of them follow. ``canonical`` and ``spellings`` are as facts are kept by them.
    """

    of_type: str
    canonical: str
    spellings: tuple[str, ...]
    same: bool
    reason: str


class HoldEvent(FollowUp, frozen=True, kw_only=True):
    """Whether a fact of the enterprise counts, where facts disagree (``domain.disagreements``).

    Of several about one fact the last recorded holds. They say nothing of the other enterprises.
    """

    shape: ClassVar[str] = "hold"
    disagreement: str
    of_source: str
    of: str
    of_type: str


class FactHeld(HoldEvent, frozen=True, kw_only=True):
    """A fact waits for a decision (待核实), and counts for nothing until then."""

    policy: str
    rule: str


class FactDecided(HoldEvent, frozen=True, kw_only=True):
    """An officer decided whether the fact ``counts``."""

    counts: bool
    actor: str
    reason: str
