"""Corrections, retractions and holds move an enterprise's facts as a fold of all its events would."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import CATALOGUE
from domain.events.amendments import FactCorrected, FactDecided, FactHeld, FactRetracted
from domain.events.claims import ClaimEvent
from domain.events.content import Content
from domain.events.event import Event
from domain.facts.claim_steps import StandingStep, find_holder, restore_claim
from domain.facts.folding import EnterpriseFacts, fold
from domain.facts.moving import NOBODYS, move
from domain.facts.places import Group, group_of, place_of, places_of, restore_group
from domain.things.spelling import canonical_number

SOURCES = ["urn:tax", "urn:post"]
TIMES = ["2024-02-01T00:00:00.000000Z", "2024-03-05T00:00:00.000000Z", "2024-11-05T00:00:00.000000Z"]
ITEMS = ["A-1", "a-1", "B"]
FIELDS: dict[str, dict[str, list[Any]]] = {
    "SalesReported": {
        "year": [2023, 2024],
        "amount_fen": [0, 5, 700],
        "currency": ["CNY"],
        "channel": ["online", "offline"],
    },
    "ContributionAssessed": {"year": [2023, 2024], "amount_fen": [0, 5, 700], "currency": ["CNY"]},
    "StoreRegistered": {
        "platform": ["tmall"],
        "kind": ["flagship", "specialty"],
        "shop": ["x", "y"],
        "on": ["2024-01-01", "2024-02-02"],
    },
    "EnterpriseRegistered": {"name": ["a", "b"], "town": ["t", "u"]},
}
CLAIM: dict[str, list[Any]] = {
    "claim": ["c1", "c2"],
    "policy": ["p"],
    "measure": ["m", "n"],
    "item": ITEMS,
    "year": [2024, 2025],
}
FIELDS |= {
    "ClaimSubmitted": CLAIM,
    "ClaimApproved": {**CLAIM, "amount_fen": [5, 700], "currency": ["CNY"]},
    "ClaimRejected": {**CLAIM, "reason": ["r"]},
    "ClaimWithdrawn": CLAIM,
}


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Facts of one enterprise with follow-ups of them, some of facts that come later or never."""
    made: list[Event] = []
    count = draw(st.integers(2, 14))
    for number in range(count):
        name = draw(st.sampled_from(list(FIELDS)))
        content = CATALOGUE[name](**{f: draw(st.sampled_from(v)) for f, v in FIELDS[name].items()})
        made.append(Event(content, draw(st.sampled_from(SOURCES)), str(number), draw(st.sampled_from(TIMES))))
    follow_ups: list[Content] = []
    for _ in range(draw(st.integers(1, 10))):
        fact = draw(st.sampled_from(made))
        about: dict[str, Any] = {"of": fact.event_id, "of_source": fact.source, "of_type": fact.name}
        kind = draw(st.sampled_from(["correct", "correct", "retract", "hold", "decide"]))
        if kind == "correct":
            field = draw(st.sampled_from([f for f in FIELDS[fact.name] if f not in ("policy", "currency")]))
            changes = {field: draw(st.sampled_from(FIELDS[fact.name][field]))}
            follow_ups.append(FactCorrected(reason="r", changes=changes, **about))
        elif kind == "retract":
            follow_ups.append(FactRetracted(reason="r", **about))
        elif kind == "hold":
            follow_ups.append(FactHeld(disagreement="d", policy="p", rule="r", **about))
        else:
            counts = draw(st.booleans())
            follow_ups.append(FactDecided(disagreement="d", counts=counts, actor="", reason="r", **about))
    made += [
        Event(content, "urn:amends", f"f{number}", TIMES[0]) for number, content in enumerate(follow_ups)
    ]
    return draw(st.permutations(made))


def said(facts: EnterpriseFacts) -> Any:
    """All of the facts; of sums of approvals not the bound, which may lie higher where one went."""
    values = msgspec.to_builtins(facts, str_keys=True)
    for years in values.get("approved", {}).values():
        for approved in years.values():
            del approved["highest"]
    return msgspec.json.encode(values, order="sorted")


def judged(facts: EnterpriseFacts) -> Any:
    """What messages are judged on."""
    sums = {
        (name, key): (reports.total, reports.count)
        for name, groups in facts.amounts.items()
        for key, reports in groups.items()
    }
    approved = {
        (measure, year): (each.count, each.total)
        for measure, years in facts.approved.items()
        for year, each in years.items()
    }
    for measure, approvals in facts.approvals.items():
        for approval in approvals:
            assert approval.amount <= facts.approved[measure][approval.year].highest
    return sums, approved, facts.items, facts.claims, facts.steps, facts.amended, facts.held


def approvals_of_item(facts: EnterpriseFacts, item: str) -> set[str]:
    counted = {a.key for approvals in facts.approvals.values() for a in approvals if a.item.upper() == item}
    standing = {
        claim.latest.split("\x1f", 1)[1]
        for claim in facts.claims.values()
        if claim.status == "approved" and claim.item.upper() == item
    }
    return counted | standing


def steps_of(facts: EnterpriseFacts, claim: str, events: list[Event]) -> list[StandingStep]:
    """The steps that stand of a claim, in order of recording."""
    steps = []
    for event in events:
        step = facts.corrected(event)
        if isinstance(step, ClaimEvent) and f"{step.policy}\x1f{step.claim}" == claim:
            steps.append(StandingStep(event, step))
    assert sorted(step.event.key for step in steps) == facts.steps.get(claim, [])
    return steps


class KeptPlaces:
    """The places of facts, in memory."""

    def __init__(self) -> None:
        self.places: set[str] = set()

    def last_under(self, prefix: str) -> str | None:
        return max(self.all_under(prefix), default=None)

    def all_under(self, prefix: str) -> list[str]:
        return sorted(place for place in self.places if place.startswith(prefix))

    def is_any_between(self, first: str, before: str) -> bool:
        return any(first <= place < before for place in self.places)

    def put(self, fact: Event, before: Group | None, after: Group | None) -> set[Group]:
        if before is not None:
            self.places.remove(place_of(fact, before))
        if after is not None:
            self.places.add(place_of(fact, after))
        return {group for group in (before, after) if group is not None}


@settings(max_examples=300, deadline=None)
@given(events())
def test_follow_ups_move_facts_as_a_fold_of_all_events_would(stream: list[Event]) -> None:
    """After each event what is judged on is right, and all of it once what is incomplete is restored."""
    facts, taken, kept = EnterpriseFacts(), cast("dict[str, Event]", {}), KeptPlaces()
    for place, event in enumerate(stream):
        content = event.content
        target = (
            taken.get(f"{content.of_source}\x1f{content.of}")
            if isinstance(content, FactCorrected | FactRetracted | FactHeld | FactDecided)
            else None
        )
        if target is None:
            facts.add(event)
        else:
            assert isinstance(content, FactCorrected | FactRetracted | FactHeld | FactDecided)
            before = group_of(target, facts.effective(target))
            moved = move(facts, target, event)
            groups = kept.put(target, before, group_of(target, facts.effective(target)))
            for group in () if moved.is_complete else sorted(groups):
                restore_group(facts, group, kept, taken.__getitem__)
            if moved.lost_claim is not None:
                steps = steps_of(facts, moved.lost_claim, stream[:place])
                restore_claim(facts, moved.lost_claim, steps)
        taken[event.key] = event
        kept.put(event, None, group_of(event, facts.effective(event)))
        assert kept.places == places_of(stream[: place + 1], facts)
        whole = fold(stream[: place + 1])
        assert judged(facts) == judged(whole)
        assert said(facts) == said(whole)
        for item in ("A-1", "B"):
            approval = CATALOGUE["ClaimApproved"](
                claim="c", policy="p", measure="m", item=item, year=2024, amount_fen=1, currency="CNY"
            )
            assert canonical_number(item) == item
            found = facts.find_approvals(cast("Any", approval))
            assert found == whole.find_approvals(cast("Any", approval)) <= approvals_of_item(whole, item)
        for claim in {*facts.claims, *facts.steps}:
            events = stream[: place + 1]
            holder = find_holder(steps_of(facts, claim, events))
            assert holder == find_holder(steps_of(whole, claim, events))


def test_a_report_that_is_corrected_in_its_year_needs_no_fold() -> None:
    """The sum moves by the difference; a report that leaves the latest place asks for a fold."""
    kind = CATALOGUE["SalesReported"]
    reports = [
        Event(kind(year=2024, amount_fen=fen, currency="CNY", channel="online"), "s", str(fen), TIMES[0])
        for fen in (10, 20)
    ]
    facts = fold(reports)
    about: dict[str, Any] = {"of": "20", "of_source": "s", "of_type": "SalesReported", "reason": "r"}

    def amend(amendment: Content) -> Event:
        return Event(amendment, "s", "a", TIMES[0])

    assert move(facts, reports[1], amend(FactCorrected(changes={"amount_fen": 50}, **about))).is_complete
    [sums] = facts.amounts["SalesReported"].values()
    assert (sums.total, sums.count, sums.latest_amount) == (60, 2, 50)

    assert not move(facts, reports[1], amend(FactRetracted(**about))).is_complete
    assert (sums.total, sums.count, sums.latest) == (10, 1, NOBODYS)
