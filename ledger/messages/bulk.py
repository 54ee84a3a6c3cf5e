"""A fast decoder, derived from the message schemas when the program starts.

It accepts only what the schemas accept, and says nothing about the rest: what it refuses goes
through the schemas, which say what is wrong. A property test holds the two to one verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from marshmallow import ValidationError
from marshmallow import fields as mm

from ledger.messages.fields import MessageField
from ledger.messages.schemas import DATA, TYPES, Changes, Data, Envelope, Message

UNSET = msgspec.UNSET
Settler = tuple[str, str, Callable[[Any], Any], bool]
"""(name in the message, name in the event, finisher, optional)."""


class BulkRefused(Exception):
    """The fast decoder does not vouch for this message."""


def _struct(schema: type[Message], name: str) -> tuple[type[msgspec.Struct], list[Settler]]:
    """Derive a struct and its finishers from a schema."""
    columns: list[Any] = []
    settlers: list[Settler] = []
    for key, field in schema().fields.items():
        wire = field.data_key or key
        kind = field.bulk_type if isinstance(field, MessageField) else msgspec.Raw
        if field.required:
            columns.append((wire, kind))
        else:
            columns.append((wire, kind | None | msgspec.UnsetType, UNSET))
        if isinstance(field, MessageField):
            settlers.append((wire, key, field.settle, not field.required))
        elif not isinstance(field, mm.Raw):
            raise TypeError(f"{name}.{key} is not a message field")
    struct = msgspec.defstruct(name, columns, forbid_unknown_fields=True, kw_only=True)
    return struct, settlers


class _Decoder:
    """Decodes one schema's JSON object into its finished values."""

    def __init__(self, schema: type[Message], name: str) -> None:
        struct, self.settlers = _struct(schema, name)
        self.decoder = msgspec.json.Decoder(struct)
        self.across = getattr(schema, "faults_across", None)

    def decode(self, raw: bytes | msgspec.Raw, inner: int = 0) -> dict[str, Any]:
        """Decode and finish.

        A colon ends each key, or stands in a text; so a surplus of colons betrays a key that
        stands twice, which msgspec alone would accept. ``inner`` colons are known to belong
        to a nested object.
        """
        decoded = self.decoder.decode(raw)
        colons = inner
        values: dict[str, Any] = {}
        for wire, name, settle, optional in self.settlers:
            value = getattr(decoded, wire)
            if optional and (value is UNSET or value is None):
                colons += value is None
                values[name] = None
                continue
            colons += 1
            if type(value) is str:
                colons += value.count(":")
            values[name] = settle(value)
        if bytes(raw).count(b":") != colons:
            raise BulkRefused
        if self.across is not None and self.across(values):
            raise BulkRefused
        return values


_ENVELOPE = _Decoder(Envelope, "Envelope")


class _DataOnly(msgspec.Struct):
    data: msgspec.Raw


_RAW = msgspec.json.Decoder(_DataOnly)


def _has_changes(schema: type[Data]) -> bool:
    return any(isinstance(field, Changes) for field in schema().fields.values())


_DATA = {type_: _Decoder(DATA[name], name) for type_, name in TYPES.items() if not _has_changes(DATA[name])}


def decode(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decode one message into its envelope and data, both finished.

    Raises:
        BulkRefused: for everything that the schemas must judge.
    """
    if b"\\" in raw:
        raise BulkRefused
    try:
        data = _RAW.decode(raw).data
        inner = bytes(data).count(b":") + 1
        envelope = _ENVELOPE.decode(raw, inner)
        decoder = _DATA.get(envelope["type"])
        if decoder is None:
            raise BulkRefused
        return envelope, decoder.decode(data)
    except (msgspec.MsgspecError, ValidationError, UnicodeError, RecursionError) as error:
        raise BulkRefused from error
