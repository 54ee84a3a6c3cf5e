"""Refused messages."""

from __future__ import annotations

from marshmallow import fields

from ledger.intake.messages.fields import Text
from ledger.intake.messages.schemas import Message
from services.api.answers import Answer, FaultSaid, Words, list_of, text, whole_number


class RefusedSchema(Answer):
    """One refused message as it is kept."""

    number = whole_number()
    digest = text("SHA-256 of the bytes as they came")
    first_at = text()
    last_at = text()
    times = whole_number()
    channel = text()
    source = fields.String(required=True, allow_none=True)
    id = fields.String(required=True, allow_none=True)
    subject = fields.String(required=True, allow_none=True)
    type = fields.String(required=True, allow_none=True)
    resolved = fields.String(required=True, allow_none=True)
    faults = list_of(FaultSaid)


class DismissalBody(Message):
    """Why a refused message is not to be sent again."""

    reason = Text(2_000, load_default=None)


class RefusedListSchema(Answer):
    """A page of refused messages, in the order in which they first came."""

    open = whole_number()
    items = list_of(RefusedSchema)
    next = fields.String(required=True, allow_none=True)


class FaultInBoth(Answer):
    """One thing that is wrong, in both languages."""

    field = text()
    code = text()
    rule = fields.Nested(Words, required=True)
    mend = fields.Nested(Words, required=True)


class RefusedWholeSchema(RefusedSchema):
    """One refused message with its text; the exact bytes stand in ``raw_base64``."""

    faults = list_of(FaultInBoth)
    raw = text("what is not UTF-8 is replaced")
    raw_base64 = text()
