"""Settling what was refused: dismissed, or sent again corrected; each an event that names who."""

from __future__ import annotations

from domain.authority.roles import Actor
from domain.authority.writes import require
from domain.events.refusals import refusal_id
from domain.events.second_person import DismissRefusal
from domain.intake.authorising import Sender
from domain.intake.refusals import RefusedMessage
from ledger.intake.batch import Result
from ledger.intake.inbox import ingest
from ledger.intake.refusals import DISMISSED, RESUBMITTED, Refused, find, resolve
from ledger.store.application import Ledger
from ledger.store.streams import load_stream, save_streams
from ledger.waiting.second_person import require_second_person, writing_step


class UnknownRefusal(LookupError):
    """No message of that digest was refused."""


class SettledRefusal(Exception):
    """The message was sent again, and recorded, already."""


def dismiss_refusal(ledger: Ledger, digest: str, actor: Actor, reason: str = "") -> Refused:
    """Settle a refused message without sending it again; once more changes nothing.

    A message that names an enterprise might have counted for it: that takes two persons.

    Raises:
        UnknownRefusal, SettledRefusal; NotAllowed: where the actor may not.
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, "refusal.dismiss")
    with writing_step(ledger) as rows:
        message = find(rows, digest)
        if message is None:
            raise UnknownRefusal(digest)
        if message.resolved == RESUBMITTED:
            raise SettledRefusal(digest)
        if message.resolved == DISMISSED:
            return message
        if message.subject:
            actor = require_second_person(ledger, rows, actor, DismissRefusal(message=digest, reason=reason))
        now = ledger.clock()
        stream = load_stream(rows, RefusedMessage, refusal_id(digest), now)
        stream.dismiss(actor, reason, now)
        save_streams(rows, [stream], now)
        resolve(rows, digest, DISMISSED)
        return find(rows, digest) or message


def resubmit_refusal(
    ledger: Ledger, digest: str, raw: bytes, channel: str, actor: Actor, sender: Sender
) -> Result:
    """Send a refused message again, corrected; the refusal is settled where it is recorded, or known.

    Raises:
        UnknownRefusal.
    """
    with ledger.store.reading() as rows:
        if find(rows, digest) is None:
            raise UnknownRefusal(digest)
    [result] = ingest(ledger, [raw], channel, sender=sender)
    if result.status == "refused":
        return result
    with ledger.store.writing() as rows:
        now = ledger.clock()
        stream = load_stream(rows, RefusedMessage, refusal_id(digest), now)
        stream.resubmit(actor, result.source or "", result.event_id or "", now)
        save_streams(rows, [stream], now)
        resolve(rows, digest, RESUBMITTED)
    return result
