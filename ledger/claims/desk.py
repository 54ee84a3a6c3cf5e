"""The bureau's desk: the steps of a claim, taken by people, through the same door as every fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed, require
from domain.claims import steps as claims
from domain.claims.steps import ClaimFile, file_of
from domain.events import CATALOGUE
from domain.events.aggregate import OUR_SOURCE
from domain.events.claims import CLAIM_STATUS, ClaimEvent, ClaimSubmitted
from domain.events.event import SEP, Event, digest_of
from domain.events.instants import SHANGHAI, instant
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import Discretionary, Measure, Percentage, Policy
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from domain.rules.selection import new_items
from domain.settlement.steps import must_be_open
from ledger.intake.inbox import DESK, Batch
from ledger.intake.messages.decode import Message
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of, today
from ledger.projections.enterprises import EnterpriseRow, every_row, load
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of

PROPOSALS_MAX = 1_000
"""Most claims proposed in one call."""


class Recorded(NamedTuple):
    """A step that was recorded."""

    claim: str
    status: str
    position: int


class _Case(NamedTuple):
    """What a step is decided on."""

    rows: Rows
    book: Rulebook
    facts: EnterpriseFacts
    events: list[Event]

    def file(self, claim: str) -> ClaimFile | None:
        return file_of(self.facts, self.events, self.book.id, claim)


def _step(
    ledger: Ledger, code: str, policy: str, claim: str, decide: Callable[[_Case], ClaimEvent]
) -> Recorded:
    with ledger.store.writing() as rows:
        book = rulebook(rows, policy)
        row = load(rows, [code]).get(code, EnterpriseRow(code))
        events = [event.fact for event in events_of(rows, code)]
        step = decide(_Case(rows, book, row.facts, events))
        return _record(ledger, rows, code, row.facts, step)


def _record(ledger: Ledger, rows: Rows, code: str, facts: EnterpriseFacts, step: ClaimEvent) -> Recorded:
    """Append a step behind every earlier one of its claim, however clocks differ.

    Raises:
        NotAllowed: where the inbox finds it against a rule.
    """
    must_be_open(settlement_of(rows, step.policy, step.year))
    known = facts.claims.get(f"{step.policy}{SEP}{step.claim}")
    time = instant(ledger.clock())
    if known is not None and known.latest.partition(SEP)[0] >= time:
        time = _just_after(known.latest.partition(SEP)[0])
    number = 1 + sum(1 for event in events_of(rows, code) if event.fact.source == OUR_SOURCE)
    fact = Event(step, OUR_SOURCE, f"{code}:{number}", time)
    batch = Batch(rows, ledger, DESK)
    result = batch.take([(b"", Message(code, fact, digest_of(code, fact)), None)])[0]
    if result.status != "accepted" or result.position is None:
        fault = result.faults[0]
        raise NotAllowed(fault.code, fault.field.removeprefix("data."), **fault.args)
    return Recorded(step.claim, CLAIM_STATUS[type(step)], result.position)


def _just_after(time: str) -> str:
    return instant(datetime.fromisoformat(time) + timedelta(microseconds=1))


def submit(ledger: Ledger, code: str, actor: Actor, asked: ClaimSubmitted) -> Recorded:
    """An enterprise, or an officer for it, asks for an award."""

    def decide(case: _Case) -> ClaimEvent:
        return claims.submit(actor, today(ledger.clock()), case.book, case.facts, code, asked)

    return _step(ledger, code, asked.policy, asked.claim, decide)


def review(
    ledger: Ledger, code: str, policy: str, claim: str, actor: Actor, amount: int, opinion: str
) -> Recorded:
    """First review (初审), recommending an amount in fen."""
    return _step(
        ledger,
        code,
        policy,
        claim,
        lambda case: claims.review(actor, case.book, case.file(claim), claim, amount, opinion),
    )


def approve(
    ledger: Ledger, code: str, policy: str, claim: str, actor: Actor, amount: int | None = None
) -> Recorded:
    """Second review (复审): the claim is approved with the recommended amount, or less."""
    return _step(
        ledger,
        code,
        policy,
        claim,
        lambda case: claims.approve(actor, case.book, case.file(claim), claim, amount, None),
    )


def reject(ledger: Ledger, code: str, policy: str, claim: str, actor: Actor, reason: str) -> Recorded:
    """Reject a claim, with the reason."""
    return _step(
        ledger,
        code,
        policy,
        claim,
        lambda case: claims.reject(actor, policy, case.file(claim), claim, reason),
    )


def withdraw(ledger: Ledger, code: str, policy: str, claim: str, actor: Actor) -> Recorded:
    """Take an undecided claim back."""
    return _step(
        ledger,
        code,
        policy,
        claim,
        lambda case: claims.withdraw(actor, policy, code, case.file(claim), claim),
    )


def appeal(ledger: Ledger, code: str, policy: str, claim: str, actor: Actor, reason: str) -> Recorded:
    """Ask for a rejected claim to be reviewed again, by others."""

    def decide(case: _Case) -> ClaimEvent:
        file = case.file(claim)
        day = today(ledger.clock())
        rejected_on = _day(file.rejected_at) if file and file.rejected_at else day
        return claims.appeal(actor, day, case.book, code, file, claim, rejected_on, reason)

    return _step(ledger, code, policy, claim, decide)


def _day(time: str) -> str:
    return datetime.fromisoformat(time).astimezone(SHANGHAI).date().isoformat()


def propose(
    ledger: Ledger, policy: str, year: int, actor: Actor, limit: int = PROPOSALS_MAX
) -> list[Recorded]:
    """Propose claims that the facts already earn (免申即享) and nobody has submitted.

    A percentage that is paid on claims is proposed in full; an item of a discretionary
    measure's ``proposes`` with the measure's cap. Reviewers decide them like any other.
    """
    require(actor, "claim.propose")
    with ledger.store.reading() as rows:
        book = rulebook(rows, policy)
        must_be_open(settlement_of(rows, policy, year))
        wanted = []
        for row in every_row(rows):
            wanted += [(row.code, asked) for asked in _earned(row.facts, book, year)]
            if len(wanted) >= limit:
                break
    made = []
    for code, asked in wanted[:limit]:
        try:
            made.append(submit(ledger, code, actor, asked))
        except NotAllowed:
            continue  # somebody submitted or decided it in the meantime
    return made


def _earned(facts: EnterpriseFacts, book: Rulebook, year: int) -> Iterator[ClaimSubmitted]:
    claimed = {
        (claim.measure, claim.item)
        for claim in facts.claims.values()
        if claim.policy == book.id and claim.status != "withdrawn"
    }
    for measure in book.of_year(year).measures.values():
        for item, fen in _items(facts, book, year, measure):
            name = f"{year}-{measure.id}-{item}"[:200]
            withdrawn = f"{book.id}{SEP}{name}" in facts.claims
            if (measure.id, item) not in claimed and not withdrawn and fen:
                yield ClaimSubmitted(
                    claim=name,
                    policy=book.id,
                    measure=measure.id,
                    item=item,
                    year=year,
                    amount_fen=fen,
                    currency=book.latest.currency,
                )


def _items(facts: EnterpriseFacts, book: Rulebook, year: int, measure: Measure) -> list[tuple[str, int]]:
    """What of one measure the facts earn: items, with the amount to propose in fen."""
    if isinstance(measure, Discretionary) and measure.proposes is not None and measure.cap:
        found = new_items(facts, measure.proposes)
        names = CATALOGUE[measure.proposes.fact]
        last = len(getattr(names, "identity", ())) - 1
        return [
            (identity.split(SEP)[last], measure.cap)
            for on, identity in found
            if on[:4] == str(year) and on >= book.life_from
        ]
    if isinstance(measure, Percentage) and measure.claims == "claim-only":
        return _full_percentage(facts, book, year, measure)
    return []


def _full_percentage(
    facts: EnterpriseFacts, book: Rulebook, year: int, measure: Percentage
) -> list[tuple[str, int]]:
    """What the measure would give in full, worked out by the same rules with claims not needed."""
    full = Rulebook([_with_full(version, measure.id) for version in book.versions])
    award = awards_of(facts, full).get(year, {}).get(measure.id)
    return [(str(year), award.gross)] if award else []


def _with_full(policy: Policy, measure_id: str) -> Policy:
    measure = policy.measures.get(measure_id)
    if not isinstance(measure, Percentage):
        return policy
    measures = {**policy.measures, measure_id: replace(measure, claims="full")}
    return replace(policy, measures=measures)
