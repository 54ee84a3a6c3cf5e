"""The checks of both kinds of bundle."""

from __future__ import annotations

import json
import sys
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from domain.awards import awards_of
from domain.facts import Fact, fold
from domain.merkle import HASH_BYTES, ProofError, check_inclusion
from domain.money import Apportionment, parse_fen, yuan
from domain.notes import Checkpoint
from domain.policy.load import PolicyError, digest_of, load_policy
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, apportionment, factor, payable_of
from domain.states import UnreadableState, fact_from
from services.verify.reading import (
    Broken,
    Event,
    Verdict,
    event_of,
    parse_fen_any,
    read_leaves,
    read_lines,
    root_over,
    said,
)

PROGRESS_EVENTS = 20_000
Key = tuple[str, str, int]
"""Credit code, measure and year of an award."""


class Check:
    """What both kinds of bundle share: reading events in groups, and working the awards out."""

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
        self.versions: list[Policy] = []
        self.budget: int | None = None
        self.lines: list[Line] = []
        self.book: Rulebook | None = None

    def hashed(self, event: Event) -> None:
        """Hold an event against the log."""
        raise Broken("not a kind of bundle")

    def read(self) -> None:
        """Read every event; the awards of each enterprise follow when its last event was read."""
        originator, facts, version = "", list[Fact](), 0
        for value in read_lines(self.archive, "events.ndjson"):
            event = event_of(value)
            self.hashed(event)
            self.verdict.events += 1
            if self.shown and self.verdict.events % PROGRESS_EVENTS == 0:
                print(f"  {self.verdict.events:,} / {self.head['size']:,}", file=sys.stderr)
            if event.originator != originator:
                self.finished(originator, facts)
                originator, facts, version = event.originator, [], 0
            version += 1
            if event.version != version:
                self.verdict.fault(f"position {event.position}: version {version} of {originator} is missing")
                version = event.version
            fact = self.fact(event)
            if fact is not None:
                facts.append(fact)
        self.finished(originator, facts)

    def fact(self, event: Event) -> Fact | None:
        """What the event records; policies and budgets are taken note of here."""
        try:
            fact, _ = fact_from(event.topic, json.loads(event.state))
        except (UnreadableState, ValueError, AttributeError) as error:
            self.verdict.fault(f"position {event.position}: the event cannot be read: {error}")
            return None
        if fact.name == "PolicyAdopted" and fact.content["policy"] == self.head["policy"]:
            self._adopted(event.position, fact.content)
        if fact.name == "BudgetSet":
            named = (fact.content["policy"], fact.content["period"])
            if named == (self.head["policy"], self.head["period"]):
                self.budget = fact.content["amount_fen"]
        return fact

    def _adopted(self, position: int, content: dict[str, Any]) -> None:
        if digest_of(content["document"]) != content["digest"]:
            self.verdict.fault(f"position {position}: the policy does not fit its digest")
        try:
            self.versions.append(load_policy(content["document"]))
        except PolicyError as error:
            self.verdict.fault(f"position {position}: the policy cannot be read: {error}")

    def finished(self, originator: str, facts: list[Fact]) -> None:
        """Work out the awards of an enterprise whose events have all been read."""
        if not originator or originator.startswith("policy:"):
            return
        if self.book is None:
            if not self.versions:
                raise Broken(f"the bundle does not hold the policy {self.head['policy']}")
            self.book = Rulebook(self.versions)
        self.verdict.enterprises += 1
        for year, awards in awards_of(fold(facts), self.book).items():
            if self.book.period_of(year) != self.head["period"]:
                continue
            for measure, award in awards.items():
                if award.gross:
                    self.lines.append(Line(originator, measure, year, award.gross, award.withheld))

    def claimed(self) -> Iterator[tuple[Key, tuple[int, ...]]]:
        """The ledger's own rows: (gross, withheld, reduction, payable) by award, streamed."""
        for value in read_lines(self.archive, "awards.ndjson"):
            try:
                key = (str(value["enterprise"]), str(value["measure"]), int(value["year"]))
                yield key, tuple(parse_fen(value[n]) for n in ("gross", "withheld", "reduction", "payable"))
            except (KeyError, ValueError, TypeError) as error:
                raise Broken(f"awards.ndjson: {error}") from None

    def compare(self, worked: list[Line], book: Rulebook, either: tuple[Apportionment, ...]) -> None:
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

    def said_budget(self) -> int:
        """The budget that holds: the last one set, or the policy's own."""
        assert self.book is not None
        policy = self.book.of_year(self.head["year"])
        if policy.period_of(self.head["year"]) != self.head["period"]:
            self.verdict.fault(f"{self.head['year']} is not paid from the budget of {self.head['period']}")
        budget = policy.budget if self.budget is None else self.budget
        if yuan(budget) != self.head["budget"]:
            self.verdict.fault(f"the budget is {yuan(budget)}, the ledger says {self.head['budget']}")
        return budget


class Year(Check):
    """A year's bundle: every event is there, so everything is worked out again."""

    def run(self) -> None:
        """Check it."""
        self.leaves = read_leaves(self.archive, self.head["size"])
        self.seen = bytearray(self.head["size"])
        root = root_over(self.leaves, self.head["size"])
        if root != self.checkpoint.root:
            self.verdict.fault("the leaves do not lead to the root that was signed: the log was altered")
        self.read()
        for index in range(self.head["size"]):
            if not self.seen[index]:
                self.verdict.fault(f"position {index + 1}: the event is missing")
        if self.book is None and self.versions:
            self.book = Rulebook(self.versions)
        if self.book is not None:
            self.settle(self.book)

    def hashed(self, event: Event) -> None:
        """Its leaf must stand at its position, and no event twice."""
        index = event.position - 1
        if not 0 <= index < self.head["size"]:
            self.verdict.fault(f"position {event.position}: the log has no such position")
            return
        if self.seen[index]:
            self.verdict.fault(f"position {event.position}: the event stands twice")
        self.seen[index] = 1
        if self.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES] != event.leaf:
            self.verdict.fault(f"position {event.position}: the event is not the one that was logged")

    def settle(self, book: Rulebook) -> None:
        """Divide the budget again, and compare every payment."""
        budget = self.said_budget()
        shares = apportionment(self.lines, book, budget)
        value = factor(budget, shares.total)
        if f"{value.numerator}/{value.denominator}" != self.head["factor"]:
            self.verdict.fault(f"the factor is {value}, the ledger says {self.head['factor']}")
        if yuan(shares.total) != self.head["sharing"]:
            self.verdict.fault(
                f"{yuan(shares.total)} share the budget, the ledger says {self.head['sharing']}"
            )
        self.compare(self.lines, book, (shares,))


class Enterprise(Check):
    """An enterprise's bundle: its events are proved one by one, its payment follows from the factor."""

    def run(self) -> None:
        """Check it."""
        self.read()
        if self.book is None:
            raise Broken("the bundle holds no event of the enterprise")
        budget, sharing = self.said_budget(), parse_fen_any(self.head["sharing"])
        value = factor(budget, sharing)
        if f"{value.numerator}/{value.denominator}" != self.head["factor"]:
            self.verdict.fault(f"the factor is {value}, the ledger says {self.head['factor']}")
        mine = [line for line in self.lines if line.year == self.head["year"]]
        low, high = Apportionment(budget, sharing), Apportionment(budget, sharing, 0, ())
        self.compare(mine, self.book, (low, high))

    def hashed(self, event: Event) -> None:
        """Its path must lead to the root that was signed."""
        allowed = (self.head.get("enterprise"), f"policy:{self.head['policy']}")
        if event.originator not in allowed:
            self.verdict.fault(
                f"position {event.position}: an event of {event.originator} does not belong here"
            )
        try:
            leaf, size, root = event.leaf, self.checkpoint.size, self.checkpoint.root
            check_inclusion(leaf, event.position - 1, size, event.path or [], root)
        except ProofError as error:
            self.verdict.fault(f"position {event.position}: {error}")
