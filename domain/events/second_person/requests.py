"""What a step of two persons asks for, one class a step, beside what it rests on."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import msgspec

from domain.events.amendments import FieldValue
from domain.events.event import SupportingDocument
from domain.events.settlements import OpenMatter

_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class StepRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="step"):
    """What a step asks for, beside what it rests on: that must still hold when it is confirmed."""

    rests_on: ClassVar[frozenset[str]] = frozenset()
    """Fields that nobody asked for: how matters stood."""
    policy: str = ""
    """Empty where it is about no policy alone."""

    @property
    def step(self) -> str:
        """The step's name."""
        return str(self.__struct_config__.tag)

    @property
    def matter_id(self) -> str:
        """What it is about, of which one proposal waits at a time."""
        return self.policy

    @property
    def request_digest(self) -> str:
        """The digest (hex) of what is asked for."""
        fields = {name: value for name, value in self._told().items() if name not in self.rests_on}
        return _digest(self.step, fields)

    @property
    def digest(self) -> str:
        """The digest (hex) of what is asked for and what it rests on."""
        return _digest(self.step, self._told())

    def _told(self) -> dict[str, object]:
        """What it says by field; of a field that came later, nothing where it is left out."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: value
            for name, value in values.items()
            if value is not msgspec.UNSET and (name != ACKNOWLEDGED or value is not None)
        }


ACKNOWLEDGED = "acknowledged"
"""The field of the matters that are open, left out of what is stored and hashed where there is none."""


def _digest(step: str, fields: dict[str, object]) -> str:
    return hashlib.sha256(_encode_sorted((step, fields))).hexdigest()


class AdoptPolicy(StepRequest, frozen=True, kw_only=True, tag="policy.adopt"):
    """A version of a policy file, whole; it follows ``adopted`` versions."""

    rests_on = frozenset({"adopted"})
    version: int
    effective_from: str
    document: str
    adopted: int


class SetBudget(StepRequest, frozen=True, kw_only=True, tag="budget.set"):
    """The budget of a period; so far it is ``before_fen``, set at a position (none: the file's own)."""

    rests_on = frozenset({"currency", "before_fen", "before_position"})
    period: str
    amount_fen: int
    currency: str
    before_fen: int
    before_position: int | None

    @property
    def matter_id(self) -> str:
        """One period's budget."""
        return f"{self.policy}:{self.period}"


class OfYear(StepRequest, frozen=True, kw_only=True):
    """About a year of a policy."""

    year: int

    @property
    def matter_id(self) -> str:
        """The year."""
        return f"{self.policy}:{self.year}"


class AcknowledgedMatters(msgspec.Struct, frozen=True):
    """What was open when a step was asked for, the digest of the list, and why the step is taken."""

    matters: tuple[OpenMatter, ...]
    digest: str
    reason: str


class OfList(OfYear, frozen=True, kw_only=True, omit_defaults=True):
    """About the list of a year: which proposal of it, and what it pays."""

    rests_on = frozenset({"number", "lines_digest", "payable_fen", "enterprises", "currency", ACKNOWLEDGED})
    number: int
    lines_digest: str
    payable_fen: int
    enterprises: int
    currency: str
    acknowledged: AcknowledgedMatters | None = None


class PublishList(OfList, frozen=True, kw_only=True, tag="settlement.publish"):
    """The proposed list is to be published."""


class CloseYear(OfList, frozen=True, kw_only=True, tag="settlement.close"):
    """The published list is to be final."""


class OrderPayments(OfYear, frozen=True, kw_only=True, tag="payment.order", omit_defaults=True):
    """What is outstanding is to be paid (of some enterprises): so many payments, so much in all."""

    rests_on = frozenset({"batch", "payments", "total_fen", "currency", ACKNOWLEDGED})
    enterprises: tuple[str, ...] | None
    batch: str
    payments: int
    total_fen: int
    currency: str
    acknowledged: AcknowledgedMatters | None = None


class OfAccount(OfYear, frozen=True, kw_only=True):
    """About an enterprise's account of a year, as it stands after ``account_version`` events."""

    rests_on = frozenset({"account_version", "currency"})
    enterprise: str
    amount_fen: int
    reason: str
    account_version: int
    currency: str

    @property
    def matter_id(self) -> str:
        """The enterprise's year."""
        return f"{self.policy}:{self.year}:{self.enterprise}"


class OrderClawback(OfAccount, frozen=True, kw_only=True, tag="clawback.order"):
    """What was paid too much is to be ordered back; ``reference`` is what the caller knows it by."""

    measure: str | None
    reference: str | None


class AcceptAdjustment(OfAccount, frozen=True, kw_only=True, tag="adjustment.accept"):
    """What late facts add to an award is to share an open year's budget."""

    measure: str
    into_year: int


class CountingFact(msgspec.Struct, frozen=True):
    """A fact that is to count, by its source and id."""

    source: str
    id: str


class DecideDisagreement(StepRequest, frozen=True, kw_only=True, tag="disagreement.decide"):
    """Which facts of a disagreement count, as it stood at position ``latest``."""

    rests_on = frozenset({"latest"})
    disagreement: str
    counting: tuple[CountingFact, ...]
    reason: str
    latest: int

    @property
    def matter_id(self) -> str:
        """The disagreement."""
        return self.disagreement


class SpeltFact(msgspec.Struct, frozen=True):
    """One of the facts that may be one thing, as it is spelt."""

    written: str
    source: str
    id: str


class AwardChange(msgspec.Struct, frozen=True):
    """An award before and after, in hundredths of the policy's currency."""

    policy: str
    year: int
    measure: str
    before_fen: int
    after_fen: int


class DecideMerge(StepRequest, frozen=True, kw_only=True, tag="merge.decide"):
    """Whether facts of an enterprise in several spellings are one thing, and what that would change."""

    rests_on = frozenset({"enterprise", "facts", "changes"})
    merge: str
    same: bool
    reason: str
    enterprise: str
    facts: tuple[SpeltFact, ...]
    changes: tuple[AwardChange, ...]

    @property
    def matter_id(self) -> str:
        """The facts that may be one."""
        return self.merge


class AmendFact(StepRequest, frozen=True, kw_only=True, tag="amendment.make"):
    """What a source said is to be corrected, or without ``changes`` retracted.

    It is the event at a ``position``, and says what ``stands`` (names of persons left out); ``held``: it
    counts for nothing until something is decided.
    """

    rests_on = frozenset({"stands", "held"})
    enterprise: str
    position: int
    of: str
    of_source: str
    of_type: str
    changes: dict[str, FieldValue] | None
    reason: str
    stands: dict[str, FieldValue]
    held: bool
    based_on: SupportingDocument | msgspec.UnsetType = msgspec.UNSET
    """The document that the amendment rests on; left out where none was named."""

    @property
    def matter_id(self) -> str:
        """The fact."""
        return f"{self.enterprise}:{self.position}"


class DismissRefusal(StepRequest, frozen=True, kw_only=True, tag="refusal.dismiss"):
    """A refused message is not to be sent again."""

    message: str
    """Its digest."""
    reason: str

    @property
    def matter_id(self) -> str:
        """The message."""
        return self.message


OfYearRequest = PublishList | CloseYear | OrderPayments | OrderClawback | AcceptAdjustment
Request = (
    AdoptPolicy | SetBudget | OfYearRequest | DecideDisagreement | DecideMerge | AmendFact | DismissRefusal
)
