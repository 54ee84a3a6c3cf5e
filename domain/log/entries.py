"""What a leaf of the log holds: one stored event, byte by byte, behind a salt.

    salt (16 bytes) || position (8) || version (8)
    || length of originator (4) || originator || length of topic (4) || topic || state

Integers are big-endian, text is UTF-8. The salt keeps the hash of one enterprise's event from
being guessed by another that holds a neighbouring proof; it is HMAC-SHA-256 of the position
under the log's secret, so it need not be stored.
"""

from __future__ import annotations

import hashlib
import hmac

from domain.log.merkle import leaf_hash

SALT_BYTES = 16


def salt_of(secret: bytes, position: int) -> bytes:
    """The salt of the event at a position."""
    return hmac.digest(secret, position.to_bytes(8, "big"), hashlib.sha256)[:SALT_BYTES]


def entry_of(salt: bytes, position: int, originator: str, version: int, topic: str, state: bytes) -> bytes:
    """The leaf's bytes."""
    owner, kind = originator.encode(), topic.encode()
    head = salt + position.to_bytes(8, "big") + version.to_bytes(8, "big")
    return b"".join((head, len(owner).to_bytes(4, "big"), owner, len(kind).to_bytes(4, "big"), kind, state))


def leaf_of(salt: bytes, position: int, originator: str, version: int, topic: str, state: bytes) -> bytes:
    """The leaf's hash."""
    return leaf_hash(entry_of(salt, position, originator, version, topic, state))
