"""Who is signed in to the console: one row a session, so that every worker knows when one has ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.store.application import Ledger
from ledger.store.rows import Row, Rows, read_row

_COLUMNS = "session, issuer, subject, name, roles, enterprise, since, checked, tokens, ended"


class SignedIn(NamedTuple):
    """A session; times are seconds since 1970, ``ended`` is empty while it holds."""

    session: str
    issuer: str
    subject: str
    name: str
    roles: str
    """Separated by blanks; as the issuer said them at ``checked``."""
    enterprise: str
    since: int
    checked: int
    tokens: str
    """What asks the issuer again, encrypted."""
    ended: str = ""


def begin_session(ledger: Ledger, session: SignedIn, oldest: int) -> None:
    """Note a session; those that began before ``oldest`` are forgotten."""
    with ledger.store.writing() as rows:
        rows.run("DELETE FROM sessions WHERE since<?", [oldest])
        rows.run(f"INSERT INTO sessions ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", list(session))


def read_session(rows: Rows, session: str) -> SignedIn | None:
    """A session that holds; none where it has ended or never was."""
    row = read_row(rows, f"SELECT {_COLUMNS} FROM sessions WHERE session=? AND ended=''", [session])
    return _signed_in(row) if row else None


def list_sessions(rows: Rows, since: int) -> list[SignedIn]:
    """The sessions that hold and began at ``since`` or later, in the order in which they began."""
    sql = f"SELECT {_COLUMNS} FROM sessions WHERE ended='' AND since>=? ORDER BY since, session"
    return [_signed_in(row) for row in rows.all(sql, [since])]


def confirm_session(ledger: Ledger, session: SignedIn) -> None:
    """Keep what the issuer says of a person now."""
    sql = "UPDATE sessions SET name=?, roles=?, enterprise=?, checked=?, tokens=? WHERE session=?"
    values = [session.name, session.roles, session.enterprise, session.checked, session.tokens]
    with ledger.store.writing() as rows:
        rows.run(sql, [*values, session.session])


def end_sessions(ledger: Ledger, sessions: Iterable[str], at: str) -> None:
    """End sessions at an instant: no copy of their cookies is good for anything from then on."""
    with ledger.store.writing() as rows:
        rows.run_many(
            "UPDATE sessions SET ended=?, tokens='' WHERE session=? AND ended=''",
            [(at, session) for session in sessions],
        )


def _signed_in(row: Row) -> SignedIn:
    return SignedIn(*row)
