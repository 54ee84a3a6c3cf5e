"""The types of events."""

from __future__ import annotations

from services.api.answers import Answer, list_of, text


class EventTypeSchema(Answer):
    """One type of event."""

    type = text()
    title = text()
    description = text()
    schema = text("where its JSON Schema stands")


class EventTypesSchema(Answer):
    """Every type of event."""

    items = list_of(EventTypeSchema)
