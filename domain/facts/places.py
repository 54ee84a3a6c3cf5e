"""The place of a fact among those that count for the same: what follows once the earliest or latest one goes.

A place is text that sorts as facts do by time: the kind, what the fact counts for, its time and its key.
Whoever keeps the places of an enterprise in order finds by them what takes the place of a fact that was
retracted, corrected or held, without going through the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from domain.events.content import Content, DatedThing, EnterpriseStatus, YearlyAmount, YearlyFigure
from domain.events.event import SEP, Event
from domain.facts.canonical import identity_of
from domain.facts.claims import latest_of, place_of_new
from domain.facts.folding import EnterpriseFacts, Profile, amount_key
from domain.facts.months import month_bounds

AFTER_SEP = chr(ord(SEP) + 1)
"""Sorts behind everything that begins with a separator."""
FIGURE_DIGITS = 20


class Group(NamedTuple):
    """What facts of one kind count for together."""

    shape: str
    kind: str
    """Empty where entries of several kinds are compared, as those of the register."""
    name: str
    """The key of a sum, the identity of a thing, the year and amount of a figure; of the register, empty."""

    @property
    def prefix(self) -> str:
        """What the places of its facts begin with."""
        return SEP.join((self.kind, self.name, ""))


class Places(Protocol):
    """The places of an enterprise's facts, in order."""

    def last_under(self, prefix: str) -> str | None:
        """The last one that begins so."""

    def all_under(self, prefix: str) -> list[str]:
        """All that begin so, in order."""

    def is_any_between(self, first: str, before: str) -> bool:
        """Whether there is one from the first on, and before the other."""


def group_of(fact: Event, content: Content | None) -> Group | None:
    """What a fact counts for, by what it says as it stands; none where it counts for nothing."""
    if isinstance(content, YearlyAmount):
        return Group(content.shape, fact.name, amount_key(content))
    if isinstance(content, DatedThing):
        return Group(content.shape, fact.name, identity_of(content))
    if isinstance(content, YearlyFigure):
        return Group(content.shape, fact.name, f"{content.year}{SEP}{content.amount_fen:0{FIGURE_DIGITS}d}")
    return Group(content.shape, "", "") if isinstance(content, EnterpriseStatus) else None


def place_of(fact: Event, group: Group) -> str:
    """The place of a fact in its group."""
    return f"{group.prefix}{latest_of(fact)}"


def places_of(events: list[Event], facts: EnterpriseFacts) -> set[str]:
    """The places of all events that count."""
    groups = ((event, group_of(event, facts.effective(event))) for event in events)
    return {place_of(event, group) for event, group in groups if group is not None}


EventOf = Callable[[str], Event]
"""An event of the enterprise by its key."""


def restore_group(facts: EnterpriseFacts, group: Group, places: Places, event_of: EventOf) -> None:
    """Work out what a group comes to from the facts that are left of it."""
    _RESTORE[group.shape](facts, group, places, event_of)


def _content_at(facts: EnterpriseFacts, group: Group, place: str, event_of: EventOf) -> tuple[Event, Content]:
    """The event at a place, and what it says as it stands."""
    event = event_of(place.removeprefix(group.prefix).partition(SEP)[2])
    return event, cast("Content", facts.effective(event))


def _restore_amount(facts: EnterpriseFacts, group: Group, places: Places, event_of: EventOf) -> None:
    """The latest report of a sum, and the months that still have one."""
    reports = facts.amounts.get(group.kind, {}).get(group.name)
    last = places.last_under(group.prefix)
    if reports is None or last is None:
        return
    event, content = _content_at(facts, group, last, event_of)
    assert isinstance(content, YearlyAmount)
    reports.latest, reports.latest_amount = latest_of(event), content.amount_fen
    for month in [month for month, fen in reports.months.items() if not fen]:
        first, before = month_bounds(content.year, month)
        end = f"{group.prefix}{before}" if before else group.prefix[:-1] + AFTER_SEP
        if not places.is_any_between(f"{group.prefix}{first}", end):
            del reports.months[month]


def _restore_dated(facts: EnterpriseFacts, group: Group, places: Places, event_of: EventOf) -> None:
    """A thing on the earliest day that is left."""
    facts.dated.get(group.kind, {}).pop(group.name, None)
    for place in places.all_under(group.prefix):
        facts.add_dated(*_content_at(facts, group, place, event_of))
    if not facts.dated.get(group.kind):
        facts.dated.pop(group.kind, None)


def _restore_figure(facts: EnterpriseFacts, group: Group, places: Places, event_of: EventOf) -> None:
    """Whether any report still says this figure."""
    year, _, amount = group.name.partition(SEP)
    years = facts.figures.setdefault(group.kind, {})
    figures, fen = years.setdefault(year, []), int(amount)
    place = place_of_new(figures, fen)
    if places.last_under(group.prefix) is None:
        if place is None:
            figures.remove(fen)
    elif place is not None:
        figures.insert(place, fen)
    if not figures:
        del years[year]
    if not years:
        del facts.figures[group.kind]


def _restore_profile(facts: EnterpriseFacts, group: Group, places: Places, event_of: EventOf) -> None:
    """The latest entry of the register that is left."""
    last, facts.profile = places.last_under(group.prefix), None
    if last is not None:
        event, content = _content_at(facts, group, last, event_of)
        assert isinstance(content, EnterpriseStatus)
        latest = latest_of(event)
        facts.profile = Profile(content.name, content.town, content.size, content.sector, latest)


_RESTORE: dict[str, Callable[[EnterpriseFacts, Group, Places, EventOf], None]] = {
    "amount": _restore_amount,
    "dated": _restore_dated,
    "figure": _restore_figure,
    "profile": _restore_profile,
}
