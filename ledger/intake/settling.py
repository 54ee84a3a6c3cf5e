"""Settling what was refused: dismissed, or sent again corrected; each an event that names who."""

from __future__ import annotations

from domain.authority.roles import Actor
from domain.authority.writes import require
from domain.events.refusals import refusal_id
from domain.events.second_person.requests import DismissRefusal
from domain.intake.authorising import Sender
from domain.intake.refusals import EnvelopeNames, RefusedMessage, check_resubmission
from domain.vocabulary.kinds import type_of
from ledger.intake.batch import Result
from ledger.intake.inbox import check_messages, record
from ledger.intake.messages.decode import Message, Refusal
from ledger.intake.refusals import DISMISSED, RESUBMITTED, Refused, find, resolve
from ledger.store.application import Ledger
from ledger.store.repeats.joining import joined_transaction
from ledger.store.rows import Rows
from ledger.store.streams import load_stream, save_streams
from ledger.waiting.second_person import require_second_person, writing_step


class UnknownRefusal(LookupError):
    """No message of that digest was refused."""


class SettledRefusal(Exception):
    """The message was sent again, and recorded, already."""


def dismiss_refusal(ledger: Ledger, digest: str, actor: Actor, reason: str = "") -> Refused:
    """Settle a refused message without sending it again; once more changes nothing.

    It takes two persons, whatever can be read of the message: it might have counted for an enterprise.

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
        NotAllowed: where it is no correction of that message; then nothing is recorded.
    """
    with joined_transaction(ledger.store) as rows:
        message = find(rows, digest)
        if message is None:
            raise UnknownRefusal(digest)
        [sent] = check_messages(ledger, [raw])
        [result] = record(ledger, [raw], [sent], channel, sender=sender)
        if isinstance(sent, Refusal) or result.status == "refused":
            return result
        is_new = result.status == "accepted"
        text = message.raw.decode("utf-8", "replace")
        check_resubmission(_names_of(message), text, _names_sent(sent), is_new)
        if is_new or message.resolved != RESUBMITTED:
            _note_resubmission(ledger, rows, digest, actor, sent)
    return result


def _note_resubmission(ledger: Ledger, rows: Rows, digest: str, actor: Actor, sent: Message) -> None:
    now = ledger.clock()
    stream = load_stream(rows, RefusedMessage, refusal_id(digest), now)
    stream.resubmit(actor, sent.fact.source, sent.fact.event_id, now)
    save_streams(rows, [stream], now)
    resolve(rows, digest, RESUBMITTED)


def _names_of(message: Refused) -> EnvelopeNames:
    """What a refused message names its fact by, without what is at fault."""
    names = EnvelopeNames(message.source, message.event_id, message.subject, message.type)
    return names.without({fault.field for fault in message.faults})


def _names_sent(sent: Message) -> EnvelopeNames:
    fact = sent.fact
    return EnvelopeNames(fact.source, fact.event_id, sent.subject, type_of(fact.name))
