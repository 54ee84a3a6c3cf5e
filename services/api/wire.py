"""Stored events as the messages they came as: amounts as text, types by their names on the wire."""

from __future__ import annotations

from typing import Any

from domain.money import yuan
from ledger.messages.fields import Money
from ledger.messages.schemas import DATA, TYPE_OF, AmendedType, Changes
from ledger.persons import SEALED
from ledger.stored import Stored


def event_document(event: Stored) -> dict[str, Any]:
    """One stored event: its place in the ledger, and its message."""
    fact = event.fact
    return {
        "position": event.position,
        "version": event.version,
        "recorded_at": event.recorded_at,
        "id": fact.event_id,
        "source": fact.source,
        "type": TYPE_OF[fact.name],
        "subject": event.originator,
        "time": fact.time,
        "data": data_document(fact.name, fact.content),
    }


def data_document(name: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content of an event in the names and forms of its message."""
    document: dict[str, Any] = {}
    for key, field in DATA[name]().fields.items():
        value = content.get(key)
        if value is None:
            continue
        if key == "person":
            value = SEALED
        elif isinstance(field, Money):
            value = yuan(value)
        elif isinstance(field, AmendedType):
            value = TYPE_OF[value]
        elif isinstance(field, Changes):
            value = data_document(content["of_type"], value)
        document[field.data_key or key] = value
    return document
