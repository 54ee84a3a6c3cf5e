"""Keys of machines: each belongs to one upstream, which may say only what is its own.

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

from domain.authority.publishers import Scope
from domain.events.instants import instant
from ledger.intake.messages.schemas import TYPES
from ledger.store.application import Ledger
from ledger.store.rows import Row, Rows, read_row

PREFIX = "slk"
SIGNING = "ed25519:"
"""Before the public half, in place of a secret's digest, of a key that signs messages."""
_COLUMNS = "key_id, digest, name, source, types, made_at, revoked_at"
ID_BYTES = 6
SECRET_BYTES = 32


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


def make_key(ledger: Ledger, name: str, source: str, types: list[str]) -> str:
    """Make a key; its text is shown once and kept nowhere.

    Raises:
        ValueError: for a type that no message has.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return f"{PREFIX}_{_keep_key(ledger, name, Scope(source, frozenset(types)), _digest(secret))}_{secret}"


def add_signing_key(ledger: Ledger, name: str, source: str, types: list[str], public_key: bytes) -> str:
    """Take in the public half of a publisher's own key (Ed25519); the number that its signatures name.

    Raises:
        ValueError: for a type that no message has.
    """
    digest = SIGNING + base64.b64encode(public_key).decode()
    return _keep_key(ledger, name, Scope(source, frozenset(types)), digest)


def _keep_key(ledger: Ledger, name: str, scope: Scope, digest: str) -> str:
    unknown = sorted(scope.types - set(TYPES))
    if unknown:
        raise ValueError(f"{unknown[0]}: no message has this type — see: subsidy-ledger schemas")
    key_id = secrets.token_hex(ID_BYTES)
    with ledger.store.writing() as rows:
        rows.run(
            "INSERT INTO machine_keys (key_id, digest, name, source, types, made_at) VALUES (?,?,?,?,?,?)",
            [key_id, digest, name, scope.source, " ".join(sorted(scope.types)), instant(ledger.clock())],
        )
    return key_id


def revoke_key(ledger: Ledger, key_id: str) -> bool:
    """Revoke a key; whether there was one to revoke."""
    with ledger.store.writing() as rows:
        row = read_row(rows, "SELECT revoked_at FROM machine_keys WHERE key_id=?", [key_id])
        if row is None or row[0] is not None:
            return False
        rows.run("UPDATE machine_keys SET revoked_at=? WHERE key_id=?", [instant(ledger.clock()), key_id])
        return True


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
