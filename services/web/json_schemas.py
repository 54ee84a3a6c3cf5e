"""JSON Schema 2020-12 of every message, made from the marshmallow schemas and from nothing else.

The API serves them, OpenAPI holds them as components, and AsyncAPI too.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from marshmallow import Schema, fields

from ledger.intake.messages.fields import MessageField
from ledger.intake.messages.schemas import SHIPPED, UNCHANGEABLE, Correction, Envelope, MessageTypes

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Document = dict[str, Any]


def event_schema(type_: str, types: MessageTypes = SHIPPED) -> Document:
    """The schema of one type's whole message: the envelope, with the data inside it.

    Raises:
        KeyError: where there is no such type.
    """
    name = types.types[type_]
    data = data_schema(name, types)
    envelope = object_schema(Envelope)
    envelope["properties"]["type"] = {"const": type_}
    envelope["properties"]["data"] = data
    return {"$schema": DIALECT, **event_heading(type_, types), **envelope}


def event_heading(type_: str, types: MessageTypes = SHIPPED) -> Document:
    """What names the schema of one type's message, without the schema.

    Raises:
        KeyError: where there is no such type.
    """
    name = types.types[type_]
    description = _first_line(types.schemas[name])
    return {"$id": f"/v1/event-types/{type_}", "title": name, "description": description}


def data_schema(name: str, types: MessageTypes = SHIPPED) -> Document:
    """The schema of the data of one event, by its class name."""
    schema = types.schemas[name]
    document = {"description": _first_line(schema), **object_schema(schema)}
    if issubclass(schema, Correction):
        document["allOf"] = [
            _changes_of(type_, types.schemas[amended]) for type_, amended in types.amendable.items()
        ]
    return document


def object_schema(schema: type[Schema], partial: bool = False) -> Document:
    """A JSON object with a schema's fields; unknown ones are refused."""
    properties: Document = {}
    required: list[str] = []
    for key, field in schema().fields.items():
        name = field.data_key or key
        properties[name] = field_schema(field)
        if field.required and not partial:
            required.append(name)
    document: Document = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**document, "required": required} if required else document


def field_schema(field: fields.Field[Any]) -> Document:
    """One field; where it may be left out, it may be null as well."""
    if not isinstance(field, MessageField):
        return {}
    schema = deepcopy(dict(field.json_schema))
    if not field.allow_none:
        return schema
    schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _changes_of(type_: str, amended: type[Schema]) -> Document:
    """The keys that a correction of one type may change."""
    changes = {**object_schema(amended, partial=True), "minProperties": 1}
    for name in UNCHANGEABLE:
        changes["properties"].pop(name, None)
    return {
        "if": {"properties": {"of_type": {"const": type_}}, "required": ["of_type"]},
        "then": {"properties": {"changes": changes}},
    }


def _first_line(schema: type[Schema]) -> str:
    return (schema.__doc__ or "").strip().split("\n")[0]
