"""Stored events as the messages they came as: amounts as text, types by their names on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.events.claims import ClaimEvent
from domain.events.content import Content
from domain.events.event import Event
from domain.money.amounts import print_fen
from domain.vocabulary.kinds import type_of
from ledger.intake.messages.fields import Money
from ledger.intake.messages.schemas import DATA, TYPE_OF, AmendedType, Changes
from ledger.store.persons import SEALED
from ledger.store.stored_events import Stored


def event_document(event: Stored) -> dict[str, Any]:
    """One stored event: its place in the ledger, and its message."""
    fact = event.fact
    return {
        "position": event.position,
        "version": event.version,
        "recorded_at": event.recorded_at,
        "id": fact.event_id,
        "source": fact.source,
        "type": type_of(fact.name),
        "subject": event.originator,
        "time": fact.time,
        "data": content_document(fact.content),
        **speaker_document(fact),
    }


def speaker_document(event: Event) -> dict[str, Any]:
    """Who said an event, in what role, on which document; nothing where that was not recorded."""
    spoken = {"said_by": event.said_by, "acting_as": event.acting_as, "based_on": event.based_on}
    return {name: msgspec.to_builtins(part) for name, part in spoken.items() if part is not None}


def own_document(content: Content) -> dict[str, Any]:
    """The content of an event that only the ledger makes: amounts as text, what is unknown left out."""
    document: dict[str, Any] = {}
    for key, value in content.values_by_name().items():
        if value is None:
            continue
        if key == "person":
            document[key] = SEALED
        elif key.endswith("_fen"):
            document[key.removesuffix("_fen")] = print_fen(value)
        else:
            document[key] = value
    return document


def content_document(content: Content) -> dict[str, Any]:
    """The content of an event in the names and forms of its message."""
    name = type(content).__name__
    if name not in DATA or (isinstance(content, ClaimEvent) and content.actor is not None):
        return own_document(content)
    return _data_document(name, content.fields_by_name())


def _data_document(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, field in DATA[name]().fields.items():
        value = values.get(key)
        if value is None:
            continue
        if key == "person":
            value = SEALED
        elif isinstance(field, Money):
            value = print_fen(value)
        elif isinstance(field, AmendedType):
            value = TYPE_OF[value]
        elif isinstance(field, Changes):
            value = _data_document(values["of_type"], value)
        document[field.data_key or key] = value
    return document
