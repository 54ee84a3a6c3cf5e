"""The bureau's desk: the steps of a claim, taken by people, through the same door as every fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace as replace_fields

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.claims.enterprise import Enterprise
from domain.events import CATALOGUE
from domain.events.claims import CLAIM_STATUS, ClaimEvent, ClaimSubmitted
from domain.events.event import SEP, SupportingDocument, digest_of
from domain.events.instants import day_of
from domain.facts.claims import file_key
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import Discretionary, Measure, Percentage, Policy
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from domain.rules.selection import new_items
from domain.settlement.steps import must_be_open
from ledger.intake.batch import DESK, Batch, ReceivedMessage
from ledger.intake.messages.decode import Message
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of, today
from ledger.projections.enterprises import EnterpriseRow, every_row, load
from ledger.store.application import Ledger
from ledger.store.folded.entries import find_amended
from ledger.store.rows import Rows
from ledger.store.stored_events import events_by_key
from ledger.store.streams import collect_events

PROPOSALS_MAX = 1_000
"""Most claims proposed in one call."""


class Recorded(NamedTuple):
    """A step that was recorded."""

    claim: str
    status: str
    position: int


Step = Callable[[Enterprise, Rulebook, datetime], None]
"""A command of an enterprise, given the policy's rules and the present."""


def _take_step(
    ledger: Ledger, code: str, policy: str, claim: str, step: Step, based_on: SupportingDocument | None
) -> Recorded:
    """Load the enterprise, let the command decide, and take its event in by the inbox's own rules.

    ``based_on`` is the document that the step rests on, where its taker names one.

    Raises:
        NotAllowed: where the command or the inbox finds it against a rule, or the year is closed.
    """
    with ledger.store.writing() as rows:
        now = ledger.clock()
        enterprise = _open_enterprise(rows, code, file_key(policy, claim), now)
        step(enterprise, rulebook(rows, policy), now)
        (recorded,) = collect_events(enterprise)
        event = replace_fields(recorded.event, based_on=based_on)
        content = event.content
        assert isinstance(content, ClaimEvent)
        must_be_open(settlement_of(rows, content.policy, content.year))
        message = Message(code, event, digest_of(code, event))
        result = Batch(rows, ledger, DESK).take([ReceivedMessage(b"", message)])[0]
        if result.status != "accepted" or result.position is None:
            fault = result.faults[0]
            raise NotAllowed(fault.code, fault.field.removeprefix("data."), **fault.args)
        return Recorded(claim, CLAIM_STATUS[type(content)], result.position)


def _open_enterprise(rows: Rows, code: str, claim: str, now: datetime) -> Enterprise:
    """An enterprise with the steps of one claim: those that stand, and those that were amended."""
    row = load(rows, [code], whole=False).get(code) or EnterpriseRow(code)
    amended = find_amended(row.facts, [content_type.__name__ for content_type in CLAIM_STATUS])
    keys = {*row.facts.steps.get(claim, ()), *(entry.rpartition(SEP)[0] for entry in amended)}
    steps = (event.fact for event in events_by_key(rows, keys))
    return Enterprise.opened_with(code, row.version, row.facts, steps, now)


def submit(
    ledger: Ledger,
    code: str,
    actor: Actor,
    claim: ClaimSubmitted,
    based_on: SupportingDocument | None = None,
) -> Recorded:
    """An enterprise, or an officer for it, asks for an award."""
    return _take_step(
        ledger,
        code,
        claim.policy,
        claim.claim,
        lambda enterprise, book, now: enterprise.submit_claim(actor, book, claim, today(now), now),
        based_on,
    )


def review(
    ledger: Ledger,
    code: str,
    policy: str,
    claim: str,
    actor: Actor,
    amount: int,
    opinion: str,
    based_on: SupportingDocument | None = None,
) -> Recorded:
    """First review (初审), recommending an amount in fen."""
    return _take_step(
        ledger,
        code,
        policy,
        claim,
        lambda enterprise, book, now: enterprise.review_claim(actor, book, claim, amount, opinion, now),
        based_on,
    )


def approve(
    ledger: Ledger,
    code: str,
    policy: str,
    claim: str,
    actor: Actor,
    amount: int | None = None,
    based_on: SupportingDocument | None = None,
) -> Recorded:
    """Second review (复审): the claim is approved with the recommended amount, or less."""
    return _take_step(
        ledger,
        code,
        policy,
        claim,
        lambda enterprise, book, now: enterprise.approve_claim(actor, book, claim, amount, now),
        based_on,
    )


def reject(
    ledger: Ledger,
    code: str,
    policy: str,
    claim: str,
    actor: Actor,
    reason: str,
    based_on: SupportingDocument | None = None,
) -> Recorded:
    """Reject a claim, with the reason."""
    return _take_step(
        ledger,
        code,
        policy,
        claim,
        lambda enterprise, book, now: enterprise.reject_claim(actor, policy, claim, reason, now),
        based_on,
    )


def withdraw(
    ledger: Ledger,
    code: str,
    policy: str,
    claim: str,
    actor: Actor,
    based_on: SupportingDocument | None = None,
) -> Recorded:
    """Take an undecided claim back."""
    return _take_step(
        ledger,
        code,
        policy,
        claim,
        lambda enterprise, book, now: enterprise.withdraw_claim(actor, policy, claim, now),
        based_on,
    )


def appeal(
    ledger: Ledger,
    code: str,
    policy: str,
    claim: str,
    actor: Actor,
    reason: str,
    based_on: SupportingDocument | None = None,
) -> Recorded:
    """Ask for a rejected claim to be reviewed again, by others."""

    def step(enterprise: Enterprise, book: Rulebook, now: datetime) -> None:
        file = enterprise.claim_file(policy, claim)
        day = today(now)
        rejected_on = day_of(file.rejected_at) if file and file.rejected_at else day
        enterprise.appeal_claim(actor, book, claim, day, rejected_on, reason, now)

    return _take_step(ledger, code, policy, claim, step, based_on)


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
        candidates = []
        for row in every_row(rows):
            candidates += [(row.code, claim) for claim in _earned(row.facts, book, year)]
            if len(candidates) >= limit:
                break
    proposals = []
    for code, claim in candidates[:limit]:
        try:
            proposals.append(submit(ledger, code, actor, claim))
        except NotAllowed:
            continue  # somebody submitted or decided it in the meantime
    return proposals


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
        items = new_items(facts, measure.proposes)
        names = CATALOGUE[measure.proposes.fact]
        last = len(getattr(names, "identity", ())) - 1
        return [
            (identity.split(SEP)[last], measure.cap)
            for on, identity in items
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
