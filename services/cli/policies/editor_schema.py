"""The form of a policy file as JSON Schema, for editors that complete and check YAML.

Made from the very schemas that read the file (``domain.policy.form``), so the two cannot
drift; what only a look at the whole can say (``domain.policy.check``) stays with ``policy check``.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from domain.money.amounts import AMOUNT_PATTERN
from domain.policy.form.file import PolicySchema
from domain.policy.form.measures import KINDS, AnyMeasure
from domain.policy.form.values import Day, Money, MonthDay, Percent, WholeNumber, choices_of

Document = dict[str, Any]
ID = "/docs/schemas/policy.schema.json"


def editor_schema() -> Document:
    """The document (JSON Schema 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "政策文件 · a policy file",
        **_object(PolicySchema()),
    }


def _object(schema: Schema) -> Document:
    """A group of fields."""
    properties, required = {}, []
    for name, field in schema.fields.items():
        wire = field.data_key or name
        properties[wire] = _readable(field)
        if field.required:
            required.append(wire)
    return {
        "type": "object",
        "description": (schema.__doc__ or "").strip().split("\n")[0],
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def _readable(field: fields.Field[Any]) -> Document:
    """A field, or the name of a reading in its place."""
    schema = _field(field)
    if field.allow_none:
        schema = {"anyOf": [schema, {"type": "null"}]}
    plain = "properties" not in schema and schema.get("type") not in ("array", "object")
    reading = {"type": "string", "pattern": "^@[a-z0-9.-]+$", "description": "the value of a reading"}
    return {"anyOf": [schema, reading]} if plain else schema


def _field(field: fields.Field[Any]) -> Document:
    if isinstance(field, AnyMeasure):
        return _measures()
    if isinstance(field, fields.Nested):
        return _object(field.schema)
    if isinstance(field, fields.List):
        return {"type": "array", "items": _readable(field.inner)}
    if isinstance(field, fields.Dict):
        values = field.value_field
        return {"type": "object", "additionalProperties": _readable(values) if values else True}
    if isinstance(field, Money):
        return _text(f"^{AMOUNT_PATTERN}$".replace("?:", ""), "元，带引号 · quoted yuan")
    if isinstance(field, Percent):
        return _text(r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?$", "百分比 · per cent")
    if isinstance(field, WholeNumber):
        # What stands unquoted in YAML is a number to an editor, and text to the ledger.
        return {
            "anyOf": [{"type": "integer", "minimum": field.low, "maximum": field.high}, _text(r"^[0-9]+$")]
        }
    if isinstance(field, Day):
        return _text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2024-01-01")
    if isinstance(field, MonthDay):
        return _text(r"^[0-9]{2}-[0-9]{2}$", "03-31")
    return _string(field)


def _string(field: fields.Field[Any]) -> Document:
    """A text, with the choices or the pattern that its checks name."""
    schema: Document = {"type": "string"}
    for check in field.validators:
        if isinstance(check, validate.Length):
            schema |= {
                name: bound for name, bound in (("minLength", check.min), ("maxLength", check.max)) if bound
            }
        elif isinstance(check, validate.Regexp):
            schema["pattern"] = "^" + str(check.regex.pattern).replace("\\Z", "$")
        elif choices := choices_of(check):
            schema["enum"] = list(choices)
    return schema


def _text(pattern: str, example: str = "") -> Document:
    return {"type": "string", "pattern": pattern, **({"description": example} if example else {})}


def _measures() -> Document:
    """A measure, by its kind."""
    kinds = {name: _object(schema()) for name, schema in KINDS.items()}
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(kinds)}},
        "allOf": [
            {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": found}
            for kind, found in kinds.items()
        ],
    }
