"""The table of duties of different persons, and the one question that is asked of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.authority.duties import (
    TakenStep,
    find_held_duties,
    list_parted_steps,
    parted_duties,
    require_parted_duties,
    title_step,
)
from domain.authority.persons import LOCAL, OPERATING_SYSTEM, Person
from domain.authority.roles import MAY, Actor, NotAllowed
from domain.faults.registry import REQUEST_AREAS
from domain.settlement.taken_steps import STEP_OF

ISSUER = "https://login.example"
QIAN = Person(ISSUER, "u1", "Qian")
PAIRS = [
    (duties.id, one, other)
    for duties in parted_duties().values()
    for one in sorted(duties.first)
    for other in sorted(duties.second)
]


def actor_of(person: Person, publisher: str = "") -> Actor:
    roles = frozenset({"finance"})
    return Actor(person.name, roles, None, person.issuer, person.subject, publisher)


def taken(step: str, person: Person = QIAN) -> TakenStep:
    return TakenStep(step, person, "2025-05-06")


def refusal(actor: Actor, step: str, *steps: TakenStep, same_person: tuple[str, ...] = ()) -> str:
    try:
        require_parted_duties(actor, step, steps, same_person)
    except NotAllowed as error:
        return error.code
    return ""


def test_every_step_of_the_table_has_its_roles_its_title_and_the_events_that_tell_of_it() -> None:
    assert list_parted_steps() <= MAY.keys()
    assert list_parted_steps() == set(STEP_OF.values())
    assert all(all(title_step(step)) for step in list_parted_steps())
    assert all(not duties.first & duties.second for duties in parted_duties().values())


@pytest.mark.parametrize(("duties", "one", "other"), PAIRS)
def test_who_holds_one_duty_takes_no_step_of_the_other_in_either_order(
    duties: str, one: str, other: str
) -> None:
    for before, after in ((one, other), (other, one)):
        assert refusal(actor_of(QIAN), after, taken(before)) == "duty.parted"
        allowing = {each for each, *steps in PAIRS if set(steps) == {one, other}}
        assert refusal(actor_of(QIAN), after, taken(before), same_person=tuple(allowing)) == ""
        assert refusal(actor_of(Person(ISSUER, "u2", "Qian")), after, taken(before)) == ""
    assert refusal(actor_of(QIAN), one, taken(one)) == ""
    assert duties in parted_duties()


def test_the_refusal_names_the_step_before_its_day_who_may_take_it_and_the_row_that_would_allow_it() -> None:
    with pytest.raises(NotAllowed) as refused:
        require_parted_duties(actor_of(QIAN), "payment.record", [taken("payment.order")])
    zh, en = (refused.value.fault.words(language, REQUEST_AREAS) for language in ("zh", "en"))
    assert "您于 2025-05-06 办理了该年度的“下达拨付”" in zh["rule"]
    assert "不得再办理“登记拨付结果”" in zh["rule"]
    assert "you took a step of this year on 2025-05-06 (ordering payments)" in en["rule"]
    for words in (zh, en):
        assert "finance" in words["mend"]
        assert "order-and-record" in words["mend"]


def test_who_proposed_a_step_holds_its_duty_as_much_as_who_confirms_it() -> None:
    confirming = replace(actor_of(Person(ISSUER, "u2", "Zhou")), proposed_by=QIAN)
    assert refusal(confirming, "payment.order", taken("payment.record")) == "duty.proposer"


def test_names_that_are_only_declared_and_keys_of_programs_part_no_duties() -> None:
    lin = Person(LOCAL, "lin", "Lin")
    assert refusal(actor_of(lin), "payment.record", taken("payment.order", lin)) == ""
    assert refusal(actor_of(QIAN, publisher="k1"), "payment.record", taken("payment.order")) == ""
    assert refusal(actor_of(QIAN), "payment.record", taken("payment.order", Person("", "", "Qian"))) != ""


def test_a_user_of_the_system_and_a_subject_are_not_told_apart() -> None:
    user = actor_of(Person(OPERATING_SYSTEM, "1001", "zhou"))
    assert refusal(user, "payment.record", taken("payment.order")) == "person.other-door"


def test_held_duties_are_found_once_for_each_person_whether_verified_or_not() -> None:
    lin, nobody = Person(LOCAL, "lin", "Lin"), Person("", "", "")
    steps = [
        taken(step, person)
        for step in ("settlement.propose", "settlement.publish", "payment.record", "clawback.record")
        for person in (lin, QIAN, nobody)
    ]
    held = find_held_duties(steps)
    assert [(each.duties.id, each.before.step, each.after) for each in held] == [
        ("list-and-record", "settlement.propose", taken("payment.record", person)) for person in (lin, QIAN)
    ]
    assert find_held_duties(steps, ["list-and-record"]) == []
