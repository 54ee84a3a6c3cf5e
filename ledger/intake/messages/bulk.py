"""A fast decoder, derived from the message schemas when the program starts.

It accepts only what the schemas accept, and says nothing about the rest: what it refuses goes
through the schemas, which say what is wrong. A property test holds the two to one verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
from marshmallow import ValidationError
from marshmallow import fields as mm

from ledger.intake.messages.fields import MessageField
from ledger.intake.messages.schemas import Correction, Data, Envelope, Message, MessageTypes

UNSET = msgspec.UNSET
Settler = tuple[str, Callable[[Any], Any] | None, bool]
"""(name in the event, finisher where the value needs one, optional)."""


class BulkRefused(Exception):
    """The fast decoder does not vouch for this message."""


def _struct(schema: type[Message], name: str) -> tuple[type[msgspec.Struct], list[str], list[Settler]]:
    """Derive a struct, its fields in order and their finishers from a schema."""
    columns: list[Any] = []
    wires: list[str] = []
    settlers: list[Settler] = []
    for key, field in schema().fields.items():
        wire = field.data_key or key
        kind = field.bulk_type if isinstance(field, MessageField) else msgspec.Raw
        if field.required:
            columns.append((wire, kind))
        else:
            columns.append((wire, kind | None | msgspec.UnsetType, UNSET))
        if isinstance(field, MessageField):
            as_it_is = type(field).settle is MessageField.settle
            wires.append(wire)
            settlers.append((key, None if as_it_is else field.settle, not field.required))
        elif not isinstance(field, mm.Raw):
            raise TypeError(f"{name}.{key} is not a message field")
    struct = msgspec.defstruct(name, columns, forbid_unknown_fields=True, kw_only=True)
    return struct, wires, settlers


class _Decoder:
    """Decodes one schema's JSON object into its finished values."""

    def __init__(self, schema: type[Message], name: str) -> None:
        struct, wires, self.settlers = _struct(schema, name)
        self.decoder = msgspec.json.Decoder(struct)
        self.values_of = attrgetter(*wires)
        kind = schema.kind if issubclass(schema, Data) else None
        self.across = kind.faults_across if kind is not None and kind.rules else None

    def decode(self, raw: bytes | msgspec.Raw, colons: int, inner: int = 0) -> dict[str, Any]:
        """Decode and finish.

        A colon ends each key, or stands in a text; so a surplus of colons betrays a key that
        stands twice, which msgspec alone would accept.

        Args:
            raw: the JSON object.
            colons: how many colons it holds, of which ``inner`` are known to belong to a
                nested object.
        """
        decoded = self.values_of(self.decoder.decode(raw))
        keys = inner
        values: dict[str, Any] = {}
        for (name, settle, optional), value in zip(self.settlers, decoded, strict=True):
            if optional and (value is UNSET or value is None):
                keys += value is None
                values[name] = None
                continue
            keys += 1
            values[name] = value if settle is None else settle(value)
        if keys != colons and keys + _in_texts(decoded) != colons:
            raise BulkRefused
        if self.across is not None and self.across(values):
            raise BulkRefused
        return values


def _in_texts(values: tuple[Any, ...]) -> int:
    """Colons that stand in texts."""
    return sum(value.count(":") for value in values if type(value) is str)


_ENVELOPE = _Decoder(Envelope, "Envelope")


class _DataOnly(msgspec.Struct):
    data: msgspec.Raw


_RAW = msgspec.json.Decoder(_DataOnly)


class BulkDecoder:
    """Decodes the messages of some types; corrections, whose fields are those of others, it leaves alone."""

    def __init__(self, types: MessageTypes) -> None:
        schemas = {type_: types.schemas[name] for type_, name in types.types.items()}
        self._decoders = {
            type_: _Decoder(schema, schema.__name__)
            for type_, schema in schemas.items()
            if not issubclass(schema, Correction)
        }

    def decode(self, raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """Decode one message into its envelope and data, both finished.

        Raises:
            BulkRefused: for everything that the schemas must judge.
        """
        if b"\\" in raw:
            raise BulkRefused
        try:
            data = bytes(_RAW.decode(raw).data)
            inner = data.count(b":")
            envelope = _ENVELOPE.decode(raw, raw.count(b":"), inner + 1)
            decoder = self._decoders.get(envelope["type"])
            if decoder is None:
                raise BulkRefused
            return envelope, decoder.decode(data, inner)
        except (msgspec.MsgspecError, ValidationError, UnicodeError, RecursionError) as error:
            raise BulkRefused from error
