"""Keys of machines: each belongs to one upstream, which may say only what is its own.

That a key was made, and ended, is an event; the table follows from those events and is written with them.

A key is ``slk_<id>_<secret>``; the ledger keeps the SHA-256 of the secret, which is random and
long enough that no more is needed. A key's events must have its source and one of its types.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from domain.authority.publishers import Scope
from domain.authority.roles import Actor
from domain.events import EarlierKeysFound, PublisherKeyEnded, PublisherKeyMade, publisher_key_id
from domain.events.event import NOBODY, Attribution, Event
from domain.events.instants import instant
from domain.intake.publisher_keys import PublisherKey
from ledger.intake.messages.schemas import TYPES
from ledger.log.digests import digest_of_rows
from ledger.store.append import append_ours
from ledger.store.application import Ledger
from ledger.store.rows import Row, Rows, read_row
from ledger.store.stored_events import Stored, events_of
from ledger.store.streams import load_stream, save_streams

PREFIX = "slk"
SIGNING = "ed25519:"
"""Before the public half, in place of a secret's digest, of a key that signs messages."""
ID_BYTES = 6
SECRET_BYTES = 32


class KeyRow(NamedTuple):
    """A row of the table of keys."""

    key_id: str
    digest: str
    name: str
    source: str
    types: str
    made_at: str
    revoked_at: str | None


_COLUMNS = ", ".join(KeyRow._fields)
SELECT_KEYS = f"SELECT {_COLUMNS} FROM machine_keys ORDER BY key_id"
"""What ``KeyRow`` reads, in order of number."""


@dataclass(frozen=True, slots=True)
class MachineKey:
    """One key as the ledger keeps it."""

    key_id: str
    name: str
    scope: Scope
    made_at: str
    revoked_at: str | None
    public_key: bytes = b""
    """Of a key that signs messages: its public half, 32 bytes (Ed25519); the ledger holds no secret of it."""


def make_key(ledger: Ledger, actor: Actor, name: str, source: str, types: list[str]) -> str:
    """Make a key; its text is shown once and kept nowhere.

    Raises:
        ValueError: for a type that no message has.
        NotAllowed: where the actor may not.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    scope = Scope(source, frozenset(types))
    return f"{PREFIX}_{_record_key(ledger, actor, name, scope, _digest(secret))}_{secret}"


def add_signing_key(
    ledger: Ledger, actor: Actor, name: str, source: str, types: list[str], public_key: bytes
) -> str:
    """Take in the public half of a publisher's own key (Ed25519); the number that its signatures name.

    Raises:
        ValueError: for a type that no message has.
        NotAllowed: where the actor may not.
    """
    digest = SIGNING + base64.b64encode(public_key).decode()
    return _record_key(ledger, actor, name, Scope(source, frozenset(types)), digest)


def _record_key(ledger: Ledger, actor: Actor, name: str, scope: Scope, digest: str) -> str:
    unknown = sorted(scope.types - set(TYPES))
    if unknown:
        raise ValueError(f"{unknown[0]}: no message has this type — see: subsidy-ledger schemas")
    key_id, now = secrets.token_hex(ID_BYTES), ledger.clock()
    with ledger.store.writing() as rows:
        stream = _open_key(rows, key_id, now)
        stream.make(actor, name, scope, digest, now)
        put_key_events(rows, save_streams(rows, [stream], now))
    return key_id


def revoke_key(ledger: Ledger, actor: Actor, key_id: str) -> bool:
    """Revoke a key; whether there was one to revoke.

    Raises:
        NotAllowed: where the actor may not.
    """
    now = ledger.clock()
    with ledger.store.writing() as rows:
        row = read_row(rows, "SELECT revoked_at FROM machine_keys WHERE key_id=?", [key_id])
        if row is None or row[0] is not None:
            return False
        stream = _open_key(rows, key_id, now)
        stream.end(actor, now)
        put_key_events(rows, save_streams(rows, [stream], now))
    return True


def _open_key(rows: Rows, key_id: str, now: datetime) -> PublisherKey:
    """A key's stream; before the first event about any key, those that are older are stated."""
    state_earlier_keys(rows, now)
    return load_stream(rows, PublisherKey, publisher_key_id(key_id), now)


def state_earlier_keys(rows: Rows, now: datetime, attribution: Attribution = NOBODY) -> bool:
    """State in the log, once, which keys were made before keys were recorded; whether it was done now."""
    if read_earlier_keys(rows) is not None:
        return False
    earlier = [KeyRow(*row) for row in rows.stream(SELECT_KEYS)]
    statement = EarlierKeysFound(keys=len(earlier), digest=digest_of_rows(earlier))
    append_ours(rows, now, [(EarlierKeysFound.ORIGINATOR, 1, statement)], attribution)
    return True


def read_earlier_keys(rows: Rows) -> Stored | None:
    """The event that states which keys were made before keys were recorded; none before the first step."""
    return next(iter(events_of(rows, EarlierKeysFound.ORIGINATOR)), None)


def row_of_key(made: Event) -> KeyRow:
    """The row of a key that an event makes.

    Raises:
        TypeError: for another event.
    """
    content = made.content
    if not isinstance(content, PublisherKeyMade):
        raise TypeError(made.name)
    types = " ".join(content.types)
    return KeyRow(content.key, content.digest, content.system, content.of_source, types, made.time, None)


def put_key_events(rows: Rows, events: Iterable[Stored]) -> None:
    """Write what events of keys say into the table of keys."""
    for event in events:
        if isinstance(event.fact.content, PublisherKeyEnded):
            ended = [event.fact.time, event.fact.content.key]
            rows.run("UPDATE machine_keys SET revoked_at=? WHERE key_id=?", ended)
        else:
            rows.run(
                f"INSERT INTO machine_keys ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)",
                row_of_key(event.fact),
            )


def key_of(rows: Rows, text: str) -> MachineKey | None:
    """The key that a text is, where it is one that holds."""
    prefix, _, suffix = text.partition("_")
    key_id, _, secret = suffix.partition("_")
    if prefix != PREFIX or len(key_id) != 2 * ID_BYTES:
        return None
    sql = "SELECT digest, name, source, types, made_at, revoked_at FROM machine_keys WHERE key_id=?"
    row = read_row(rows, sql, [key_id])
    digest, name, source, types, made_at, revoked_at = row or ("0" * 64, "", "", "", "", None)
    if not hmac.compare_digest(digest, _digest(secret)) or row is None or revoked_at is not None:
        return None
    return MachineKey(key_id, name, Scope(source, frozenset(types.split())), made_at, revoked_at)


def read_keys(rows: Rows) -> list[MachineKey]:
    """Every key, without its secret."""
    sql = f"SELECT {_COLUMNS} FROM machine_keys ORDER BY made_at, key_id"
    return [_machine_key(row) for row in rows.all(sql)]


def read_signing_keys(rows: Rows, key_ids: Iterable[str]) -> dict[str, MachineKey]:
    """The keys that hold and sign messages, of these numbers."""
    sql = f"SELECT {_COLUMNS} FROM machine_keys WHERE key_id IN ({{}})"
    keys = [_machine_key(row) for row in rows.all_in(sql, key_ids)]
    return {key.key_id: key for key in keys if key.public_key and key.revoked_at is None}


def _machine_key(row: Row) -> MachineKey:
    key_id, digest, name, source, types, made_at, revoked_at = row
    scope = Scope(source, frozenset(types.split()))
    public_key = base64.b64decode(digest.removeprefix(SIGNING)) if digest.startswith(SIGNING) else b""
    return MachineKey(key_id, name, scope, made_at, revoked_at, public_key)


def use_once(ledger: Ledger, token_id: str, until: str) -> bool:
    """Note that a token was used for a write; whether it was its first. Expired ones are forgotten."""
    now = instant(ledger.clock())
    with ledger.store.writing() as rows:
        rows.run("DELETE FROM used_tokens WHERE until<?", [now])
        if read_row(rows, "SELECT 1 FROM used_tokens WHERE token_id=?", [token_id]):
            return False
        rows.run("INSERT INTO used_tokens (token_id, until) VALUES (?,?)", [token_id, until])
        return True


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
