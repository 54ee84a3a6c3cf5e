"""The figures of one policy's year."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, Factor, Pot, Sums, Yuan, currency, list_of, text, whole_number, words


class MeasureTotalSchema(Answer):
    """What one measure gives the city in one year."""

    measure = text()
    article = text()
    title = words()
    year = whole_number()
    enterprises = whole_number()
    gross = Yuan()
    withheld = Yuan()
    eligible = Yuan()
    payable = Yuan()


class ArticleTotalSchema(Answer):
    """What one article gives the city."""

    article = text()
    gross = Yuan()
    withheld = Yuan()
    eligible = Yuan()
    payable = Yuan()


class NamedBudgetSchema(Answer):
    """One of several budgets of a period."""

    budget = text()
    name = words()
    period = text("what it is set under, like 2026.east")
    appropriation = Yuan()
    carried = Yuan()
    spent = Yuan()
    available = Yuan()
    sharing = Yuan()
    payable = Yuan()


class YearPotSchema(Pot):
    """A pot with the measures that it pays."""

    measures = fields.List(fields.String(), required=True)


class BudgetSchema(Answer):
    """A budget, what shares it, and how it is divided."""

    policy = text()
    year = whole_number()
    period = text()
    currency = currency()
    position = whole_number()
    stage = text("open, proposed, published or closed")
    appropriation = Yuan()
    carried = Yuan()
    spent = Yuan()
    available = Yuan()
    gross = Yuan()
    withheld = Yuan()
    eligible = Yuan()
    sharing = Yuan()
    factor = fields.Nested(Factor, required=True)
    payable = Yuan()
    outside_budget = Yuan()
    headroom = Yuan()
    excess = Yuan()
    budgets = list_of(NamedBudgetSchema)
    pots = list_of(YearPotSchema)
    measures = list_of(MeasureTotalSchema)
    articles = list_of(ArticleTotalSchema)


class MonthSchema(Answer):
    """What was reached by the end of a month."""

    month = text("like 2024-01, in Asia/Shanghai")
    reached = text()


class TownSchema(Answer):
    """What the enterprises of one town or street have reached."""

    town = text("empty where it is unknown")
    reached = text()


class LeadSchema(Answer):
    """A lead unit (牵头单位): its targets, and what its measures award in the year."""

    lead = text()
    targets = fields.List(fields.String(), required=True)
    gross = Yuan()
    payable = Yuan()


class ProgressSchema(Answer):
    """One target and what is reached of it."""

    target = text()
    measure = text()
    article = text()
    lead = text()
    title = words()
    unit = text("yuan or count")
    goal = text()
    reached = text()
    percent = text()
    by_month = list_of(MonthSchema)
    by_town = list_of(TownSchema)


class TargetsSchema(Answer):
    """Progress towards a year's targets."""

    policy = text()
    year = whole_number()
    currency = currency()
    position = whole_number()
    targets = list_of(ProgressSchema)
    leads = list_of(LeadSchema)


class LargestLineSchema(Sums):
    """One enterprise of the largest."""

    enterprise = text()


class LargestSchema(Answer):
    """The enterprises with the largest awards of a year."""

    policy = text()
    year = whole_number()
    currency = currency()
    position = whole_number()
    items = list_of(LargestLineSchema)
