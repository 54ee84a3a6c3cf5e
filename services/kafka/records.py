"""From a Kafka record to the bytes of one message (CloudEvents Kafka binding 1.0.2).

In structured mode the value is the message. In binary mode the attributes stand in headers
``ce_…`` and the value is the data; the two are joined into the structured form, so that there
is one way in.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from domain.faults.fault import Fault
from ledger.intake.messages.decode import Refusal

PREFIX = "ce_"


class PolledRecord(Protocol):
    """What is used of a record as kafka-python, which has no types, gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] | None


class Record(NamedTuple):
    """A Kafka record as it is read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class _Subject(msgspec.Struct):
    subject: str | None = None


_subject = msgspec.json.Decoder(_Subject)


def message_of(record: Record) -> bytes | Refusal:
    """The message in structured form, or why there is none."""
    if record.value is None:
        return Refusal(_coordinates(record), [Fault("kafka.tombstone", "value")])
    attributes: dict[str, str] = {}
    for name, value in record.headers:
        if name.startswith(PREFIX):
            try:
                attributes[name.removeprefix(PREFIX)] = (value or b"").decode("utf-8")
            except UnicodeDecodeError:
                fault = Fault("kafka.header", name[:100], {"header": name[:100]})
                return Refusal(record.value or _coordinates(record), [fault])
    message = _structured(attributes, record.value) if "specversion" in attributes else record.value
    subject = subject_of(message)
    if record.key is not None and subject is not None and record.key != subject.encode():
        return Refusal(message, [Fault("kafka.key", "key")], subject=subject[:200])
    return message


def _structured(attributes: dict[str, str], data: bytes) -> bytes:
    named = json.dumps(attributes, ensure_ascii=False, separators=(",", ":")).encode()
    return named[:-1] + b',"data":' + (data or b"null") + b"}"


def subject_of(message: bytes) -> str | None:
    """The subject of a structured message; ``None`` where it cannot be read."""
    try:
        return _subject.decode(message.removeprefix(BOM_UTF8)).subject
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _coordinates(record: Record) -> bytes:
    """What stands for a record that has no content of its own."""
    key = None if record.key is None else record.key.decode("utf-8", "replace")
    coordinates = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "key": key}
    return json.dumps({"kafka": coordinates}, ensure_ascii=False).encode()
