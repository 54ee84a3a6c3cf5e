"""May the sender say this? A message as ``domain.authority`` judges it, with what the policies name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from domain.authority.writes import NO_WRITER, TRIAL, Write, Writer, judge_write
from domain.events.aggregate import OUR_SOURCE
from domain.events.amendments import Amendment, FactCorrected
from domain.events.claims import ClaimEvent, ClaimWithdrawn
from domain.events.event import NOBODY, SEP, Attribution, Event
from domain.facts.claim_steps import DECISIONS
from domain.facts.claims import Claim, file_key
from domain.facts.folding import EnterpriseFacts, correct
from domain.faults.fault import Fault
from domain.intake.judging import judge_matter
from domain.intake.quotas import RefusalQuota
from domain.policy.rulebook import Rulebook
from domain.vocabulary.kinds import type_of

JUDGED_BY_CASE = (Amendment, ClaimEvent)
"""What the facts and policies decide besides: whether its sender may say it."""
_DECISION_NAMES = frozenset(kind.__name__ for kind in DECISIONS)
_read_type = cache(type_of)

Books = Mapping[str, Rulebook]


class Sender(NamedTuple):
    """Who sends messages: what may be allowed to them, and how their events name them."""

    writer: Writer = NO_WRITER
    attribution: Attribution = NOBODY
    quota: RefusalQuota | None = None
    """How much of what is refused is kept for them; None where no door bounds it."""


NO_SENDER = Sender()
"""Nobody who would have to be allowed anything: worked cases, trials, the sample city."""


def _nobody(claim: str) -> None:
    """The holder of any claim, where none is known."""


class Grounds(NamedTuple):
    """What an event is judged on that an enterprise is told of."""

    books: Books
    facts: EnterpriseFacts
    """The enterprise's."""
    amended: Event | None = None
    """Of an amendment, the event that it names, as it stands; None where that has not arrived."""
    holder_of: Callable[[str], str | None] = _nobody
    """Whose a claim is, by its key (``domain.facts.claim_steps.find_holder``)."""


def judge_sender(writer: Writer, event: Event, grounds: Grounds) -> Fault | None:
    """The fault of an event that is not the sender's to say; nothing where it is.

    What counts is which fact or claim it would touch, and whose that is: of a step also as a correction
    that came before it leaves it, of a correction the step as it would be.

    Args:
        writer: who sends it, as the door found them.
        event: what is sent.
        grounds: what is known of its enterprise.
    """
    if writer.mode == TRIAL:
        return None
    content, type_ = event.content, _read_type(event.name)
    if not isinstance(content, JUDGED_BY_CASE):
        return judge_report(writer, event)
    if event.source == OUR_SOURCE:
        return Fault("source.reserved", "source")
    if isinstance(content, Amendment):
        return judge_write(writer, _amendment(event, content, type_, grounds))
    return judge_write(writer, _claim_step(event, content, type_, grounds))


def judge_report(writer: Writer, event: Event) -> Fault | None:
    """``judge_sender`` of what neither amends nor is a step of a claim: kind and source decide alone."""
    if event.source == OUR_SOURCE:
        return Fault("source.reserved", "source")
    return judge_write(writer, Write("fact.report", source=event.source, type=_read_type(event.name)))


def _amendment(event: Event, content: Amendment, type_: str, grounds: Grounds) -> Write:
    write = Write(
        "fact.amend",
        source=event.source,
        type=type_,
        # What the ledger itself recorded is judged by ``domain.intake.judging``.
        of_source="" if content.of_source == OUR_SOURCE else content.of_source,
        of_type=_read_type(content.of_type),
        amenders=frozenset[str]().union(*(book.amenders for book in grounds.books.values())),
    )
    before, after = _steps_amended(content, grounds.amended)
    if before is not None and _is_at_desk(before, grounds.facts):
        return write
    if content.of_type in _DECISION_NAMES:
        return write._replace(action="claim.decide", deciders=_deciders_of_amended(before, after, grounds))
    if before is None or after is None or grounds.amended is None:
        return write
    is_moved = (after.policy, after.claim) != (before.policy, before.claim)
    moved = grounds.amended if is_moved else None
    return write._replace(of_claim=_holder_of(event.source, after, moved, grounds))


def _steps_amended(
    content: Amendment, amended: Event | None
) -> tuple[ClaimEvent, ClaimEvent | None] | tuple[None, None]:
    """The step of a claim that is amended, as it stands and as it would; None where it would be retracted."""
    if amended is None or not isinstance(before := amended.content, ClaimEvent):
        return None, None
    if not isinstance(content, FactCorrected):
        return before, None
    after = correct(before, content.changes)
    return before, after if isinstance(after, ClaimEvent) else None


def _deciders_of_amended(
    before: ClaimEvent | None, after: ClaimEvent | None, grounds: Grounds
) -> frozenset[str]:
    """Who may amend a decision: the deciders of its measure, before and after a correction.

    Of one that has not arrived the measure is not known: whoever decides any. It is judged again, as
    corrected, when it arrives.
    """
    if before is None:
        return frozenset[str]().union(*(book.deciders for book in grounds.books.values()))
    return _deciders_of_steps((before, after), grounds)


def _claim_step(event: Event, content: ClaimEvent, type_: str, grounds: Grounds) -> Write:
    write = Write("claim.report", source=event.source, type=type_)
    corrected = grounds.facts.corrected(event)
    steps = (content, corrected if isinstance(corrected, ClaimEvent) else None)
    if not isinstance(content, DECISIONS):
        holders = [_holder_of(event.source, step, event, grounds) for step in steps if step is not None]
        return write._replace(of_claim=next(filter(None, holders), ""))
    if _is_at_desk(content, grounds.facts) or judge_matter(content, grounds.books):
        return write
    return write._replace(action="claim.decide", deciders=_deciders_of_steps(steps, grounds))


def _holder_of(source: str, step: ClaimEvent, event: Event | None, grounds: Grounds) -> str:
    """The other source whose claim a step touches; empty where it is the source's own, or new.

    Args:
        event: what brings the step into the claim; None where it is there already.
    """
    key = file_key(step.policy, step.claim)
    holder, claim = grounds.holder_of(key), grounds.facts.claims.get(key)
    if claim is not None and claim.desk:
        return ""  # whatever comes from outside is refused by ``domain.intake.judging``
    if holder not in (None, source):
        return holder or ""
    if claim is None or event is None:
        return ""
    # What a decision says last is undone by no withdrawal, and of a claim that nobody submitted by no step.
    last = claim.latest.split(SEP)[1]
    takes_over = isinstance(step, ClaimWithdrawn) or (
        holder is None and claim.latest < f"{event.time}{SEP}{event.key}"
    )
    return last if takes_over and last not in (OUR_SOURCE, source) else ""


def _is_at_desk(step: ClaimEvent, facts: EnterpriseFacts) -> bool:
    """Whether the ledger's own desk decides the claim: whatever comes from outside is then refused."""
    claim = facts.claims.get(file_key(step.policy, step.claim))
    return claim is not None and claim.desk


def _deciders_of_steps(steps: Iterable[ClaimEvent | None], grounds: Grounds) -> frozenset[str]:
    """Who may decide all the measures that these decisions are about, or whose claims they name."""
    matters: list[ClaimEvent | Claim] = []
    for step in steps:
        if step is not None:
            claim = grounds.facts.claims.get(file_key(step.policy, step.claim))
            matters += [step] if claim is None else [step, claim]
    deciders = (_deciders(grounds.books, about.policy, about.measure, about.year) for about in matters)
    return frozenset.intersection(*deciders)


def _deciders(books: Books, policy: str, measure: str, year: int) -> frozenset[str]:
    book = books.get(policy)
    return frozenset() if book is None else book.deciders_of(measure, year)
