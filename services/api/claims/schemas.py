"""Claims."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, listed, text, whole


class ClaimSchema(Answer):
    """Where one claim stands."""

    policy = text()
    enterprise = text()
    claim = text()
    measure = text()
    item = text()
    year = whole()
    status = text("submitted, approved, rejected or withdrawn")
    amount = fields.String(required=True, allow_none=True)
    currency = text()
    position = whole()


class ClaimsSchema(Answer):
    """A page of claims."""

    items = listed(ClaimSchema)
    next = fields.String(required=True, allow_none=True)
