"""The one definition of every message: the CloudEvents envelope, and the data of each type.

From these come the errors, the JSON Schemas, OpenAPI, AsyncAPI and the bulk decoder. The data of a kind
of fact follows from its declaration (``domain.vocabulary``); claim steps and amendments stand here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from marshmallow import Schema, fields, validates_schema
from marshmallow import ValidationError as MarshmallowError

from domain.events.event import SupportingDocument
from domain.faults.validation import FaultError
from domain.money.amounts import PAID_IN
from domain.vocabulary.kinds import SHAPES, Kind, Vocabulary, type_of
from domain.vocabulary.load import shipped_vocabulary
from ledger.intake.messages.fields import (
    Choice,
    CreditCode,
    Day,
    Identifier,
    Instant,
    MessageField,
    Money,
    Reference,
    Sha256,
    Source,
    Text,
    WholeNumber,
    kind_field,
)


class Message(Schema):
    """What all messages share: unknown fields are faults, never dropped."""

    error_messages = {"unknown": "field.unknown", "type": "field.type"}

    def handle_error(self, error: MarshmallowError, data: Any, **kwargs: Any) -> None:
        """Say which type a group of fields must have."""
        if isinstance(error.messages, dict) and error.messages.get("_schema") == ["field.type"]:
            error.messages["_schema"] = [("field.type", {"wanted": "a JSON object"})]


class Data(Message):
    """The data of one type of event; of a kind of fact, by its declaration."""

    kind: ClassVar[Kind | None] = None
    """The kind of fact, where the type is of one."""

    @validates_schema(skip_on_field_errors=True)
    def check_across(self, data: dict[str, Any], partial: Any = None, **_: Any) -> None:
        """Apply the rules between the fields; some keys of a fact alone cannot be held to them."""
        if partial or self.kind is None:
            return
        if faults := self.kind.faults_across(data):
            raise MarshmallowError({name: [fault] for name, fault in faults.items()})


def kind_schema(kind: Kind) -> type[Data]:
    """The schema of a kind's data: its fields in their order, and its rules between them."""
    members: dict[str, object] = {field.name: kind_field(field) for field in kind.fields}
    schema = cast(type[Data], type(kind.name, (Data,), {**members, "__doc__": kind.description}))
    schema.kind = kind
    return schema


class ClaimStep(Data):
    """What every step of a claim names."""

    claim = Identifier(required=True)
    policy = Reference(required=True)
    measure = Reference(required=True)
    item = Identifier(required=True)
    year = WholeNumber(2000, 2100, "year.range", required=True)


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


class AmendedType(Choice):
    """The type of the event that is amended; becomes its class name."""

    is_settled = False

    def __init__(self, amendable: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*amendable, **kwargs)
        self.amendable = amendable

    def settle(self, value: Any) -> str:
        """Refuse corrections of corrections in their own words."""
        if isinstance(value, str) and re.fullmatch(r"subsidy\.fact-(corrected|retracted)\.v1", value):
            raise FaultError("amend.amendment")
        return self.amendable[super().settle(value)]


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


UNCHANGEABLE = ("person",)
"""Fields that no correction may change: a name is held encrypted."""


class AmendmentStep(Data):
    """What every amendment names; ``of_type`` is one of those of its vocabulary."""

    of = Identifier(required=True)
    of_source = Source(load_default=None)


class Correction(AmendmentStep):
    """Some keys of a fact were wrong; ``of_keys`` has the schemas of some keys alone."""

    of_keys: ClassVar[Mapping[str, Data]]

    @validates_schema(skip_on_field_errors=True)
    def changes_fit_the_type(self, data: dict[str, Any], **_: Any) -> None:
        """Check the changed keys by the amended type's schema; keep them as it reads them."""
        try:
            data["changes"] = self.of_keys[data["of_type"]].load(data["changes"])
        except MarshmallowError as error:
            raise MarshmallowError({"changes": error.messages}) from None
        fixed = {name: ["amend.person"] for name in UNCHANGEABLE if name in data["changes"]}
        if fixed:
            raise MarshmallowError({"changes": fixed})


def amendment_schemas(amended: Mapping[str, type[Data]]) -> dict[str, type[Data]]:
    """The schemas of correction and retraction, for events with these schemas, by class name."""
    partial_schemas = {name: schema(partial=True) for name, schema in amended.items()}

    class FactRetracted(AmendmentStep):
        """A fact never held."""

        of_type = AmendedType({type_of(name): name for name in amended}, required=True)
        reason = Text(2000, required=True)

    class FactCorrected(Correction):
        """Some keys of a fact were wrong."""

        of_keys = partial_schemas
        of_type = AmendedType({type_of(name): name for name in amended}, required=True)
        reason = Text(2000, required=True)
        changes = Changes(required=True)

    return {schema.__name__: schema for schema in (FactCorrected, FactRetracted)}


class Envelope(Message):
    """CloudEvents 1.0. ``subject`` is the enterprise; ``time`` is when the fact happened."""

    specversion = Choice("1.0", required=True)
    id = Identifier(required=True)
    source = Source(required=True)
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
    documentnumber = Text(load_default=None)
    documentsha256 = Sha256(load_default=None)
    documentdate = Day(load_default=None)
    documentissuer = Text(load_default=None)


DOCUMENT_MEMBERS = {
    "documentnumber": "number",
    "documentsha256": "sha256",
    "documentdate": "issued_on",
    "documentissuer": "issuer",
}
"""Members of the envelope about the document that a message rests on, each with its name in the event."""


class CitingBody(Message):
    """What the desk's steps say of the document that they rest on: the members of a message's envelope."""

    documentnumber = Envelope._declared_fields["documentnumber"]
    documentsha256 = Envelope._declared_fields["documentsha256"]
    documentdate = Envelope._declared_fields["documentdate"]
    documentissuer = Envelope._declared_fields["documentissuer"]


def read_document(members: Mapping[str, Any]) -> SupportingDocument | None:
    """The document that members name, checked before; None where they name none."""
    fields = {
        name: value for member, name in DOCUMENT_MEMBERS.items() if (value := members.get(member)) is not None
    }
    return SupportingDocument(**fields) if fields else None


@dataclass(frozen=True, slots=True)
class MessageTypes:
    """The types of messages that may arrive: the kinds of a vocabulary, claim steps and amendments."""

    schemas: Mapping[str, type[Data]]
    """The schema of the data of every event, by class name."""
    types: Mapping[str, str]
    """Class names by type of message."""
    type_of: Mapping[str, str]
    """Types of message by class name."""
    amendable: Mapping[str, str]
    """Class names by type of message, of what a correction or retraction may name."""


def message_types(vocabulary: Vocabulary) -> MessageTypes:
    """The types of messages by which the facts of a vocabulary arrive."""
    kinds = {name: kind_schema(kind) for name, kind in vocabulary.kinds.items()}
    steps = {step.__name__: step for step in (ClaimSubmitted, ClaimApproved, ClaimRejected, ClaimWithdrawn)}
    amended = {kind.name: kinds[kind.name] for kind in sorted(vocabulary.kinds.values(), key=_place)} | steps
    schemas = kinds | steps | amendment_schemas(amended)
    return MessageTypes(
        schemas=schemas,
        types={type_of(name): name for name in schemas},
        type_of={name: type_of(name) for name in schemas},
        amendable={type_of(name): name for name in amended},
    )


def _place(kind: Kind) -> tuple[int, bool]:
    """Where a kind stands among the types that may be amended: by shape, those of the register last."""
    return list(SHAPES.values()).index(kind.folds_as), kind.of_register


SHIPPED = message_types(shipped_vocabulary())
"""What arrives as the program comes."""
DATA, TYPES, TYPE_OF, AMENDABLE = SHIPPED.schemas, SHIPPED.types, SHIPPED.type_of, SHIPPED.amendable
