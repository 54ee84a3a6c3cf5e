"""What a bundle's events leave open, found while they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.events.accounts import AccountEvent, AdjustmentAccepted, AwardLine, AwardsSettled, ClawbackOrdered
from domain.events.instants import day_of
from domain.events.second_person import StepProposed
from domain.events.settlements import OpenMatter
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award, Awards
from domain.rules.evaluation import awards_of
from domain.settlement.figures import division_of
from domain.settlement.open_cases import (
    PlacedFact,
    WaitingRequest,
    find_in_enterprise,
    find_objections,
    find_waiting,
)
from domain.settlement.open_matters import AccountStep, AwardStanding, Finding, find_in_account, sum_up
from domain.settlement.payables import Line, payable_as_now, payable_of
from services.verify.streams.procedure import Closing, PlacedEvent

NO_PART = AwardLine("", 0, 0, 0, 0, 0)
"""What a closed list has of an award that it did not know."""


class _Standing(NamedTuple):
    """An enterprise as its events leave it: its town, its awards of closed years, its late events."""

    town: str
    awards: dict[int, dict[str, Award]]
    late: dict[int, tuple[int, str]]
    """By closed year, the first event that its list did not know, and its day."""


@dataclass(slots=True)
class OpenMattersFinder:
    """Follows the events of a bundle for what is open of a policy's years up to one.

    Of an enterprise it keeps the awards of closed years alone.
    """

    policy: str
    year: int
    faults: Counter[str]
    """What does not match so far: then nothing is looked for any more."""
    findings: list[Finding] = field(default_factory=list)
    requests: list[WaitingRequest] = field(default_factory=list)
    standings: dict[str, _Standing] = field(default_factory=dict)
    accounts: set[tuple[str, int]] = field(default_factory=set)
    """Accounts, by enterprise and year."""
    recorded_until: str = ""
    """When the last event was recorded."""

    def take_settlement(self, year: int, events: list[PlacedEvent]) -> None:
        """Objections that nobody has resolved, to a list that is not closed."""
        if year <= self.year:
            self.findings += find_objections(year, map(_placed_fact, events))

    def take_proposals(self, events: list[PlacedEvent]) -> None:
        """A step that waits for a second person: the last of its originator's events proposes it."""
        last = events[-1] if events else None
        content = last.event.content if last else None
        if last is not None and isinstance(content, StepProposed):
            day = day_of(last.recorded_at)
            waiting = WaitingRequest(content.waiting, content.request, last.position, day, content.until)
            self.requests.append(waiting)

    def take_enterprise(
        self,
        code: str,
        events: list[PlacedEvent],
        at_closing: tuple[EnterpriseFacts, Awards],
        book: Rulebook,
        closings: Mapping[int, Closing],
        is_later: bool,
    ) -> None:
        """Facts that are held, claims, and the awards of closed years as they are now.

        Args:
            at_closing: the facts that were folded, with their awards, up to the position that counts.
            is_later: whether the rules, or what is known of the enterprise, have moved since.
        """
        if self.faults:
            return
        self.findings += find_in_enterprise(code, list(map(_placed_fact, events)), book, self.year)
        years = [year for year in closings if year <= self.year]
        if not years:
            return
        facts, awards = at_closing
        if is_later:
            facts = fold([event.event for event in events])
            awards = awards_of(facts, book)
        late = {year: _first_after(events, closings[year].content.known) for year in years}
        closed_awards = {year: awards[year] for year in years if year in awards}
        self.standings[code] = _Standing(facts.profile.town if facts.profile else "", closed_awards, late)

    def take_account(
        self, code: str, year: int, events: list[PlacedEvent], closing: Closing | None, book: Rulebook
    ) -> None:
        """What is open of an account, and of the awards beside it."""
        if closing is None or year > self.year or self.faults:
            return
        self.accounts.add((code, year))
        steps = [
            AccountStep(position, day_of(recorded_at), event.content)
            for position, _, event, recorded_at in events
            if isinstance(event.content, AccountEvent)
        ]
        standings = self._stand_awards(code, year, steps, closing, book)
        self.findings += find_in_account(code, year, steps, standings)

    def _stand_awards(
        self, code: str, year: int, steps: list[AccountStep], closing: Closing, book: Rulebook
    ) -> Iterator[AwardStanding]:
        """The awards of a closed year that are no longer what was settled."""
        standing = self.standings.get(code, _Standing("", {}, {}))
        settled, accepted = dict[str, AwardLine](), dict[str, int]()
        for step in steps:
            content = step.content
            if isinstance(content, AwardsSettled):
                settled = {line.measure: line for line in content.lines if line.award_year == year}
            elif isinstance(content, AdjustmentAccepted):
                accepted[content.measure] = accepted.get(content.measure, 0) + content.amount_fen
            elif isinstance(content, ClawbackOrdered) and content.measure and content.award_fen > 0:
                accepted[content.measure] = accepted.get(content.measure, 0) - content.award_fen
        shares, awards = division_of(closing.content), standing.awards.get(year, {})
        for measure in sorted({*settled, *awards, *accepted}):
            line, award = settled.get(measure, NO_PART), awards.get(measure) or Award()
            pot = line.pot or (book.pot_of(year, measure, standing.town) if book.divides else "")
            award_line = Line(code, measure, year, award.gross, award.withheld, pot)
            now = payable_of(award_line, book, shares)
            now_fen, taken_fen = now.gross - now.withheld, accepted.get(measure, 0)
            missing_fen = now_fen - (line.gross_fen - line.withheld_fen) - taken_fen
            if missing_fen:
                as_now = award_line._replace(gross=now_fen, withheld=0)
                right = payable_as_now(as_now, taken_fen, book, shares)
                late = standing.late.get(year, (0, ""))
                yield AwardStanding(measure, missing_fen, line.payable_fen, right, *late)

    def finish(self, closings: Mapping[int, Closing], book: Rulebook) -> tuple[OpenMatter, ...]:
        """What is open, once all events were read."""
        if self.faults:
            return ()
        for code, standing in self.standings.items():
            for year in standing.awards:
                if (code, year) not in self.accounts:
                    standings = self._stand_awards(code, year, [], closings[year], book)
                    self.findings += find_in_account(code, year, (), standings)
        requests = sorted(self.requests, key=lambda request: request.position)
        self.findings += find_waiting(requests, self.policy, self.year, self.recorded_until)
        return sum_up(self.findings)


def _placed_fact(event: PlacedEvent) -> PlacedFact:
    return PlacedFact(event.position, day_of(event.recorded_at), event.event)


def _first_after(events: list[PlacedEvent], position: int) -> tuple[int, str]:
    """The first of an enterprise's events after a position, and its day; 0 and empty for none."""
    event = next((event for event in events if event.position > position), None)
    return (event.position, day_of(event.recorded_at)) if event else (0, "")
