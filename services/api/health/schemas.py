"""Health."""

from __future__ import annotations

from services.api.answers import Answer, text, whole_number


class LiveSchema(Answer):
    """The process answers."""

    status = text()


class ReadySchema(Answer):
    """The ledger answers."""

    status = text()
    position = whole_number()
