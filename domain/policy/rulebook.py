"""The versions of one policy in force over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from domain.facts.claims import claim_key
from domain.faults.fault import Fault
from domain.policy.model import Measure, Policy, Select, Target


@dataclass(frozen=True, slots=True)
class Segment:
    """A measure as it stands from ``start`` to ``end``, both days included."""

    start: str
    end: str
    measure: Measure
    policy: Policy


class MeasureReader(NamedTuple):
    """A measure with its versions, and what they read: kinds of event, and the key of its claims."""

    measure_id: str
    segments: list[Segment]
    reads: frozenset[str]


PRESENT_SETS_MAX = 1_024
"""Of how many sets of kinds it is kept which measures read them."""


class NoRules(ValueError):
    """No version of the policy was in force at the moment asked for."""


class Rulebook:
    """The adopted versions of one policy, and which of them governs a day.

    A fact of a day is governed by the version in force on that day; a figure of a year by the
    version in force at the year's end (or at the end of the policy's life). Days before the
    first version's effective date are governed by the first version. The policy's life is that
    which the last version gives it.
    """

    def __init__(self, versions: list[Policy]) -> None:
        if not versions:
            raise NoRules("no version of the policy was in force")
        self.versions = sorted(versions, key=lambda version: (version.effective_from, version.version))
        self.id = self.versions[0].id
        self.life_from = self.versions[-1].life_from
        self.life_until = self.versions[-1].life_until or "9999-12-31"
        self._readers_by_present: dict[frozenset[str], list[MeasureReader]] = {}

    @property
    def latest(self) -> Policy:
        """The version that was adopted last for the latest days."""
        return self.versions[-1]

    def on(self, day: str) -> Policy:
        """The version in force on a day."""
        governing = self.versions[0]
        for version in self.versions:
            if version.effective_from <= day:
                governing = version
        return governing

    def of_year(self, year: int) -> Policy:
        """The version that governs a year's figures."""
        if len(self.versions) == 1:
            return self.versions[0]
        return self.on(min(f"{year:04d}-12-31", self.life_until))

    def measure_of_year(self, measure_id: str, year: int) -> Measure | None:
        """A measure as it governs a year's figures; ``None`` where it does not stand then."""
        return self.of_year(year).measures.get(measure_id)

    def claimable_measure(self, measure_id: str, year: int) -> Measure | Fault:
        """A measure that takes claims for an award year, or why it takes none."""
        if measure_id not in self.segments:
            return Fault("measure.unknown", "measure", {"measure": measure_id})
        measure = self.measure_of_year(measure_id, year)
        if measure is None:
            return Fault("measure.not-in-year", "year", {"measure": measure_id, "year": year})
        if not measure.takes_claims:
            return Fault("measure.no-claims", "measure")
        return measure

    def deciders_of(self, measure_id: str, year: int) -> frozenset[str]:
        """The sources that may decide claims of a measure from outside, as the year's version says."""
        policy = self.of_year(year)
        measure = policy.measures.get(measure_id)
        named = measure.approvals_from if measure is not None else ()
        return frozenset(named or policy.approvals_from)

    @cached_property
    def deciders(self) -> frozenset[str]:
        """The sources that may decide claims of some measure from outside, by some version."""
        sources = {source for policy in self.versions for source in policy.approvals_from}
        measures = (measure for policy in self.versions for measure in policy.measures.values())
        return frozenset(sources | {source for measure in measures for source in measure.approvals_from})

    @cached_property
    def amenders(self) -> frozenset[str]:
        """The sources that may amend what other sources said, by the latest version."""
        return frozenset(self.latest.amendments_from)

    def covers_year(self, year: int) -> bool:
        """Whether a year's figures fall into the policy's life."""
        return int(self.life_from[:4]) <= year <= int(self.life_until[:4])

    def period_of(self, year: int) -> str:
        """The budget period of an award year, by the version that governs the year."""
        return self.of_year(year).period_of(year)

    @cached_property
    def divides(self) -> bool:
        """Whether some version has several pots (``domain.money.dividing``)."""
        return any(version.divides for version in self.versions)

    @cached_property
    def by_town(self) -> bool:
        """Whether under some version an enterprise's town says which budget pays it."""
        return any(version.by_town for version in self.versions)

    def pot_of(self, year: int, measure: str, town: str) -> str:
        """The pot that pays a measure's award of a year to an enterprise of a town."""
        return self.of_year(year).pot_of(measure, town) if self.divides else ""

    def in_force_by(self, day: str) -> Rulebook:
        """Only the versions that were in force by a day, as if later ones never came.

        Raises:
            NoRules: where none was.
        """
        return Rulebook([version for version in self.versions if version.effective_from <= day])

    @cached_property
    def segments(self) -> dict[str, list[Segment]]:
        """Each measure's versions over the policy's life, in order of time."""
        segments: dict[str, list[Segment]] = {}
        for index, policy in enumerate(self.versions):
            start = self.life_from if index == 0 else max(policy.effective_from, self.life_from)
            last = index + 1 == len(self.versions)
            end = "9999-12-31" if last else _day_before(self.versions[index + 1].effective_from)
            end = min(end, self.life_until)
            for measure in policy.measures.values():
                if start <= end:
                    segment = Segment(start, end, measure, policy)
                    segments.setdefault(measure.id, []).append(segment)
        return segments

    @cached_property
    def counted_targets(self) -> list[tuple[Select, list[Target]]]:
        """The latest version's targets by what they count: several often count the same."""
        targets_of: list[tuple[Select, list[Target]]] = []
        for target in self.latest.targets.values():
            for select, targets in targets_of:
                if select == target.counted_on:
                    targets.append(target)
                    break
            else:
                targets_of.append((target.counted_on, [target]))
        return targets_of

    def readers_of(self, present: frozenset[str]) -> list[MeasureReader]:
        """The measures that read some of what an enterprise has; most enterprises have one of a few sets."""
        readers = self._readers_by_present.get(present)
        if readers is None:
            readers = [reader for reader in self.readers if not reader.reads.isdisjoint(present)]
            if len(self._readers_by_present) < PRESENT_SETS_MAX:
                self._readers_by_present[present] = readers
        return readers

    @cached_property
    def readers(self) -> list[MeasureReader]:
        """Each measure with its versions and what it reads."""
        readers = []
        for measure_id, segments in self.segments.items():
            reads = frozenset[str]().union(*(segment.measure.reads for segment in segments))
            readers.append(MeasureReader(measure_id, segments, reads | {claim_key(self.id, measure_id)}))
        return readers


def _day_before(day: str) -> str:
    """The day before a day."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
