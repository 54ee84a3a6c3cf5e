"""A year's settlement."""

from __future__ import annotations

from marshmallow import fields, validate

from domain.settlement.overpaid import OverpaidStage
from ledger.intake.messages.fields import Choice, CreditCode, Money, Text, WholeNumber
from ledger.intake.messages.schemas import Message
from services.api.answers import Answer, Factor, Pot, Yuan, currency, list_of, text, whole_number, words


class ObjectionSchema(Answer):
    """An objection to the published list."""

    objection = text()
    enterprise = fields.String(required=True, allow_none=True)
    raised_by = text()
    raised_at = text()
    reason = text()
    outcome = fields.String(required=True, allow_none=True)
    resolved_by = fields.String(required=True, allow_none=True)
    resolution = fields.String(required=True, allow_none=True)


class FiguresSchema(Answer):
    """What decides every payment, and the sums of the list."""

    number = whole_number()
    proposed_by = text()
    known = whole_number()
    appropriation = Yuan()
    carried = Yuan()
    spent = Yuan()
    available = Yuan()
    sharing = Yuan()
    pots = list_of(Pot)
    factor = fields.Nested(Factor, required=True)
    gross = Yuan()
    withheld = Yuan()
    payable = Yuan()
    outside_budget = Yuan()
    awards = whole_number()
    enterprises = whole_number()
    lines_digest = text("SHA-256 of the list")


class PublicationSchema(Answer):
    """When the list is out for objections, both days included."""

    from_day = text()
    until_day = text()
    published_by = text()


class ClosingSchema(Answer):
    """The closing: where it stands in the ledger, and the log's checkpoint just before it."""

    closed_at = text()
    closed_by = text()
    first_position = whole_number()
    log_size = whole_number()
    log_root = text("hex")


class PaidSchema(Answer):
    """What was paid of a closed year."""

    payable = Yuan()
    ordered = Yuan()
    paid = Yuan()
    outstanding = Yuan()
    clawed_back = Yuan()
    recovered = Yuan()


class SettlementSchema(Answer):
    """Where a year's settlement stands."""

    policy = text()
    year = whole_number()
    currency = currency()
    stage = text("open, proposed, published or closed")
    position = whole_number()
    proposal = fields.Nested(FiguresSchema, required=True, allow_none=True)
    publication = fields.Nested(PublicationSchema, required=True, allow_none=True)
    objections = list_of(ObjectionSchema)
    upheld = fields.Boolean(required=True)
    closing = fields.Nested(ClosingSchema, required=True, allow_none=True)
    accounts = fields.Nested(PaidSchema, required=True)
    undecided = whole_number(
        metadata={"description": "enterprises with facts that are held until somebody decides, in any policy"}
    )


class OpenItemSchema(Answer):
    """One thing that nobody has dealt with."""

    enterprise = fields.String(required=True, allow_none=True)
    year = fields.Integer(required=True, allow_none=True)
    measure = fields.String(required=True, allow_none=True)
    reference = fields.String(
        required=True, allow_none=True, metadata={"description": "its own number or id, where it has one"}
    )
    amount = Yuan()
    since = fields.String(required=True, allow_none=True, metadata={"description": "the day since when"})
    positions = fields.List(
        fields.Integer(), required=True, metadata={"description": "the events that it rests on"}
    )


class OpenMatterSchema(Answer):
    """All open things of one kind."""

    kind = text()
    title = words()
    count = whole_number()
    amount = Yuan()
    since = fields.String(required=True, allow_none=True, metadata={"description": "the earliest day"})
    digest = text("SHA-256 over all of them")
    items = fields.List(
        fields.Nested(OpenItemSchema),
        required=True,
        metadata={"description": "those with most money, at most 20"},
    )


class AcknowledgementSchema(Answer):
    """Who took a step while matters were open, and why."""

    step = text()
    by = text()
    at = text()
    reason = text()
    digest = text("of the list that was acknowledged")
    matters = list_of(OpenMatterSchema)


class OpenMattersSchema(Answer):
    """What of a year and the years before it is open, those with most money first."""

    policy = text()
    year = whole_number()
    currency = currency()
    count = whole_number()
    amount = Yuan()
    digest = text("by which a step acknowledges the list (SHA-256)")
    matters = list_of(OpenMatterSchema)
    acknowledged = list_of(AcknowledgementSchema)


class LineSchema(Answer):
    """One award in a year's list."""

    enterprise = text()
    measure = text()
    award_year = whole_number()
    pot = text("what pays it; empty where all awards share one budget")
    gross = Yuan()
    withheld = Yuan()
    reduction = Yuan()
    payable = Yuan()


class LinesSchema(Answer):
    """A page of a year's list."""

    items = list_of(LineSchema)
    next = fields.String(required=True, allow_none=True)


class AcknowledgingBody(Message):
    """What is open, acknowledged by the digest of its list, and why the step is taken all the same."""

    acknowledges = Text(64, load_default=None)
    reason = Text(2000, load_default=None)


class ObjectionBody(Message):
    """An objection; about one enterprise, or the list as a whole."""

    enterprise = CreditCode(load_default=None)
    reason = Text(2000, required=True)


class ResolutionBody(Message):
    """How an objection is resolved."""

    outcome = Choice("upheld", "dismissed", required=True)
    reason = Text(2000, required=True)


class PendingSchema(Answer):
    """What late facts would change in a closed year's award."""

    enterprise = text()
    measure = text()
    now = Yuan()
    settled = Yuan(description="the gross award of the list, less what highest-only withheld")
    accepted = Yuan()
    difference = Yuan()
    paid_share = Yuan(
        description="what of a lowered award was paid, by the year's factor; left out for others",
        required=False,
    )
    paid_too_much = Yuan(description="what of that is to be ordered back")
    undecided = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "a disagreement that must be decided before anything is clawed back"},
    )


class PendingPageSchema(Answer):
    """Proposed adjustments of a closed year."""

    items = list_of(PendingSchema)
    next = fields.String(required=True, allow_none=True)


class OverpaymentSchema(Answer):
    """An award of a closed year that late facts lowered after it was settled, until all of it is back."""

    enterprise = text()
    measure = text()
    awarded = Yuan(description="the gross award of the list, with what was accepted since")
    now = Yuan(description="the same as late facts have it")
    paid_share = Yuan(description="what of the award was paid, by the year's factor")
    overpaid = Yuan(description="what of that was paid too much")
    to_order = Yuan(description="what of that is to be ordered back")
    ordered_back = Yuan(description="by clawbacks that name the measure")
    recovered = Yuan(description="what of these came back")
    due = Yuan(description="what was paid too much and has not come back")
    stage = fields.String(required=True, validate=validate.OneOf([stage.value for stage in OverpaidStage]))


class OverpaymentsSchema(Answer):
    """A page of a closed year's overpayments, those that are over included."""

    currency = currency()
    items = list_of(OverpaymentSchema)
    next = fields.String(required=True, allow_none=True)


class AdjustmentBody(Message):
    """What is accepted into an open year."""

    enterprise = CreditCode(required=True)
    measure = Text(required=True)
    into_year = WholeNumber(2000, 2100, "year.range", required=True)
    amount_fen = Money(required=True, data_key="amount")
    reason = Text(2000, required=True)


class AdjustmentSchema(Answer):
    """An accepted adjustment."""

    adjustment = text()
    enterprise = text()
    measure = text()
    year = whole_number()
    into_year = whole_number()
    amount = Yuan()
