"""The steps of a claim as pure functions: who may take which, when, and with what amount."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from domain.authority.persons import canonical_name
from domain.authority.roles import Actor, NotAllowed, declared_actor
from domain.authority.writes import require
from domain.claims import steps as claims
from domain.claims.steps import ClaimFile, file_of
from domain.events.claims import ClaimEvent, ClaimSubmitted
from domain.events.event import Event
from domain.events.speaking import attribute_step
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.load import load_policy
from domain.policy.rulebook import Rulebook
from tests.events import CIXI, CIXI_TEXT

BOOK = Rulebook([load_policy(CIXI_TEXT)])
CLERK = Actor("clerk", frozenset({"enterprise"}), "E")
LIN, GAO = (Actor(name, frozenset({"officer", "reviewer"})) for name in ("Lin", "Gao"))
SHEN, WU = (Actor(name, frozenset({"reviewer", "officer"})) for name in ("Shen", "Wu"))
ASKED = ClaimSubmitted(
    claim="C",
    policy=CIXI,
    measure="standard.cixi",
    item="i",
    year=2024,
    amount_fen=2_000_000,
    currency="CNY",
)


class Desk:
    """One enterprise's claim and its steps so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @property
    def facts(self) -> EnterpriseFacts:
        """As they are folded."""
        return fold(self.events)

    @property
    def file(self) -> ClaimFile | None:
        """The claim's file."""
        return file_of(self.facts, self.events, CIXI, "C")

    def take(self, step: ClaimEvent, by: Actor) -> Desk:
        """Count a step."""
        time = f"2025-05-{len(self.events) + 1:02d}T00:00:00.000000Z"
        attribution = attribute_step(by, "claim.review")
        self.events.append(Event(step, "s", str(len(self.events)), time, *attribution))
        return self

    def submit(self, by: Actor = CLERK) -> Desk:
        return self.take(claims.submit(by, "2025-05-01", BOOK, self.facts, "E", ASKED), by)

    def review(self, by: Actor, amount: int = 2_000_000) -> Desk:
        return self.take(claims.review(by, BOOK, self.file, "C", amount, "o"), by)

    def approve(self, by: Actor, amount: int | None = None) -> Desk:
        return self.take(claims.approve(by, BOOK, self.file, "C", amount, None), by)

    def reject(self, by: Actor) -> Desk:
        return self.take(claims.reject(by, CIXI, self.file, "C", "r"), by)

    def appeal(self, by: Actor = CLERK, today: str = "2025-05-04") -> Desk:
        return self.take(claims.appeal(by, today, BOOK, "E", self.file, "C", "2025-05-03", "r"), by)


def why(step: Any) -> str:
    """Why a step is not allowed."""
    with pytest.raises(NotAllowed) as error:
        step()
    return error.value.code


def test_two_people_approve_a_claim_with_at_most_what_the_first_recommended() -> None:
    desk = Desk().submit().review(GAO, 1_500_000)
    assert why(lambda: desk.approve(GAO)) == "claim.same-reviewer"
    assert why(lambda: desk.approve(SHEN, 1_500_001)) == "claim.above-review"
    assert why(lambda: desk.approve(SHEN, 0)) == "amount.zero"
    desk.approve(SHEN)
    [approval] = desk.facts.approvals.values()
    assert approval[0].amount == 1_500_000


def test_nobody_reviews_or_rejects_what_he_submitted_or_appealed() -> None:
    desk = Desk().submit(LIN)
    assert why(lambda: desk.review(LIN)) == "claim.own"
    assert why(lambda: desk.reject(LIN)) == "claim.own"
    desk.review(GAO)
    assert why(lambda: desk.approve(LIN)) == "claim.own"
    appealed = Desk().submit().review(GAO).reject(SHEN).appeal(LIN)
    assert why(lambda: appealed.review(LIN)) == "claim.own"


def test_an_appeal_is_decided_by_people_who_had_no_part_in_the_rejection() -> None:
    desk = Desk().submit().review(GAO).reject(SHEN).appeal()
    for person in (GAO, SHEN):
        assert why(lambda person=person: desk.review(person)) == "claim.involved"
    desk.review(LIN, 900)
    assert why(lambda: desk.approve(SHEN)) == "claim.involved"
    assert desk.approve(WU).facts.claims[f"{CIXI}\x1fC"].status == "approved"


def test_two_subjects_are_two_people_and_two_names_are_not() -> None:
    def person(subject: str, name: str) -> Actor:
        return Actor(name, frozenset({"officer", "reviewer"}), None, "https://login.example", subject)

    desk = Desk().submit(person("u1", "clerk"))
    assert why(lambda: desk.review(person("u1", "Another"))) == "claim.own"
    desk.review(person("u2", "clerk"))
    for name in ("clerk", "Clerk", "ｃｌｅｒｋ", "сlerk", "Somebody Else"):
        assert why(lambda name=name: desk.approve(person("u2", name))) == "claim.same-reviewer"
        assert why(lambda name=name: desk.reject(person("u2", name))) == "claim.same-reviewer"
    desk.approve(person("u3", "clerk"))
    assert desk.facts.claims[f"{CIXI}\x1fC"].status == "approved"


@pytest.mark.parametrize("name", ["GAO", "Ｇａｏ", "Gаo", "G a o", "Ga\u200bo"])
def test_where_nobody_is_checked_a_name_that_may_be_mistaken_is_the_same_person(name: str) -> None:
    roles = frozenset({"officer", "reviewer"})
    for first in (GAO, declared_actor("Gao", roles)):  # of before issuers were recorded, and of now
        desk = Desk().submit().review(first)
        for second in (Actor(name, roles), Actor(name, roles, None, "local", canonical_name(name))):
            assert why(lambda desk=desk, second=second: desk.approve(second)) == "claim.same-reviewer"


def test_the_cap_holds_at_every_step() -> None:
    over = replace(ASKED, amount_fen=3_000_001)
    assert why(lambda: claims.submit(CLERK, "2025-05-01", BOOK, Desk().facts, "E", over)) == "claim.cap"
    assert why(lambda: Desk().submit().review(GAO, 3_000_001)) == "claim.cap"
    assert why(lambda: Desk().submit().review(GAO).approve(SHEN, 3_000_001)) == "claim.cap"


@pytest.mark.parametrize(("today", "late"), [("2025-05-18", False), ("2025-05-19", True)])
def test_an_appeal_is_taken_for_the_days_of_the_policy(today: str, late: bool) -> None:
    desk = Desk().submit().reject(SHEN)
    if late:
        assert why(lambda: desk.appeal(today=today)) == "claim.appeal-late"
    else:
        assert desk.appeal(today=today).facts.claims[f"{CIXI}\x1fC"].status == "appealed"


def test_an_item_is_claimed_once_until_the_claim_is_withdrawn() -> None:
    desk = Desk().submit()
    other = replace(ASKED, claim="D")
    assert (
        why(lambda: claims.submit(CLERK, "2025-05-01", BOOK, desk.facts, "E", other)) == "claim.item-claimed"
    )
    assert why(lambda: claims.submit(CLERK, "2025-05-01", BOOK, desk.facts, "E", ASKED)) == "claim.known"
    desk.take(claims.withdraw(CLERK, CIXI, "E", desk.file, "C"), CLERK)
    claims.submit(CLERK, "2025-05-01", BOOK, desk.facts, "E", other)


def test_who_has_no_name_or_no_role_takes_no_step_and_an_enterprise_none_for_another() -> None:
    assert why(lambda: require(Actor("", frozenset({"officer"})), "claim.review")) == "actor.missing"
    assert why(lambda: require(CLERK, "claim.review", "E")) == "role.missing"
    assert why(lambda: require(CLERK, "claim.submit", "F")) == "role.enterprise"
    require(Actor("both", frozenset({"officer", "enterprise"}), "E"), "claim.submit", "F")
