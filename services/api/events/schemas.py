"""What publishing answers."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, FaultSaid, list_of, whole_number

STATUSES = ("accepted", "duplicate", "refused")


class ResultSchema(Answer):
    """What became of one message."""

    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    id = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    position = fields.Integer(required=True, allow_none=True)
    refusal = fields.String(required=True, allow_none=True)
    faults = list_of(FaultSaid)


class CountsSchema(Answer):
    """How many messages came, and what became of them."""

    messages = whole_number()
    accepted = whole_number()
    duplicate = whole_number()
    refused = whole_number()


class BatchSchema(Answer):
    """What became of a batch, in the order of its messages."""

    counts = fields.Nested(CountsSchema, required=True)
    results = list_of(ResultSchema)
