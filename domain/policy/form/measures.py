"""The form of a policy file's measures and targets: which facts they count, and what they give."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from domain.faults.validation import FaultError
from domain.money.amounts import CURRENCIES, parse_fen
from domain.policy import model
from domain.policy.form.parts import WordsSchema
from domain.policy.form.values import (
    Loaded,
    Money,
    Part,
    Percent,
    Text,
    WholeNumber,
    choice,
    ident,
    one_of,
    rows,
    whole_number,
)


class SelectSchema(Part):
    """Which facts count."""

    fact = Text()
    all_of = fields.List(Text(), validate=rows(2))
    where = fields.Dict(keys=Text(), values=fields.List(Text(), validate=rows(1)), load_default=dict)
    currency = fields.String(load_default="CNY", validate=choice(tuple(CURRENCIES)))
    field = Text()

    @validates_schema
    def one_form(self, data: Loaded, **_: Any) -> None:
        """One kind of event, or several conditions."""
        if ("fact" in data) == ("all_of" in data):
            raise FaultError("policy.select-form")

    def make(self, loaded: Loaded) -> model.Select:
        """Make the value."""
        facts = loaded["all_of"] if "all_of" in loaded else (loaded["fact"],)
        conditions = {name: tuple(values) for name, values in loaded["where"].items()}
        return model.Select(facts, conditions, loaded["currency"], loaded.get("field", ""))


class NetsSchema(Part):
    """A measure whose award for the same thing is set off."""

    value_class = model.Nets
    measure = ident(required=True)
    same = Text(required=True)
    rule = one_of("both", "difference")


class TierSchema(Part):
    """From this amount on, this award."""

    value_class = model.Tier
    start = Money(required=True, data_key="from")
    gives = Money(required=True, data_key="award")


class ShareSchema(Part):
    """From this amount on, this percentage."""

    value_class = model.Tier
    start = Money(required=True, data_key="from")
    gives = Percent(required=True, data_key="percent")


class MeasureSchema(Part):
    """What every measure has."""

    value_class: ClassVar[type[model.Measure]] = model.Unpaid
    id = ident(required=True)
    article = Text(required=True)
    title = fields.Nested(WordsSchema, required=True)
    quote = Text(required=True)
    lead = Text(required=True)
    kind = Text(required=True)
    stacks_with = fields.List(ident(), load_default=list)
    funds = fields.String(load_default="inside", validate=choice(("inside", "outside")))


class FixedSchema(MeasureSchema):
    """``kind: fixed``."""

    value_class = model.Fixed
    earns = fields.Nested(SelectSchema, required=True)
    amount = Money(required=True)
    once = one_of("enterprise", "year", "item")
    nets = fields.Nested(NetsSchema)


class PerUnitSchema(MeasureSchema):
    """``kind: per-unit``."""

    value_class = model.PerUnit
    earns = fields.Nested(SelectSchema)
    counted_on = fields.Nested(SelectSchema, data_key="of")
    unit = Money()
    parts = fields.String(load_default="whole", data_key="partial", validate=choice(("whole", "pro-rata")))
    unit_amount = Money(required=True)
    cap = Money(required=True, allow_none=True)
    cap_per = one_of("year", "life")

    @validates_schema
    def one_source(self, data: Loaded, **_: Any) -> None:
        """Units are new items, or parts of an amount."""
        if ("earns" in data) == ("counted_on" in data):
            raise FaultError("policy.units-form")
        if "counted_on" in data and data.get("unit", 0) <= 0:
            raise ValidationError({"unit": ["policy.amount-zero"]})


class TieredSchema(MeasureSchema):
    """``kind: tiered``."""

    value_class = model.Tiered
    counted_on = fields.Nested(SelectSchema, required=True, data_key="of")
    tiers = fields.List(fields.Nested(TierSchema), required=True, validate=rows(1, 20))
    later_tier = one_of("difference", "each-in-full")


class PercentageSchema(MeasureSchema):
    """``kind: percentage``."""

    value_class = model.Percentage
    counted_on = fields.Nested(SelectSchema, required=True, data_key="of")
    threshold = Money(required=True)
    rate = Percent(required=True, data_key="percent")
    cap = Money(required=True, allow_none=True)
    claims = one_of("full", "claim-only")
    approvals_from = fields.List(Text(), load_default=list)


class GrowthShareSchema(MeasureSchema):
    """``kind: growth-share``."""

    value_class = model.GrowthShare
    counted_on = fields.Nested(SelectSchema, required=True, data_key="of")
    sales = fields.Nested(SelectSchema, required=True)
    shares = fields.List(fields.Nested(ShareSchema), required=True, validate=rows(1, 20))
    base_years = WholeNumber(1, 10, required=True)
    award_years = WholeNumber(1, 10, required=True)
    first_year = one_of("qualifying", "following")
    share_by = one_of("each-year", "qualifying-year")
    history = one_of("existing", "zero")


class DiscretionarySchema(MeasureSchema):
    """``kind: discretionary``."""

    value_class = model.Discretionary
    cap = Money(required=True, allow_none=True)
    proposes = fields.Nested(SelectSchema)
    approvals_from = fields.List(Text(), load_default=list)


class UnpaidSchema(MeasureSchema):
    """``kind: target``, ``recognition`` and ``other-policy``."""

    earns = fields.Nested(SelectSchema)


KINDS: dict[str, type[MeasureSchema]] = {
    "fixed": FixedSchema,
    "per-unit": PerUnitSchema,
    "tiered": TieredSchema,
    "percentage": PercentageSchema,
    "growth-share": GrowthShareSchema,
    "discretionary": DiscretionarySchema,
    "target": UnpaidSchema,
    "recognition": UnpaidSchema,
    "other-policy": UnpaidSchema,
}
"""The kinds of measure that the ledger knows; a measure is never known by its name."""


class AnyMeasure(fields.Field[model.Measure]):
    """A measure, checked by the schema of its kind."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> model.Measure:
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            args = {"kind": repr(kind), "known": ", ".join(KINDS)}
            raise ValidationError({"kind": [("policy.kind-unknown", args)]})
        measure: model.Measure = KINDS[kind]().load(value)
        return measure


class TargetSchema(Part):
    """A yearly goal."""

    id = ident(required=True)
    measure = ident(required=True)
    title = fields.Nested(WordsSchema, required=True)
    counts = one_of("items", "enterprises", "amount", "quantity")
    counted_on = fields.Nested(SelectSchema, required=True, data_key="of")
    threshold = Money(load_default=0)
    goal = Text(required=True)

    def make(self, loaded: Loaded) -> model.Target:
        """Make the value; a goal in money becomes fen."""
        goal = loaded.pop("goal")
        try:
            number = parse_fen(goal) if loaded["counts"] == "amount" else whole_number(goal)
        except ValueError:
            raise ValidationError({"goal": ["policy.goal-form"]}) from None
        return model.Target(goal=number, **loaded)
