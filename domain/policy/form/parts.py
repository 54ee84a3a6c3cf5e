"""The form of a policy file's parts but its measures: document, budgets, clauses, readings, settlement."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from domain.authority.duties import parted_duties
from domain.events.settlements import OPEN_KINDS
from domain.faults.validation import FaultError
from domain.money.amounts import PAID_IN
from domain.money.dividing import GROUPS_MAX
from domain.policy import model
from domain.policy.form.values import (
    Day,
    Loaded,
    Money,
    MonthDay,
    Part,
    Percent,
    Text,
    WholeNumber,
    choice,
    ident,
    one_of,
    rows,
)


class WordsSchema(Part):
    """The same words in Chinese and English."""

    zh = Text(required=True)
    en = Text(required=True)


class LifeSchema(Part):
    """From when until when the policy holds, both days included."""

    from_ = Day(required=True, data_key="from")
    until = Day(required=True, allow_none=True)


class NamedBudgetSchema(Part):
    """One of several budgets."""

    id = ident(required=True)
    name = fields.Nested(WordsSchema, required=True)
    amount = Money(required=True)
    towns = fields.List(Text(100), load_default=list)
    measures = fields.List(ident(), load_default=list)
    rest = fields.String(load_default="no", validate=choice(("yes", "no")))

    def make(self, loaded: Loaded) -> model.NamedBudget:
        """Make the value."""
        return model.NamedBudget(**{**loaded, "rest": loaded["rest"] == "yes"})


class BudgetSchema(Part):
    """The budget of each year, or of the whole life: one amount, or several parts by name."""

    amount = Money()
    parts = fields.List(fields.Nested(NamedBudgetSchema), validate=rows(2, 100))
    currency = one_of(*PAID_IN)
    per = one_of("year", "life")

    @validates_schema
    def one_form(self, data: Loaded, **_: Any) -> None:
        """One amount, or several."""
        if ("amount" in data) == ("parts" in data):
            raise FaultError("policy.budget-form")


class HighestOnlySchema(Part):
    """Whose awards compete with this policy's, and what then happens."""

    authorities = fields.List(ident(), required=True)
    rule = one_of("top-up", "barred")


class ProRataSchema(Part):
    """What is reduced when the awards exceed the budget."""

    rule = one_of("after-highest-only", "standards-first")
    priorities = fields.List(
        fields.List(ident(), validate=rows(1)),
        load_default=list,
        validate=rows(2, GROUPS_MAX),
    )


class DocumentSchema(Part):
    """The published document."""

    number = Text(required=True)
    issued = Day(required=True)
    issuer = Text(required=True)
    repeals = fields.List(Text(), load_default=list)


class ClauseSchema(Part):
    """A closing clause."""

    value_class = model.Clause
    id = one_of("budget", "highest-only", "pro-rata", "repeal")
    quote = Text(required=True)
    en = Text(required=True)


class ReadingSchema(Part):
    """One reading; its value is one of its options."""

    value = Text(required=True)
    options = fields.Dict(keys=Text(), values=fields.Nested(WordsSchema), required=True, validate=rows(1))
    basis = Text(required=True)
    why = fields.Nested(WordsSchema, required=True)
    open = one_of("low", "medium", "high")

    @validates_schema
    def value_is_an_option(self, data: Loaded, **_: Any) -> None:
        """A value that is none of the options is a slip."""
        if data.get("value") not in (data.get("options") or {}):
            options = ", ".join(data.get("options") or {})
            raise ValidationError({"value": [("policy.reading-option", {"known": options})]})


class SamePersonSchema(Part):
    """Duties that one person may hold in a year."""

    value_class = model.SamePerson
    duties = one_of(*parted_duties())
    reason = fields.Nested(WordsSchema, required=True)


_PROCEDURE = model.Procedure()


class ProcedureSchema(Part):
    """How a year is settled."""

    value_class = model.Procedure
    notice_days = WholeNumber(0, 90, load_default=_PROCEDURE.notice_days)
    appeal_days = WholeNumber(0, 365, load_default=_PROCEDURE.appeal_days)
    claims_until = MonthDay(load_default=None, allow_none=True)
    unspent = fields.String(load_default="lapses", validate=choice(("lapses", "next-year")))
    reductions = fields.String(load_default="final", validate=choice(("final", "next-year")))
    mask = fields.List(fields.String(validate=choice(("person", "code"))), load_default=lambda: ["person"])
    same_person = fields.List(fields.Nested(SamePersonSchema), load_default=list)
    bars = fields.List(fields.String(validate=choice(OPEN_KINDS)), load_default=list)


DISAGREEMENTS = ("claimed-twice", "two-sources", "outlier", "replaced-code")


class DisagreementSchema(Part):
    """Which facts disagree, and whether they are held for a decision."""

    value_class = model.DisagreementRule
    id = ident(required=True)
    kind = one_of(*DISAGREEMENTS)
    fact = Text(load_default="")
    same = fields.List(Text(), load_default=list)
    field = Text(load_default="")
    tolerance = Percent(load_default=0)
    times = WholeNumber(2, 1_000_000, load_default=0)
    then = one_of("note", "hold")
