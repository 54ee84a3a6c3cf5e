"""The name that a talent award must keep: encrypted in its event, under a key of its claim.

The event holds base64 of nonce and ciphertext (AES-256-GCM, bound to the event's source and
id). The key stands in ``person_keys`` alone: no part of the Merkle log, a bundle or an export.
Erasing it erases the name, while every event stays as it was logged.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import NamedTuple

from msgspec.structs import replace

from domain.events.claims import ClaimApproved, ClaimSubmitted
from domain.events.event import Event, digest_of_values
from ledger.store.application import Ledger
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import Stored, events_of

NamingClaim = ClaimSubmitted | ClaimApproved
"""Steps of a claim that may name a person."""
KEY_BYTES = 32
NONCE_BYTES = 12
ERASED = "已删除 · erased"
SEALED = "加密保存 · held encrypted"
"""What stands in place of a name where events are listed or published."""
WIPED = b'{"erased": true}'


class Erased(NamedTuple):
    """What an erasure found."""

    events: int
    """Events that hold the name encrypted; they stay."""
    keys: int
    refused: int
    """Refused messages whose text was overwritten."""


class UnknownPerson(Exception):
    """No event of the claim names a person."""


def _bound(fact: Event) -> bytes:
    return f"{fact.source}|{fact.event_id}".encode()


def _key(rows: Rows, code: str, claim: NamingClaim) -> bytes | None:
    sql = "SELECT key FROM person_keys WHERE policy=? AND code=? AND claim=?"
    row = read_row(rows, sql, [claim.policy, code, claim.claim])
    return bytes(row[0]) if row else None


def seal(rows: Rows, code: str, fact: Event) -> Event:
    """The fact with its name encrypted, as it is stored; makes the claim's key where there is none."""
    claim = fact.content
    if not isinstance(claim, NamingClaim) or claim.person is None:
        return fact
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only a name needs it

    key = _key(rows, code, claim)
    if key is None:
        key = AESGCM.generate_key(KEY_BYTES * 8)
        values = [claim.policy, claim.claim, code, key]
        rows.run("INSERT INTO person_keys VALUES (?,?,?,?)", values)
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, claim.person.encode(), _bound(fact))
    return replace(fact, content=replace(claim, person=base64.b64encode(sealed).decode()))


def name_of(rows: Rows, code: str, fact: Event) -> str | None:
    """The name that a stored fact holds; ``None`` where it holds none, or its key was erased."""
    claim = fact.content
    if not isinstance(claim, NamingClaim) or claim.person is None:
        return None
    key = _key(rows, code, claim)
    if key is None:
        return None
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        sealed = base64.b64decode(claim.person, validate=True)
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(fact)).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None  # a key made after an erasure opens nothing older


def erased_digest(code: str, fact: Event) -> bytes | None:
    """The digest that stands for a message once its name is erased, and says nothing of the name.

    A digest of the message itself would let names be guessed; with this one a message that is
    sent again is still known, whatever name it brings.
    """
    claim = fact.content
    if not isinstance(claim, NamingClaim) or claim.person is None:
        return None
    return digest_of_values(code, fact, {**claim.values_by_name(), "person": True})


def erase(ledger: Ledger, policy: str, claim: str, code: str) -> Erased:
    """Erase the names of a claim for good; safe to run again.

    Raises:
        UnknownPerson: where no event of the claim names anyone.
    """
    with ledger.store.erasing() as rows:
        naming_events = [event for event in events_of(rows, code) if _names(event, policy, claim)]
        if not naming_events:
            raise UnknownPerson(f"{policy} {code} {claim}")
        keys = len(rows.all(f"SELECT 1 FROM person_keys WHERE {_CLAIM}", [policy, code, claim]))
        rows.run(f"DELETE FROM person_keys WHERE {_CLAIM}", [policy, code, claim])
        refused = 0
        for event in naming_events:
            fact = event.fact
            rows.run("UPDATE event_keys SET digest=? WHERE key=?", [erased_digest(code, fact), fact.key])
            named = [fact.source, fact.event_id, WIPED]
            refused += len(rows.all(f"SELECT 1 FROM refused WHERE {_MESSAGE}", named))
            rows.run(f"UPDATE refused SET raw=? WHERE {_MESSAGE}", [WIPED, *named])
    return Erased(len(naming_events), keys, refused)


_CLAIM = "policy=? AND code=? AND claim=?"
_MESSAGE = "source=? AND event_id=? AND raw<>?"


def _names(event: Stored, policy: str, claim: str) -> bool:
    content = event.fact.content
    return (
        isinstance(content, NamingClaim)
        and (content.policy, content.claim) == (policy, claim)
        and content.person is not None
    )
