"""The AsyncAPI 3.0 document: what comes and goes on Kafka, made from the schemas of the messages.

A fact may come in structured mode (the value is the whole CloudEvents message) or in binary
mode (attributes in headers ``ce_…``, the value is its data): each type has a message for both.
"""

from __future__ import annotations

from ledger.messages.schemas import TYPES, Envelope, kebab
from services.consumer.settings import KafkaSettings
from services.publisher.loop import SOURCE, TYPE
from services.schemas_out import DIALECT, Document, data_schema, event_schema, object_schema

VERSION = "1.0.0"
"""Of the contract: the first number moves when something breaks."""
BINDING = "0.5.0"
KEY = {
    "type": "string",
    "description": "统一社会信用代码，即 subject · the credit code, the message's subject",
}
MONEY = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"}


def document() -> Document:
    """The whole document; topics are the defaults of the settings."""
    topics = KafkaSettings()
    inward = {_name(type_) + mode: mode for type_ in TYPES for mode in ("", ".binary")}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "补贴账本 · Subsidy ledger",
            "version": VERSION,
            "description": "事实由此进入账本，余额变动由此发布。 · Facts come in, changes of balance go out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": topics.brokers, "protocol": "kafka"}},
        "channels": {
            "events": _channel(topics.topic, "事实，按企业分区 · facts, keyed by enterprise", list(inward)),
            "deadLetters": _channel(
                topics.dead_letters,
                "退回的数据，原样，原因在消息头 · what was refused, as it came, with the reasons in headers",
                ["deadLetter"],
            ),
            "balances": _channel(
                topics.published,
                "余额变动，至少一次，同一变动编号相同 · changes of balance, at least once, with stable ids",
                [_name(TYPE)],
            ),
        },
        "operations": {
            "receiveEvents": _operation("receive", "events", topics.group),
            "sendDeadLetters": _operation("send", "deadLetters"),
            "sendBalances": _operation("send", "balances"),
        },
        "components": {"schemas": _schemas(), "messages": _messages()},
    }


def messages() -> dict[str, Document]:
    """The JSON Schema of every whole message, in and out, by type."""
    return {**{type_: event_schema(type_) for type_ in TYPES}, TYPE: balance_schema()}


def balance_schema() -> Document:
    """What is published; readers must bear fields that are added later."""
    change = {"measure": {"type": "string"}}
    change |= {f"{what}_{when}": MONEY for what in ("gross", "withheld") for when in ("before", "after")}
    data = {
        "policy": {"type": "string"},
        "year": {"type": "integer"},
        "position": {"type": "integer", "minimum": 1},
        "gross": MONEY,
        "withheld": MONEY,
        "eligible": MONEY,
        "changes": {"type": "array", "minItems": 1, "items": _all_of(change)},
    }
    envelope = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"const": SOURCE},
        "type": {"const": TYPE},
        "subject": object_schema(Envelope)["properties"]["subject"],
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": _all_of(data),
    }
    return {
        "$schema": DIALECT,
        "$id": f"/v1/event-types/{TYPE}",
        "title": "BalanceChanged",
        **_all_of(envelope),
    }


def _all_of(properties: Document) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _name(type_: str) -> str:
    """``subsidy.store-registered.v1`` → ``store-registered.v1``."""
    return type_.removeprefix("subsidy.")


def _channel(topic: str, description: str, named: list[str]) -> Document:
    return {
        "address": topic,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in named},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": BINDING}},
    }


def _operation(action: str, channel: str, group: str | None = None) -> Document:
    said: Document = {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}
    if group:
        of_group = {"type": "string", "const": group}
        said["bindings"] = {"kafka": {"groupId": of_group, "bindingVersion": BINDING}}
    return said


def _schemas() -> Document:
    """Whole messages under their types, data under ``….data``; without what only a file of its own has."""
    found: Document = {}
    for type_, schema in messages().items():
        found[_name(type_)] = {key: value for key, value in schema.items() if not key.startswith("$")}
    for type_, name in TYPES.items():
        found[f"{_name(type_)}.data"] = data_schema(name)
    return found


def _messages() -> Document:
    found: Document = {"deadLetter": _dead_letter()}
    for type_, name in TYPES.items():
        summary = data_schema(name)["description"]
        key = _name(type_)
        found[key] = _message(type_, summary, key, "application/cloudevents+json", _structured())
        found[f"{key}.binary"] = _message(
            f"{type_}.binary", summary, f"{key}.data", "application/json", _binary(type_)
        )
    found[_name(TYPE)] = _message(
        TYPE, "A balance changed", _name(TYPE), "application/cloudevents+json", None
    )
    return found


def _message(name: str, summary: str, schema: str, content: str, headers: Document | None) -> Document:
    said: Document = {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": content,
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": {"kafka": {"key": KEY, "bindingVersion": BINDING}},
    }
    return {**said, "headers": headers} if headers else said


def _structured() -> Document:
    return {"type": "object", "properties": {"content-type": {"type": "string"}}}


def _binary(type_: str) -> Document:
    """Every attribute of the envelope as a header of text."""
    envelope = object_schema(Envelope)
    properties: Document = {
        f"ce_{name}": schema for name, schema in envelope["properties"].items() if name != "data"
    }
    properties["ce_type"] = {"const": type_}
    required = [f"ce_{name}" for name in envelope["required"] if name != "data"]
    return {"type": "object", "properties": properties, "required": required}


def _dead_letter() -> Document:
    headers = {
        "digest": {
            "type": "string",
            "description": "退回清单中的编号 · under which the refused list keeps it",
        },
        "origin": {"type": "string", "description": "topic/partition@offset"},
        "codes": {"type": "string", "description": "逗号分隔 · comma-separated, see docs/errors.md"},
        "reasons": {"type": "string", "description": "JSON，每项含字段、规则、改法 · field, rule, mend"},
    }
    return {
        "name": kebab("DeadLetter"),
        "title": "退回的数据 · a refused message",
        "summary": "The bytes as they came; sent at least once, told apart by the digest",
        "contentType": "application/octet-stream",
        "headers": _all_of(headers),
        "payload": {"description": "原样的字节 · the bytes as they came"},
        "bindings": {"kafka": {"key": KEY, "bindingVersion": BINDING}},
    }
