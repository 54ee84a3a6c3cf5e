"""Enterprises, their balances, explanations and events."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import (
    Answer,
    Factor,
    Sums,
    Words,
    Yuan,
    currency,
    list_of,
    text,
    whole_number,
    words,
)


class EnterpriseLineSchema(Answer):
    """One enterprise with its sums of a year."""

    enterprise = text()
    name = text("empty where it is unknown")
    town = text("empty where it is unknown")
    events = whole_number()
    gross = Yuan()
    withheld = Yuan()
    eligible = Yuan()


class EnterprisesSchema(Answer):
    """A page of enterprises, in order of credit code."""

    policy = text()
    year = whole_number()
    position = whole_number()
    items = list_of(EnterpriseLineSchema)
    next = fields.String(required=True, allow_none=True)


class PolicyYearSchema(Sums):
    """What one policy gives in one year."""

    policy = text()
    year = whole_number()
    currency = currency()


class EnterpriseSchema(Answer):
    """One enterprise."""

    enterprise = text()
    name = text("empty where it is unknown")
    town = text("empty where it is unknown")
    events = whole_number()
    position = whole_number()
    years = list_of(PolicyYearSchema)


class AwardSchema(Sums):
    """One measure's award."""

    measure = text()
    article = text()
    title = words()
    award_year = whole_number()
    pot = text("what pays it; left out where all awards share one budget", required=False)
    factor = fields.Nested(Factor, metadata={"description": "of the pot, where there are several"})
    flags = fields.List(fields.String(), required=True)


class BalanceSchema(Sums):
    """An enterprise's balance of one policy and year."""

    enterprise = text()
    policy = text()
    year = whole_number()
    currency = currency()
    position = whole_number()
    factor = fields.Nested(Factor, required=True)
    provisional = fields.Boolean(required=True)
    awards = list_of(AwardSchema)
    ordered = Yuan()
    paid = Yuan()
    outstanding = Yuan()
    clawed_back = Yuan()
    recovered = Yuan()


class ExplainedReadingSchema(Answer):
    """A reading that an award rests on."""

    reading = text()
    value = text()
    words = words()
    basis = text()
    open = text()


class SupportingDocumentSchema(Answer):
    """The document that an event rests on: its number, the paper's SHA-256 in hex, its day and issuer."""

    number = text(required=False)
    sha256 = text(required=False)
    issued_on = text(required=False)
    issuer = text(required=False)


class SourceSchema(Answer):
    """An event that an award rests on."""

    position = whole_number()
    source = text()
    id = text()
    event = text()
    time = text()
    recorded_at = text()
    content = fields.Dict(keys=fields.String(), required=True)
    based_on = fields.Nested(
        SupportingDocumentSchema, metadata={"description": "left out where no document was named"}
    )


class HighestOnlySchema(Answer):
    """Both sums, which won, and what was held back."""

    quote = text()
    rule = text()
    this = Yuan()
    other = Yuan()
    higher = text("this or other")
    withheld = Yuan()
    words = words()


class ProRataSchema(Answer):
    """The budget's reduction."""

    quote = text()
    applies = fields.Boolean(required=True)
    pot = text("what pays it; left out where all awards share one budget", required=False)
    name = fields.Nested(Words, metadata={"description": "the pot's, where there are several"})
    budget = Yuan()
    sharing = Yuan()
    factor = text()
    percent = text()
    words = words()


class FlagSchema(Answer):
    """Something to know about an award."""

    code = text()
    words = words()


class CarriedSchema(Answer):
    """What the budget took off an award, where it shares the next year's budget."""

    year = whole_number()
    amount = Yuan()
    words = words()


class ExplainedAwardSchema(Sums):
    """Why one award is what it is."""

    measure = text()
    article = text()
    title = words()
    quote = text()
    kind = text()
    lead = text()
    readings = list_of(ExplainedReadingSchema)
    sources = list_of(SourceSchema)
    sources_count = whole_number()
    steps = fields.List(fields.Dict(keys=fields.String()), required=True)
    order = fields.List(
        fields.String(),
        metadata={"description": "highest_only and pro_rata, in the order in which they are taken"},
    )
    carried = fields.Nested(CarriedSchema, metadata={"description": "left out where reductions lapse"})
    highest_only = fields.Nested(HighestOnlySchema, required=True)
    pro_rata = fields.Nested(ProRataSchema, required=True)
    flags = list_of(FlagSchema)


class BroughtInSchema(Answer):
    """An award of another year that this year pays, and where it comes from."""

    measure = text()
    article = text("empty where the measure is no more")
    title = words()
    award_year = whole_number()
    gross = Yuan()
    withheld = Yuan()
    reduction = Yuan()
    payable = Yuan()
    words = words()
    carried = fields.Nested(CarriedSchema, metadata={"description": "left out where reductions lapse"})


class DisagreeingFactSchema(Answer):
    """A fact that disagrees with another: whether it waits for a decision, or what was decided."""

    enterprise = text()
    name = text()
    event = text()
    source = text()
    id = text()
    value = text()
    held = fields.Boolean(required=True)
    outcome = fields.String(required=True, allow_none=True)


class OwnDisagreementSchema(Answer):
    """What of an enterprise's own facts disagrees; nobody else is named."""

    disagreement = text()
    kind = text()
    words = words()
    facts = list_of(DisagreeingFactSchema)


class ExplanationSchema(Answer):
    """Why each fen; ``subsidy-explanation/1``."""

    format = text()
    enterprise = text()
    policy = text()
    policy_title = words()
    document = text()
    policy_version = whole_number()
    policy_digest = text()
    year = whole_number()
    currency = currency()
    position = whole_number()
    awards = list_of(ExplainedAwardSchema)
    brought_in = list_of(BroughtInSchema)
    disagreements = list_of(OwnDisagreementSchema)


class HintSchema(Answer):
    """One thing still to be earned."""

    measure = text()
    article = text()
    title = words()
    hint = text()
    values = fields.Dict(keys=fields.String(), required=True)
    words = fields.Nested(Words, required=True)


class OutlookSchema(Answer):
    """What an enterprise could still earn, before the budget's reduction."""

    enterprise = text()
    policy = text()
    year = whole_number()
    currency = currency()
    position = whole_number()
    hints = list_of(HintSchema)


class SpeakerSchema(Answer):
    """Who said an event: a publisher by its key, or a person by issuer and subject of the token."""

    publisher = text(required=False)
    issuer = text(required=False)
    subject = text(required=False)
    name = text(required=False)


class CapacitySchema(Answer):
    """In what role an event was said, and on whose behalf."""

    role = text(required=False)
    on_behalf_of = text(required=False)
    proposed_by = fields.Nested(
        SpeakerSchema, metadata={"description": "the first of two persons; left out where one took the step"}
    )
    confirmed_by = fields.Nested(
        SpeakerSchema,
        metadata={"description": "who confirmed a sheet that somebody else sent; else left out"},
    )


class EventSchema(Answer):
    """One event of an enterprise's history."""

    position = whole_number()
    version = whole_number()
    recorded_at = text()
    id = text()
    source = text()
    type = text()
    subject = text()
    time = text()
    data = fields.Dict(keys=fields.String(), required=True)
    said_by = fields.Nested(SpeakerSchema, metadata={"description": "left out where it was not recorded"})
    acting_as = fields.Nested(CapacitySchema, metadata={"description": "left out where it was not recorded"})
    based_on = fields.Nested(
        SupportingDocumentSchema, metadata={"description": "left out where no document was named"}
    )


class HistorySchema(Answer):
    """A page of an enterprise's history, in order of recording."""

    enterprise = text()
    items = list_of(EventSchema)
    next = fields.String(required=True, allow_none=True)
