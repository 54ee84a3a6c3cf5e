"""What waits for somebody at the desk: facts held, claims, objections, steps of a second person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from domain.claims.steps import OPEN
from domain.disagreements.matters import matter_of
from domain.events.amendments import FactDecided, FactHeld, HoldEvent
from domain.events.claims import AmountStep, ClaimEvent
from domain.events.event import Event
from domain.events.second_person import Request
from domain.events.settlements import ObjectionRaised, ObjectionResolved, OpenItem
from domain.facts.claims import file_key
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Awards
from domain.rules.evaluation import awards_of
from domain.settlement.open_matters import CLAIM, DISAGREEMENT, OBJECTION, WAITING, Finding


class PlacedFact(NamedTuple):
    """An event of an enterprise or a settlement, with its position and the day on which it was recorded."""

    position: int
    day: str
    event: Event


def find_in_enterprise(
    code: str, facts: Sequence[PlacedFact], book: Rulebook, until_year: int
) -> Iterator[Finding]:
    """Facts of an enterprise that are held, and its claims that nobody has decided.

    Args:
        facts: all that is recorded of it, in order.
        until_year: awards and claims of later years are left out.
    """
    holds = _read_holds(facts, book.id)
    claimed = any(isinstance(fact.event.content, ClaimEvent) for fact in facts)
    if not holds and not claimed:
        return
    folded = fold([fact.event for fact in facts])
    if holds:
        awards = awards_of(folded, book)
        for disagreement, of_one in holds.items():
            if _is_agreed(code, disagreement, of_one, facts, folded, book):
                continue
            freed = fold([fact.event for fact in facts if not _holds(fact.event, disagreement)])
            touched = touched_fen(awards, awards_of(freed, book), until_year)
            if touched is not None:
                positions = tuple(fact.position for fact in of_one)
                item = OpenItem(code, 0, "", disagreement, touched, of_one[0].day, positions)
                yield Finding(DISAGREEMENT, item)
    yield from _find_claims(code, facts, folded, book.id, until_year)


def _holds(event: Event, disagreement: str) -> bool:
    return isinstance(event.content, HoldEvent) and event.content.disagreement == disagreement


def _read_holds(facts: Iterable[PlacedFact], policy: str) -> dict[str, list[PlacedFact]]:
    """By disagreement under a policy's rules, the events that hold a fact which nobody has decided on."""
    waiting: dict[tuple[str, str, str, str], PlacedFact] = {}
    for fact in facts:
        content = fact.event.content
        if isinstance(content, FactHeld | FactDecided):
            key = (content.disagreement, content.of_source, content.of, content.of_type)
            waiting.pop(key, None)
            if isinstance(content, FactHeld) and content.policy == policy:
                waiting[key] = fact
    by_disagreement: dict[str, list[PlacedFact]] = {}
    for (disagreement, *_), fact in waiting.items():
        by_disagreement.setdefault(disagreement, []).append(fact)
    return by_disagreement


def _is_agreed(
    code: str,
    disagreement: str,
    holds: Sequence[PlacedFact],
    facts: Iterable[PlacedFact],
    folded: EnterpriseFacts,
    book: Rulebook,
) -> bool:
    """Whether the facts are held only since another source says the same, so that it counts once.

    Of sources that disagree every fact is held; of those that agree one source's are not.
    """
    hold = holds[0].event.content
    assert isinstance(hold, FactHeld)
    rules = {rule.id: rule for version in book.versions for rule in version.disagreements}
    rule = rules.get(hold.rule)
    if rule is None or rule.kind != "two-sources":
        return False
    matters = dict[bool, set[str]]()
    for fact in facts:
        content = folded.corrected(fact.event) if fact.event.name == hold.of_type else None
        if content is not None:
            amended = folded.amendments_of(fact.event)
            is_held = amended is not None and disagreement in amended.held
            matters.setdefault(is_held, set()).add(matter_of(rule, code, content))
    return bool(matters.get(True, set()) & matters.get(False, set()))


def touched_fen(before: Awards, after: Awards, until_year: int) -> int | None:
    """By how much awards of years up to one differ, in fen; ``None`` where only later ones do."""
    touched, later = 0, False
    for year in {*before, *after}:
        own, other = before.get(year, {}), after.get(year, {})
        for measure in {*own, *other}:
            difference = sum(award.eligible for award in (other.get(measure),) if award) - sum(
                award.eligible for award in (own.get(measure),) if award
            )
            if year > until_year:
                later |= difference != 0
            else:
                touched += abs(difference)
    return None if later and not touched else touched


def _find_claims(
    code: str, facts: Iterable[PlacedFact], folded: EnterpriseFacts, policy: str, until_year: int
) -> Iterator[Finding]:
    """Claims under a policy that are neither approved nor rejected nor withdrawn."""
    last: dict[str, PlacedFact] = {}
    amounts: dict[str, int] = {}
    for fact in facts:
        content = fact.event.content
        if isinstance(content, ClaimEvent) and content.policy == policy:
            last[content.claim] = fact
            if isinstance(content, AmountStep) and content.amount_fen:
                amounts[content.claim] = content.amount_fen
    for claim, fact in sorted(last.items()):
        stands = folded.claims.get(file_key(policy, claim))
        if stands is not None and stands.status in OPEN and stands.year <= until_year:
            amount = amounts.get(claim, 0)
            item = OpenItem(code, stands.year, stands.measure, claim, amount, fact.day, (fact.position,))
            yield Finding(CLAIM, item)


def find_objections(year: int, steps: Iterable[PlacedFact]) -> Iterator[Finding]:
    """Objections to a year's lists that nobody has resolved."""
    raised: dict[str, PlacedFact] = {}
    for step in steps:
        content = step.event.content
        if isinstance(content, ObjectionRaised):
            raised[content.objection] = step
        elif isinstance(content, ObjectionResolved):
            raised.pop(content.objection, None)
    for objection, step in raised.items():
        content = step.event.content
        enterprise = content.enterprise if isinstance(content, ObjectionRaised) else None
        item = OpenItem(enterprise or "", year, "", objection, 0, step.day, (step.position,))
        yield Finding(OBJECTION, item)


class WaitingRequest(NamedTuple):
    """A step that one person proposed and nobody has confirmed or withdrawn."""

    waiting: str
    """Its id."""
    request: Request
    position: int
    day: str
    until: str
    """When it lapses (UTC, fixed width)."""


def find_waiting(
    requests: Iterable[WaitingRequest], policy: str, until_year: int, now: str, but: str = ""
) -> Iterator[Finding]:
    """Steps about a policy's years up to one, or about no policy alone, that have not lapsed by ``now``.

    What asks for the step ``but`` of the last year is left out: it is confirmed by it.
    """
    for waiting, request, position, day, until in requests:
        year = int(getattr(request, "year", 0))
        if request.policy not in ("", policy) or year > until_year or until < now:
            continue
        if (request.step, request.matter_id) == (but, f"{policy}:{until_year}"):
            continue
        fields = ("total_fen", "payable_fen", "amount_fen")
        amount = next((int(getattr(request, name)) for name in fields if hasattr(request, name)), 0)
        enterprise = str(getattr(request, "enterprise", ""))
        reference = f"{request.step} {waiting}"
        yield Finding(WAITING, OpenItem(enterprise, year, "", reference, amount, day, (position,)))
