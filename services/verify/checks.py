"""What both kinds of bundle share: reading events in groups, and working awards and budget out.

The events stand in this order: policies, settlements, enterprises by code, accounts by year and
code. So what was known at a year's closing is settled before the first enterprise is folded, and
what earlier years bring in is counted before a year is divided.
"""

from __future__ import annotations

import sys
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from domain.events import STATES, BudgetSet, PolicyAdopted
from domain.events.content import json_values
from domain.events.event import Event
from domain.events.settlements import BudgetPart
from domain.events.stored import UnreadableState
from domain.facts.folding import fold
from domain.log.notes import Checkpoint
from domain.money.amounts import parse_fen, yuan
from domain.money.dividing import Division, budget_period
from domain.policy.load import PolicyError, digest_of, load_adopted
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from domain.settlement.figures import moved_of
from domain.settlement.payables import Line, payable_of, shares_budget
from domain.settlement.public_list import Listed, listed
from domain.settlement.year import SettledLine
from services.verify.accounts import Owner, check_account
from services.verify.claims import check_claims
from services.verify.procedure import Closing, Placed, Steps
from services.verify.reading import Broken, LoggedEvent, Verdict, event_of, read_lines, said

PROGRESS_EVENTS = 20_000
FIGURE_MAX = 160
"""Most characters of a figure in a fault."""
Key = tuple[str, str, int]
"""Credit code, measure and year of an award."""


class Check:
    """A bundle's events, read once."""

    whole = True
    """Whether every event of the log is there."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        head: dict[str, Any],
        checkpoint: Checkpoint,
        verdict: Verdict,
        shown: bool,
    ) -> None:
        self.archive, self.head, self.checkpoint = archive, head, checkpoint
        self.verdict, self.shown = verdict, shown
        self.policy: str = head["policy"]
        self.year: int = head["year"]
        self.versions: list[tuple[int, Policy]] = []
        self.budgets: list[tuple[int, str, int]] = []
        self.closings: dict[int, Closing] = {}
        self.known: int = head["size"]
        """The last position that counts for the year's list."""
        self.lines: list[Line] = []
        self.brought: list[Line] = []
        """What closed years bring into the year's budget."""
        self.profiles: dict[str, Listed] = {}
        """Each enterprise that may stand in the list, as the register knew it then."""
        self.towns: dict[str, str] = {}
        """Each enterprise's town as known for the year, where that says which budget pays it."""
        self.book: Rulebook | None = None
        self.divided = False

    def hashed(self, event: LoggedEvent) -> None:
        """Hold an event against the log."""
        raise Broken("not a kind of bundle")

    def settled(self, event: Placed, lines: list[SettledLine]) -> None:
        """Take an enterprise's part of a closed year."""
        raise Broken("not a kind of bundle")

    def fault(self, position: int, text: str) -> None:
        """Note what is wrong at a position."""
        self.verdict.fault(f"position {position}: {text}")

    # --- reading ---------------------------------------------------------------------------------

    def read(self) -> None:
        """Read every event; what an originator's events lead to follows when its last one was read."""
        originator, placed, version = "", list[Placed](), 0
        for value in read_lines(self.archive, "events.ndjson"):
            event = event_of(value)
            self.hashed(event)
            self.verdict.events += 1
            if self.shown and self.verdict.events % PROGRESS_EVENTS == 0:
                print(f"  {self.verdict.events:,} / {self.head['size']:,}", file=sys.stderr)
            if event.originator != originator:
                self.finished(originator, placed)
                originator, placed, version = event.originator, [], 0
            version += 1
            if event.version != version:
                self.fault(event.position, f"version {version} of {originator} is missing")
                version = event.version
            fact = self.fact(event) if event.withheld is None else None
            if fact is not None:
                placed.append(Placed(event.position, event.version, fact))
        self.finished(originator, placed)

    def fact(self, event: LoggedEvent) -> Event | None:
        """What the event records; policies and budgets are taken note of here."""
        try:
            fact, _ = STATES.read_state(event.topic, event.state)
        except (UnreadableState, ValueError, AttributeError) as error:
            self.fault(event.position, f"the event cannot be read: {error}")
            return None
        content = fact.content
        if isinstance(content, PolicyAdopted) and content.policy == self.policy:
            self._adopted(event.position, content)
        if isinstance(content, BudgetSet) and content.policy == self.policy:
            self.budgets.append((event.position, content.period, content.amount_fen))
        return fact

    def _adopted(self, position: int, content: PolicyAdopted) -> None:
        if digest_of(content.document) != content.digest:
            self.fault(position, "the policy does not fit its digest")
        try:
            self.versions.append((position, load_adopted(content.document)))
        except PolicyError as error:
            self.fault(position, f"the policy cannot be read: {error}")

    def finished(self, originator: str, placed: list[Placed]) -> None:
        """Count an originator whose events have all been read."""
        kind, _, rest = originator.partition(":")
        if not originator or kind == "policy":
            return
        if kind == "settlement":
            policy, _, year = rest.rpartition(":")
            self._settlement(policy, int(year), placed)
            return
        self.begin()
        if kind == "account":
            policy, year, code = rest.rsplit(":", 2)
            self._account(Owner(policy, int(year), code), placed)
        elif rest:
            self.fault(placed[0].position, f"{originator} is no originator of this ledger")
        else:
            self._enterprise(originator, placed)

    def begin(self) -> None:
        """Fix what was known for the year: once policies and settlements have been read."""
        if self.book is not None:
            return
        closing = self.closings.get(self.year)
        if closing:
            self.verdict.closed, self.known = closing.position, closing.content["known"]
        if not any(position <= self.known for position, _ in self.versions):
            raise Broken(f"the bundle does not hold the policy {self.policy}")
        self.book = self.book_at(self.known)
        if self.head.get("closed") != self.verdict.closed and ("closed" in self.head or closing):
            self.verdict.fault(
                f"{self.year} was closed at {self.verdict.closed}, the ledger says {self.head.get('closed')}"
            )

    def book_at(self, position: int) -> Rulebook:
        """The policy's versions as known at a position."""
        return Rulebook([policy for at, policy in self.versions if at <= position])

    # --- one originator --------------------------------------------------------------------------

    def _settlement(self, policy: str, year: int, placed: list[Placed]) -> None:
        if policy != self.policy:
            return
        if self.book is not None:
            self.fault(placed[0].position, f"the settlement of {year} stands after the enterprises")
            return

        def notice_days(position: int) -> int:
            return self.book_at(position).of_year(year).procedure.notice_days

        steps = Steps(policy, year, notice_days, self.fault, self.whole)
        for event in placed:
            steps.take(event)
        if steps.closing:
            self.closings[year] = steps.closing

    def _enterprise(self, code: str, placed: list[Placed]) -> None:
        assert self.book is not None
        if self.divided and placed:
            self.fault(placed[0].position, f"{code} stands after the accounts")
        self.verdict.enterprises += 1
        check_claims(self.policy, placed, self.fault)
        facts = fold([event.fact for event in placed if event.position <= self.known])
        earned = awards_of(facts, self.book)
        if facts.profile and (earned or facts.amended):
            self.profiles[code] = listed(facts.profile)
        if self.book.by_town and facts.profile:
            self.towns[code] = facts.profile.town
        for year, awards in earned.items():
            if self.shares(year):
                for measure, award in awards.items():
                    if award.gross:
                        self.lines.append(self._line(code, measure, year, award.gross, award.withheld))

    def _line(self, code: str, measure: str, year: int, gross: int, withheld: int = 0) -> Line:
        """An award with the pot that pays it."""
        assert self.book is not None
        pot = self.book.pot_of(year, measure, self.towns.get(code, ""))
        return Line(code, measure, year, gross, withheld, pot)

    def shares(self, year: int) -> bool:
        """Whether an award year is paid from the bundle's budget: of a ``life``, all open years are."""
        assert self.book is not None
        if self.year in self.closings or self.book.period_of(self.year) != "life":
            return year == self.year
        return self.book.period_of(year) == "life" and year not in self.closings

    def _account(self, owner: Owner, placed: list[Placed]) -> None:
        if owner.policy != self.policy:
            return
        account = check_account(owner, placed, self.closings, self.fault)
        if owner.year == self.year:
            self.verdict.paid += account.paid
            self.verdict.clawed += account.clawed
            self.verdict.recovered += account.recovered
        for event in placed:
            content = event.fact.content
            if event.fact.name == "AwardsSettled":
                lines = [SettledLine(owner.code, *line) for line in content["lines"]]
                self._carry(owner.year, lines)
                self.settled(event, lines)
            elif event.fact.name == "AdjustmentAccepted" and content["into_year"] == self.year:
                adjusted = self._line(owner.code, content["measure"], owner.year, content["amount_fen"])
                if event.position <= self.known:
                    self._bring(event.position, adjusted)

    def _carry(self, year: int, lines: list[SettledLine]) -> None:
        """What pro-rata took off the year before is an award of this year, where the policy says so."""
        assert self.book is not None
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

    # --- the budget ------------------------------------------------------------------------------

    def said_budget(self) -> dict[str, int]:
        """What there is to divide, in fen by named budget; held against the bundle's head and the closing."""
        assert self.book is not None
        policy = self.book.of_year(self.year)
        period = policy.period_of(self.year)
        if period != self.head["period"]:
            self.verdict.fault(f"{self.year} is not paid from the budget of {self.head['period']}")
        appropriated = dict(policy.amounts)
        called = {budget_period(period, name): name for name in appropriated}
        for position, of, fen in self.budgets:
            if of in called and position <= self.known:
                appropriated[called[of]] = fen
        then = {year: each.content for year, each in self.closings.items() if each.position <= self.known}
        moved = moved_of(self.book, self.year, then)
        whole = {name: (fen, *moved.get(name, (0, 0))) for name, fen in appropriated.items()}
        amounts = {name: fen + carried - spent for name, (fen, carried, spent) in whole.items()}
        budget = sum(amounts.values())
        if yuan(budget) != self.head["budget"]:
            self.verdict.fault(f"the budget is {yuan(budget)}, the ledger says {self.head['budget']}")
        parts = [BudgetPart(name, *figures) for name, figures in whole.items()]
        sums = [sum(column) for column in zip(*whole.values(), strict=True)]
        named = dict(zip(("appropriation_fen", "carried_fen", "spent_fen"), sums, strict=True))
        closing = self.closings.get(self.year)
        several = policy.divides or (closing is not None and closing.content.pots)
        self.compare_closing({**named, "budget_fen": budget, "budgets": parts if several else []})
        return amounts

    def compare_closing(self, worked: dict[str, Any]) -> None:
        """Hold figures that were worked out against the year's closing and its proposal."""
        closing = self.closings.get(self.year)
        if closing is None:
            return
        figures = json_values(worked)
        for what, event in (("closing", closing.content), ("proposal", closing.proposal)):
            content = event.values_by_name() if event is not None else {}
            for name, value in figures.items():
                if name in content and content[name] != value:
                    worked_out, told = differing(value, content[name])
                    self.fault(closing.position, f"{name} is {worked_out}, the {what} says {told}")

    def compare_head(self, shares: Division) -> None:
        """Hold factors and sums against what the bundle says of them."""
        value, sharing = shares.factor, shares.total
        if f"{value.numerator}/{value.denominator}" != self.head["factor"]:
            self.verdict.fault(f"the factor is {value}, the ledger says {self.head['factor']}")
        if yuan(sharing) != self.head["sharing"]:
            self.verdict.fault(f"{yuan(sharing)} share the budget, the ledger says {self.head['sharing']}")
        for pot, told in self.said_pots().items():
            worked = (yuan(shares.of(pot).budget), yuan(shares.of(pot).total))
            if told != worked:
                self.verdict.fault(f"{pot}: {' of '.join(worked)}, the ledger says {' of '.join(told)}")
        if self.said_pots().keys() != (shares.pots.keys() if shares.several else set()):
            self.verdict.fault(f"the pots are {', '.join(shares.pots)}, the ledger names others")

    def said_pots(self) -> dict[str, tuple[str, str]]:
        """(what there was to divide, what shares it) of each pot, as the bundle says; of one, none."""
        found: dict[str, tuple[str, str]] = {}
        listed = self.head.get("pots", [])
        for each in listed if isinstance(listed, list) else [listed]:
            if (
                not isinstance(each, list)
                or len(each) != 3
                or not all(isinstance(part, str) for part in each)
            ):
                raise Broken("bundle.json: pots: not [pot, budget, sharing] as text")
            found[each[0]] = (each[1], each[2])
        return found

    def paid_of(self, lines: list[Line], shares: Division) -> dict[str, int]:
        """Fen payable by pot."""
        assert self.book is not None
        paid = dict.fromkeys(shares.pots, 0)
        for line in lines:
            if shares_budget(self.book.of_year(line.year), line.measure):
                paid[line.pot] = paid.get(line.pot, 0) + payable_of(line, self.book, shares).payable
        return paid

    # --- the ledger's rows -----------------------------------------------------------------------

    def claimed(self) -> Iterator[tuple[Key, tuple[int, ...]]]:
        """The ledger's own rows: (gross, withheld, reduction, payable) by award, streamed."""
        for value in read_lines(self.archive, "awards.ndjson"):
            try:
                key = (str(value["enterprise"]), str(value["measure"]), int(value["year"]))
                yield key, tuple(parse_fen(value[n]) for n in ("gross", "withheld", "reduction", "payable"))
            except (KeyError, ValueError, TypeError) as error:
                raise Broken(f"awards.ndjson: {error}") from None

    def compare(self, worked: list[Line], book: Rulebook, either: tuple[Division, ...]) -> None:
        """Hold every row of the ledger against the awards worked out, under one of the apportionments."""
        worked.sort()
        seen = bytearray(len(worked))
        for key, row in self.claimed():
            at = bisect_left(worked, key)
            if at == len(worked) or worked[at][:3] != key:
                self.verdict.fault(f"{' '.join(map(str, key))}: nothing was earned, {said(row)}")
                continue
            if seen[at]:
                self.verdict.fault(f"{' '.join(map(str, key))}: stands twice among the awards")
                continue
            seen[at] = 1
            self.verdict.awards += 1
            self.verdict.payable += row[3]
            right = [payable_of(worked[at], book, shares) for shares in either]
            if row not in right:
                more = " or one fen more" if len(right) > 1 else ""
                owed = f"payable {yuan(right[0].payable)} of {yuan(right[0].gross)}{more}"
                self.verdict.fault(f"{' '.join(map(str, key))}: {owed}, {said(row)}")
        for at, line in enumerate(worked):
            if not seen[at]:
                self.verdict.fault(f"{' '.join(map(str, line[:3]))}: {said(None)}")


def differing(worked: Any, told: Any) -> tuple[str, str]:
    """Two figures in words; of two lists, what the other one has not."""
    if isinstance(worked, list) and isinstance(told, list):
        worked, told = [w for w in worked if w not in told], [t for t in told if t not in worked]
    return str(worked)[:FIGURE_MAX], str(told)[:FIGURE_MAX]


def merged(lines: list[Line]) -> list[Line]:
    """Lines in order of their keys, those of the same key as one."""
    found: list[Line] = []
    for line in sorted(lines):
        if found and found[-1][:3] == line[:3]:
            last = found.pop()
            line = last._replace(gross=last.gross + line.gross, withheld=last.withheld + line.withheld)
        found.append(line)
    return found


def settled_lines(lines: list[Line], book: Rulebook, shares: Division) -> list[SettledLine]:
    """The lines of a list: every award with what is paid of it."""
    return [SettledLine(*line[:3], *payable_of(line, book, shares), line.pot) for line in lines]
