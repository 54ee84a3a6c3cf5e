"""What both kinds of bundle share: reading events by originator, and working out what they lead to.

The events stand in this order: policies, settlements, enterprises by code, accounts by year and
code. So what was known at a year's closing is settled before the first enterprise is folded, and
what earlier years bring in is counted before a year is divided.
"""

from __future__ import annotations

import zipfile
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple

from domain.events import STATES, BudgetSet, ClockCorrected, PolicyAdopted, RestoreRecorded, is_enterprise
from domain.events.accounts import AdjustmentAccepted, AwardsSettled
from domain.events.content import Content
from domain.events.event import Event
from domain.events.stored import UnreadableState
from domain.events.upkeep.digests import DIGESTS
from domain.events.upkeep.publisher_keys import KEYS, EarlierKeysFound
from domain.facts.folding import fold
from domain.log.notes import Checkpoint
from domain.policy.faults import PolicyError
from domain.policy.load import digest_of, load_adopted
from domain.policy.model import Policy
from domain.policy.rulebook import NoRules, Rulebook
from domain.rules.evaluation import awards_of
from domain.settlement.payables import Line
from domain.settlement.public_list import RegisterEntry, register_entry
from domain.settlement.year import SettledLine
from services.verify.budgets import BudgetSetting, YearBudget
from services.verify.reading import Broken, LoggedEvent, Verdict, event_of, read_lines, tell_progress
from services.verify.streams.accounts import Owner, check_account
from services.verify.streams.claims import check_claims
from services.verify.streams.digests import check_digests
from services.verify.streams.duties import DutyHolders
from services.verify.streams.key_events import check_earlier_keys, check_key_events
from services.verify.streams.open_matters import OpenMattersFinder
from services.verify.streams.procedure import (
    Closing,
    PlacedEvent,
    Procedure,
    ReportFault,
    check_confirmer,
    check_proposals,
)


class AdoptedVersion(NamedTuple):
    """A version of the policy, and the position at which it was adopted."""

    position: int
    policy: Policy


@dataclass(slots=True)
class PolicyHistory:
    """A policy's versions, and the budgets that were set, as the log has them."""

    policy: str
    fault: ReportFault
    versions: list[AdoptedVersion] = field(default_factory=list)
    settings: list[BudgetSetting] = field(default_factory=list)
    duties: DutyHolders = field(default_factory=DutyHolders)

    def take_event(self, position: int, content: Content) -> None:
        """Take note of an event where it is about the policy."""
        if isinstance(content, BudgetSet) and content.policy == self.policy:
            self.settings.append(BudgetSetting(position, content.period, content.amount_fen))
        if not isinstance(content, PolicyAdopted) or content.policy != self.policy:
            return
        if digest_of(content.document) != content.digest:
            self.fault(position, "the policy does not fit its digest")
        try:
            self.versions.append(AdoptedVersion(position, load_adopted(content.document)))
        except PolicyError as error:
            self.fault(position, f"the policy cannot be read: {error}")

    def book_at(self, position: int) -> Rulebook:
        """The policy's versions as known at a position.

        Raises:
            NoRules: where there is none.
        """
        return Rulebook([version.policy for version in self.versions if version.position <= position])


def finish_log(originator: str, events: list[PlacedEvent], verdict: Verdict) -> None:
    """Note what the log says of itself; any other originator is a fault."""
    if originator not in (RestoreRecorded.ORIGINATOR, ClockCorrected.ORIGINATOR):
        verdict.fault_at(events[0].position, f"{originator} is no originator of this ledger")
        return
    contents = [placed.event.content for placed in events]
    verdict.restores += [content for content in contents if isinstance(content, RestoreRecorded)]
    verdict.remarks += [content.statement for content in contents if isinstance(content, ClockCorrected)]


def check_event(position: int, event: Event, recorded_at: str, fault: ReportFault) -> None:
    """Hold an event to what can be seen of it alone: two persons are two, a corrected clock goes back."""
    check_confirmer(position, event, fault)
    content = event.content
    if isinstance(content, ClockCorrected) and not content.allows(content.stamped_until, recorded_at):
        fault(position, "the clock was corrected to another time than that of the event, or not back")


def check_upkeep(originator: str, events: list[PlacedEvent], verdict: Verdict) -> None:
    """The events of a key, or the digests of a table."""
    kind, _, name = originator.partition(":")
    if originator == EarlierKeysFound.ORIGINATOR:
        check_earlier_keys(events, verdict.fault_at)
    elif kind == KEYS:
        verdict.keys += 1
        check_key_events(name, events, verdict.fault_at)
    else:
        verdict.stated[name] = check_digests(name, events, verdict.fault_at)


class Succession:
    """What events are, and whose follow whose: policies, settlements, enterprises, accounts; others anywhere.

    Of an identity it keeps eight bytes and a position.
    """

    RANKS: ClassVar[dict[str, int]] = {"policy": 1, "settlement": 2, "account": 4}
    ENTERPRISE: ClassVar[int] = 3

    def __init__(self) -> None:
        self.digests, self.positions, self.rank = array("Q"), array("Q"), 0

    def follow(self, logged: LoggedEvent, fault: ReportFault) -> None:
        """Take the first event of an originator."""
        kind = logged.originator.partition(":")[0]
        rank = self.ENTERPRISE if is_enterprise(logged.originator) else self.RANKS.get(kind, self.rank)
        if rank < self.rank:
            fault(logged.position, f"{logged.originator} stands out of order")
        self.rank = max(rank, self.rank)

    def add(self, position: int, originator: str, event: Event) -> None:
        """Take note of an enterprise's event; what the ledger says itself has its place for an id."""
        if is_enterprise(originator):
            digest = blake2b(event.key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            self.digests.append(int.from_bytes(digest, "big"))
            self.positions.append(position)

    def report(self, fault: ReportFault) -> None:
        """Name every event whose identity another one has, too."""
        if len(set(self.digests)) == len(self.digests):
            return
        counted = Counter(self.digests)
        for digest, position in zip(self.digests, self.positions, strict=True):
            if counted[digest] > 1:
                fault(position, "another event has the same source and id: one message was taken twice")


KeepEvent = Callable[[LoggedEvent, Event, str], None]
"""Takes an event of the bundle and when it was recorded, as it is read; it may keep what it needs."""


def read_event(logged: LoggedEvent, fault: ReportFault, keep: KeepEvent | None) -> PlacedEvent | None:
    """What a logged event records, held to what can be seen of it alone; None where it cannot be read."""
    try:
        event, recorded_at = STATES.read_state(logged.topic, logged.state)
    except (UnreadableState, ValueError, AttributeError) as error:
        fault(logged.position, f"the event cannot be read: {error}")
        return None
    check_event(logged.position, event, recorded_at, fault)
    if keep is not None:
        keep(logged, event, recorded_at)
    return PlacedEvent(logged.position, logged.version, event, recorded_at)


class CheckedBundle:
    """A bundle, and what its events said so far."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        head: dict[str, Any],
        checkpoint: Checkpoint,
        verdict: Verdict,
        progress: bool,
    ) -> None:
        self.archive, self.head, self.checkpoint = archive, head, checkpoint
        self.verdict, self.fault, self.progress = verdict, verdict.fault_at, progress
        self.policy: str = head["policy"]
        self.year: int = head["year"]
        self.history = PolicyHistory(self.policy, self.fault)
        self.closings: dict[int, Closing] = {}
        self.known: int = head["size"]
        """The last position that counts for the year's list."""
        self.lines: list[Line] = []
        self.brought: list[Line] = []
        """What closed years bring into the year's budget."""
        self.profiles: dict[str, RegisterEntry] = {}
        """Each enterprise that may stand in the list, as the register knew it then."""
        self.towns: dict[str, str] = {}
        """Each enterprise's town as known for the year, where that says which budget pays it."""
        self.known_book: Rulebook | None = None
        self.book_now: Rulebook
        """The policy's versions as the whole bundle knows them, once they were read."""
        self.open = OpenMattersFinder(self.policy, self.year, verdict.counted)
        self.divided = False

    @property
    def book(self) -> Rulebook:
        """The policy's versions as known for the year, once they were read."""
        assert self.known_book is not None
        return self.known_book

    @property
    def budget(self) -> YearBudget:
        """The year's budget, once policies and settlements were read."""
        return YearBudget(
            self.head, self.year, self.known, self.book, self.history.settings, self.closings, self.verdict
        )


class Check(CheckedBundle):
    """A bundle's events, read once."""

    keep: KeepEvent | None = None
    """Who else takes every event that could be read."""

    complete = True
    """Whether every event of the log is there."""

    def check_logged(self, event: LoggedEvent) -> None:
        """Hold an event against the log."""
        raise Broken("not a kind of bundle")

    def take_part(self, placed_event: PlacedEvent, content: AwardsSettled, lines: list[SettledLine]) -> None:
        """Take an enterprise's part of a closed year."""
        raise Broken("not a kind of bundle")

    def read_events(self) -> None:
        """Read every event; what an originator's events lead to follows when its last one was read."""
        originator, events, version, succession = "", list[PlacedEvent](), 0, Succession()
        for value in read_lines(self.archive, "events.ndjson"):
            logged = event_of(value)
            self.check_logged(logged)
            self.verdict.events += 1
            tell_progress(self.progress, self.verdict.events, self.head["size"])
            if logged.originator != originator:
                self._finish(originator, events)
                succession.follow(logged, self.fault)
                originator, events, version = logged.originator, [], 0
            version += 1
            if logged.version != version:
                self.fault(logged.position, f"version {version} of {originator} is missing")
                version = logged.version
            if logged.withheld is None and (placed := self._read_event(logged)) is not None:
                succession.add(logged.position, logged.originator, placed.event)
                events.append(placed)
        self._finish(originator, events)
        succession.report(self.fault)
        if self.known_book is not None:
            self.verdict.matters = self.open.finish(self.closings, self.book_now)
            self.verdict.currency = self.book_now.latest.currency

    def _read_event(self, logged: LoggedEvent) -> PlacedEvent | None:
        """What the event records; policies and budgets are taken note of here."""
        placed = read_event(logged, self.fault, self.keep)
        if placed is not None:
            self.history.take_event(logged.position, placed.event.content)
            self.open.recorded_until = max(self.open.recorded_until, placed.recorded_at)
        return placed

    def _finish(self, originator: str, events: list[PlacedEvent]) -> None:
        """Count an originator whose events have all been read."""
        kind, _, name = originator.partition(":")
        self.history.duties.take_events(self.policy, events)
        if not originator or kind in ("policy", "refusal"):  # what became of a refused message moves no money
            return
        if kind == "settlement":
            policy, _, year = name.rpartition(":")
            return self._finish_settlement(policy, int(year), events)
        if kind == "waiting":
            self.open.take_proposals(events)
            return check_proposals(events, self.fault)
        if kind in (KEYS, DIGESTS):
            return check_upkeep(originator, events, self.verdict)
        self.fix_known()
        if kind == "account":
            policy, year, code = name.rsplit(":", 2)
            self._finish_account(Owner(policy, int(year), code), events)
        elif name:
            finish_log(originator, events, self.verdict)
        else:
            self._finish_enterprise(originator, events)

    def fix_known(self) -> None:
        """Fix what was known for the year: once policies and settlements have been read."""
        if self.known_book is not None:
            return
        closing = self.closings.get(self.year)
        if closing:
            self.verdict.closed, self.known = closing.position, closing.content.known
        try:
            self.known_book = self.history.book_at(self.known)
            self.book_now = self.history.book_at(self.head["size"])
        except NoRules:
            raise Broken(f"the bundle does not hold the policy {self.policy}") from None
        stated = self.head.get("closed")
        if stated != self.verdict.closed and ("closed" in self.head or closing):
            self.verdict.fault(f"{self.year} was closed at {self.verdict.closed}, the ledger says {stated}")

    def _finish_settlement(self, policy: str, year: int, events: list[PlacedEvent]) -> None:
        if policy != self.policy:
            return
        if self.known_book is not None:
            self.fault(events[0].position, f"the settlement of {year} stands after the enterprises")
            return

        def notice_days(position: int) -> int:
            return self.history.book_at(position).of_year(year).procedure.notice_days

        procedure = Procedure(policy, year, notice_days, self.fault, self.complete)
        for event in events:
            procedure.follow_step(event)
        if procedure.closing:
            self.closings[year] = procedure.closing
        else:
            self.open.take_settlement(year, events)
        self.verdict.acknowledged += procedure.acknowledged

    def _finish_enterprise(self, code: str, events: list[PlacedEvent]) -> None:
        if self.divided and events:
            self.fault(events[0].position, f"{code} stands after the accounts")
        self.verdict.enterprises += 1
        check_claims(self.policy, events, self.fault)
        facts = fold([event.event for event in events if event.position <= self.known])
        awards_by_year = awards_of(facts, self.book)
        if facts.profile and (awards_by_year or facts.amended):
            self.profiles[code] = register_entry(facts.profile)
        if self.book.by_town and facts.profile:
            self.towns[code] = facts.profile.town
        is_later = len(self.book.versions) < len(self.book_now.versions)
        is_later |= any(event.position > self.known for event in events)
        self.open.take_enterprise(
            code, events, (facts, awards_by_year), self.book_now, self.closings, is_later
        )
        for year, awards in awards_by_year.items():
            if self._shares_budget(year):
                for measure, award in awards.items():
                    if award.gross:
                        self.lines.append(self._line(code, measure, year, award.gross, award.withheld))

    def _line(self, code: str, measure: str, year: int, gross: int, withheld: int = 0) -> Line:
        """An award with the pot that pays it."""
        pot = self.book.pot_of(year, measure, self.towns.get(code, ""))
        return Line(code, measure, year, gross, withheld, pot)

    def _shares_budget(self, year: int) -> bool:
        """Whether an award year is paid from the bundle's budget: of a ``life``, all open years are."""
        if self.year in self.closings or self.book.period_of(self.year) != "life":
            return year == self.year
        return self.book.period_of(year) == "life" and year not in self.closings

    def _finish_account(self, owner: Owner, events: list[PlacedEvent]) -> None:
        if owner.policy != self.policy:
            return
        account = check_account(owner, events, self.closings, self.fault)
        closing = self.closings.get(owner.year)
        self.open.take_account(owner.code, owner.year, events, closing, self.book_now)
        if owner.year == self.year:
            self.verdict.paid += account.paid
            self.verdict.clawed += account.clawed
            self.verdict.recovered += account.recovered
        for placed_event in events:
            content = placed_event.event.content
            if isinstance(content, AwardsSettled):
                lines = [SettledLine(owner.code, *line) for line in content.lines]
                self._carry(owner.year, lines)
                self.take_part(placed_event, content, lines)
            elif isinstance(content, AdjustmentAccepted) and content.into_year == self.year:
                adjusted = self._line(owner.code, content.measure, owner.year, content.amount_fen)
                if placed_event.position <= self.known:
                    self._bring(placed_event.position, adjusted)

    def _carry(self, year: int, lines: list[SettledLine]) -> None:
        """What pro-rata took off the year before is an award of this year, where the policy says so."""
        closing = self.closings.get(year)
        carries = self.book.of_year(self.year).procedure.reductions == "next-year"
        if year != self.year - 1 or not carries or closing is None or closing.position > self.known:
            return
        for line in lines:
            if line.reduction > 0:
                award = self._line(line.code, line.measure, line.award_year, line.reduction)
                self._bring(closing.position, award)

    def _bring(self, position: int, line: Line) -> None:
        if self.divided:
            self.fault(position, f"{line.code}: what {line.year} brings in stands after the year's accounts")
        self.brought.append(line)
