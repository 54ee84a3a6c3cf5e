"""Signatures of publishers on messages that come by a way which several may write to (a shared topic).

What is signed (Ed25519, RFC 8032) is ``SIGNED_AS`` and after it the bytes of the message as it was sent,
so that a signature made for anything else is none here.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

HEADER = "subsidy-signature"
"""The header of a record: the number of the publisher's key, a blank, and the signature in base64."""
SIGNED_AS = b"subsidy-ledger/message/1\n"
"""What every signed text begins with."""
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64


class MessageSignature(NamedTuple):
    """A signature as a header holds it, with the number of the key that made it."""

    key_id: str
    signature: bytes

    @classmethod
    def parse(cls, text: bytes) -> MessageSignature | None:
        """The signature that a header's value is; nothing where it is none."""
        key_id, _, encoded = text.decode("ascii", "replace").partition(" ")
        try:
            signature = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(key_id, signature) if len(signature) == SIGNATURE_BYTES else None

    def is_of(self, public: bytes, message: bytes) -> bool:
        """Whether the public key's owner signed these bytes of a message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, SIGNED_AS + message)
        except InvalidSignature:
            return False
        return True


def read_public_key(pem: bytes) -> bytes:
    """The 32 bytes of a public key in PEM (RFC 8410).

    Raises:
        ValueError: where the text is no public key of Ed25519.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no key of Ed25519")
    return key.public_bytes_raw()
