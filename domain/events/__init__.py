"""The catalogue of domain events: what is kept for ever.

Each class is one kind of event; its fields are its content, and its ``shape`` says how
``domain.facts.folding`` reads it. A class whose content has changed carries ``class_version`` and a
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

from domain.money.amounts import FOREIGN, parse_fen

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
        return content.get("currency", "CNY") in ("CNY", None, *FOREIGN)

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

    aggregate_topic: ClassVar[str] = "domain.facts.enterprise:Enterprise"


@dataclass(frozen=True, kw_only=True)
class EnterpriseRegistered(EnterpriseEvent):
    """How an enterprise stands in the register (企业登记信息): its name, its town or street (镇/街道).

    Of several, the one with the latest ``time`` holds. No award's sum depends on it; where a policy
    has budgets by town, the town says which of them pays.
    """

    shape: ClassVar[str] = "profile"
    name: str
    town: str
    size: str | None = None
    sector: str | None = None


TOWN_MAX = 40
"""Characters of the name of a town or street."""
SIZES = ("large", "medium", "small", "micro")
"""Sizes of enterprises, as the statistics bureau classes them."""


@dataclass(frozen=True, kw_only=True)
class DatedFact(EnterpriseEvent):
    """Something that came to be on a day, known by its ``identity`` within the enterprise.

    The same identity may be recorded again; only its earliest day counts.
    """

    shape: ClassVar[str] = "dated"
    identity: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[tuple[str, ...]] = ()
    on: str


CODE_PATTERN = "[a-z0-9][a-z0-9_-]{0,39}"
"""A word of an upstream code list, whole."""
CODED = ("platform", "kind", "level", "authority")
"""The fields that hold such a word, in every event that has them."""


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
class EnterpriseReplaced(DatedFact):
    """Another credit code takes this one's place (合并、更名换证), from a day on."""

    identity: ClassVar[tuple[str, ...]] = ("by",)
    by: str


@dataclass(frozen=True, kw_only=True)
class HoldEvent(EnterpriseEvent):
    """Whether a fact of the enterprise counts, where facts disagree (``domain.disagreements.matters``).

    Of several about one fact the last recorded holds. They say nothing of the other enterprises.
    """

    shape: ClassVar[str] = "hold"
    disagreement: str
    of_source: str
    of: str
    of_type: str


@dataclass(frozen=True, kw_only=True)
class FactHeld(HoldEvent):
    """A fact waits for a decision (待核实), and counts for nothing until then."""

    policy: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class FactDecided(HoldEvent):
    """An officer decided whether the fact ``counts``."""

    counts: bool
    actor: str
    reason: str


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
"""Channels of sales, each with the currency in which it is reported here; abroad it may be another."""

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
        fits = content["currency"] == CHANNELS.get(content["channel"])
        return coded and bool(fits or content["currency"] in FOREIGN)

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
class ResearchSpent(YearlyAmount):
    """Research and development expenses of a year, as recognised (研发费用)."""


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

    @classmethod
    def coherent(cls, content: dict[str, Any]) -> bool:
        """It is assessed in yuan."""
        return bool(content["currency"] == "CNY")


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
    """The name that a talent award must keep, encrypted (``ledger.store.persons``); never in clear."""
    actor: str | None = None
    """Who took the step at this ledger's own desk (``domain.claims.steps``); no upstream says it."""
    evidence: list[dict[str, str]] | None = None
    """What supports it: title, location and SHA-256 digest of each document, never the document."""


@dataclass(frozen=True, kw_only=True)
class ClaimApproved(ClaimEvent):
    """A claim was approved with an amount, within the policy's cap."""

    shape: ClassVar[str] = "approval"
    amount_fen: int
    currency: str
    person: str | None = None
    """As in ``ClaimSubmitted``."""
    actor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimReviewed(ClaimEvent):
    """First review (初审): an amount is recommended to the second reviewer."""

    shape: ClassVar[str] = "desk"
    amount_fen: int
    currency: str
    actor: str
    opinion: str


@dataclass(frozen=True, kw_only=True)
class ClaimRejected(ClaimEvent):
    """A claim was rejected, with the reason."""

    reason: str
    actor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimWithdrawn(ClaimEvent):
    """The enterprise took its claim back."""

    actor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimAppealed(ClaimEvent):
    """The enterprise asks for a rejected claim to be reviewed again, by others."""

    shape: ClassVar[str] = "desk"
    reason: str
    actor: str


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

    aggregate_topic: ClassVar[str] = "domain.facts.enterprise:PolicyRecord"


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


@dataclass(frozen=True, kw_only=True)
class SettlementEvent(LedgerEvent):
    """A step of a year's settlement; ``originator_id`` is ``"settlement:" + policy + ":" + year``.

    ``actor`` is the officer who took it.
    """

    aggregate_topic: ClassVar[str] = "domain.facts.enterprise:SettlementRecord"
    policy: str
    year: int
    actor: str


@dataclass(frozen=True, kw_only=True)
class SettlementProposed(SettlementEvent):
    """The exact apportionment of what the ledger knew at position ``known``, in fen.

    ``budget_fen`` is what there is to divide, ``sharing_fen`` what shares it; the two and the
    cut (the last remainder that still gets a fen, and its key) decide every payment.
    Where a policy has several pots (``domain.money.dividing``), each has its own in ``pots``: [pot,
    budget, sharing, payable, cut remainder, cut key]; ``budgets`` are [name, appropriation,
    carried, spent]. Both are empty where there is one.
    ``lines_digest`` is of the list (``domain.settlement.year.line_bytes``).
    """

    class_version: ClassVar[int] = 2
    number: int
    known: int
    appropriation_fen: int
    carried_fen: int
    spent_fen: int
    budget_fen: int
    sharing_fen: int
    cut_remainder: str
    cut_key: list[str]
    gross_fen: int
    withheld_fen: int
    payable_fen: int
    outside_fen: int
    awards: int
    enterprises: int
    lines_digest: str
    budgets: list[list[Any]]
    pots: list[list[Any]]

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 knew one budget a period."""
        state.update(budgets=[], pots=[])


@dataclass(frozen=True, kw_only=True)
class SettlementPublished(SettlementEvent):
    """The proposed list was published for objections (公示), both days included.

    ``list_root`` (hex) is the Merkle root over the ``list_lines`` lines of the list as anyone may
    see it (``domain.settlement.public_list``). Stored version 1 had neither.
    """

    class_version: ClassVar[int] = 2
    number: int
    lines_digest: str
    from_day: str
    until_day: str
    list_root: str | None = None
    list_lines: int | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Read a version 1 state: the list as seen had no root."""
        state["list_root"] = None
        state["list_lines"] = None


@dataclass(frozen=True, kw_only=True)
class ObjectionRaised(SettlementEvent):
    """Somebody objects to the published list; ``enterprise`` is the one that it is about."""

    objection: str
    enterprise: str | None
    raised_by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ObjectionResolved(SettlementEvent):
    """An objection was ``upheld`` (the list must be proposed again) or ``dismissed``."""

    objection: str
    outcome: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SettlementClosed(SettlementEvent):
    """The published list is final: each enterprise's part is an ``AwardsSettled`` just before this.

    ``log_size`` and ``log_root`` (hex) are the log's checkpoint just before the closing;
    ``measures`` are [award year, measure, gross, withheld, payable, enterprises] sums in fen;
    ``budgets`` and ``pots`` are the proposal's.
    """

    class_version: ClassVar[int] = 2
    number: int
    lines_digest: str
    known: int
    first_position: int
    appropriation_fen: int
    carried_fen: int
    spent_fen: int
    budget_fen: int
    sharing_fen: int
    cut_remainder: str
    cut_key: list[str]
    payable_fen: int
    outside_fen: int
    awards: int
    enterprises: int
    measures: list[list[Any]]
    log_size: int
    log_root: str
    budgets: list[list[Any]]
    pots: list[list[Any]]

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 knew one budget a period."""
        state.update(budgets=[], pots=[])


@dataclass(frozen=True, kw_only=True)
class AccountEvent(LedgerEvent):
    """Something about what one enterprise is paid for a settled year, in fen.

    ``originator_id`` is ``"account:" + policy + ":" + year + ":" + credit code``: one stream for
    each enterprise and year, so that a settlement never waits for an enterprise's facts.
    """

    aggregate_topic: ClassVar[str] = "domain.facts.enterprise:AccountRecord"
    policy: str
    year: int
    enterprise: str


@dataclass(frozen=True, kw_only=True)
class AwardsSettled(AccountEvent):
    """An enterprise's part of a closed year.

    ``lines`` are [measure, award year, gross, withheld, reduction, payable] in fen, followed by
    the pot where the policy has several (``domain.money.dividing``).
    """

    lines: list[list[Any]]
    payable_fen: int


@dataclass(frozen=True, kw_only=True)
class PaymentOrdered(AccountEvent):
    """The bank was told to pay; ``payment`` identifies the payment for ever."""

    payment: str
    batch: str
    amount_fen: int
    actor: str


@dataclass(frozen=True, kw_only=True)
class PaymentMade(AccountEvent):
    """The bank paid, on a day in Asia/Shanghai, under its own ``reference``."""

    payment: str
    amount_fen: int
    on: str
    reference: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(AccountEvent):
    """The bank did not pay, or the money came back: it is payable again."""

    payment: str
    amount_fen: int
    on: str
    reason: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class ClawbackOrdered(AccountEvent):
    """What was paid too much is due from the enterprise.

    Where late facts lowered one award, ``measure`` names it and ``award_fen`` by how much: that
    part of the difference is settled. Else it answers for no award (a breach of conditions).
    """

    measure: str | None = None
    award_fen: int = 0
    clawback: str
    amount_fen: int
    on: str
    reason: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class ClawbackRecovered(AccountEvent):
    """The enterprise paid back, in whole or in part."""

    clawback: str
    amount_fen: int
    on: str
    reference: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class AdjustmentAccepted(AccountEvent):
    """What late facts add to an award of a closed year shares the budget of the open ``into_year``."""

    adjustment: str
    measure: str
    into_year: int
    amount_fen: int
    reason: str
    actor: str


def _leaves(cls: type[LedgerEvent]) -> list[type[LedgerEvent]]:
    children = cls.__subclasses__()
    return [leaf for child in children for leaf in _leaves(child)] if children else [cls]


CATALOGUE: dict[str, type[LedgerEvent]] = {cls.__name__: cls for cls in _leaves(LedgerEvent)}
"""Every kind of event by its class name."""

AMENDABLE_SHAPES = frozenset({"dated", "amount", "figure", "approval", "claim", "profile"})
"""Shapes of events that a correction or retraction may name."""


def settlement_id(policy: str, year: int) -> str:
    """The originator of a year's settlement."""
    return f"settlement:{policy}:{year}"


def account_id(policy: str, year: int, code: str) -> str:
    """The originator of one enterprise's account of a settled year."""
    return f"account:{policy}:{year}:{code}"


def is_enterprise(originator: str) -> bool:
    """Whether an originator is an enterprise: a credit code holds no colon, every other id does."""
    return ":" not in originator


def topic_of(name: str) -> str:
    """The stored topic of an event class, as the eventsourcing library writes it."""
    return f"domain.events:{name}"
