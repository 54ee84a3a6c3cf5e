"""The catalogue of domain events: what is kept for ever.

Each class is one kind of event; its fields are its content, and its ``shape`` says how
``domain.facts`` reads it. A class whose content has changed carries ``class_version`` and a
step ``upcast_vN_vN+1`` (the eventsourcing library's own way), so that what was stored years
ago is read as if it had been stored today.

Units: ``amount_fen`` is fen, or US cents where ``currency`` is ``"USD"``. ``on`` is a date
in Asia/Shanghai as ``YYYY-MM-DD``; ``time`` is an instant in UTC, in the fixed-width form
``YYYY-MM-DDTHH:MM:SS.ffffffZ`` so that text order is time order. ``timestamp`` is when the
ledger recorded the event.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from eventsourcing.domain import CanMutateAggregate
from eventsourcing.utils import resolve_topic

from domain.money import parse_fen

ENVELOPE_FIELDS = ("originator_id", "originator_version", "timestamp", "source", "event_id", "time")


@dataclass(frozen=True, kw_only=True)
class LedgerEvent(CanMutateAggregate[str]):
    """What every event carries beside its content."""

    originator_id: str
    originator_version: int
    timestamp: datetime
    source: str
    event_id: str
    time: str

    shape: ClassVar[str] = "other"
    class_version: ClassVar[int] = 1
    aggregate_topic: ClassVar[str] = ""

    @classmethod
    def content_fields(cls) -> tuple[str, ...]:
        """Names of the fields that are this event's own content."""
        return tuple(f.name for f in fields(cls) if f.name not in ENVELOPE_FIELDS)

    @classmethod
    def coherent(cls, content: dict[str, Any]) -> bool:
        """Whether the fields fit each other; a correction that breaks this has no effect."""
        return bool(content.get("currency", "CNY") in ("CNY", None))

    def mutate(self, aggregate: Any) -> Any:
        """Evolve the aggregate; the first event about one opens it."""
        opened = aggregate or resolve_topic(self.aggregate_topic).opened(self.originator_id, self.timestamp)
        return super().mutate(opened)

    def apply(self, aggregate: Any) -> None:
        """Record the event in its aggregate."""
        aggregate.record(self)

    @property
    def content(self) -> dict[str, Any]:
        """The event's own content by field name."""
        return {name: getattr(self, name) for name in self.content_fields()}


@dataclass(frozen=True, kw_only=True)
class EnterpriseEvent(LedgerEvent):
    """An event about one enterprise; ``originator_id`` is its credit code."""

    aggregate_topic: ClassVar[str] = "domain.enterprise:Enterprise"


@dataclass(frozen=True, kw_only=True)
class DatedFact(EnterpriseEvent):
    """Something that came to be on a day, known by its ``identity`` within the enterprise.

    The same identity may be recorded again; only its earliest day counts.
    """

    shape: ClassVar[str] = "dated"
    identity: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[tuple[str, ...]] = ()
    on: str


@dataclass(frozen=True, kw_only=True)
class StoreRegistered(DatedFact):
    """A shop on a platform (article 二): ``tmall``, ``jd`` or ``cross-border``."""

    identity: ClassVar[tuple[str, ...]] = ("platform", "shop")
    attributes: ClassVar[tuple[str, ...]] = ("kind",)
    platform: str
    shop: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class DirectSalesBranchRegistered(DatedFact):
    """A direct-sales branch was registered (article 二)."""

    identity: ClassVar[tuple[str, ...]] = ("branch",)
    branch: str


@dataclass(frozen=True, kw_only=True)
class AboveQuotaAdmitted(DatedFact):
    """A branch was admitted above quota, 进限 (article 二)."""

    identity: ClassVar[tuple[str, ...]] = ("branch",)
    branch: str


@dataclass(frozen=True, kw_only=True)
class BrandCertified(DatedFact):
    """A famous export brand, service trademark or quality certification (article 四)."""

    identity: ClassVar[tuple[str, ...]] = ("kind", "ref")
    kind: str
    ref: str


@dataclass(frozen=True, kw_only=True)
class StandardPublished(DatedFact):
    """A standard whose drafting the enterprise led (article 四)."""

    identity: ClassVar[tuple[str, ...]] = ("level", "standard")
    level: str
    standard: str


@dataclass(frozen=True, kw_only=True)
class WarehouseRecognised(DatedFact):
    """An overseas warehouse was recognised (article 六)."""

    identity: ClassVar[tuple[str, ...]] = ("level", "warehouse")
    level: str
    warehouse: str


@dataclass(frozen=True, kw_only=True)
class RecognitionGranted(DatedFact):
    """An honour without a sum: demonstration park, top ten, credit evaluation and the like."""

    identity: ClassVar[tuple[str, ...]] = ("kind", "ref")
    attributes: ClassVar[tuple[str, ...]] = ("floor_area_m2",)
    kind: str
    ref: str
    floor_area_m2: int | None = None


@dataclass(frozen=True, kw_only=True)
class YearlyAmount(EnterpriseEvent):
    """An amount reported for a calendar year; reports of one ``group`` and year add up."""

    shape: ClassVar[str] = "amount"
    group: ClassVar[tuple[str, ...]] = ()
    year: int
    amount_fen: int
    currency: str


CHANNELS = {
    "online": "CNY",
    "domestic_online": "CNY",
    "domestic_own_brand": "CNY",
    "dtc_own_brand_export": "USD",
    "b2b_pilot_export": "CNY",
}
"""Channels of sales, each with the currency in which it is reported."""

CUSTOMS_CODES = ("9610", "9710", "9810", "1210", "other")
"""Customs supervision codes that B2B pilot exports are reported under."""


@dataclass(frozen=True, kw_only=True)
class SalesReported(YearlyAmount):
    """Sales of a year through one channel (articles 三 and 四).

    Stored version 1 had the amount as yuan text and no customs code.
    """

    class_version: ClassVar[int] = 2
    group: ClassVar[tuple[str, ...]] = ("channel", "customs_code")
    channel: str
    customs_code: str | None = None

    @classmethod
    def coherent(cls, content: dict[str, Any]) -> bool:
        """A channel has its currency, and one channel has customs codes."""
        coded = content["customs_code"] is None or content["channel"] == "b2b_pilot_export"
        return coded and bool(content["currency"] == CHANNELS.get(content["channel"]))

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Read a version 1 state: yuan text becomes fen, the customs code is unknown."""
        state["amount_fen"] = parse_fen(state.pop("amount"))
        state["customs_code"] = None


@dataclass(frozen=True, kw_only=True)
class DesignPurchased(YearlyAmount):
    """Industrial-design purchases of a year, as recognised (article 九)."""


@dataclass(frozen=True, kw_only=True)
class DesignServicesSold(YearlyAmount):
    """A design house's sales to e-commerce enterprises in a year, as recognised (article 九)."""


@dataclass(frozen=True, kw_only=True)
class OtherAwardRecorded(YearlyAmount):
    """Another policy paid for the same matter (closing clause, 从高不重复).

    ``policy`` and ``measure`` name the matter in our terms, ``other_policy`` who paid.
    """

    group: ClassVar[tuple[str, ...]] = ("policy", "measure", "authority")
    policy: str
    measure: str
    authority: str
    other_policy: str


@dataclass(frozen=True, kw_only=True)
class ContributionAssessed(EnterpriseEvent):
    """The local comprehensive contribution of a year (article 三); one figure a year."""

    shape: ClassVar[str] = "figure"
    year: int
    amount_fen: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class ClaimEvent(EnterpriseEvent):
    """A step of a claim; ``item`` is what is claimed for, ``claim`` its file number."""

    shape: ClassVar[str] = "claim"
    claim: str
    policy: str
    measure: str
    item: str
    year: int


@dataclass(frozen=True, kw_only=True)
class ClaimSubmitted(ClaimEvent):
    """An enterprise asks for an award that an officer must decide."""

    amount_fen: int | None = None
    currency: str | None = None
    person: str | None = None
    """The name that a talent award must keep, encrypted (``ledger.persons``); never in clear."""


@dataclass(frozen=True, kw_only=True)
class ClaimApproved(ClaimEvent):
    """A claim was approved with an amount, within the policy's cap."""

    shape: ClassVar[str] = "approval"
    amount_fen: int
    currency: str
    person: str | None = None
    """As in ``ClaimSubmitted``."""


@dataclass(frozen=True, kw_only=True)
class ClaimRejected(ClaimEvent):
    """A claim was rejected, with the reason."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ClaimWithdrawn(ClaimEvent):
    """The enterprise took its claim back."""


@dataclass(frozen=True, kw_only=True)
class Amendment(EnterpriseEvent):
    """Names the event that it replaces: ``of`` and ``of_source`` are its id and source."""

    shape: ClassVar[str] = "amendment"
    of: str
    of_source: str
    of_type: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FactCorrected(Amendment):
    """The keys in ``changes`` replace those of the fact."""

    changes: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FactRetracted(Amendment):
    """The fact counts as never having arrived."""


@dataclass(frozen=True, kw_only=True)
class PolicyEvent(LedgerEvent):
    """An event about a policy; ``originator_id`` is ``"policy:" + policy id``."""

    aggregate_topic: ClassVar[str] = "domain.enterprise:PolicyRecord"


@dataclass(frozen=True, kw_only=True)
class PolicyAdopted(PolicyEvent):
    """A version of a policy file came into the ledger, whole, with its SHA-256 digest."""

    policy: str
    version: int
    digest: str
    effective_from: str
    document: str


@dataclass(frozen=True, kw_only=True)
class BudgetSet(PolicyEvent):
    """The budget of one period: a calendar year, or ``"life"`` for the policy's whole life."""

    policy: str
    period: str
    amount_fen: int
    currency: str


def _leaves(cls: type[LedgerEvent]) -> list[type[LedgerEvent]]:
    children = cls.__subclasses__()
    return [leaf for child in children for leaf in _leaves(child)] if children else [cls]


CATALOGUE: dict[str, type[LedgerEvent]] = {cls.__name__: cls for cls in _leaves(LedgerEvent)}
"""Every kind of event by its class name."""

AMENDABLE_SHAPES = frozenset({"dated", "amount", "figure", "approval", "claim"})
"""Shapes of events that a correction or retraction may name."""


def topic_of(name: str) -> str:
    """The stored topic of an event class, as the eventsourcing library writes it."""
    return f"domain.events:{name}"
