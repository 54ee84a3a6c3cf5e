"""Parted duties of a year that one person held: no fault of the log, and the reader must know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from domain.authority.duties import HeldDuties, TakenStep, find_held_duties, title_step
from domain.authority.two_persons import is_verified
from domain.events.accounts import AccountEvent
from domain.events.settlements import SettlementEvent
from domain.policy.rulebook import NoRules, Rulebook
from domain.settlement.taken_steps import taken_steps_of
from services.verify.reading import Verdict
from services.verify.streams.procedure import PlacedEvent


class PlacedStep(NamedTuple):
    """A step that a person took, and where it stands in the log."""

    position: int
    step: TakenStep


class DutyHolders:
    """Who took which step of each year first, and where that stands in the log."""

    def __init__(self) -> None:
        self.years: dict[int, dict[tuple[str, ...], PlacedStep]] = {}

    def take_events(self, policy: str, events: Iterable[PlacedEvent]) -> None:
        """Take in events of one originator, in any order; those of a policy's years and accounts count."""
        for position, _, event, _ in events:
            content = event.content
            if not isinstance(content, SettlementEvent | AccountEvent) or content.policy != policy:
                return
            first_steps = self.years.setdefault(content.year, {})
            for step in taken_steps_of(event):
                key, placed_step = (step.step, *step.person), PlacedStep(position, step)
                first_steps[key] = min(first_steps.get(key, placed_step), placed_step)

    def report(self, book_at: Callable[[int], Rulebook], verdict: Verdict) -> None:
        """Tell of parted duties that one verified person held, unless the policy then said that one may.

        Names that are only declared part no duties, as at the doors.
        """
        for year, first_steps in sorted(self.years.items()):
            in_order = sorted(first_steps.values())
            positions = {placed_step.step: placed_step.position for placed_step in in_order}
            for pair in find_held_duties(positions):
                if is_verified(pair.after.person) and not _is_allowed(pair, book_at, positions):
                    verdict.remarks.append(f"{year}: {_describe(pair, positions)}")
                    verdict.held_duties += 1


def _is_allowed(
    pair: HeldDuties, book_at: Callable[[int], Rulebook], positions: Mapping[TakenStep, int]
) -> bool:
    try:
        procedure = book_at(positions[pair.after]).latest.procedure
    except NoRules:
        return False  # the bundle is refused for that
    return any(row.duties == pair.duties.id for row in procedure.same_person)


def _describe(pair: HeldDuties, positions: Mapping[TakenStep, int]) -> str:
    """A sentence for two duties that one person held."""
    before, after = (
        f"{title_step(step.step).en} on {step.on} at position {positions[step]}"
        for step in (pair.before, pair.after)
    )
    person = pair.after.person
    name = f"{person.name or person.subject} ({person.issuer} {person.subject})"
    return f"{name} held duties of different persons ({pair.duties.title.en}): {before}, {after}"
