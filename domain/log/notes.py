"""Signed notes and checkpoints: who vouches for which state of the log.

The forms are those of C2SP: signed-note (Ed25519, algorithm byte 0x01), tlog-checkpoint, and
tlog-cosignature v1 (algorithm byte 0x04), so that tools nobody here wrote can read them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from domain.log.merkle import ProofError, check_consistency

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
NOTE_BYTES_MAX = 65_536
SIGNATURES_MAX = 100
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")


class NoteError(ValueError):
    """A note, key or signature that cannot be read or does not verify."""

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(en)
        self.zh = zh or f"检查点、声明或密钥不能用：{en}"


class Signature(NamedTuple):
    """One signature line: whose, which key, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


class KeyEnd(NamedTuple):
    """Where a key that was replaced ends: the size and root of the last log that it signed for.

    ``paths`` are consistency proofs to that root, by the size that each leads from: below its end
    a key counts only for what is proven to be the beginning of that log, as it may have leaked.
    """

    size: int
    root: bytes
    paths: Mapping[int, Sequence[bytes]] = {}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as auditors exchange it: ``name+hash+base64``, and ``@size:root`` of one that ended."""

    name: str
    algorithm: int
    public: bytes
    end: KeyEnd | None = field(default=None, compare=False)

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name, newline, algorithm, key)."""
        named = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(named).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        ended = f"@{self.end.size}:{base64.b64encode(self.end.root).decode()}" if self.end else ""
        return f"{self.name}+{self.key_id.hex()}+{encoded}{ended}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a key, and where it ends.

        Raises:
            NoteError: for text that is no key, or whose hash does not fit.
        """
        name, _, hash_and_key = text.strip().partition("+")
        key_hash, _, encoded_and_end = hash_and_key.partition("+")
        encoded, ended, end = encoded_and_end.partition("@")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise NoteError(f"not a verifier key: {text[:80]!r}") from None
        if not _NAME.fullmatch(name) or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE_V1):
            raise NoteError(f"not a verifier key: {text[:80]!r}")
        key = cls(name, raw[0], raw[1:], read_key_end(end) if ended else None)
        if key.key_id.hex() != key_hash:
            raise NoteError(f"the key {name} does not fit its hash {key_hash[:16]}")
        return key

    def objection_to(self, checkpoint: Checkpoint) -> str | None:
        """Why the key's signature does not count for a checkpoint; ``None`` where it does."""
        end = self.end
        if end is None:
            return None
        ended = f"the key {self.name}+{self.key_id.hex()} was replaced at {end.size} events"
        if checkpoint.size > end.size:
            return f"{ended}, and signed for {checkpoint.size}: after its end it does not count"
        path = () if checkpoint.size in (0, end.size) else end.paths.get(checkpoint.size)
        if path is None:
            lacking = f"a proof that {checkpoint.size} events are the beginning of these"
            return f"{ended}: give {lacking} (log-keys --proving {checkpoint.size})"
        try:
            check_consistency(checkpoint.size, end.size, checkpoint.root, end.root, path)
        except ProofError:
            return f"{ended}, and signed for another log of {checkpoint.size}: that does not count"
        return None

    def verifies(self, body: str, signature: Signature) -> bool:
        """Whether a signature of a note's body is this key's."""
        if signature.name != self.name or signature.key_id != self.key_id:
            return False
        message, raw = body.encode(), signature.signature
        if self.algorithm == COSIGNATURE_V1:
            if len(raw) != 72:
                return False
            message, raw = cosigned_message(body, int.from_bytes(raw[:8], "big")), raw[8:]
        from cryptography.exceptions import InvalidSignature  # only a signature needs it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_key_end(text: str) -> KeyEnd:
    """``size:root`` as it stands behind a key that ended.

    Raises:
        NoteError: for any other text.
    """
    size, _, encoded = text.partition(":")
    try:
        root = base64.b64decode(encoded, validate=True)
    except ValueError:
        root = b""
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or len(root) != 32:
        raise NoteError(f"not the size and root at which a key ends: {text[:80]!r}")
    return KeyEnd(int(size), root)


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key with its name."""

    name: str
    seed: bytes
    algorithm: int = ED25519

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = _private_key(self.seed).public_key()
        return VerifierKey(self.name, self.algorithm, public.public_bytes_raw())

    def sign(self, body: str) -> str:
        """A signature line for a note's body."""
        raw = _private_key(self.seed).sign(body.encode())
        return signature_line(self.name, self.verifier.key_id, raw)

    def cosign(self, body: str, timestamp: int) -> str:
        """A witness's cosignature line; ``timestamp`` is in seconds since 1970, UTC."""
        message = cosigned_message(body, timestamp)
        raw = _private_key(self.seed).sign(message)
        return signature_line(self.name, self.verifier.key_id, timestamp.to_bytes(8, "big") + raw)


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def cosigned_message(body: str, timestamp: int) -> bytes:
    """What a witness signs (tlog-cosignature v1)."""
    return f"cosignature/v1\ntime {timestamp}\n{body}".encode()


def signature_line(name: str, key_id: bytes, raw: bytes) -> str:
    """One line of a note's signatures."""
    return f"— {name} {base64.b64encode(key_id + raw).decode()}\n"


def parse_note(note: str) -> tuple[str, list[Signature]]:
    """Split a note into its body (with its last newline) and its signatures.

    Raises:
        NoteError: for text that is no note.
    """
    if len(note.encode("utf-8", "replace")) > NOTE_BYTES_MAX:
        raise NoteError("the note is too long")
    body, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise NoteError("the note has no signatures after an empty line")
    signatures = []
    for line in lines[:-1].split("\n"):
        match = _SIGNATURE.fullmatch(line)
        if match is None:
            raise NoteError(f"not a signature line: {line[:80]!r}")
        try:
            raw = base64.b64decode(match[2], validate=True)
        except ValueError:
            raise NoteError(f"not a signature line: {line[:80]!r}") from None
        # two spellings of one signature would let a changed letter go unseen
        if len(raw) < 5 or base64.b64encode(raw).decode() != match[2]:
            raise NoteError(f"not a signature line: {line[:80]!r}")
        signatures.append(Signature(match[1], raw[:4], raw[4:]))
    if len(signatures) > SIGNATURES_MAX:
        raise NoteError("the note has too many signatures")
    return body + "\n", signatures


class Checkpoint(NamedTuple):
    """The state of a log: whose, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed (tlog-checkpoint)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, body: str) -> Checkpoint:
        """Read a checkpoint's text; extension lines are left unread.

        Raises:
            NoteError: for text that is no checkpoint.
        """
        lines = body.split("\n")
        if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
            raise NoteError("not a checkpoint: origin, size and root stand on its first three lines")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except ValueError:
            root = b""
        if len(root) != 32:
            raise NoteError("the checkpoint's root is not 32 bytes in base64")
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, keys: list[VerifierKey]) -> tuple[Checkpoint, list[str]]:
    """Read a checkpoint and say which of the given keys vouch for it.

    A key that was replaced vouches up to its end, and below it only for what leads to that end.

    Raises:
        NoteError: where none of them does, or one of their signatures is wrong.
    """
    body, signatures = parse_note(note)
    vouching, objections = list[str](), list[str]()
    for key in keys:
        by_key = [each for each in signatures if each.name == key.name and each.key_id == key.key_id]
        if by_key and not any(key.verifies(body, each) for each in by_key):
            raise NoteError(f"the signature of {key.name} does not verify")
        if by_key:
            objection = key.objection_to(Checkpoint.parse(body)) if key.end else None
            (objections if objection else vouching).append(objection or key.name)
    if not vouching:
        raise NoteError("; ".join(objections) or "the checkpoint is not signed by any of the given keys")
    return Checkpoint.parse(body), vouching
