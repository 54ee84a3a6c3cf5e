"""Sessions of people who signed in to the console: a cookie names one, a row of the ledger says whose it is.

The issuer is asked again every ``recheck`` seconds (a refresh token, RFC 6749, 6); a person who may no
longer sign in, or has lost a role there, has lost it here from then on. Whoever gave no refresh token
signs in again then, which needs no password while the issuer itself still knows the browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.authority.roles import ROLES, Actor
from domain.events.instants import instant
from ledger.intake.machine_keys import use_once
from ledger.intake.sessions import (
    SignedIn,
    begin_session,
    confirm_session,
    end_sessions,
    list_sessions,
    read_session,
)
from ledger.store.application import Ledger
from services.web.identity.tokens import Refused

if TYPE_CHECKING:  # only a client of an identity provider needs it
    from cryptography.fernet import Fernet

IDLE_SECONDS = 30 * 60
"""After how long without a request a session ends."""
SESSION_SECONDS = 8 * 3600
"""After how long it ends in any case."""
AHEAD_SECONDS = 60
"""How far clocks of several machines may differ; what lies further ahead, a wrong clock said."""
RENEW_SECONDS = 60
"""How old the note of the last request may become before the cookie is written anew."""
ASKING_SECONDS = 30
"""How long the others of a person's requests go on while one asks the issuer again."""

KEPT_TOKENS = ("refresh_token", "id_token")

Refresh = Callable[[str], tuple[Actor, dict[str, Any]]]
"""Asks the issuer by a refresh token: who it is now, and the tokens that it gives.

Raises:
    Refused.
"""


class Session(NamedTuple):
    """Somebody who is signed in; times are seconds since 1970."""

    actor: Actor
    id: str
    since: int
    last_seen: int


class Sessions:
    """The sessions of one ledger's console."""

    def __init__(self, ledger: Ledger, box: Fernet, recheck: int, refresh: Refresh) -> None:
        self.ledger, self.box, self.recheck, self.refresh = ledger, box, recheck, refresh

    def now(self) -> int:
        """The present, in seconds since 1970."""
        return int(self.ledger.clock().timestamp())

    def begin(self, actor: Actor, session: str, tokens: dict[str, Any]) -> Session:
        """Somebody has signed in; ``tokens`` are what the issuer gave."""
        now = self.now()
        begin_session(self.ledger, self._row(actor, session, now, tokens), now - SESSION_SECONDS)
        return Session(actor, session, now, now)

    def _row(self, actor: Actor, session: str, since: int, tokens: dict[str, Any]) -> SignedIn:
        kept: dict[str, Any] = {name: tokens[name] for name in KEPT_TOKENS if name in tokens}
        who = (actor.issuer, actor.subject, actor.name, " ".join(sorted(actor.roles)), actor.enterprise or "")
        return SignedIn(session, *who, since, self.now(), self.seal({**kept, "row": [session, *who, since]}))

    def cookie_of(self, session: Session) -> str:
        """The cookie that stands for a session."""
        return self.seal({"session": session.id, "seen": session.last_seen})

    def session_of(self, cookie: str | None) -> Session | None:
        """The session that a cookie stands for; ``None`` where it has ended or must be begun again."""
        content = self.open(cookie) if cookie else None
        if content is None or "session" not in content:
            return None
        with self.ledger.store.reading() as rows:
            row = read_session(rows, content["session"])
        now = self.now()
        if row is None or row.since + SESSION_SECONDS <= now or content["seen"] + IDLE_SECONDS <= now:
            return None
        if max(row.since, row.checked, content["seen"]) > now + AHEAD_SECONDS:
            return None  # begun, or seen, while the clock stood ahead: it would last until then
        if (self.open(row.tokens) or {}).get("row") != list(row[:7]):  # somebody wrote into the table
            return None
        if now - row.checked >= self.recheck:
            row = self._asked_again(row)
        return Session(_actor_of(row), row.session, row.since, content["seen"]) if row else None

    def _asked_again(self, row: SignedIn) -> SignedIn | None:
        """The session as the issuer confirms it now; ``None`` where it does not."""
        now, tokens = self.now(), self.open(row.tokens) or {}
        if "refresh_token" not in tokens:
            return None
        until = instant(datetime.fromtimestamp(now + SESSION_SECONDS, UTC))
        if not use_once(self.ledger, f"recheck {row.session} {row.checked}", until):
            return row if now - row.checked < self.recheck + ASKING_SECONDS else None
        try:
            actor, given = self.refresh(tokens["refresh_token"])
        except Refused as error:
            if error.reason != "sign-in.provider":
                self.end(row.session)
            return None
        if (actor.issuer, actor.subject) != (row.issuer, row.subject):
            self.end(row.session)
            return None
        confirmed = self._row(actor, row.session, row.since, {**tokens, **given})
        confirm_session(self.ledger, confirmed)
        return confirmed

    def renewed(self, session: Session) -> Session | None:
        """The session as seen now, where its cookie is old enough to be written anew."""
        now = self.now()
        return session._replace(last_seen=now) if now - session.last_seen >= RENEW_SECONDS else None

    def end(self, *sessions: str) -> None:
        """End sessions: no copy of their cookies is good for anything from now on."""
        end_sessions(self.ledger, sessions, instant(self.ledger.clock()))

    def of_person(self, actor: Actor) -> list[SignedIn]:
        """The sessions of one person that hold."""
        with self.ledger.store.reading() as rows:
            found = list_sessions(rows, self.now() - SESSION_SECONDS)
        return [each for each in found if (each.issuer, each.subject) == (actor.issuer, actor.subject)]

    def id_token(self, session: Session) -> str:
        """The ID token that the session began with or was confirmed by; empty where it has ended."""
        with self.ledger.store.reading() as rows:
            row = read_session(rows, session.id)
        return str((self.open(row.tokens) or {}).get("id_token", "")) if row else ""

    def seal(self, content: dict[str, Any]) -> str:
        """A content as nobody but this service reads it."""
        return self.box.encrypt(json.dumps(content).encode()).decode()

    def open(self, text: str) -> dict[str, Any] | None:
        """What was sealed; ``None`` for anything else."""
        from cryptography.fernet import InvalidToken

        try:
            content: dict[str, Any] = json.loads(self.box.decrypt(text.encode()))
        except (InvalidToken, ValueError):
            return None
        return content


def _actor_of(row: SignedIn) -> Actor:
    roles = frozenset(row.roles.split()) & set(ROLES)
    return Actor(row.name, roles, row.enterprise or None, row.issuer, row.subject)
