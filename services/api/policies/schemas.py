"""Policies as data."""

from __future__ import annotations

from marshmallow import fields

from domain.money.amounts import PAID_IN
from ledger.intake.messages.fields import Choice, Money
from ledger.intake.messages.schemas import Message
from services.api.answers import Answer, Words, Yuan, currency, list_of, text, whole_number, words


class VersionSchema(Answer):
    """One adopted version of a policy file."""

    version = whole_number()
    digest = text("SHA-256 of the file")
    effective_from = text()
    position = whole_number()
    document = text("where the file stands")


class PolicyLineSchema(Answer):
    """One policy."""

    policy = text()
    title = words()
    versions = list_of(VersionSchema)


class PoliciesSchema(Answer):
    """Every policy of the ledger."""

    items = list_of(PolicyLineSchema)


class ReadingSchema(Answer):
    """A choice that the text leaves open."""

    reading = text()
    value = text()
    options = fields.Dict(keys=fields.String(), values=fields.Nested(Words), required=True)
    basis = text("the words of the policy that it rests on")
    why = words()
    open = text("how open it is: low, medium or high")


class MeasureSchema(Answer):
    """One row of the policy; ``figures`` depend on its kind, amounts and percentages as text."""

    measure = text()
    article = text()
    title = words()
    quote = text()
    lead = text()
    kind = text()
    funds = text("inside or outside the budget")
    readings = fields.List(fields.String(), required=True)
    stacks_with = fields.List(fields.String(), required=True)
    figures = fields.Dict(keys=fields.String(), required=True)


class ClauseSchema(Answer):
    """A closing clause."""

    clause = text()
    quote = text()
    en = text()


class TargetSchema(Answer):
    """A yearly goal of the city."""

    target = text()
    measure = text()
    title = words()
    counts = text()
    goal = text()
    threshold = Yuan()


class PaperSchema(Answer):
    """The published document."""

    number = text()
    issued = text()
    issuer = text()
    repeals = fields.List(fields.String(), required=True)


class LifeSchema(Answer):
    """From when until when the policy holds."""

    from_ = text(data_key="from")
    until = fields.String(required=True, allow_none=True)


class PartSchema(Answer):
    """One of several budgets, and what it pays."""

    budget = text()
    name = words()
    amount = Yuan()
    towns = fields.List(fields.String(), required=True)
    measures = fields.List(fields.String(), required=True)
    rest = fields.Boolean(required=True, metadata={"description": "whether it pays what no other names"})


class PolicyBudgetSchema(Answer):
    """The policy's own budget."""

    amount = Yuan()
    per = text()
    currency = currency()
    parts = fields.List(
        fields.Nested(PartSchema), metadata={"description": "left out where there is one budget"}
    )
    priorities = fields.List(
        fields.List(fields.String()),
        metadata={"description": "measures by class, in the order of payment; left out without one"},
    )


class PolicySchema(Answer):
    """One policy: its versions, and the content of the latest."""

    policy = text()
    title = words()
    version = whole_number()
    digest = text()
    effective_from = text()
    paper = fields.Nested(PaperSchema, required=True)
    authority = text()
    timezone = text()
    life = fields.Nested(LifeSchema, required=True)
    budget = fields.Nested(PolicyBudgetSchema, required=True)
    general_readings = fields.List(fields.String(), required=True)
    versions = list_of(VersionSchema)
    readings = list_of(ReadingSchema)
    measures = list_of(MeasureSchema)
    clauses = list_of(ClauseSchema)
    targets = list_of(TargetSchema)


class AdoptedSchema(Answer):
    """A policy file that was adopted, now or before."""

    policy = text()
    version = whole_number()
    digest = text()
    effective_from = text()
    new = fields.Boolean(required=True)


class BudgetBody(Message):
    """The budget of a period."""

    amount_fen = Money(required=True, data_key="amount")
    currency = Choice(*PAID_IN, required=True)


class BudgetSetSchema(Answer):
    """The budget of a period as it now stands."""

    policy = text()
    period = text()
    amount = Yuan()
    currency = text()
    position = whole_number()
