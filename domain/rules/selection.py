"""Which of an enterprise's facts a measure counts: what is new, and what a year amounts to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import TypeVar

from domain.events import CATALOGUE, DatedThing
from domain.events.event import SEP
from domain.facts.claims import Approval, ApprovedSum, claim_key
from domain.facts.folding import EnterpriseFacts, split_amount_key
from domain.policy.model import Measure, Policy, Select
from domain.policy.rulebook import Segment
from domain.rules.awards import Evaluation

KindOfMeasure = TypeVar("KindOfMeasure", bound=Measure)
SelectOf = Callable[[KindOfMeasure], Select | None]
"""Says which facts a measure counts."""


def new_items(facts: EnterpriseFacts, select: Select) -> list[tuple[str, str]]:
    """(day, identity) of everything that the selected facts made new, ordered by day.

    With several conditions, an identity is complete on the day of the later one.
    """
    first = facts.dated.get(select.facts[0])
    if not first:
        return []
    of_identity, of_attributes = _conditions(select)
    # Of an enterprise with thousands of things, a call for each would be most of the work; what they are
    # asked for is looked at one after the other, and most have the same few attributes.
    named: Iterable[str] = first
    for place, values in of_identity:
        named = [identity for identity in named if identity.split(SEP)[place] in values]
    records = [(identity, first[identity]) for identity in named]
    distinct = {record.attributes for _, record in records}
    meeting = {each for each in distinct if any(_has(of_attributes, text) for text in each)}
    items = [(record.on, identity) for identity, record in records if record.attributes in meeting]
    for condition in select.facts[1:]:
        records_of = facts.dated.get(condition, {})
        items = [
            (max(on, records_of[identity].on), identity) for on, identity in items if identity in records_of
        ]
    return sorted(items)


_Conditions = list[tuple[int, tuple[str, ...]]]
"""Places in a text of several parts, each with the values that its part may have."""


def _conditions(select: Select) -> tuple[_Conditions, _Conditions]:
    """What is asked of the identity, and of one of the records on its earliest day."""
    event = CATALOGUE[select.facts[0]]
    assert issubclass(event, DatedThing)
    of_identity, of_attributes = (
        [(fields.index(name), values) for name, values in select.where.items() if name in fields]
        for fields in (event.identity, event.attributes)
    )
    return of_identity, of_attributes


def _has(conditions: _Conditions, text: str) -> bool:
    """Whether the parts of a text have the values that are asked for."""
    if conditions:
        parts = text.split(SEP)
        for place, values in conditions:
            if parts[place] not in values:
                return False
    return True


def part_of_identity(select: Select, identity: str, name: str) -> str:
    """One part of the identity of something new, by its field's name."""
    return parts_of_identities(select, [("", identity)], name)[0]


def parts_of_identities(select: Select, items: list[tuple[str, str]], name: str) -> list[str]:
    """One part of the identity of each (day, identity), by its field's name."""
    event = CATALOGUE[select.fact]
    assert issubclass(event, DatedThing)
    place = event.identity.index(name)
    return [identity.split(SEP)[place] for _, identity in items]


def amounts_by_year(facts: EnterpriseFacts, select: Select, reports: str) -> dict[int, int]:
    """The selected amounts of each year, years upwards; ``reports`` is the reading ``several-reports``."""
    reported = facts.amounts.get(select.fact)
    if not reported:
        return {}
    amounts: dict[int, int] = {}
    for key, entry in reported.items():
        parts = split_amount_key(key)
        if len(parts) != select.width or (select.foreign and parts[-2] != select.foreign):
            continue
        for place, values in select.groups:
            if parts[place] not in values:
                break
        else:
            amount = entry.total if reports == "add-up" else entry.latest_amount
            year = int(parts[-1])
            amounts[year] = amounts.get(year, 0) + amount
    return dict(sorted(amounts.items())) if len(amounts) > 1 else amounts


def approved_years(evaluation: Evaluation, measure_id: str) -> dict[int, ApprovedSum]:
    """What the enterprise's approved claims for a measure come to, by award year."""
    return evaluation.facts.approved.get(claim_key(evaluation.book.id, measure_id), {})


def approvals_for(evaluation: Evaluation, measure_id: str, year: int) -> list[Approval]:
    """The enterprise's approved claims for a measure and award year, each by itself; all are read for it."""
    approvals = evaluation.facts.approvals.get(claim_key(evaluation.book.id, measure_id), [])
    return [approval for approval in approvals if approval.year == year]


def items_in_life(
    evaluation: Evaluation,
    segments: list[Segment],
    kind: type[KindOfMeasure],
    select_of: SelectOf[KindOfMeasure],
) -> Iterator[tuple[str, str, KindOfMeasure]]:
    """(day, identity, measure) of new items within the policy's life, by the measure of the item's day."""
    for measure, items in items_of_segments(evaluation, segments, kind, select_of):
        for on, identity in items:
            yield on, identity, measure


def items_of_segments(
    evaluation: Evaluation,
    segments: list[Segment],
    kind: type[KindOfMeasure],
    select_of: SelectOf[KindOfMeasure],
) -> Iterator[tuple[KindOfMeasure, list[tuple[str, str]]]]:
    """Each measure of the policy's life, with the (day, identity) of the new items of its days."""
    for segment in segments:
        measure = segment.measure
        assert isinstance(measure, kind)
        select = select_of(measure)
        items = new_items(evaluation.facts, select) if select else []
        end = bisect_right(items, segment.end, key=_day)
        yield measure, items[bisect_left(items, segment.start, key=_day) : end]


_day = itemgetter(0)


def count_by_year(items: list[tuple[str, str]]) -> dict[int, int]:
    """How many of (day, identity), in order of days, there are of each year, years upwards."""
    return {int(year): number for year, number in Counter([on[:4] for on, _ in items]).items()}


def amounts_in_life(
    evaluation: Evaluation,
    segments: list[Segment],
    kind: type[KindOfMeasure],
    select_of: SelectOf[KindOfMeasure],
) -> Iterator[tuple[int, int, KindOfMeasure, Policy]]:
    """(year, amount, measure, policy) of each year of the policy's life that has reports."""
    book, facts = evaluation.book, evaluation.facts
    if len(segments) == 1 and len(book.versions) == 1:  # nothing depends on which version governs
        only, policy = segments[0].measure, segments[0].policy
        assert isinstance(only, kind)
        select = select_of(only)
        for year, amount in amounts_by_year(facts, select, policy.reports).items() if select else ():
            if book.covers_year(year):
                yield year, amount, only, policy
        return
    for year in sorted(_reported_years(facts, segments, kind, select_of)):
        policy = book.of_year(year)
        measure = policy.measures.get(segments[0].measure.id)
        select = select_of(measure) if isinstance(measure, kind) else None
        if select is not None and isinstance(measure, kind) and book.covers_year(year):
            amounts = amounts_by_year(facts, select, policy.reports)
            if year in amounts:
                yield year, amounts[year], measure, policy


def _reported_years(
    facts: EnterpriseFacts,
    segments: list[Segment],
    kind: type[KindOfMeasure],
    select_of: SelectOf[KindOfMeasure],
) -> set[int]:
    years: set[int] = set()
    for segment in segments:
        select = select_of(segment.measure) if isinstance(segment.measure, kind) else None
        if select is not None and select.fact in facts.amounts:
            years.update(amounts_by_year(facts, select, segment.policy.reports))
    return years
