"""Duties that one person must not hold in one year of a policy: a table (``duties.yaml``) and a question."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
import yaml

from domain.authority.persons import Person, is_same_person, is_told_apart
from domain.authority.roles import MAY, Actor, NotAllowed
from domain.authority.two_persons import TWO_PERSON_STEPS, StepTitle, is_verified


class PartedDuties(NamedTuple):
    """Two duties of different persons, each as the steps of ``MAY`` that belong to it."""

    id: str
    """What a policy names it by."""
    first: frozenset[str]
    second: frozenset[str]
    title: StepTitle

    def opposites(self, step: str) -> frozenset[str]:
        """The steps that who takes this one must not have taken."""
        of_first = self.second if step in self.first else frozenset[str]()
        return of_first | (self.first if step in self.second else frozenset[str]())


class TakenStep(NamedTuple):
    """A step that a person took in a year of a policy, and the day (Asia/Shanghai) of the first time."""

    step: str
    person: Person
    on: str


class HeldDuties(NamedTuple):
    """Two parted duties that one person held: a step of each."""

    duties: PartedDuties
    before: TakenStep
    after: TakenStep


@cache
def parted_duties() -> dict[str, PartedDuties]:
    """The table, by the ids that policies name."""
    return {
        id_: PartedDuties(id_, row.first, row.second, StepTitle(row.zh, row.en))
        for id_, row in _read_table().parted.items()
    }


def title_step(step: str) -> StepTitle:
    """What a step of the table is called."""
    title = _read_table().titles.get(step)
    return StepTitle(title.zh, title.en) if title else TWO_PERSON_STEPS[step]


def list_parted_steps() -> frozenset[str]:
    """Every step that stands in the table."""
    return frozenset[str]().union(*(duties.first | duties.second for duties in parted_duties().values()))


def require_parted_duties(
    actor: Actor, step: str, taken_steps: Iterable[TakenStep], same_person: Collection[str] = ()
) -> None:
    """Check that neither who takes a step nor who proposed it holds a duty that is parted from it.

    Where names are only declared there are no persons to part, as in ``two_persons``; a program that acts
    under its own key is none either.

    Args:
        taken_steps: those of the same year of the same policy.
        same_person: the ids of duties that the policy lets one person hold.

    Raises:
        NotAllowed: naming the step that the person took before, its day, and who may take this one.
    """
    earlier_steps = list(taken_steps)
    persons = [(actor.person, "duty.parted")] if not actor.publisher else []
    if actor.proposed_by is not None:
        persons.append((actor.proposed_by, "duty.proposer"))
    for person, code in persons:
        if not is_verified(person):
            continue
        for duties, before in _opposite_steps(step, earlier_steps, same_person):
            if is_same_person(person, before.person):
                raise _refusal(code, person, step, duties, before)
            if not is_told_apart(person, before.person):
                raise NotAllowed("person.other-door", "actor", before=before.person.name)


def find_held_duties(taken_steps: Iterable[TakenStep], same_person: Collection[str] = ()) -> list[HeldDuties]:
    """The parted duties that one person held in a year, verified or not; each once for each person.

    ``taken_steps`` stand in the order in which they were first taken.
    """
    steps = [taken for taken in taken_steps if taken.person.name or taken.person.subject]
    pairs: dict[tuple[str, str, str], HeldDuties] = {}
    for place, after in enumerate(steps):
        for duties, before in _opposite_steps(after.step, steps[:place], same_person):
            if is_same_person(before.person, after.person):
                person = after.person
                key = (duties.id, person.issuer, person.subject or person.name)
                pairs.setdefault(key, HeldDuties(duties, before, after))
    return list(pairs.values())


def _opposite_steps(
    step: str, taken_steps: Iterable[TakenStep], same_person: Collection[str]
) -> Iterator[tuple[PartedDuties, TakenStep]]:
    earlier_steps = list(taken_steps)
    for duties in parted_duties().values():
        if duties.id in same_person:
            continue
        opposites = duties.opposites(step)
        yield from ((duties, before) for before in earlier_steps if before.step in opposites)


def _refusal(code: str, person: Person, step: str, duties: PartedDuties, before: TakenStep) -> NotAllowed:
    return NotAllowed(
        code,
        "actor",
        person=person.name or person.subject,
        action=title_step(step)._asdict(),
        before=title_step(before.step)._asdict(),
        on=before.on,
        roles=", ".join(MAY[step]),
        duties=duties.id,
    )


class _Title(msgspec.Struct, forbid_unknown_fields=True):
    zh: str
    en: str


class _Parted(_Title, forbid_unknown_fields=True):
    first: frozenset[str]
    second: frozenset[str]


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    titles: dict[str, _Title]
    parted: dict[str, _Parted]


@cache
def _read_table() -> _Table:
    text = files(__package__).joinpath("duties.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), _Table)
