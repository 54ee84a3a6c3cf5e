"""What a receipt is made of (``ledger.settlement.receipts``)."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, Yuan, list_of, text, whole_number, words
from services.api.enterprises.schemas import ExplainedAwardSchema


class ReceiptAwardSchema(Answer):
    """One award, as it was settled; with its explanation where it is of the year itself."""

    measure = text()
    article = text()
    title = words()
    award_year = whole_number()
    gross = Yuan()
    withheld = Yuan()
    reduction = Yuan()
    payable = Yuan()
    explanation = fields.Nested(ExplainedAwardSchema, required=True, allow_none=True)


class ReceiptAccountSchema(Answer):
    """What was paid, and what must be paid back."""

    payable = Yuan()
    ordered = Yuan()
    paid = Yuan()
    clawed_back = Yuan()
    recovered = Yuan()


class ListLineSchema(Answer):
    """A line of the published list, its number, and its path to the list's root."""

    line = text()
    number = whole_number()
    path = fields.List(fields.String(), required=True)


class ReceiptListSchema(Answer):
    """The published list's root, and the lines that concern the enterprise."""

    root = text()
    lines = whole_number()
    head = fields.Nested(ListLineSchema, required=True)
    rows = list_of(ListLineSchema)


class ProvedEventSchema(Answer):
    """A stored event as the log has it, with its path to the checkpoint's root."""

    position = whole_number()
    originator = text()
    version = whole_number()
    topic = text()
    salt = text()
    state = text("base64")
    path = fields.List(fields.String(), required=True)


class ReceiptSchema(Answer):
    """A receipt; ``subsidy-receipt/1``."""

    format = text()
    enterprise = text()
    name = text()
    town = text()
    policy = text()
    title = words()
    document = text()
    issuer = text()
    currency = text()
    year = whole_number()
    as_of = text("when the checkpoint's last event was recorded; nothing later is in the receipt")
    closed_on = text()
    awards = list_of(ReceiptAwardSchema)
    budget = Yuan()
    sharing = Yuan()
    factor = text()
    percent = text()
    account = fields.Nested(ReceiptAccountSchema, required=True)
    list = fields.Nested(ReceiptListSchema, required=True)
    events = list_of(ProvedEventSchema)
    checkpoint = text("a signed checkpoint (C2SP tlog-checkpoint)")
    marks = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    seal = text("a note over the digests of all the rest")
