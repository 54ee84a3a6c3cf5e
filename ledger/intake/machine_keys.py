"""Keys of machines: each belongs to one upstream, which may say only what is its own.

A key is ``slk_<id>_<secret>``; the ledger keeps the SHA-256 of the secret, which is random and
long enough that no more is needed. A key's events must have its source and one of its types.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from domain.events.instants import instant
from ledger.intake.messages.schemas import TYPES
from ledger.store.application import Ledger
from ledger.store.rows import Rows, read_row

PREFIX = "slk"
ID_BYTES = 6
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Scope:
    """What a machine may say: events of one source, of some types (all, where none is named)."""

    source: str
    types: frozenset[str] = frozenset()

    def allows(self, source: str, type_: str) -> bool:
        """Whether an event is its own to say."""
        return source == self.source and (not self.types or type_ in self.types)


@dataclass(frozen=True, slots=True)
class MachineKey:
    """One key as the ledger keeps it."""

    key_id: str
    name: str
    scope: Scope
    made_at: str
    revoked_at: str | None


def make_key(ledger: Ledger, name: str, source: str, types: list[str]) -> str:
    """Make a key; its text is shown once and kept nowhere.

    Raises:
        ValueError: for a type that no message has.
    """
    unknown = sorted(set(types) - set(TYPES))
    if unknown:
        raise ValueError(f"{unknown[0]}: no message has this type — see: subsidy-ledger schemas")
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    with ledger.store.writing() as rows:
        rows.run(
            "INSERT INTO machine_keys (key_id, digest, name, source, types, made_at) VALUES (?,?,?,?,?,?)",
            [key_id, _digest(secret), name, source, " ".join(sorted(set(types))), instant(ledger.clock())],
        )
    return f"{PREFIX}_{key_id}_{secret}"


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
    sql = "SELECT key_id, name, source, types, made_at, revoked_at FROM machine_keys ORDER BY made_at, key_id"
    return [
        MachineKey(key_id, name, Scope(source, frozenset(types.split())), made_at, revoked_at)
        for key_id, name, source, types, made_at, revoked_at in rows.all(sql)
    ]


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
