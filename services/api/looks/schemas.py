"""Reads of enterprises' data."""

from __future__ import annotations

from marshmallow import fields

from services.api.answers import Answer, list_of, text, whole_number


class LookSchema(Answer):
    """One read, or several alike within a minute."""

    number = whole_number()
    at = text("of the first of them")
    actor = text("the name of who read; - where it was not given")
    address = text()
    method = text("GET, HEAD or CLI; POST for a question that is sent as a body")
    path = text()
    enterprise = text("whose data it was; * for a list, document or file that tells of several")
    times = whole_number()
    issuer = fields.String(
        metadata={"description": "issuer of the reader's token, local or os; absent for none"}
    )
    subject = fields.String(metadata={"description": "who the reader is at the issuer, whatever the name"})


class LooksSchema(Answer):
    """A page of reads."""

    items = list_of(LookSchema)
    next = fields.String(required=True, allow_none=True)
