"""The form of a whole policy file."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from domain.policy import model
from domain.policy.form.measures import AnyMeasure, TargetSchema
from domain.policy.form.parts import (
    BudgetSchema,
    ClauseSchema,
    DisagreementSchema,
    DocumentSchema,
    HighestOnlySchema,
    LifeSchema,
    ProcedureSchema,
    ProRataSchema,
    ReadingSchema,
    WordsSchema,
)
from domain.policy.form.values import Day, Loaded, Part, Text, WholeNumber, ident, one_of, rows

FORMAT = "subsidy-policy/1"


class PolicySchema(Part):
    """The whole file."""

    format = one_of(FORMAT)
    id = ident(required=True)
    version = WholeNumber(1, 9999, required=True)
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
    approvals_from = fields.List(Text(), load_default=list)
    amendments_from = fields.List(Text(), load_default=list)
    clauses = fields.List(fields.Nested(ClauseSchema), required=True)
    readings = fields.Dict(keys=ident(), values=fields.Nested(ReadingSchema), required=True)
    measures = fields.List(AnyMeasure(), required=True, validate=rows(1, 500))
    targets = fields.List(fields.Nested(TargetSchema), load_default=list)

    @validates_schema
    def ids_are_unique(self, data: Loaded, **_: Any) -> None:
        """An id names one thing."""
        for name in ("measures", "targets", "disagreements"):
            ids: set[str] = set()
            for index, item in enumerate(data.get(name) or []):
                if item.id in ids:
                    twice = ("policy.id-twice", {"value": item.id})
                    raise ValidationError({name: {index: {"id": [twice]}}})
                ids.add(item.id)

    def make(self, loaded: Loaded) -> model.Policy:
        """Make the value; the digest and the readings of each measure are filled in by the loader."""
        document, life, budget = loaded["document"], loaded["life"], loaded["budget"]
        parts = budget.get("parts", ())
        return model.Policy(
            id=loaded["id"],
            version=loaded["version"],
            digest="",
            effective_from=loaded["effective_from"],
            title=loaded["title"],
            number=document["number"],
            issued=document["issued"],
            issuer=document["issuer"],
            repeals=document["repeals"],
            authority=loaded["authority"],
            timezone=loaded["timezone"],
            life_from=life["from_"],
            life_until=life["until"],
            budget=budget.get("amount", 0) or sum(part.amount for part in parts),
            budget_per=budget["per"],
            currency=budget["currency"],
            inclusive=loaded["inclusive"] == "yes",
            reports=loaded["reports"],
            rounding=loaded["rounding"],
            highest_only_authorities=loaded["highest_only"]["authorities"],
            highest_only=loaded["highest_only"]["rule"],
            pro_rata=loaded["pro_rata"]["rule"],
            clauses=loaded["clauses"],
            readings={key: model.Reading(id=key, **value) for key, value in loaded["readings"].items()},
            measures={measure.id: measure for measure in loaded["measures"]},
            targets={target.id: target for target in loaded["targets"]},
            general_readings=(),
            procedure=loaded["settlement"],
            disagreements=loaded["disagreements"],
            approvals_from=tuple(loaded["approvals_from"]),
            amendments_from=tuple(loaded["amendments_from"]),
            budgets=parts,
            priorities=tuple(tuple(group) for group in loaded["pro_rata"]["priorities"]),
        )
