"""Steps that wait for a second person, as answers."""

from __future__ import annotations

from marshmallow import fields

from domain.authority.two_persons import TWO_PERSON_STEPS
from ledger.waiting.reading import STAGES
from services.api.answers import Answer, list_of, text, whole_number, words


class PersonSchema(Answer):
    """A person: issuer and subject say who it is, the name is what is shown."""

    issuer = text()
    subject = text()
    name = text()


class SummaryLineSchema(Answer):
    """One line of what would happen."""

    label = words()
    value = words()


class WaitingStepSchema(Answer):
    """A step that one person proposed and another one must confirm."""

    waiting = text("its id: confirm it at /v1/waiting-steps/{waiting}/confirmation, or repeat the same call")
    step = text("one of " + ", ".join(TWO_PERSON_STEPS))
    title = words()
    policy = text("empty where it is about no policy alone")
    stage = text("lapsed, or one of " + ", ".join(STAGES[:-1]))
    proposed_at = text()
    proposed_by = fields.Nested(PersonSchema, required=True)
    until = text("when it lapses")
    ended_at = fields.String(required=True, allow_none=True)
    ended_by = fields.Nested(PersonSchema, required=True, allow_none=True)
    summary = list_of(SummaryLineSchema)
    next = words()


class WaitingStepsSchema(Answer):
    """A page of proposals."""

    waiting = whole_number(metadata={"description": "how many wait in all"})
    items = list_of(WaitingStepSchema)
    next = fields.String(required=True, allow_none=True)
