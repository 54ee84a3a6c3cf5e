"""The form of a policy file: fields, their rules and how to mend what breaks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from datetime import date
from typing import Any, TypeVar

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from domain.faults.validation import FaultError
from domain.money.amounts import AMOUNT_FEN_MAX, CURRENCIES, PAID_IN, MoneyError, parse_fen
from domain.money.dividing import GROUPS_MAX
from domain.policy import model

FORMAT = "subsidy-policy/1"


class Text(fields.String):
    """Text of a bounded length."""

    def __init__(self, max_length: int = 2000, **kwargs: Any) -> None:
        super().__init__(validate=_Length(1, max_length, "policy.text-length"), **kwargs)


SizedT = TypeVar("SizedT", bound=Sized)


class _Length(validate.Length):
    """A length between bounds; what is outside is a fault."""

    def __init__(self, low: int, high: int | None, code: str) -> None:
        super().__init__(low, high)
        self.code = code

    def __call__(self, value: SizedT) -> SizedT:
        try:
            return super().__call__(value)
        except ValidationError:
            raise FaultError(self.code, low=self.min, high=self.max) from None


class _Id(validate.Regexp):
    """The form of an id; what is none is a fault."""

    def __init__(self) -> None:
        super().__init__(r"[a-z0-9]+(?:[.-][a-z0-9]+)*\Z")

    def __call__(self, value: Any) -> Any:
        try:
            return super().__call__(value)
        except ValidationError:
            raise FaultError("policy.id-form") from None


def _rows(low: int, high: int | None = None) -> validate.Length:
    """How many rows, or values, a list has."""
    return _Length(low, high, "policy.rows-between" if high else "policy.rows-least")


class Money(fields.Field[int]):
    """Yuan (or US dollars) as text; becomes fen (or cents)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        try:
            fen = parse_fen(value)
        except MoneyError:
            raise FaultError("policy.amount-form") from None
        if fen > AMOUNT_FEN_MAX:
            raise FaultError("policy.amount-large")
        return fen


class Whole(fields.Field[int]):
    """A whole number between bounds."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,15}", value):
            raise FaultError("policy.whole-form")
        if not self.low <= int(value) <= self.high:
            raise FaultError("policy.whole-range", low=self.low, high=self.high)
        return int(value)


def whole_number(text: str) -> int:
    """Plain digits as a number.

    Raises:
        ValueError: for anything else.
    """
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError(text)
    return int(text)


class Percent(fields.Field[int]):
    """A percentage with at most two decimals; becomes ten-thousandths."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?", value):
            raise FaultError("policy.percent-form")
        rate = parse_fen(value)
        if not 0 < rate <= 10_000:
            raise FaultError("policy.percent-range")
        return rate


class Day(fields.Field[str]):
    """A date, ``YYYY-MM-DD``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            if not isinstance(value, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
                raise ValueError
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise FaultError("policy.day-form") from None


def one_of(*choices: str) -> fields.String:
    """A required field with one of a few values."""
    return fields.String(required=True, validate=_choice(choices))


def _choice(choices: tuple[str, ...]) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in choices:
            raise FaultError("policy.choice", value=value, known=", ".join(choices))

    _CHOICES[check] = choices
    return check


_CHOICES: dict[Any, tuple[str, ...]] = {}


def choices_of(check: Any) -> tuple[str, ...]:
    """The values that a check lets pass; none where it is not a choice."""
    return _CHOICES.get(check, ()) if callable(check) and check.__hash__ else ()


def ident(**kwargs: Any) -> fields.String:
    """An id: lower-case words joined by hyphens and full stops."""
    return fields.String(validate=_Id(), **kwargs)


class _Strict(Schema):
    """Refuses unknown fields in words that say what to do."""

    error_messages = {
        "unknown": "policy.field-unknown",
        "type": "policy.group-form",
    }


class WordsSchema(_Strict):
    """The same words in Chinese and English."""

    zh = Text(required=True)
    en = Text(required=True)


class LifeSchema(_Strict):
    """From when until when the policy holds, both days included."""

    from_ = Day(required=True, data_key="from")
    until = Day(required=True, allow_none=True)


class NamedBudgetSchema(_Strict):
    """One of several budgets."""

    id = ident(required=True)
    name = fields.Nested(WordsSchema, required=True)
    amount = Money(required=True)
    towns = fields.List(Text(100), load_default=list)
    measures = fields.List(ident(), load_default=list)
    rest = fields.String(load_default="no", validate=_choice(("yes", "no")))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.NamedBudget:
        """Make the value."""
        lists = {name: tuple(data[name]) for name in ("towns", "measures")}
        return model.NamedBudget(**{**data, **lists, "rest": data["rest"] == "yes"})


class BudgetSchema(_Strict):
    """The budget of each year, or of the whole life: one amount, or several parts by name."""

    amount = Money()
    parts = fields.List(fields.Nested(NamedBudgetSchema), validate=_rows(2, 100))
    currency = one_of(*PAID_IN)
    per = one_of("year", "life")

    @validates_schema
    def one_form(self, data: dict[str, Any], **_: Any) -> None:
        """One amount, or several."""
        if ("amount" in data) == ("parts" in data):
            raise FaultError("policy.budget-form")


class HighestOnlySchema(_Strict):
    """Whose awards compete with this policy's, and what then happens."""

    authorities = fields.List(ident(), required=True)
    rule = one_of("top-up", "barred")


class ProRataSchema(_Strict):
    """What is reduced when the awards exceed the budget."""

    rule = one_of("after-highest-only", "standards-first")
    priorities = fields.List(
        fields.List(ident(), validate=_rows(1)),
        load_default=list,
        validate=_rows(2, GROUPS_MAX),
    )


class DocumentSchema(_Strict):
    """The published document."""

    number = Text(required=True)
    issued = Day(required=True)
    issuer = Text(required=True)
    repeals = fields.List(Text(), load_default=list)


class ClauseSchema(_Strict):
    """A closing clause."""

    id = one_of("budget", "highest-only", "pro-rata", "repeal")
    quote = Text(required=True)
    en = Text(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Clause:
        """Make the value."""
        return model.Clause(**data)


class ReadingSchema(_Strict):
    """One reading; its value is one of its options."""

    value = Text(required=True)
    options = fields.Dict(keys=Text(), values=fields.Nested(WordsSchema), required=True, validate=_rows(1))
    basis = Text(required=True)
    why = fields.Nested(WordsSchema, required=True)
    open = one_of("low", "medium", "high")

    @validates_schema
    def value_is_an_option(self, data: dict[str, Any], **_: Any) -> None:
        """A value that is none of the options is a slip."""
        if data.get("value") not in (data.get("options") or {}):
            known = ", ".join(data.get("options") or {})
            raise ValidationError({"value": [("policy.reading-option", {"known": known})]})


class SelectSchema(_Strict):
    """Which facts count."""

    fact = Text()
    all_of = fields.List(Text(), validate=_rows(2))
    where = fields.Dict(keys=Text(), values=fields.List(Text(), validate=_rows(1)), load_default=dict)
    currency = fields.String(load_default="CNY", validate=_choice(tuple(CURRENCIES)))
    field = Text()

    @validates_schema
    def one_form(self, data: dict[str, Any], **_: Any) -> None:
        """One kind of event, or several conditions."""
        if ("fact" in data) == ("all_of" in data):
            raise FaultError("policy.select-form")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Select:
        """Make the value."""
        facts = tuple(data["all_of"]) if "all_of" in data else (data["fact"],)
        where = {name: tuple(values) for name, values in data["where"].items()}
        return model.Select(facts, where, data["currency"], data.get("field", ""))


class NetsSchema(_Strict):
    """A measure whose award for the same thing is set off."""

    measure = ident(required=True)
    same = Text(required=True)
    rule = one_of("both", "difference")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Nets:
        """Make the value."""
        return model.Nets(**data)


class TierSchema(_Strict):
    """From this amount on, this award."""

    start = Money(required=True, data_key="from")
    gives = Money(required=True, data_key="award")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Tier:
        """Make the value."""
        return model.Tier(**data)


class ShareSchema(_Strict):
    """From this amount on, this percentage."""

    start = Money(required=True, data_key="from")
    gives = Percent(required=True, data_key="percent")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Tier:
        """Make the value."""
        return model.Tier(**data)


class MeasureSchema(_Strict):
    """What every measure has."""

    value_class: type[model.Measure] = model.Unpaid
    id = ident(required=True)
    article = Text(required=True)
    title = fields.Nested(WordsSchema, required=True)
    quote = Text(required=True)
    lead = Text(required=True)
    kind = Text(required=True)
    stacks_with = fields.List(ident(), load_default=list)
    funds = fields.String(load_default="inside", validate=_choice(("inside", "outside")))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Measure:
        """Make the value; lists become tuples, so that it cannot change."""
        frozen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return self.value_class(**frozen)


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
    of = fields.Nested(SelectSchema)
    unit = Money()
    parts = fields.String(load_default="whole", data_key="partial", validate=_choice(("whole", "pro-rata")))
    unit_amount = Money(required=True)
    cap = Money(required=True, allow_none=True)
    cap_per = one_of("year", "life")

    @validates_schema
    def one_source(self, data: dict[str, Any], **_: Any) -> None:
        """Units are new items, or parts of an amount."""
        if ("earns" in data) == ("of" in data):
            raise FaultError("policy.units-form")
        if "of" in data and data.get("unit", 0) <= 0:
            raise ValidationError({"unit": ["policy.amount-zero"]})


class TieredSchema(MeasureSchema):
    """``kind: tiered``."""

    value_class = model.Tiered
    of = fields.Nested(SelectSchema, required=True)
    tiers = fields.List(fields.Nested(TierSchema), required=True, validate=_rows(1, 20))
    later_tier = one_of("difference", "each-in-full")


class PercentageSchema(MeasureSchema):
    """``kind: percentage``."""

    value_class = model.Percentage
    of = fields.Nested(SelectSchema, required=True)
    threshold = Money(required=True)
    rate = Percent(required=True, data_key="percent")
    cap = Money(required=True, allow_none=True)
    claims = one_of("full", "claim-only")


class GrowthShareSchema(MeasureSchema):
    """``kind: growth-share``."""

    value_class = model.GrowthShare
    of = fields.Nested(SelectSchema, required=True)
    sales = fields.Nested(SelectSchema, required=True)
    shares = fields.List(fields.Nested(ShareSchema), required=True, validate=_rows(1, 20))
    base_years = Whole(1, 10, required=True)
    award_years = Whole(1, 10, required=True)
    first_year = one_of("qualifying", "following")
    share_by = one_of("each-year", "qualifying-year")
    history = one_of("existing", "zero")


class DiscretionarySchema(MeasureSchema):
    """``kind: discretionary``."""

    value_class = model.Discretionary
    cap = Money(required=True, allow_none=True)
    proposes = fields.Nested(SelectSchema)


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


class TargetSchema(_Strict):
    """A yearly goal."""

    id = ident(required=True)
    measure = ident(required=True)
    title = fields.Nested(WordsSchema, required=True)
    counts = one_of("items", "enterprises", "amount", "quantity")
    of = fields.Nested(SelectSchema, required=True)
    threshold = Money(load_default=0)
    goal = Text(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Target:
        """Make the value; a goal in money becomes fen."""
        goal = data.pop("goal")
        try:
            number = parse_fen(goal) if data["counts"] == "amount" else whole_number(goal)
        except ValueError:
            raise ValidationError({"goal": ["policy.goal-form"]}) from None
        return model.Target(goal=number, **data)


class MonthDay(fields.Field[str]):
    """A day of any year, ``MM-DD``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            if not isinstance(value, str) or not re.fullmatch("[0-9]{2}-[0-9]{2}", value):
                raise ValueError
            return date.fromisoformat(f"2023-{value}").isoformat()[5:]
        except ValueError:
            raise FaultError("policy.month-day-form") from None


_PROCEDURE = model.Procedure()


class ProcedureSchema(_Strict):
    """How a year is settled."""

    notice_days = Whole(0, 90, load_default=_PROCEDURE.notice_days)
    appeal_days = Whole(0, 365, load_default=_PROCEDURE.appeal_days)
    claims_until = MonthDay(load_default=None, allow_none=True)
    unspent = fields.String(load_default="lapses", validate=_choice(("lapses", "next-year")))
    reductions = fields.String(load_default="final", validate=_choice(("final", "next-year")))
    mask = fields.List(fields.String(validate=_choice(("person", "code"))), load_default=lambda: ["person"])

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Procedure:
        """Make the value."""
        return model.Procedure(**{**data, "mask": tuple(data["mask"])})


DISAGREEMENTS = ("claimed-twice", "two-sources", "outlier", "replaced-code")


class DisagreementSchema(_Strict):
    """Which facts disagree, and whether they are held for a decision."""

    id = ident(required=True)
    kind = one_of(*DISAGREEMENTS)
    fact = Text(load_default="")
    same = fields.List(Text(), load_default=list)
    field = Text(load_default="")
    tolerance = Percent(load_default=0)
    times = Whole(2, 1_000_000, load_default=0)
    then = one_of("note", "hold")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.DisagreementRule:
        """Make the value."""
        return model.DisagreementRule(**{**data, "same": tuple(data["same"])})


class PolicySchema(_Strict):
    """The whole file."""

    format = one_of(FORMAT)
    id = ident(required=True)
    version = Whole(1, 9999, required=True)
    effective_from = Day(required=True)
    title = fields.Nested(WordsSchema, required=True)
    document = fields.Nested(DocumentSchema, required=True)
    authority = ident(required=True)
    timezone = one_of("Asia/Shanghai")
    life = fields.Nested(LifeSchema, required=True)
    budget = fields.Nested(BudgetSchema, required=True)
    inclusive = one_of("yes", "no")
    reports = one_of("add-up", "latest")
    rounding = one_of("down", "half-up")
    highest_only = fields.Nested(HighestOnlySchema, required=True)
    pro_rata = fields.Nested(ProRataSchema, required=True)
    settlement = fields.Nested(ProcedureSchema, load_default=model.Procedure)
    disagreements = fields.List(fields.Nested(DisagreementSchema), load_default=list)
    clauses = fields.List(fields.Nested(ClauseSchema), required=True)
    readings = fields.Dict(keys=ident(), values=fields.Nested(ReadingSchema), required=True)
    measures = fields.List(AnyMeasure(), required=True, validate=_rows(1, 500))
    targets = fields.List(fields.Nested(TargetSchema), load_default=list)

    @validates_schema
    def ids_are_unique(self, data: dict[str, Any], **_: Any) -> None:
        """An id names one thing."""
        for name in ("measures", "targets", "disagreements"):
            seen: set[str] = set()
            for index, item in enumerate(data.get(name) or []):
                if item.id in seen:
                    twice = ("policy.id-twice", {"value": item.id})
                    raise ValidationError({name: {index: {"id": [twice]}}})
                seen.add(item.id)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> model.Policy:
        """Make the value; the digest and the readings of each measure are filled in by the loader."""
        document, life, budget = data["document"], data["life"], data["budget"]
        parts = tuple(budget.get("parts", ()))
        return model.Policy(
            id=data["id"],
            version=data["version"],
            digest="",
            effective_from=data["effective_from"],
            title=data["title"],
            number=document["number"],
            issued=document["issued"],
            issuer=document["issuer"],
            repeals=tuple(document["repeals"]),
            authority=data["authority"],
            timezone=data["timezone"],
            life_from=life["from_"],
            life_until=life["until"],
            budget=budget.get("amount", 0) or sum(each.amount for each in parts),
            budget_per=budget["per"],
            currency=budget["currency"],
            inclusive=data["inclusive"] == "yes",
            reports=data["reports"],
            rounding=data["rounding"],
            highest_only_authorities=tuple(data["highest_only"]["authorities"]),
            highest_only=data["highest_only"]["rule"],
            pro_rata=data["pro_rata"]["rule"],
            clauses=tuple(data["clauses"]),
            readings={key: model.Reading(id=key, **value) for key, value in data["readings"].items()},
            measures={measure.id: measure for measure in data["measures"]},
            targets={target.id: target for target in data["targets"]},
            general_readings=(),
            procedure=data["settlement"],
            disagreements=tuple(data["disagreements"]),
            budgets=parts,
            priorities=tuple(tuple(group) for group in data["pro_rata"]["priorities"]),
        )
