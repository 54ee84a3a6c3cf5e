"""A fast decoder, derived from the message schemas when the program starts.

It accepts only what the schemas accept, and says nothing about the rest: what it refuses goes
through the schemas, which say what is wrong. A property test holds the two to one verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any, Literal

import msgspec
from marshmallow import ValidationError
from marshmallow import fields as mm

from ledger.intake.messages.fields import MessageField, Source, Text
from ledger.intake.messages.schemas import Correction, Data, Envelope, Message, MessageTypes

UNSET = msgspec.UNSET
FITTING_MAX = 1_024
"""Of how many values that fit each other a schema remembers that they do."""
_TYPE = re.compile(rb'"type"\s*:\s*"([^"]*)"')
"""Where a message likely says its type; the decoder that is so chosen checks it."""


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A message that is right in itself, by the names of the event."""

    envelope: dict[str, Any]
    data: dict[str, Any]
    written: dict[str, str]
    """What was written, by field, where that is not the canonical form."""


class BulkRefused(Exception):
    """The fast decoder does not vouch for this message."""


class _Fields:
    """The fields of one JSON object: how they are decoded, and how their values are finished."""

    def __init__(self, schema: type[Message], name: str) -> None:
        self.columns: dict[str, tuple[Any, ...]] = {}
        """Types, with defaults where there are, by name in the event."""
        self.wires: dict[str, str] = {}
        """Names on the wire."""
        required: list[str] = []
        optional: list[str] = []
        self.settlers: list[tuple[str, Callable[[Any], Any]]] = []
        """Finishers of the fields that need one, by their names in the event."""
        self.spellers: list[tuple[str, Callable[[str], str]]] = []
        """The same of required texts, whose canonical form may differ from what was written."""
        self.optional_spellers: list[tuple[str, Callable[[str], str]]] = []
        self.texts: list[str] = []
        """Required fields that may hold a colon."""
        self.optional_texts: list[str] = []
        for key, field in schema().fields.items():
            self.wires[key] = field.data_key or key
            form = field.bulk_type if isinstance(field, MessageField) else msgspec.Raw
            self.columns[key] = (form,) if field.required else (form | None | msgspec.UnsetType, UNSET)
            if not isinstance(field, MessageField):
                if not isinstance(field, mm.Raw):
                    raise TypeError(f"{name}.{key} is not a message field")
                continue
            (required if field.required else optional).append(key)
            if isinstance(field, Text):
                settle = field.settle_again if isinstance(field, Source) else field.settle
                (self.spellers if field.required else self.optional_spellers).append((key, settle))
            elif not field.is_settled:
                self.settlers.append((key, field.settle))
            if field.may_hold_colons:
                (self.texts if field.required else self.optional_texts).append(key)
        self.required, self.optional = required, optional
        self.optional_of = _getter(optional)
        self.none_given = (UNSET,) * len(optional)
        self.nothing = dict.fromkeys(optional)
        kind = schema.kind if issubclass(schema, Data) else None
        self.across = kind.faults_across if kind is not None and kind.rules else None
        self.ruled_of = itemgetter(*kind.ruled_fields) if kind is not None and kind.rules else None
        self.fitting: set[object] = set()
        """Values of those fields that fit each other; most messages have one of a few."""

    def struct(self, name: str, **types: Any) -> type[msgspec.Struct]:
        """A class that msgspec decodes the object as; ``types`` takes the place of the fields' own."""
        columns: list[Any] = [(key, *column) for key, column in self.columns.items() if key not in types]
        columns += types.items()
        return msgspec.defstruct(name, columns, rename=self.wires, forbid_unknown_fields=True, kw_only=True)

    def values_of(self, struct: msgspec.Struct) -> tuple[dict[str, Any], int]:
        """The values of a decoded object by their names in the event, and how many optional ones it had."""
        values = msgspec.structs.asdict(struct)
        if not self.optional:
            return values, 0
        optionals = self.optional_of(struct)
        if optionals == self.none_given:
            values |= self.nothing
            return values, 0
        values |= {name: None for name in self.optional if values[name] is UNSET}
        return values, len(optionals) - optionals.count(UNSET)

    def colons_in(self, values: dict[str, Any], has_optional: bool) -> int:
        """Colons that stand in texts."""
        count = 0
        for name in self.texts:
            count += values[name].count(":")
        for name in self.optional_texts if has_optional else ():
            value = values[name]
            if value is not None:
                count += value.count(":")
        return count

    def finish(self, values: dict[str, Any], written: dict[str, str], path: str, has_optional: bool) -> None:
        """Finish the values, and note what was written of those that have another canonical form.

        Raises:
            BulkRefused: where they do not fit each other.
            ValidationError: where one is none that its field accepts.
        """
        for name, settle in self.settlers:
            value = values[name]
            if value is not None:
                values[name] = settle(value)
        for name, spell in self.spellers:
            value = values[name]
            if (canonical := spell(value)) is not value and canonical != value:
                values[name], written[path + name] = canonical, value
        for name, spell in self.optional_spellers if has_optional else ():
            value = values[name]
            if value is not None and (canonical := spell(value)) != value:
                values[name], written[path + name] = canonical, value
        if self.across is None or self.ruled_of is None or (ruled := self.ruled_of(values)) in self.fitting:
            return
        if self.across(values):
            raise BulkRefused
        if len(self.fitting) < FITTING_MAX:
            self.fitting.add(ruled)


def _getter(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    """Reads fields of a struct as a tuple, also where there is one or none."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda struct: ()
    value_of = attrgetter(*names)
    return lambda struct: (value_of(struct),)


_ENVELOPE = _Fields(Envelope, "Envelope")


class _MessageDecoder:
    """Decodes the messages of one type."""

    def __init__(self, schema: type[Data], type_: str) -> None:
        self.data = _Fields(schema, schema.__name__)
        data_struct = self.data.struct(schema.__name__)
        struct = _ENVELOPE.struct(f"{schema.__name__}Message", data=data_struct, type=Literal[type_])
        self.decoder = msgspec.json.Decoder(struct)
        self.keys = len(_ENVELOPE.required) + len(self.data.required) + len(("data",))
        """Fewest keys of a message."""

    def decode(self, raw: bytes) -> Decoded:
        """Decode and finish.

        A colon ends each key, or stands in a text; so a surplus of colons betrays a key that
        stands twice, which msgspec alone would accept.
        """
        envelope, optional = _ENVELOPE.values_of(self.decoder.decode(raw))
        data, of_data = self.data.values_of(envelope.pop("data"))
        colons = raw.count(b":") - self.keys - optional - of_data
        in_texts = _ENVELOPE.colons_in(envelope, optional > 0) + self.data.colons_in(data, of_data > 0)
        if colons != in_texts:
            raise BulkRefused
        written: dict[str, str] = {}
        _ENVELOPE.finish(envelope, written, "", optional > 0)
        self.data.finish(data, written, "data.", of_data > 0)
        return Decoded(envelope, data, written)


class BulkDecoder:
    """Decodes the messages of some types; corrections, whose fields are those of others, it leaves alone."""

    def __init__(self, types: MessageTypes) -> None:
        schemas = {type_: types.schemas[name] for type_, name in types.types.items()}
        self._decoders = {
            type_.encode(): _MessageDecoder(schema, type_)
            for type_, schema in schemas.items()
            if not issubclass(schema, Correction)
        }

    def decode(self, raw: bytes) -> Decoded:
        """Decode one message into its envelope and data, both finished.

        Raises:
            BulkRefused: for everything that the schemas must judge.
        """
        match = _TYPE.search(raw)
        decoder = self._decoders.get(match[1]) if match else None
        if decoder is None or b"\\" in raw:
            raise BulkRefused
        try:
            return decoder.decode(raw)
        except (msgspec.MsgspecError, ValidationError, UnicodeError, RecursionError) as error:
            raise BulkRefused from error
