"""May the sender say this? A message as ``domain.authority`` judges it, with what the policies name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from domain.authority.writes import NO_WRITER, TRIAL, Write, Writer, judge_write
from domain.events.aggregate import OUR_SOURCE
from domain.events.amendments import Amendment, FactCorrected
from domain.events.claims import ClaimApproved, ClaimEvent, ClaimRejected, ClaimWithdrawn
from domain.events.content import Content
from domain.events.event import NOBODY, SEP, Attribution, Event
from domain.facts.folding import EnterpriseFacts
from domain.faults.fault import Fault
from domain.intake.judging import judge_matter
from domain.policy.rulebook import Rulebook
from domain.vocabulary.kinds import type_of

DECISIONS = (ClaimApproved, ClaimRejected)
"""Steps that decide a claim."""
_DECISION_NAMES = frozenset(kind.__name__ for kind in DECISIONS)
_read_type = cache(type_of)

Books = Mapping[str, Rulebook]


class Sender(NamedTuple):
    """Who sends messages: what may be allowed to them, and how their events name them."""

    writer: Writer = NO_WRITER
    attribution: Attribution = NOBODY


NO_SENDER = Sender()
"""Nobody who would have to be allowed anything: worked cases, trials, the sample city."""


def judge_sender(
    writer: Writer, event: Event, books: Books, facts: EnterpriseFacts, amended: Content | None
) -> Fault | None:
    """The fault of an event that is not the sender's to say; nothing where it is.

    Args:
        writer: who sends it, as the door found them.
        facts: the enterprise's.
        amended: of an amendment, what it amends, as it stands; None where that has not arrived.
    """
    if writer.mode == TRIAL:
        return None
    if event.source == OUR_SOURCE:
        return Fault("source.reserved", "source")
    content, type_ = event.content, _read_type(event.name)
    if isinstance(content, Amendment):
        return judge_write(writer, _amendment(event, content, type_, books, facts, amended))
    if isinstance(content, ClaimEvent):
        return judge_write(writer, _claim_step(event, content, type_, books, facts))
    return judge_write(writer, Write("fact.report", source=event.source, type=type_))


def _amendment(
    event: Event,
    content: Amendment,
    type_: str,
    books: Books,
    facts: EnterpriseFacts,
    amended: Content | None,
) -> Write:
    write = Write(
        "fact.amend",
        source=event.source,
        type=type_,
        # What the ledger itself recorded is judged by ``domain.intake.judging``.
        of_source="" if content.of_source == OUR_SOURCE else content.of_source,
        of_type=_read_type(content.of_type),
        amenders=frozenset[str]().union(*(book.amenders for book in books.values())),
    )
    is_at_desk = isinstance(amended, ClaimEvent) and _is_at_desk(amended, facts)
    if content.of_type not in _DECISION_NAMES or is_at_desk:
        return write
    return write._replace(action="claim.decide", deciders=_deciders_of_amended(content, books, amended))


def _deciders_of_amended(content: Amendment, books: Books, amended: Content | None) -> frozenset[str]:
    """Who may amend a decision: the deciders of its measure, before and after a correction.

    Of one that has not arrived the measure is not known: whoever decides any. It is judged again, as
    corrected, when it arrives.
    """
    changes = content.changes if isinstance(content, FactCorrected) else {}
    if not isinstance(amended, ClaimEvent):
        return frozenset[str]().union(*(book.deciders for book in books.values()))
    after = {name: changes.get(name, getattr(amended, name)) for name in ("policy", "measure", "year")}
    return _deciders(books, amended.policy, amended.measure, amended.year) & _deciders(
        books, str(after["policy"]), str(after["measure"]), int(after["year"] or 0)
    )


def _claim_step(event: Event, content: ClaimEvent, type_: str, books: Books, facts: EnterpriseFacts) -> Write:
    write = Write("claim.report", source=event.source, type=type_)
    if isinstance(content, ClaimWithdrawn):
        claim = facts.claims.get(f"{content.policy}{SEP}{content.claim}")
        last = claim.latest.split(SEP)[1] if claim is not None else ""
        write = write._replace(of_source="" if last == OUR_SOURCE else last)
    if not isinstance(content, DECISIONS) or _is_at_desk(content, facts) or judge_matter(content, books):
        return write
    deciders = _deciders(books, content.policy, content.measure, content.year)
    effective = facts.effective(event)
    if isinstance(effective, ClaimEvent):
        deciders &= _deciders(books, effective.policy, effective.measure, effective.year)
    return write._replace(action="claim.decide", deciders=deciders)


def _is_at_desk(step: ClaimEvent, facts: EnterpriseFacts) -> bool:
    """Whether the ledger's own desk decides the claim: whatever comes from outside is then refused."""
    claim = facts.claims.get(f"{step.policy}{SEP}{step.claim}")
    return claim is not None and claim.desk


def _deciders(books: Books, policy: str, measure: str, year: int) -> frozenset[str]:
    book = books.get(policy)
    return frozenset() if book is None else book.deciders_of(measure, year)
