"""The life of a claim at the bureau's desk: submitted, reviewed by two people, decided, appealed.

Each function checks one step against the claim's file and returns the event's content; what
must not be is ``NotAllowed``. Caps, and that one item is approved once, are checked for every
approval, from the desk or from an upstream system, in ``ledger.intake.inbox``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from domain.authority.roles import Actor, NotAllowed, require
from domain.facts.folding import SEP, EnterpriseFacts, Fact
from domain.money.amounts import Amount
from domain.policy.model import Measure, Policy
from domain.policy.rulebook import Rulebook

Said = tuple[str, dict[str, Any]]
"""(class name of the event, its content)."""

OPEN = ("submitted", "reviewed", "appealed")


@dataclass(slots=True)
class ClaimFile:
    """One claim as its steps left it; people by name, ``None`` for steps of upstream systems."""

    status: str
    measure: str
    item: str
    year: int
    amount: int | None = None
    """Fen asked for, or recommended by the first review."""
    parties: set[str] = field(default_factory=set)
    """Who submitted or appealed it: they never review it."""
    first_reviewer: str | None = None
    involved: set[str] = field(default_factory=set)
    """Who reviewed or rejected it before an appeal: they do not review it again."""
    rejected_at: str = ""
    """UTC instant of the last rejection."""


def file_of(facts: EnterpriseFacts, events: list[Fact], policy: str, claim: str) -> ClaimFile | None:
    """The file of one claim, from the enterprise's folded facts and its events in order of recording."""
    known = facts.claims.get(f"{policy}{SEP}{claim}")
    if known is None:
        return None
    file = ClaimFile(known.status, known.measure, known.item, known.year)
    for fact in events:
        content = fact.content
        if content.get("claim") != claim or content.get("policy") != policy or "item" not in content:
            continue
        _count(file, fact, content.get("actor"))
    return file


def _count(file: ClaimFile, fact: Fact, actor: str | None) -> None:
    if fact.name in ("ClaimSubmitted", "ClaimAppealed") and actor:
        file.parties.add(actor)
    if fact.name == "ClaimSubmitted":
        file.amount = fact.content.get("amount_fen") or file.amount
    elif fact.name == "ClaimReviewed":
        file.first_reviewer, file.amount = actor, fact.content["amount_fen"]
    elif fact.name == "ClaimRejected":
        file.rejected_at = fact.time
        file.involved |= {name for name in (actor, file.first_reviewer) if name}
        file.first_reviewer = None


def _content(policy: str, claim: str, file: ClaimFile, **more: Any) -> dict[str, Any]:
    head = {"claim": claim, "policy": policy, "measure": file.measure, "item": file.item, "year": file.year}
    return {**head, **more}


def submit(
    actor: Actor,
    today: str,
    book: Rulebook,
    facts: EnterpriseFacts,
    code: str,
    asked: dict[str, Any],
) -> Said:
    """An enterprise asks for an award; ``asked`` is the event's content without the actor.

    Raises:
        NotAllowed: for a measure that takes no claims, a file number in use, an item that is
            claimed already, an amount above the cap, or after the deadline.
    """
    require(actor, "claim.submit", code)
    measure = _claimable(book, asked["measure"], asked["year"])
    if f"{asked['policy']}{SEP}{asked['claim']}" in facts.claims:
        raise NotAllowed("claim.known", "claim", claim=asked["claim"])
    _item_free(facts, asked["policy"], asked["measure"], asked["item"], asked["claim"])
    _on_time(book.of_year(asked["year"]), asked["year"], today)
    if asked.get("currency") not in (None, book.latest.currency):
        raise NotAllowed("claim.currency", "currency", wanted=book.latest.currency)
    if asked.get("amount_fen") is not None:
        _within_cap(measure, asked["amount_fen"], book.latest.currency)
    return "ClaimSubmitted", {**asked, "actor": actor.name}


def _claimable(book: Rulebook, measure_id: str, year: int) -> Measure:
    if measure_id not in book.segments:
        raise NotAllowed("measure.unknown", "measure", measure=measure_id)
    measure = book.measure_of_year(measure_id, year)
    if measure is None or not book.covers_year(year):
        raise NotAllowed("measure.not-in-year", "year", measure=measure_id, year=year)
    if not measure.takes_claims:
        raise NotAllowed("measure.no-claims", "measure")
    return measure


def _item_free(facts: EnterpriseFacts, policy: str, measure: str, item: str, claim: str) -> None:
    for other in facts.claims.values():
        same = (other.policy, other.measure, other.item) == (policy, measure, item)
        if same and other.claim != claim and other.status in (*OPEN, "approved"):
            raise NotAllowed("claim.item-claimed", "item", item=item, claim=other.claim)


def _on_time(policy: Policy, year: int, today: str) -> None:
    until = policy.procedure.claims_until
    if until is not None and today > f"{year + 1:04d}-{until}":
        raise NotAllowed("claim.late", "year", until=f"{year + 1:04d}-{until}")


def _within_cap(measure: Measure, fen: int, currency: str) -> None:
    if fen <= 0:
        raise NotAllowed("amount.zero", "amount")
    if measure.cap_fen is not None and fen > measure.cap_fen:
        raise NotAllowed("claim.cap", "amount", cap=Amount(measure.cap_fen, currency))


def _stands(file: ClaimFile | None, claim: str, *statuses: str) -> ClaimFile:
    if file is None:
        raise NotAllowed("claim.unknown", "claim", claim=claim)
    if file.status not in statuses:
        raise NotAllowed("claim.status", "claim", status=file.status, wanted=", ".join(statuses))
    return file


def review(
    actor: Actor, book: Rulebook, file: ClaimFile | None, claim: str, amount: int, opinion: str
) -> Said:
    """First review: recommend an amount (fen). Not by who submitted it, nor by who rejected it before."""
    require(actor, "claim.review")
    file = _stands(file, claim, "submitted", "appealed")
    _impartial(actor, file)
    _within_cap(_claimable(book, file.measure, file.year), amount, book.latest.currency)
    more = {"amount_fen": amount, "currency": book.latest.currency, "actor": actor.name, "opinion": opinion}
    return "ClaimReviewed", _content(book.id, claim, file, **more)


def approve(
    actor: Actor, book: Rulebook, file: ClaimFile | None, claim: str, amount: int | None, person: str | None
) -> Said:
    """Second review (复审): approve the recommended amount, or less.

    Raises:
        NotAllowed: for the submitter, the first reviewer, or more than was recommended.
    """
    require(actor, "claim.approve")
    file = _stands(file, claim, "reviewed")
    _impartial(actor, file)
    if actor.name == file.first_reviewer:
        raise NotAllowed("claim.same-reviewer", "actor")
    recommended = file.amount or 0
    fen = recommended if amount is None else amount
    _within_cap(_claimable(book, file.measure, file.year), fen, book.latest.currency)
    if fen > recommended:
        most = Amount(recommended, book.latest.currency)
        raise NotAllowed("claim.above-review", "amount", recommended=most)
    more = {"amount_fen": fen, "currency": book.latest.currency, "person": person, "actor": actor.name}
    return "ClaimApproved", _content(book.id, claim, file, **more)


def _impartial(actor: Actor, file: ClaimFile) -> None:
    if actor.name in file.parties:
        raise NotAllowed("claim.own", "actor")
    if actor.name in file.involved:
        raise NotAllowed("claim.involved", "actor")


def reject(actor: Actor, policy: str, file: ClaimFile | None, claim: str, reason: str) -> Said:
    """Reject a claim at either review, with the reason."""
    require(actor, "claim.reject")
    file = _stands(file, claim, *OPEN)
    _impartial(actor, file)
    if file.status == "reviewed" and actor.name == file.first_reviewer:
        raise NotAllowed("claim.same-reviewer", "actor")
    return "ClaimRejected", _content(policy, claim, file, reason=reason, actor=actor.name)


def withdraw(actor: Actor, policy: str, code: str, file: ClaimFile | None, claim: str) -> Said:
    """The enterprise takes an undecided claim back."""
    require(actor, "claim.withdraw", code)
    file = _stands(file, claim, *OPEN)
    return "ClaimWithdrawn", _content(policy, claim, file, actor=actor.name)


def appeal(
    actor: Actor,
    today: str,
    book: Rulebook,
    code: str,
    file: ClaimFile | None,
    claim: str,
    rejected_on: str,
    reason: str,
) -> Said:
    """Ask for a rejected claim to be reviewed again, within the policy's days after ``rejected_on``."""
    require(actor, "claim.appeal", code)
    file = _stands(file, claim, "rejected")
    days = book.of_year(file.year).procedure.appeal_days
    until = (date.fromisoformat(rejected_on) + timedelta(days=days)).isoformat()
    if today > until:
        raise NotAllowed("claim.appeal-late", "claim", until=until)
    return "ClaimAppealed", _content(book.id, claim, file, reason=reason, actor=actor.name)
