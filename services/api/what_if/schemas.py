"""What if: the question and the answer."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.faults.validation import FaultError
from ledger.intake.messages.fields import Day, MessageField, Money, Text, WholeNumber
from ledger.intake.messages.schemas import Message
from services.api.answers import Answer, Factor, Yuan, currency, list_of, text, whole_number

CHANGES_MAX = 200
RULES_CHARACTERS_MAX = 1_000_000
"""Longest edited policy file."""
MOVES_DEFAULT, MOVES_MAX = 20, 1_000


class Texts(MessageField):
    """Texts by name, e.g. readings by id."""

    json_schema = {
        "type": "object",
        "maxProperties": CHANGES_MAX,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 200},
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str]:
        if not isinstance(value, dict) or len(value) > CHANGES_MAX:
            raise FaultError("field.type", wanted=f"a JSON object of at most {CHANGES_MAX} texts")
        one = Text()
        return {str(one.deserialize(name)): str(one.deserialize(each)) for name, each in value.items()}


class WhatIfBody(Message):
    """Other readings, figures or another budget, for one policy and year."""

    policy = Text(required=True)
    year = WholeNumber(2000, 2100, "year.range", required=True)
    readings = Texts(load_default=dict)
    figures = Texts(load_default=dict)
    budget = Money(load_default=None)
    limit = WholeNumber(1, MOVES_MAX, load_default=MOVES_DEFAULT)
    rules_as_of = Day(load_default=None)
    rules = Text(RULES_CHARACTERS_MAX, load_default=None)


class ChangesSchema(Answer):
    """What was changed."""

    readings = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    figures = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    budget = Yuan()


class StateSchema(Answer):
    """A year's payments under one set of rules."""

    appropriation = Yuan()
    sharing = Yuan()
    factor = fields.Nested(Factor, required=True)
    payable = Yuan()
    enterprises = whole_number()


class MoveSchema(Answer):
    """What changes for one enterprise."""

    enterprise = text()
    before = Yuan()
    after = Yuan()
    difference = Yuan()


class WhatIfSchema(Answer):
    """The year as it stands, the year as it would be, and who gains and loses."""

    policy = text()
    year = whole_number()
    currency = currency()
    position = whole_number()
    changes = fields.Nested(ChangesSchema, required=True)
    before = fields.Nested(StateSchema, required=True)
    after = fields.Nested(StateSchema, required=True)
    gaining = whole_number()
    losing = whole_number()
    unchanged = whole_number()
    winners = list_of(MoveSchema)
    losers = list_of(MoveSchema)
