"""Amendments at the desk: what is asked for, and what was recorded."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from ledger.intake.messages.fields import Choice, Identifier, Source, Text
from ledger.intake.messages.schemas import Changes, CitingBody
from services.api.answers import Answer, text, whole_number

CORRECTION, RETRACTION = "correction", "retraction"


class AmendmentBody(CitingBody):
    """What a source said is to be corrected, by the fields that change, or retracted."""

    source = Source(required=True)
    id = Identifier(required=True)
    amendment = Choice(CORRECTION, RETRACTION, required=True)
    changes = Changes(load_default=None)
    reason = Text(2_000, required=True)

    @validates_schema(skip_on_field_errors=True)
    def check_changes(self, data: dict[str, Any], **_: Any) -> None:
        """A correction names what changes; a retraction has nothing to name."""
        wanted = data["amendment"] == CORRECTION
        if wanted and data["changes"] is None:
            raise ValidationError({"changes": ["field.missing"]})
        if not wanted and data["changes"] is not None:
            fault = ("field.only-with", {"by": "amendment", "values": CORRECTION})
            raise ValidationError({"changes": [fault]})


class AmendmentSchema(Answer):
    """An amendment as it was recorded."""

    enterprise = text()
    position = whole_number(metadata={"description": "of the correction or retraction in the log"})
    amendment = text(f"{CORRECTION} or {RETRACTION}")
    source = text("of the fact")
    id = text("of the fact")
