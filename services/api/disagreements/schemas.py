"""Disagreements: the list, and a decision."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.faults.validation import FaultError
from ledger.intake.messages.fields import MessageField, Text, WholeNumber
from ledger.intake.messages.schemas import Message
from services.api.answers import Answer, list_of, text, whole_number, words
from services.api.enterprises.schemas import DisagreeingFactSchema

FACTS_MAX = 5_000


class FactIds(MessageField):
    """The facts that count, each by its source and id."""

    json_schema = {
        "type": "array",
        "maxItems": FACTS_MAX,
        "items": {
            "type": "object",
            "properties": {"source": {"type": "string"}, "id": {"type": "string"}},
            "required": ["source", "id"],
            "additionalProperties": False,
        },
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[tuple[str, str]]:
        if not isinstance(value, list) or len(value) > FACTS_MAX:
            raise FaultError("field.type", wanted=f"a list of at most {FACTS_MAX} facts")
        one = Text()
        found = []
        for each in value:
            if not isinstance(each, dict) or set(each) != {"source", "id"}:
                raise FaultError("field.type", wanted='{"source": …, "id": …}')
            found.append((str(one.deserialize(each["source"])), str(one.deserialize(each["id"]))))
        return found


class DecisionBody(Message):
    """Which facts count, and why; all others of the disagreement do not."""

    counting = FactIds(required=True)
    reason = Text(2_000, required=True)
    seen = WholeNumber(0, 2**53, load_default=None)


class MadeDecisionSchema(Answer):
    """Who decided last, why, and when."""

    actor = text()
    proposed_by = text("the first of two persons, where it took two", required=False)
    reason = text()
    at = text()


class DisagreementSchema(Answer):
    """A disagreement, with its facts."""

    disagreement = text()
    policy = text("whose rule it is; empty for those of every ledger")
    rule = text()
    kind = text()
    words = words()
    open = fields.Boolean(required=True)
    position = whole_number()
    total = whole_number(metadata={"description": "how many facts it has; facts are the first of them"})
    facts = list_of(DisagreeingFactSchema)
    latest = whole_number(metadata={"description": "position of its latest change: a decision's seen"})
    decision = fields.Nested(MadeDecisionSchema, required=True, allow_none=True)


class DisagreementsSchema(Answer):
    """A page of disagreements."""

    open = whole_number()
    items = list_of(DisagreementSchema)
    next = fields.String(required=True, allow_none=True)
