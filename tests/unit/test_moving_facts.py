"""Corrections, retractions and holds move an enterprise's facts as a fold of all its events would."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import CATALOGUE
from domain.events.amendments import FactCorrected, FactDecided, FactHeld, FactRetracted
from domain.events.content import Content
from domain.events.event import Event
from domain.facts.approved_items import ApprovedItems
from domain.facts.claim_steps import ClaimSteps
from domain.facts.folding import EnterpriseFacts, fold
from domain.facts.moving import NOBODYS, move
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
    return msgspec.json.encode(msgspec.to_builtins(facts, str_keys=True), order="sorted")


def judged(facts: EnterpriseFacts) -> Any:
    """What messages are judged on."""
    sums = {
        (name, key): (reports.total, reports.count)
        for name, groups in facts.amounts.items()
        for key, reports in groups.items()
    }
    return sums, facts.approvals, facts.claims, facts.amended


def approvals_of_item(facts: EnterpriseFacts, item: str) -> set[str]:
    counted = {a.key for approvals in facts.approvals.values() for a in approvals if a.item.upper() == item}
    standing = {
        claim.latest.split("\x1f", 1)[1]
        for claim in facts.claims.values()
        if claim.status == "approved" and claim.item.upper() == item
    }
    return counted | standing


@settings(max_examples=300, deadline=None)
@given(events())
def test_follow_ups_move_facts_as_a_fold_of_all_events_would(stream: list[Event]) -> None:
    """After each event what is judged on is right; all of it where it is said to be complete."""
    facts, taken, is_complete = EnterpriseFacts(), cast("dict[str, Event]", {}), True
    steps, items = ClaimSteps([], facts), ApprovedItems(facts)
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
            moved = move(facts, target, content)
            is_complete &= moved.is_complete
            steps.note(target, facts)
            items.note(target, facts)
            if moved.lost_claim is not None:
                steps.restore_claim(moved.lost_claim, facts)
                items.note_claim(moved.lost_claim, facts)
        steps.note(event, facts)
        items.note(event, facts)
        taken[event.key] = event
        whole = fold(stream[: place + 1])
        assert judged(facts) == judged(whole)
        if is_complete:
            assert said(facts) == said(whole)
        for item in ("A-1", "B"):
            approval = CATALOGUE["ClaimApproved"](
                claim="c", policy="p", measure="m", item=item, year=2024, amount_fen=1, currency="CNY"
            )
            assert canonical_number(item) == item
            found = items.find_approvals(cast("Any", approval), facts)
            of_other_measures = ApprovedItems(whole).find_approvals(cast("Any", approval), whole)
            assert found == of_other_measures <= approvals_of_item(whole, item)
        for claim in facts.claims:
            assert steps.find_holder(claim, facts) == ClaimSteps(stream[: place + 1], whole).find_holder(
                claim, whole
            )


def test_a_report_that_is_corrected_in_its_year_needs_no_fold() -> None:
    """The sum moves by the difference; a report that leaves the latest place asks for a fold."""
    kind = CATALOGUE["SalesReported"]
    reports = [
        Event(kind(year=2024, amount_fen=fen, currency="CNY", channel="online"), "s", str(fen), TIMES[0])
        for fen in (10, 20)
    ]
    facts = fold(reports)
    about: dict[str, Any] = {"of": "20", "of_source": "s", "of_type": "SalesReported", "reason": "r"}

    assert move(facts, reports[1], FactCorrected(changes={"amount_fen": 50}, **about)).is_complete
    [sums] = facts.amounts["SalesReported"].values()
    assert (sums.total, sums.count, sums.latest_amount) == (60, 2, 50)

    assert not move(facts, reports[1], FactRetracted(**about)).is_complete
    assert (sums.total, sums.count, sums.latest) == (10, 1, NOBODYS)
