"""The rules that a message must keep beside those of its own form: what the ledger knows decides.

Pure: the enterprise's facts, the policies and the event that an amendment names go in, faults come out.
Every door judges by it: messages, rows of a sheet, steps at the desk, corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter

import msgspec

from domain.events.aggregate import OUR_SOURCE
from domain.events.amendments import Amendment, FactCorrected, FieldValue
from domain.events.claims import ClaimApproved, ClaimEvent
from domain.events.content import Content, FactContent, YearlyAmount
from domain.events.event import SEP, Event
from domain.facts.claims import file_key
from domain.facts.folding import EnterpriseFacts, correct
from domain.faults.fault import Fault
from domain.money.amounts import AMOUNT_FEN_MAX, FOREIGN, print_fen
from domain.policy.rulebook import Rulebook

_total_of = attrgetter("total")


class Target(msgspec.Struct, frozen=True, gc=False):
    """The event that an amendment names, as the ledger holds it, and the enterprise that it is about."""

    subject: str
    event: Event


class Case(msgspec.Struct, frozen=True, gc=False):
    """What an event about an enterprise is judged on."""

    code: str
    facts: EnterpriseFacts
    books: Mapping[str, Rulebook]
    at_desk: bool = False
    """Whether it is a step of the ledger's own desk."""
    target: Target | None = None
    """Of an amendment, where the ledger has the event that it names."""
    amended_at_desk: bool = False
    """Of an amendment, whether two persons at the desk amended that event."""


def judge_event(event: Event, case: Case) -> list[Fault]:
    """Everything that is against the rules in an event that is right in itself."""
    content = event.content
    if not case.at_desk and event.source == OUR_SOURCE:
        return [Fault("source.reserved", "source")]
    if isinstance(content, Amendment):
        return judge_amendment(content, case)
    faults = judge_matter(content, case.books)
    if content.field_value("by") == case.code:
        faults.append(Fault("replaced.self", "data.by"))
    effective = case.facts.effective(event)
    if isinstance(effective, YearlyAmount):
        faults += judge_currency(effective, case.books)
        faults += judge_sum(effective, case.facts)
    elif isinstance(content, ClaimEvent):
        faults += _judge_desk((content, effective), case, "data.claim")
        if isinstance(content, ClaimApproved) and not faults:
            faults = judge_approval(content, case, event.key)
    return faults


def judge_matter(content: Content, books: Mapping[str, Rulebook]) -> list[Fault]:
    """A policy and measure that the ledger does not know; none where no measure is named."""
    if not content.has_field("measure"):
        return []
    policy, measure = str(content.field_value("policy")), str(content.field_value("measure"))
    book = books.get(policy)
    if book is None:
        return [Fault("policy.unknown", "data.policy", {"policy": policy})]
    if measure not in book.segments:
        return [Fault("measure.unknown", "data.measure", {"measure": measure})]
    paid_in = book.latest.currency
    if content.field_value("currency") not in (None, paid_in):
        return [Fault("currency.wrong", "data.currency", {"wanted": paid_in})]
    return []


def judge_currency(amount: YearlyAmount, books: Mapping[str, Rulebook]) -> list[Fault]:
    """A foreign currency that no policy reckons in."""
    currency = amount.currency
    if currency not in FOREIGN or any(book.latest.currency == currency for book in books.values()):
        return []
    return [Fault("currency.wrong", "data.currency", {"wanted": "CNY"})]


def judge_sum(amount: YearlyAmount, facts: EnterpriseFacts, less_fen: int = 0) -> list[Fault]:
    """A sum of reports that no kind of measure could compute with.

    ``less_fen`` is what of the year's sum the amount takes the place of.
    """
    groups = facts.amounts.get(type(amount).__name__, {})
    headroom_fen = AMOUNT_FEN_MAX - amount.amount_fen + less_fen
    if sum(map(_total_of, groups.values())) <= headroom_fen:
        return []  # all years together keep within it
    year = str(amount.year)
    if sum(r.total for key, r in groups.items() if key.rpartition(SEP)[2] == year) > headroom_fen:
        return [Fault("sum.limit", "data.amount", {"limit": print_fen(AMOUNT_FEN_MAX)})]
    return []


def judge_approval(approval: ClaimApproved, case: Case, key: str) -> list[Fault]:
    """An approval beyond the cap, of what needs none, or of what is approved already by another event."""
    book = case.books[approval.policy]
    measure = book.claimable_measure(approval.measure, approval.year)
    if isinstance(measure, Fault):
        return [measure._replace(field=f"data.{measure.field}")]
    faults = []
    if measure.exceeds_cap(approval.amount_fen):
        cap = print_fen(measure.cap_fen or 0, book.latest.currency)
        faults.append(Fault("claim.cap", "data.amount", {"cap": cap}))
    if case.facts.find_approvals(approval) - {key}:
        faults.append(Fault("claim.item", "data.item", {"item": approval.item}))
    return faults


def _judge_desk(contents: Iterable[Content | None], case: Case, field: str) -> list[Fault]:
    """A claim that the ledger's own desk is deciding; ``contents`` are before and after correction."""
    if case.at_desk:
        return []
    for content in contents:
        if not isinstance(content, ClaimEvent):
            continue
        claim = case.facts.claims.get(file_key(content.policy, content.claim))
        if claim is not None and claim.desk:
            return [Fault("claim.desk", field, {"claim": content.claim})]
    return []


def judge_amendment(amendment: Amendment, case: Case) -> list[Fault]:
    """A correction or retraction that does not fit the event that it names."""
    if amendment.of_source == OUR_SOURCE:
        return [Fault("amend.ledger", "data.of_source")]
    target = case.target
    if target is None:
        return []
    if target.subject != case.code:
        return [Fault("amend.subject", "data.of")]
    name = target.event.name
    if isinstance(target.event.content, Amendment):
        return [Fault("amend.amendment", "data.of")]
    if name != amendment.of_type:
        return [Fault("amend.type", "data.of_type", {"actual": name})]
    if case.amended_at_desk and not case.at_desk:
        return [Fault("amend.desk", "data.of", {"of": amendment.of})]
    changes = amendment.changes if isinstance(amendment, FactCorrected) else None
    return judge_amended(target.event, changes, case)


def judge_amended(event: Event, changes: Mapping[str, FieldValue] | None, case: Case) -> list[Fault]:
    """What a fact would be after a correction, or without ``changes`` a retraction."""
    before = case.facts.corrected(event) or event.content
    after = correct(before, changes or {})
    if faults := _judge_desk((before, after), case, "data.of"):
        return faults
    if changes is None:
        return []
    faults = judge_across(after) or judge_matter(after, case.books)
    if not faults and after.field_value("by") == case.code:
        faults = [Fault("replaced.self", "data.changes.by")]
    if not faults and isinstance(after, ClaimApproved):
        faults = judge_approval(after, case, event.key)
    if not faults and isinstance(after, YearlyAmount):
        assert isinstance(before, YearlyAmount)
        less_fen = before.amount_fen if before.year == after.year else 0
        faults = judge_currency(after, case.books) or judge_sum(after, case.facts, less_fen)
    return faults


def judge_across(content: Content) -> list[Fault]:
    """The rules between fields of a kind, for a fact as a correction leaves it."""
    if not isinstance(content, FactContent):
        return []
    faults = content.declaration.faults_across(content.fields_by_name())
    return [Fault(code, f"data.changes.{name}", args) for name, (code, args) in faults.items()]


__all__ = ["Case", "Target", "judge_amended", "judge_amendment", "judge_event"]
