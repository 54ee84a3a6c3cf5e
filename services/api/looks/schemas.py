"""Reads of enterprises' data."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, list_of, text, whole_number


class LookSchema(Answer):
    """One read, or several alike within a minute."""

    number = whole_number()
    at = text("of the first of them")
    actor = text("the header Subsidy-Actor of the request, or the user of the command line")
    address = text()
    method = text("GET, HEAD or CLI")
    path = text()
    enterprise = text()
    times = whole_number()


class LooksSchema(Answer):
    """A page of reads."""

    items = list_of(LookSchema)
    next = fields.String(required=True, allow_none=True)
