"""Contents of events for tests: a kind by its name, with nothing in fields that a test does not name."""

from __future__ import annotations

from typing import Any, get_origin

import msgspec

from domain.events import CATALOGUE, Content
from domain.events.event import Event


def content_of(name: str, /, **fields: Any) -> Content:
    """The content of a kind; a required field that is not given holds nothing of its type."""
    kind = CATALOGUE[name]
    empty = {
        field.name: _nothing(field.type)
        for field in msgspec.structs.fields(kind)
        if field.required and field.name not in fields
    }
    return msgspec.convert(empty | fields, kind)


def _nothing(type_: Any) -> Any:
    plain = get_origin(type_) or type_
    return {str: "", int: 0, bool: False, tuple: (), dict: {}}.get(plain)


def event_of(name: str, source: str, event_id: str, time: str, fields: dict[str, Any]) -> Event:
    """An event of a kind."""
    return Event(content_of(name, **fields), source, event_id, time)
