"""From the bytes of one message to a fact, or to everything that is wrong with it."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from marshmallow import ValidationError

from domain.events import CATALOGUE
from domain.events.content import Content
from domain.events.event import Event, digest_of
from domain.events.facts import content_class
from domain.events.instants import SHANGHAI, instant
from domain.faults.fault import Fault
from domain.faults.validation import faults_from
from domain.vocabulary.kinds import type_of
from ledger.intake.messages import bulk
from ledger.intake.messages.fields import Text
from ledger.intake.messages.schemas import (
    SHIPPED,
    Changes,
    Correction,
    Data,
    Envelope,
    MessageTypes,
    read_document,
)
from ledger.intake.messages.schemas import Message as MessageSchema
from ledger.store.correlation import trace_of

MESSAGE_BYTES_MAX = 65_536
"""Largest message; a larger one is refused unread."""
DEPTH_MAX = 8
MEMBERS_MAX = 500
"""Most members of one object: each that is no field is a fault of its own."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far an upstream's clock may run ahead of ours."""


class Decoder:
    """What decodes messages of some types: fast where nothing is wrong, by their schemas elsewhere."""

    def __init__(self, types: MessageTypes) -> None:
        self.types = types
        self.bulk = bulk.BulkDecoder(types)
        self.envelope = Envelope()
        self.schemas = {name: schema() for name, schema in types.schemas.items()}
        """Made once; they hold nothing of a message."""
        self.contents = {name: _content_class(name, schema) for name, schema in types.schemas.items()}
        """The class of each event's content, by class name."""


def _content_class(name: str, schema: type[Data]) -> type[Content]:
    return CATALOGUE[name] if name in CATALOGUE or schema.kind is None else content_class(schema.kind)


SHIPPED_DECODER = Decoder(SHIPPED)


class Now(NamedTuple):
    """The present, as bounds for what may have happened already."""

    instant_max: str
    today: str
    year: int

    @classmethod
    def bounds_at(cls, moment: datetime) -> Now:
        """The bounds at an aware moment."""
        local = moment.astimezone(SHANGHAI)
        return cls(instant(moment + CLOCK_SKEW), local.date().isoformat(), local.year)


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message that is right in itself."""

    subject: str
    fact: Event
    digest: bytes
    """Of what the message says, however it is written; 16 bytes."""
    correlation: str | None = None
    """What its sender calls the matter that it belongs to."""


@dataclass(slots=True)
class Refusal:
    """A message that was not accepted, with everything found, and the bytes as they came."""

    raw: bytes
    faults: list[Fault]
    source: str | None = None
    event_id: str | None = None
    subject: str | None = None
    type: str | None = None
    origin: str | None = None
    """Where in a stream it stood: ``topic/partition@offset``."""
    sender: str = ""
    """Who sent it, as ``Actor.identity`` names them; empty for nobody."""
    correlation: str | None = None
    """What its sender calls the matter that it belongs to."""


def decode(raw: bytes, now: Now, decoder: Decoder = SHIPPED_DECODER) -> Message | Refusal:
    """Decode and check one message; what is wrong comes back whole, never as an exception."""
    try:
        if len(raw) > MESSAGE_BYTES_MAX:
            raise bulk.BulkRefused
        decoded = decoder.bulk.decode(raw)
    except bulk.BulkRefused:
        checked = _by_schema(raw, now, decoder)
        if isinstance(checked, Refusal):
            return checked
        decoded = checked
    data = decoded.data
    name = decoder.types.types[decoded.envelope["type"]]
    message = _message(decoder.contents[name], decoded.envelope, data, decoded.written)
    if "changes" not in data and _has_begun(message.fact.time, data, now):
        return message
    faults = faults_of_time(message.fact.time, data, now)
    return refusal_of(raw, message, faults) if faults else message


def refusal_of(raw: bytes, message: Message, faults: list[Fault]) -> Refusal:
    """Refuse a message that is right in itself."""
    fact = message.fact
    named = (fact.source, fact.event_id, message.subject, type_of(fact.name))
    return Refusal(raw, faults, *named, correlation=message.correlation)


def _message(
    content_type: type[Content], envelope: dict[str, Any], data: dict[str, Any], written: dict[str, str]
) -> Message:
    source, subject, time = envelope["source"], envelope["subject"], envelope["time"]
    if "of_source" in data and data["of_source"] is None:
        data["of_source"] = source
    fact = Event(
        content_type(**data),
        source,
        envelope["id"],
        time,
        written=written or None,
        based_on=read_document(envelope),
    )
    return Message(subject, fact, digest_of(subject, fact), _correlation(envelope))


def _correlation(envelope: dict[str, Any]) -> str | None:
    correlation: str | None = envelope.get("correlationid")
    parent = envelope.get("traceparent")
    return correlation or (trace_of(parent) if parent else None)


def _has_begun(time: str, data: Mapping[str, Any], now: Now) -> bool:
    """Whether the moment, the day and the year of a fact have come."""
    day, year = data.get("on") or "", data.get("year") or 0
    return bool(time <= now.instant_max and day <= now.today and year <= now.year)


def faults_of_time(time: str, data: Mapping[str, Any], now: Now) -> list[Fault]:
    """What cannot have happened yet."""
    faults = []
    if time > now.instant_max:
        faults.append(Fault("time.future", "time"))
    for path, values in (("data", data), ("data.changes", data.get("changes"))):
        if values is None:
            continue
        if (values.get("on") or "") > now.today:
            faults.append(Fault("date.future", f"{path}.on"))
        if (values.get("year") or 0) > now.year:
            faults.append(Fault("year.future", f"{path}.year"))
    return faults


class _Duplicate(ValueError):
    pass


class _NotFinite(ValueError):
    pass


class _TooMany(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MEMBERS_MAX:
        raise _TooMany
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _Duplicate(next(key for key in keys if keys.count(key) > 1))
    return values


def _not_finite(text: str) -> Any:
    raise _NotFinite(text)


def parse(raw: bytes) -> Any | Fault:
    """Read JSON strictly, after a byte order mark where there is one; a fault where it cannot be read."""
    if len(raw) > MESSAGE_BYTES_MAX:
        return Fault("size.message", "message", {"limit": MESSAGE_BYTES_MAX})
    try:
        text = raw.removeprefix(BOM_UTF8).decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_not_finite)
    except UnicodeDecodeError:
        return Fault("json.utf8", "message")
    except _Duplicate as error:
        return Fault("json.duplicate", str(error)[:200])
    except _TooMany:
        return Fault("json.members", "message", {"limit": MEMBERS_MAX})
    except _NotFinite:
        return Fault("json.number", "message")
    except RecursionError:
        return Fault("json.depth", "message", {"limit": DEPTH_MAX})
    except ValueError as error:
        return Fault("json.syntax", "message", {"detail": str(error)[:200]})
    if _deeper_than(value, DEPTH_MAX):
        return Fault("json.depth", "message", {"limit": DEPTH_MAX})
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(_deeper_than(child, limit - 1) for child in children)


def _by_schema(raw: bytes, now: Now, decoder: Decoder = SHIPPED_DECODER) -> bulk.Decoded | Refusal:
    """Check by the schemas, collecting every fault of envelope and data."""
    parsed = parse(raw)
    if isinstance(parsed, Fault):
        return Refusal(raw, [parsed])
    messages: dict[str, Any] = {}
    envelope: dict[str, Any] = {}
    try:
        envelope = decoder.envelope.load(parsed)
    except ValidationError as error:
        messages, envelope = _by_field(error), dict(error.valid_data or {})
    members = parsed if isinstance(parsed, dict) else {}
    name = _type_name(members.get("type"), decoder.types.types, messages) or ""
    data: dict[str, Any] = {}
    if name and members.get("data") is not None:
        try:
            data = decoder.schemas[name].load(members["data"])
        except ValidationError as error:
            messages["data"] = _by_field(error)
            data = error.valid_data if isinstance(error.valid_data, dict) else {}
    if not messages:
        written = _written(decoder.envelope, members, envelope)
        written |= _written(decoder.schemas[name], members["data"], data, "data.")
        return bulk.Decoded(envelope, data, written)
    source, event_id, subject, type_ = (_text(members.get(k)) for k in ("source", "id", "subject", "type"))
    faults = faults_from(messages) + faults_of_time(envelope.get("time", ""), data, now)
    return Refusal(raw, faults, source, event_id, subject, type_, correlation=_correlation(envelope))


def _written(
    schema: MessageSchema, members: Mapping[str, Any], values: Mapping[str, Any], path: str = ""
) -> dict[str, str]:
    """What was written of the texts that have another canonical form, by field."""
    written: dict[str, str] = {}
    for name, field in schema.fields.items():
        text = members.get(field.data_key or name)
        if isinstance(field, Changes) and isinstance(text, dict):
            keys = schema.of_keys[values["of_type"]] if isinstance(schema, Correction) else schema
            written |= _written(keys, text, values[name], f"{path}{name}.")
        elif isinstance(field, Text) and isinstance(text, str) and values.get(name) != text:
            written[path + name] = text
    return written


def _by_field(error: ValidationError) -> dict[str, Any]:
    return error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}


def _text(value: Any) -> str | None:
    """A text that a database can hold, or nothing."""
    return (
        value.encode("utf-8", "replace").decode()[:200].replace("\x00", "�")
        if isinstance(value, str)
        else None
    )


def _type_name(type_: Any, types: Mapping[str, str], messages: dict[str, Any]) -> str | None:
    """The class name of a message type; what is wrong with it goes into ``messages``."""
    if not isinstance(type_, str):
        return None
    if type_ in types:
        return types[type_]
    stem, _, version = type_.rpartition(".")
    versions = [name for name in types if name.rpartition(".")[0] == stem]
    printable = type_.encode("utf-8", "replace").decode()[:100]
    if versions and version:
        fault = ("type.version", {"type": printable, "known": versions[0].rpartition(".")[2]})
    else:
        fault = ("type.unknown", {"type": printable})
    messages["type"] = [fault]
    return None
