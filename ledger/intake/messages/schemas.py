"""The one definition of every message: the CloudEvents envelope, and the data of each type.

From these come the errors, the JSON Schemas, OpenAPI, AsyncAPI and the bulk decoder. The
class of an event in ``domain.events`` has the same name as the key in ``DATA``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from marshmallow import Schema, fields, validates_schema
from marshmallow import ValidationError as MarshmallowError

from domain.events import AMENDABLE_SHAPES, CATALOGUE, CHANNELS, CUSTOMS_CODES, SIZES, TOWN_MAX
from domain.faults.validation import FaultError
from domain.money.amounts import CURRENCIES, FOREIGN, PAID_IN
from ledger.intake.messages.fields import (
    Choice,
    CreditCode,
    Day,
    Instant,
    MessageField,
    Money,
    Slug,
    Text,
    Whole,
)


class Message(Schema):
    """What all messages share: unknown fields are faults, never dropped."""

    error_messages = {"unknown": "field.unknown", "type": "field.type"}

    def handle_error(self, error: MarshmallowError, data: Any, **kwargs: Any) -> None:
        """Say which type a group of fields must have."""
        if isinstance(error.messages, dict) and error.messages.get("_schema") == ["field.type"]:
            error.messages["_schema"] = [("field.type", {"wanted": "a JSON object"})]


class Data(Message):
    """The data of one type of event; ``faults_across`` holds the rules between its fields."""

    @staticmethod
    def faults_across(data: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
        """Faults by field that only several fields together can have."""
        return {}

    @validates_schema(skip_on_field_errors=True)
    def check_across(self, data: dict[str, Any], partial: Any = None, **_: Any) -> None:
        """Apply ``faults_across``; some keys of a fact alone cannot be held to it."""
        found = {} if partial else self.faults_across(data)
        if found:
            raise MarshmallowError({name: [fault] for name, fault in found.items()})


class OfYear(Data):
    """A figure of a calendar year."""

    year = Whole(2000, 2100, "year.range", required=True)
    amount_fen = Money(required=True, data_key="amount")
    currency = Choice(*CURRENCIES, required=True)

    @staticmethod
    def faults_across(data: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
        """Only own-brand exports are in US dollars."""
        if data.get("currency", "CNY") == "USD":
            return {"currency": ("currency.wrong", {"wanted": "CNY"})}
        return {}


class EnterpriseRegistered(Data):
    """How an enterprise stands in the register."""

    name = Text(required=True)
    town = Text(TOWN_MAX, required=True)
    size = Choice(*SIZES, load_default=None)
    sector = Text(40, load_default=None)


class StoreRegistered(Data):
    """A shop on a platform."""

    platform = Slug(required=True)
    kind = Slug(required=True)
    shop = Text(required=True)
    on = Day(required=True)


class DirectSalesBranchRegistered(Data):
    """A direct-sales branch was registered."""

    branch = Text(required=True)
    on = Day(required=True)


class AboveQuotaAdmitted(Data):
    """A branch was admitted above quota."""

    branch = Text(required=True)
    on = Day(required=True)


class BrandCertified(Data):
    """A certificate of a brand."""

    kind = Slug(required=True)
    ref = Text(required=True)
    on = Day(required=True)


class StandardPublished(Data):
    """A standard that the enterprise led."""

    level = Slug(required=True)
    standard = Text(required=True)
    on = Day(required=True)


class WarehouseRecognised(Data):
    """An overseas warehouse was recognised."""

    level = Slug(required=True)
    warehouse = Text(required=True)
    on = Day(required=True)


class RecognitionGranted(Data):
    """An honour without a sum."""

    kind = Slug(required=True)
    ref = Text(required=True)
    on = Day(required=True)
    floor_area_m2 = Whole(0, 1_000_000_000, load_default=None)


class SalesReported(OfYear):
    """Sales of a year through one channel."""

    channel = Choice(*CHANNELS, required=True)
    customs_code = Choice(*CUSTOMS_CODES, load_default=None)

    @staticmethod
    def faults_across(data: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
        """A channel has its currency, and one channel has customs codes."""
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        if data["currency"] not in (CHANNELS[data["channel"]], *FOREIGN):
            found["currency"] = ("currency.wrong", {"wanted": CHANNELS[data["channel"]]})
        if data.get("customs_code") and data["channel"] != "b2b_pilot_export":
            found["customs_code"] = ("customs.channel", {})
        return found


class ContributionAssessed(OfYear):
    """The local comprehensive contribution of a year."""

    @staticmethod
    def faults_across(data: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
        """It is assessed in yuan."""
        if data.get("currency", "CNY") != "CNY":
            return {"currency": ("currency.wrong", {"wanted": "CNY"})}
        return {}


class DesignPurchased(OfYear):
    """Recognised industrial-design purchases of a year."""


class DesignServicesSold(OfYear):
    """Recognised design sales to e-commerce enterprises in a year."""


class ResearchSpent(OfYear):
    """Recognised research and development expenses of a year."""


class EnterpriseReplaced(Data):
    """Another credit code takes this one's place."""

    by = CreditCode(required=True)
    on = Day(required=True)


class OtherAwardRecorded(OfYear):
    """Another policy paid for the same matter."""

    policy = Text(required=True)
    measure = Text(required=True)
    authority = Slug(required=True)
    other_policy = Text(required=True)


class ClaimStep(Data):
    """What every step of a claim names."""

    claim = Text(required=True)
    policy = Text(required=True)
    measure = Text(required=True)
    item = Text(required=True)
    year = Whole(2000, 2100, "year.range", required=True)


class ClaimSubmitted(ClaimStep):
    """An enterprise asks for an award."""

    amount_fen = Money(data_key="amount", load_default=None)
    currency = Choice(*PAID_IN, load_default=None)
    person = Text(load_default=None)


class ClaimApproved(ClaimStep):
    """A claim was approved with an amount."""

    amount_fen = Money(required=True, data_key="amount")
    currency = Choice(*PAID_IN, required=True)
    person = Text(load_default=None)


class ClaimRejected(ClaimStep):
    """A claim was rejected."""

    reason = Text(2000, required=True)


class ClaimWithdrawn(ClaimStep):
    """A claim was taken back."""


def kebab(name: str) -> str:
    """``StoreRegistered`` → ``store-registered``."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()


TYPE_PREFIX = "subsidy."
AMENDABLE = {
    TYPE_PREFIX + kebab(name) + ".v1": name
    for name, cls in CATALOGUE.items()
    if cls.shape in AMENDABLE_SHAPES
}
"""Types of events that a correction or retraction may name, with their class names."""


class AmendedType(Choice):
    """The type of the event that is amended; becomes its class name."""

    def settle(self, value: Any) -> str:
        """Refuse corrections of corrections in their own words."""
        if isinstance(value, str) and re.fullmatch(r"subsidy\.fact-(corrected|retracted)\.v1", value):
            raise FaultError("amend.amendment")
        return AMENDABLE[super().settle(value)]


class Changes(MessageField):
    """The keys that a correction changes, checked as the amended type's own fields."""

    bulk_type = dict[str, Any]
    json_schema = {"type": "object", "minProperties": 1}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise FaultError("field.type", wanted="a JSON object")
        if not value:
            raise FaultError("amend.empty")
        return value


@cache
def partial_schema(name: str) -> Data:
    """The schema of some of an event's keys."""
    return DATA[name](partial=True)


UNCHANGEABLE = ("person",)
"""Fields that no correction may change: a name is held encrypted."""


class AmendmentStep(Data):
    """What every amendment names."""

    of = Text(required=True)
    of_source = Text(load_default=None)
    of_type = AmendedType(*AMENDABLE, required=True)
    reason = Text(2000, required=True)


class FactCorrected(AmendmentStep):
    """Some keys of a fact were wrong."""

    changes = Changes(required=True)

    @validates_schema(skip_on_field_errors=True)
    def changes_fit_the_type(self, data: dict[str, Any], **_: Any) -> None:
        """Check the changed keys by the amended type's schema; keep them as it reads them."""
        try:
            data["changes"] = partial_schema(data["of_type"]).load(data["changes"])
        except MarshmallowError as error:
            raise MarshmallowError({"changes": error.messages}) from None
        fixed = {name: ["amend.person"] for name in UNCHANGEABLE if name in data["changes"]}
        if fixed:
            raise MarshmallowError({"changes": fixed})

    @staticmethod
    def faults_across(data: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
        """None: the rules between fields hold for the merged fact, which the inbox checks."""
        return {}


class FactRetracted(AmendmentStep):
    """A fact never held."""


DATA: dict[str, type[Data]] = {
    cls.__name__: cls
    for cls in (
        EnterpriseRegistered,
        StoreRegistered,
        DirectSalesBranchRegistered,
        AboveQuotaAdmitted,
        SalesReported,
        ContributionAssessed,
        BrandCertified,
        StandardPublished,
        WarehouseRecognised,
        DesignPurchased,
        DesignServicesSold,
        ResearchSpent,
        EnterpriseReplaced,
        RecognitionGranted,
        OtherAwardRecorded,
        ClaimSubmitted,
        ClaimApproved,
        ClaimRejected,
        ClaimWithdrawn,
        FactCorrected,
        FactRetracted,
    )
}
"""The data schema of every event that arrives as a message, by class name."""

TYPES = {TYPE_PREFIX + kebab(name) + ".v1": name for name in DATA}
"""Message types, each with its event's class name."""

TYPE_OF = {name: type_ for type_, name in TYPES.items()}


class Envelope(Message):
    """CloudEvents 1.0. ``subject`` is the enterprise; ``time`` is when the fact happened."""

    specversion = Choice("1.0", required=True)
    id = Text(required=True)
    source = Text(required=True)
    type = MessageField(required=True)
    subject = CreditCode(required=True)
    time = Instant(required=True)
    data = fields.Raw(required=True, error_messages={"required": "field.missing", "null": "field.null"})
    datacontenttype = Choice("application/json", "application/json; charset=utf-8", load_default=None)
    dataschema = Text(load_default=None)
    partitionkey = Text(load_default=None)
    traceparent = Text(load_default=None)
    tracestate = Text(512, load_default=None)
    correlationid = Text(load_default=None)
