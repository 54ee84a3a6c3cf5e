"""Claims."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.faults.validation import FaultError
from domain.money.amounts import PAID_IN
from ledger.intake.messages.fields import Choice, CreditCode, MessageField, Money, Sha256, Text, WholeNumber
from ledger.intake.messages.schemas import CitingBody, Message
from services.api.answers import Answer, list_of, text, whole_number

EVIDENCE_MAX = 50


class ClaimSchema(Answer):
    """Where one claim stands."""

    policy = text()
    enterprise = text()
    claim = text()
    measure = text()
    item = text()
    year = whole_number()
    status = text("submitted, reviewed, approved, rejected, withdrawn or appealed")
    amount = fields.String(required=True, allow_none=True)
    currency = text()
    position = whole_number()


class ClaimsSchema(Answer):
    """A page of claims."""

    items = list_of(ClaimSchema)
    next = fields.String(required=True, allow_none=True)


class Document(Message):
    """A document that supports a claim: where it is and its digest, never the document."""

    title = Text(required=True)
    location = Text(2000, required=True)
    sha256 = Sha256(required=True)


class Evidence(MessageField):
    """References to documents."""

    json_schema = {
        "type": "array",
        "maxItems": EVIDENCE_MAX,
        "items": {
            "type": "object",
            "required": ["title", "location", "sha256"],
            "additionalProperties": False,
            "properties": {
                "title": Text().json_schema,
                "location": Text(2000).json_schema,
                "sha256": Sha256().json_schema,
            },
        },
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[dict[str, str]]:
        if not isinstance(value, list) or len(value) > EVIDENCE_MAX:
            raise FaultError("field.type", wanted=f"a list of at most {EVIDENCE_MAX} documents")
        schema = Document()
        return [dict(schema.load(each)) for each in value]


class ClaimBody(CitingBody):
    """A claim to be submitted."""

    enterprise = CreditCode(required=True)
    policy = Text(required=True)
    claim = Text(required=True)
    measure = Text(required=True)
    item = Text(required=True)
    year = WholeNumber(2000, 2100, "year.range", required=True)
    amount_fen = Money(data_key="amount", load_default=None)
    currency = Choice(*PAID_IN, load_default=None)
    person = Text(load_default=None)
    evidence = Evidence(load_default=None)


class ReviewBody(CitingBody):
    """A first review."""

    amount_fen = Money(required=True, data_key="amount")
    opinion = Text(2000, required=True)


class ApprovalBody(CitingBody):
    """A second review; without an amount, the recommended one is approved."""

    amount_fen = Money(data_key="amount", load_default=None)


class ReasonBody(CitingBody):
    """Why."""

    reason = Text(2000, required=True)


class WithdrawalBody(CitingBody):
    """That a claim is taken back."""


class EmptyBody(Message):
    """Nothing more to say."""


class ProposalsBody(Message):
    """Which year's claims to propose."""

    policy = Text(required=True)
    year = WholeNumber(2000, 2100, "year.range", required=True)
    limit = WholeNumber(1, 1_000, load_default=1_000)


class StepSchema(Answer):
    """A step that was recorded."""

    claim = text()
    status = text()
    position = whole_number()


class ProposalsSchema(Answer):
    """Claims that were proposed."""

    items = list_of(StepSchema)


class ClaimStepSchema(Answer):
    """One step in a claim's file."""

    position = whole_number()
    recorded_at = text()
    step = text()
    actor = fields.String(required=True, allow_none=True)
    amount = fields.String(required=True, allow_none=True)
    said = fields.String(required=True, allow_none=True)


class DocumentSchema(Answer):
    """A document that supports a claim."""

    title = text()
    location = text()
    sha256 = text()


class ClaimFileSchema(ClaimSchema):
    """One claim with its steps and evidence."""

    steps = list_of(ClaimStepSchema)
    evidence = list_of(DocumentSchema)
