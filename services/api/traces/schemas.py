"""What came under one correlation id."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, Yuan, list_of, text, whole_number


def _perhaps(description: str) -> fields.String:
    return fields.String(required=True, allow_none=True, metadata={"description": description})


class TracedEventSchema(Answer):
    """One event of the ledger."""

    position = whole_number()
    recorded_at = text()
    event = text("its type")
    source = text()
    id = text()
    subject = text("the enterprise, or the year or account that it is about")


class TracedRefusalSchema(Answer):
    """One refused message; all of it is at /v1/refused/{digest}."""

    digest = text()
    source = _perhaps("where it could be read")
    id = _perhaps("where it could be read")
    codes = fields.List(fields.String(), required=True)
    resolved = _perhaps("resubmitted or dismissed; null while it is open")


class TracedAwardSchema(Answer):
    """An award on which some of the events bear."""

    enterprise = text()
    policy = text()
    year = whole_number()
    measure = text()
    eligible = Yuan()
    listed = Yuan(allow_none=True)


class TracedStepSchema(Answer):
    """A step of a payment, and under which id it was taken."""

    event = text("PaymentOrdered, PaymentMade or PaymentFailed")
    position = whole_number()
    recorded_at = text()
    correlation = _perhaps("null where it is not known any more")


class TracedPaymentSchema(Answer):
    """A payment of a year in which such an award was settled."""

    policy = text()
    year = whole_number()
    payment = text()
    enterprise = text()
    amount = Yuan()
    status = text()
    day = text()
    steps = list_of(TracedStepSchema)


class TraceSchema(Answer):
    """From what was sent to what was paid."""

    correlation = _perhaps("null where it is not known any more")
    events = list_of(TracedEventSchema)
    refused = list_of(TracedRefusalSchema)
    awards = list_of(TracedAwardSchema)
    payments = list_of(TracedPaymentSchema)
    whole = fields.Boolean(required=True, metadata={"description": "false where there is more than is named"})
