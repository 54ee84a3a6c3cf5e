"""The AsyncAPI 3.0 document: what comes and goes on Kafka, made from the schemas of the messages.

A fact may come in structured mode (the value is the whole CloudEvents message) or in binary
mode (attributes in headers ``ce_…``, the value is its data): each type has a message for both.
"""

from __future__ import annotations

from domain.money.amounts import PRINTED_PATTERN
from domain.vocabulary.kinds import kebab
from ledger.intake.messages.schemas import SHIPPED, Envelope, MessageTypes
from services.kafka.envelope import SOURCE
from services.kafka.publisher import TYPE
from services.kafka.settled import ACCOUNT, ACCOUNT_EVENTS, CLOSED
from services.runtime.kafka_settings import KafkaSettings
from services.web.json_schemas import DIALECT, Document, data_schema, event_schema, object_schema

VERSION = "1.0.0"
"""Of the contract: the first number moves when something breaks."""
BINDING = "0.5.0"
KEY = {
    "type": "string",
    "description": "统一社会信用代码，即 subject · the credit code, the message's subject",
}
SETTLEMENT_KEY = {"type": "string", "description": "settlement:<policy>:<year>"}
ORIGIN_KEY = {
    "type": "string",
    "description": "账本名称，即检查点第一行 · the log's origin, a checkpoint's first line",
}
MONEY = {"type": "string", "pattern": f"^{PRINTED_PATTERN}$"}
HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
OUTWARD = {
    TYPE: "A balance changed",
    CLOSED: "A year was closed",
    ACCOUNT: "An enterprise's account of a closed year changed",
}
"""Types of what is published, each with what it says."""


def document(types: MessageTypes = SHIPPED) -> Document:
    """The whole document; topics are the defaults of the settings."""
    topics = KafkaSettings()
    inward = {_name(type_) + mode: mode for type_ in types.types for mode in ("", ".binary")}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "补贴账本 · Subsidy ledger",
            "version": VERSION,
            "description": "事实由此进入账本，余额和账户变动、年度办结、检查点由此发布。 · Facts come in; "
            "changes of balances and accounts, closings and checkpoints go out.",
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
                "余额、账户变动和年度办结，至少一次，同一变动编号相同 · changes of balances and accounts, "
                "and closings, at least once, with stable ids",
                [_name(type_) for type_ in OUTWARD],
            ),
            "checkpoints": _channel(
                topics.checkpoints,
                "已签署的检查点，账本增长后发布，至少一次 · signed checkpoints as the log grows, "
                "at least once",
                ["checkpoint"],
            ),
        },
        "operations": {
            "receiveEvents": _operation("receive", "events", topics.group),
            "sendDeadLetters": _operation("send", "deadLetters"),
            "sendBalances": _operation("send", "balances"),
            "sendCheckpoints": _operation("send", "checkpoints"),
        },
        "components": {"schemas": _schemas(types), "messages": _messages(types)},
    }


def messages(types: MessageTypes = SHIPPED) -> dict[str, Document]:
    """The JSON Schema of every whole message, in and out, by type."""
    outward = {TYPE: balance_schema(), CLOSED: closed_schema(), ACCOUNT: account_schema()}
    return {**{type_: event_schema(type_, types) for type_ in types.types}, **outward}


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
    return _outward(TYPE, "BalanceChanged", object_schema(Envelope)["properties"]["subject"], data)


def closed_schema() -> Document:
    """A year's closing: what is final, and the checkpoint of the log just before it."""
    count = {"type": "integer", "minimum": 0}
    data = {
        "policy": {"type": "string"},
        "year": {"type": "integer"},
        "position": {"type": "integer", "minimum": 1},
        "factor": {"type": "string", "pattern": "^[0-9]+/[0-9]+$"},
        **dict.fromkeys(("budget", "sharing", "payable"), MONEY),
        **dict.fromkeys(("awards", "enterprises"), count),
        "lines_digest": HASH,
        "log_size": count,
        "log_root": HASH,
    }
    subject = {"type": "string", "pattern": "^settlement:[^:]+:[0-9]{4}$"}
    return _outward(CLOSED, "SettlementClosed", subject, data)


def account_schema() -> Document:
    """What an event moved in an account, and how the account stands after it."""
    sums = ("amount", "payable", "ordered", "paid", "outstanding", "clawed_back", "recovered")
    data = {
        "policy": {"type": "string"},
        "year": {"type": "integer"},
        "position": {"type": "integer", "minimum": 1},
        "event": {"enum": [kebab(name) for name in ACCOUNT_EVENTS]},
        "reference": {"type": ["string", "null"]},
        **dict.fromkeys(sums, MONEY),
    }
    return _outward(ACCOUNT, "AccountChanged", object_schema(Envelope)["properties"]["subject"], data)


def _outward(type_: str, title: str, subject: Document, data: Document) -> Document:
    """The schema of a published message."""
    envelope = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"const": SOURCE},
        "type": {"const": type_},
        "subject": subject,
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": _all_of(data),
    }
    return {"$schema": DIALECT, "$id": f"/v1/event-types/{type_}", "title": title, **_all_of(envelope)}


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
    operation: Document = {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}
    if group:
        group_id = {"type": "string", "const": group}
        operation["bindings"] = {"kafka": {"groupId": group_id, "bindingVersion": BINDING}}
    return operation


def _schemas(types: MessageTypes) -> Document:
    """Whole messages under their types, data under ``….data``; without what only a file of its own has."""
    schemas: Document = {}
    for type_, schema in messages(types).items():
        schemas[_name(type_)] = {key: value for key, value in schema.items() if not key.startswith("$")}
    for type_, name in types.types.items():
        schemas[f"{_name(type_)}.data"] = data_schema(name, types)
    return schemas


def _messages(types: MessageTypes) -> Document:
    described: Document = {"deadLetter": _dead_letter(), "checkpoint": _checkpoint()}
    for type_, name in types.types.items():
        summary = data_schema(name, types)["description"]
        key = _name(type_)
        described[key] = _message(type_, summary, key, "application/cloudevents+json", _structured())
        described[f"{key}.binary"] = _message(
            f"{type_}.binary", summary, f"{key}.data", "application/json", _binary(type_)
        )
    for type_, summary in OUTWARD.items():
        message = _message(type_, summary, _name(type_), "application/cloudevents+json", None)
        if type_ == CLOSED:
            message["bindings"] = _keyed(SETTLEMENT_KEY)
        described[_name(type_)] = message
    return described


def _keyed(key: Document) -> Document:
    return {"kafka": {"key": key, "bindingVersion": BINDING}}


def _checkpoint() -> Document:
    return {
        "name": "checkpoint",
        "title": "检查点 · a signed checkpoint",
        "summary": "The text that GET /v1/log/checkpoint gives: a note as in C2SP tlog-checkpoint",
        "contentType": "text/plain",
        "payload": {"type": "string"},
        "bindings": _keyed(ORIGIN_KEY),
    }


def _message(name: str, summary: str, schema: str, content: str, headers: Document | None) -> Document:
    message: Document = {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": content,
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": _keyed(KEY),
    }
    return {**message, "headers": headers} if headers else message


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
        "bindings": _keyed(KEY),
    }
