"""Sending messages to the topic of facts, keyed by their subject."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import KafkaProducer

from services.kafka.records import subject_of
from services.runtime.kafka_settings import KafkaSettings

FLUSH_SECONDS = 30


def send_again(settings: KafkaSettings, messages: Iterable[bytes]) -> tuple[int, int]:
    """Send messages; how many were sent, and how many of these had no subject to key them by."""
    producer = KafkaProducer(**settings.producer())
    sent, unkeyed = [], 0
    try:
        for message in messages:
            subject = subject_of(message)
            unkeyed += subject is None
            key = subject.encode() if subject else None
            sent.append(producer.send(settings.topic, key=key, value=message))
        producer.flush(timeout=FLUSH_SECONDS)
        for future in sent:
            future.get(timeout=FLUSH_SECONDS)
    finally:
        producer.close(timeout=FLUSH_SECONDS)
    return len(sent), unkeyed
