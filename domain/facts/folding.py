"""What an enterprise did, folded from its events into a state of bounded size.

The state is a function of the *set* of facts: their order of arrival changes nothing, except
that corrections of one fact apply in the order in which they arrived. Adding a fact is done
in place. A correction or retraction of a fact already counted moves what that fact counted for
(``domain.facts.moving``); without the fact at hand, the enterprise's events must be folded again
(``add`` says so by returning ``False``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache

import msgspec

from domain.events.amendments import (
    FactCorrected,
    FactDecided,
    FactRetracted,
    FieldValue,
    FollowUp,
    HoldEvent,
)
from domain.events.claims import ClaimEvent
from domain.events.content import Content, DatedThing, EnterpriseStatus, YearlyAmount, YearlyFigure
from domain.events.event import SEP, Event
from domain.events.speaking import is_said_at_desk
from domain.facts.claims import ClaimFacts, latest_of, place_of_new
from domain.facts.months import month_in
from domain.money.amounts import FOREIGN


def amount_key(content: YearlyAmount) -> str:
    """Under what the reports of a group, currency (where it is a foreign one) and year are kept."""
    group = tuple([getattr(content, part) for part in content.group])
    return _join_amount_key(group, content.currency, content.year)


@lru_cache(maxsize=4_096)
def _join_amount_key(group: tuple[object, ...], currency: str, year: int) -> str:
    """Most enterprises report to the same few groups and years."""
    parts = [str(part or "") for part in group]
    if currency in FOREIGN:
        parts.append(currency)
    return SEP.join((*parts, str(year)))


@lru_cache(maxsize=4_096)
def split_amount_key(key: str) -> tuple[str, ...]:
    """The parts of an ``amount_key``: its group, a foreign currency, the year."""
    return tuple(key.split(SEP))


def amended_key(follow_up: FollowUp) -> str:
    """Under what is kept what later events say of the event that this one names."""
    return SEP.join([follow_up.of_source, follow_up.of, follow_up.of_type])


def amendable_key(fact: Event) -> str:
    """``amended_key`` of what names this very event."""
    return f"{fact.key}{SEP}{fact.name}"


class DatedRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A thing on its earliest day, with the attributes of its records on that day."""

    on: str
    attributes: tuple[str, ...]


class Reports(msgspec.Struct):
    """Reports of one group and year: their sum, and the latest for the other reading.

    ``months`` divides ``total`` over the months in which they were made (``domain.facts.months``), so
    it has at most 12 entries. ``latest`` begins with the time of the report that it names.
    """

    total: int = 0
    count: int = 0
    latest: str = ""
    latest_amount: int = 0
    months: dict[int, int] = {}


class Profile(msgspec.Struct):
    """How an enterprise stands in the register: the fact that is the latest."""

    name: str
    town: str
    size: str | None
    sector: str | None
    latest: str


class Amended(msgspec.Struct, omit_defaults=True):
    """What later events say of one fact, in order of arrival."""

    changes: list[dict[str, FieldValue]] = []
    retracted: bool = False
    held: list[str] = []
    """The disagreements for which it counts for nothing: they wait, or were decided against it."""
    at_desk: bool = False
    """Whether two persons at the ledger's own desk corrected or retracted it."""


class EnterpriseFacts(ClaimFacts, omit_defaults=True):
    """The folded facts of one enterprise.

    ``dated``: event → identity → record.
    ``amounts``: event → group, currency (where it is a foreign one) and year → reports.
    ``figures``: event → year → figures.
    ``amended``: fact → what later events say of it; ``held`` is how many of these hold one.
    ``profile``: the latest entry of the register.

    What grows with every message of some kind (``amended``, and of ``ClaimFacts`` all but ``approved``) is
    looked up by key alone where a message is judged and counted, so that whoever keeps it may read single
    entries.
    """

    dated: dict[str, dict[str, DatedRecord]] = {}
    amounts: dict[str, dict[str, Reports]] = {}
    figures: dict[str, dict[str, list[int]]] = {}
    amended: MutableMapping[str, Amended] = {}
    held: int = 0
    profile: Profile | None = None

    def add(self, fact: Event, *, known: bool = False) -> bool:
        """Count one event that is new to this state.

        Args:
            fact: the event.
            known: for an amendment, whether the fact that it names is counted already.

        Returns:
            ``False`` where the state no longer follows from its events and must be folded
            again from all of them; ``True`` otherwise.
        """
        content = fact.content
        if isinstance(content, FollowUp):
            self.note(fact)
            return not known and not isinstance(content, HoldEvent)
        effective = self.effective(fact)
        if effective is not None:
            for add in ADD.get(effective.shape, ()):
                add(self, fact, effective)
        elif isinstance(content, ClaimEvent) and (step := self.corrected(fact)) is not None:
            self.add_claim(fact, step)  # held: nothing is awarded for it, and yet the step was taken
        return True

    def effective(self, fact: Event) -> Content | None:
        """The content after corrections; ``None`` when retracted, or held for a decision."""
        if not self.amended:
            return fact.content
        amended = self.amendments_of(fact)
        return None if amended is not None and amended.held else self.corrected(fact)

    def corrected(self, fact: Event) -> Content | None:
        """The content after corrections, whether it counts or not; ``None`` when retracted."""
        amended = self.amendments_of(fact) if self.amended else None
        if amended is None:
            return fact.content
        if amended.retracted:
            return None
        content = fact.content
        for changes in amended.changes:
            corrected = correct(content, changes)
            content = corrected if corrected.is_coherent() else content
        return content

    def is_retracted(self, fact: Event) -> bool:
        """Whether an event was taken back."""
        amended = self.amendments_of(fact)
        return amended is not None and amended.retracted

    def amendments_of(self, fact: Event) -> Amended | None:
        """What later events say of a fact, where there are any."""
        return self.amended.get(amendable_key(fact))

    def note(self, event: Event) -> None:
        """Keep what an event says of another; what counts is not moved by it."""
        follow_up = event.content
        assert isinstance(follow_up, FollowUp)
        if isinstance(follow_up, HoldEvent):
            self._hold(follow_up)
        else:
            self._amend(follow_up, is_said_at_desk(event))

    def _hold(self, hold: HoldEvent) -> None:
        disagreements = self.amended.setdefault(amended_key(hold), Amended()).held
        was_held = bool(disagreements)
        if isinstance(hold, FactDecided) and hold.counts:
            disagreements[:] = [name for name in disagreements if name != hold.disagreement]
        elif hold.disagreement not in disagreements:
            disagreements[:] = sorted([*disagreements, hold.disagreement])
        self.held += bool(disagreements) - was_held

    def _amend(self, amendment: FollowUp, at_desk: bool) -> None:
        amended = self.amended.setdefault(amended_key(amendment), Amended())
        amended.at_desk |= at_desk
        if isinstance(amendment, FactRetracted):
            amended.retracted = True
        elif isinstance(amendment, FactCorrected):
            amended.changes.append(amendment.changes)

    def add_dated(self, fact: Event, content: Content) -> None:
        """Count a thing: its earliest day holds."""
        assert isinstance(content, DatedThing)
        identity = SEP.join([getattr(content, part) for part in content.identity])
        attributes = SEP.join([str(getattr(content, part)) for part in content.attributes])
        on, records = content.on, self.dated.setdefault(fact.name, {})
        earliest = records.get(identity)
        if earliest is None or on < earliest.on:
            records[identity] = DatedRecord(on, (attributes,))
        elif on == earliest.on:
            before = earliest.attributes
            if (place := place_of_new(before, attributes)) is not None:
                records[identity] = DatedRecord(on, (*before[:place], attributes, *before[place:]))

    def add_amount(self, fact: Event, content: Content) -> None:
        """Count a report of a yearly amount."""
        assert isinstance(content, YearlyAmount)
        key = amount_key(content)
        amount, time = content.amount_fen, fact.time
        month, latest = month_in(content.year, time), latest_of(fact)
        groups = self.amounts.setdefault(fact.name, {})
        reports = groups.get(key)
        if reports is None:
            groups[key] = Reports(amount, 1, latest, amount, {month: amount})
            return
        reports.total += amount
        reports.count += 1
        reports.months[month] = reports.months.get(month, 0) + amount
        if latest > reports.latest:
            reports.latest, reports.latest_amount = latest, amount

    def add_figure(self, fact: Event, content: Content) -> None:
        """Count a figure of a year."""
        assert isinstance(content, YearlyFigure)
        figures = self.figures.setdefault(fact.name, {}).setdefault(str(content.year), [])
        if (place := place_of_new(figures, content.amount_fen)) is not None:
            figures.insert(place, content.amount_fen)

    def add_profile(self, fact: Event, content: Content) -> None:
        """Count an entry of the register: the latest holds."""
        assert isinstance(content, EnterpriseStatus)
        latest = latest_of(fact)
        if self.profile is None or self.profile.latest < latest:
            self.profile = Profile(content.name, content.town, content.size, content.sector, latest)


_Add = Callable[[EnterpriseFacts, Event, Content], None]
ADD: dict[str, tuple[_Add, ...]] = {
    "dated": (EnterpriseFacts.add_dated,),
    "amount": (EnterpriseFacts.add_amount,),
    "figure": (EnterpriseFacts.add_figure,),
    "approval": (EnterpriseFacts.add_approval, EnterpriseFacts.add_claim),
    "claim": (EnterpriseFacts.add_claim,),
    "desk": (EnterpriseFacts.add_claim,),
    "profile": (EnterpriseFacts.add_profile,),
}
"""How an event of each shape is counted; other shapes count nowhere."""


def correct(content: Content, changes: Mapping[str, FieldValue]) -> Content:
    """The content with the keys of a correction in place of its own; keys that it lacks are ignored."""
    known = {name: value for name, value in changes.items() if name in content.__struct_fields__}
    return msgspec.structs.replace(content, **known)


def fold(facts: list[Event]) -> EnterpriseFacts:
    """Fold events, given in the order in which they were recorded.

    Amendments are read first, so that one that stands before its fact in the ledger and one
    that stands after it mean the same.
    """
    state = EnterpriseFacts()
    reports = []
    for fact in facts:
        if isinstance(fact.content, FollowUp):
            state.add(fact)
        else:
            reports.append(fact)
    for fact in reports:
        state.add(fact)
    return state
