"""Who sent a record: by a topic of the publisher's own, or by a signature in a header.

A consumer cannot see who produced. A topic that only one publisher may write to is held by the
broker's ACL; on a topic that several share, the publisher signs (docs/decisions/0020-who-may-say-what.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.authority.publishers import Scope
from domain.authority.roles import Actor
from domain.authority.signatures import HEADER, MessageSignature
from domain.authority.writes import Writer
from domain.events.speaking import attribute_message
from domain.faults.fault import Fault
from domain.intake.authorising import Sender
from ledger.intake.machine_keys import MachineKey, read_signing_keys
from ledger.intake.messages.decode import Refusal
from ledger.store.application import Ledger
from services.kafka.records import Record, message_of
from services.runtime.kafka_settings import KafkaSettings

UPSTREAM = frozenset({"upstream"})


class Senders:
    """Finds out who sent the records of a batch."""

    def __init__(self, ledger: Ledger, settings: KafkaSettings, mode: str) -> None:
        self.ledger, self.mode = ledger, mode
        self.by_topic = {
            each.topic: self._bound(f"kafka:{each.topic}", each.topic, Scope(each.source, each.types))
            for each in settings.topics
        }
        self.unbound = Sender(Writer(Actor("", UPSTREAM), mode))

    def read_records(self, records: Sequence[Record]) -> list[tuple[bytes | Refusal, Sender]]:
        """Each record's message and who sent it; one with a wrong signature is refused."""
        keys = self._keys_of(records)
        return [self._read(record, keys) for record in records]

    def _read(self, record: Record, keys: Mapping[str, MachineKey]) -> tuple[bytes | Refusal, Sender]:
        message = message_of(record)
        signed = _signature_of(record)
        if record.topic in self.by_topic or signed is None or isinstance(message, Refusal):
            return message, self.by_topic.get(record.topic, self.unbound)
        signature = MessageSignature.parse(signed)
        key = keys.get(signature.key_id) if signature else None
        if signature is None or key is None or not signature.is_of(key.public_key, record.value or b""):
            return Refusal(message, [Fault("kafka.signature", HEADER)]), self.unbound
        if message != record.value:
            # The attributes of binary mode stand in headers, which no signature covers.
            return Refusal(message, [Fault("kafka.signed-form", HEADER)]), self.unbound
        return message, self._bound(key.key_id, key.name, key.scope)

    def _keys_of(self, records: Sequence[Record]) -> dict[str, MachineKey]:
        signatures = [MessageSignature.parse(text) for each in records if (text := _signature_of(each))]
        key_ids = {each.key_id for each in signatures if each is not None}
        if not key_ids:
            return {}
        with self.ledger.store.reading() as rows:
            return read_signing_keys(rows, key_ids)

    def _bound(self, publisher: str, name: str, scope: Scope) -> Sender:
        actor = Actor(name, UPSTREAM, publisher=publisher)
        return Sender(Writer(actor, self.mode, scope), attribute_message(actor, scope.source))


def _signature_of(record: Record) -> bytes | None:
    return next((value or b"" for name, value in record.headers if name == HEADER), None)
