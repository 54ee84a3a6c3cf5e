"""The keys of publishers: made and ended; the originator is ``"key:" + number``."""

from __future__ import annotations

from typing import ClassVar

from domain.events.content import Content

KEYS = "key"
"""Before the number of a key, in the id of its stream."""


class PublisherKeyEvent(Content, frozen=True, kw_only=True):
    """About one key, by its number; who made or ended it stands in the event's envelope."""

    aggregate_topic: ClassVar[str] = "domain.intake.publisher_keys:PublisherKey"
    key: str


class PublisherKeyMade(PublisherKeyEvent, frozen=True, kw_only=True):
    """A key was made for a system: it may say facts of one source, of some types (all, where none is named).

    ``digest`` is the SHA-256 (hex) of its secret, which is random and kept nowhere; of a key that signs
    messages, ``ed25519:`` and its public half in base64.
    """

    system: str
    of_source: str
    types: tuple[str, ...]
    digest: str


class PublisherKeyEnded(PublisherKeyEvent, frozen=True, kw_only=True):
    """A key was ended: nothing that comes under it is taken any more."""


class EarlierKeysFound(Content, frozen=True, kw_only=True):
    """How many keys stood in the ledger that were made before keys were recorded, and the digest of them.

    It comes before the first event about a key, so that no key can be put among them later.
    """

    ORIGINATOR: ClassVar[str] = "digest:machine_keys"
    aggregate_topic: ClassVar[str] = "domain.events.aggregate:Stream"
    keys: int
    digest: str


def publisher_key_id(key: str) -> str:
    """The originator of a key's events."""
    return f"{KEYS}:{key}"
