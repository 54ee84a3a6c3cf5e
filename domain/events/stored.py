"""The stored form of an event, and the way back from it to its class.

A state is one JSON object: the envelope (``timestamp``, ``source``, ``event_id``, ``time``), the
fields of the content beside it, ``class_version`` where that is not 1, and ``said_by``, ``acting_as``,
``written`` and ``based_on`` where there is something to say. It is the form that the eventsourcing
library's own mapper wrote for the first version's classes, so that both are read by the same few lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from domain.events.content import Content, StoredValues
from domain.events.event import Capacity, Event, Speaker, SupportingDocument

_encode = msgspec.json.Encoder().encode
_decode_values = msgspec.json.Decoder().decode

TOPIC_PREFIX = "domain.events:"
"""Before the name of a kind in every stored row, for ever."""


class UnreadableState(ValueError):
    """A stored state that no event of the catalogue can have."""


class _Moment(msgspec.Struct, frozen=True, gc=False):
    moment: str = msgspec.field(name="_data_")


class _Recorded(msgspec.Struct, frozen=True, gc=False):
    """When a state was recorded."""

    timestamp: _Moment


class _Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an event comes from, as members of its state."""

    source: str
    event_id: str
    time: str


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    """What every state holds of what was said, beside its content."""

    source: str
    event_id: str
    time: str
    class_version: int = 1
    said_by: Speaker | None = None
    acting_as: Capacity | None = None
    written: dict[str, str] | None = None
    based_on: SupportingDocument | None = None


_decode_recorded = msgspec.json.Decoder(_Recorded).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode


class _Reader(NamedTuple):
    """How the states of one kind are read."""

    content: type[Content]
    decode: Callable[[bytes], Content]
    class_version: int


class Catalogue:
    """The kinds of event by name, with the readers of their stored states."""

    def __init__(self, kinds: Mapping[str, type[Content]]) -> None:
        self.kinds = dict(kinds)
        self._readers = {
            topic_of(name): _Reader(kind, msgspec.json.Decoder(kind).decode, kind.class_version)
            for name, kind in self.kinds.items()
        }

    def read_state(self, topic: str, state: bytes) -> tuple[Event, str]:
        """The event, brought up to today's version of its class, and its recorded time (UTC, fixed width).

        Raises:
            UnreadableState: where the state is none of the catalogue's.
        """
        try:
            moment = _decode_recorded(state).timestamp.moment
        except ValueError as error:
            raise UnreadableState(f"{topic}: {type(error).__name__} {error}") from None
        return self.read_event(topic, state), moment.replace("+00:00", "Z")

    def read_event(self, topic: str, state: bytes) -> Event:
        """The event, brought up to today's version of its class.

        Raises:
            UnreadableState: where the state is none of the catalogue's.
        """
        try:
            reader = self._readers[topic]
            envelope = _decode_envelope(state)
            if envelope.class_version == reader.class_version:
                content = reader.decode(state)
            else:
                content = self._upcast(reader, envelope.class_version, _decode_values(state))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UnreadableState(f"{topic}: {type(error).__name__} {error}") from None
        return Event(
            content,
            envelope.source,
            envelope.event_id,
            envelope.time,
            envelope.said_by,
            envelope.acting_as,
            envelope.written,
            envelope.based_on,
        )

    def read_content(self, name: str, values: Mapping[str, Any]) -> Content:
        """The content of a kind from its fields as JSON values, of today's version.

        Raises:
            UnreadableState: where they are not those of the kind.
        """
        try:
            return msgspec.convert(values, self.kinds[name])
        except (KeyError, msgspec.ValidationError) as error:
            raise UnreadableState(f"{name}: {type(error).__name__} {error}") from None

    @staticmethod
    def _upcast(reader: _Reader, version: int, values: StoredValues) -> Content:
        while version < reader.class_version:
            getattr(reader.content, f"upcast_v{version}_v{version + 1}")(values)
            version += 1
        return msgspec.convert(values, reader.content)


def state_of(event: Event, recorded_at: str) -> bytes:
    """The stored state of an event that is recorded at a UTC instant of fixed width."""
    content = event.content
    parts = [
        b'{"timestamp":{"_type_":"datetime_iso","_data_":"',
        recorded_at[:-1].encode(),
        b'+00:00"},',
        _encode(_Origin(event.source, event.event_id, event.time))[1:-1],
        b",",
        _encode(content.stored_values())[1:-1],
    ]
    if content.class_version > 1:
        parts.append(b',"class_version":%d' % content.class_version)
    if event.said_by is not None or event.acting_as is not None:
        parts.append(_encode_attribution(event.said_by, event.acting_as))
    if event.written:
        parts += (b',"written":', _encode(event.written))
    if event.based_on is not None:
        parts += (b',"based_on":', _encode(event.based_on))
    parts.append(b"}")
    return b"".join(parts)


@lru_cache(maxsize=1_024)
def _encode_attribution(said_by: Speaker | None, acting_as: Capacity | None) -> bytes:
    """Who said it, as members of the state; a batch has few of them and many events."""
    parts = []
    if said_by is not None:
        parts += [b',"said_by":', _encode(said_by)]
    if acting_as is not None:
        parts += [b',"acting_as":', _encode(acting_as)]
    return b"".join(parts)


@cache
def topic_of(name: str) -> str:
    """The stored topic of a kind of event."""
    return TOPIC_PREFIX + name
