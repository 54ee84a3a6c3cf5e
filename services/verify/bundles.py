"""The two kinds of bundle: a year's, which holds every event, and an enterprise's."""

from __future__ import annotations

from bisect import bisect_left

from domain.events.content import json_values
from domain.log.merkle import HASH_BYTES, ProofError, check_consistency, check_inclusion
from domain.money.amounts import Apportionment, yuan
from domain.money.dividing import in_turn
from domain.settlement.figures import division_of, figures_of
from domain.settlement.payables import division
from domain.settlement.public_list import Listed, Named, lines_of, root_over
from domain.settlement.year import SettledLine
from services.verify.checks import Check, differing, merged, settled_lines
from services.verify.procedure import Closing, Placed
from services.verify.reading import Broken, LoggedEvent, parse_fen_any, read_leaves, roots_over
from services.verify.sums import Sums


class Year(Check):
    """A year's bundle: every event is there, so everything is worked out again."""

    def run(self) -> None:
        """Check it."""
        size = self.head["size"]
        self.leaves = read_leaves(self.archive, size)
        self.seen = bytearray(size)
        self.streamed: dict[int, Sums] = {}
        self.places: dict[int, int] = {}
        self.read()
        self._check_leaves(size)
        if self.book is None and self.versions:
            self.begin()
        if self.book is None:
            return
        self.divide()
        for closing in self.closings.values():
            self._check_parts(closing)
        if self.year in self.closings:
            self._check_list(self.closings[self.year])
        self.compare(self.lines, self.book, (self.apportioned,))

    def hashed(self, event: LoggedEvent) -> None:
        """Its leaf must stand at its position, and no event twice."""
        index = event.position - 1
        if event.withheld is not None:
            raise Broken(f"position {event.position}: a year's bundle withholds nothing")
        if not 0 <= index < self.head["size"]:
            self.fault(event.position, "the log has no such position")
            return
        if self.seen[index]:
            self.fault(event.position, "the event stands twice")
        self.seen[index] = 1
        if self.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES] != event.leaf:
            self.fault(event.position, "the event is not the one that was logged")

    def _check_leaves(self, size: int) -> None:
        """The root that was signed, the roots that closings name, and that no event is missing."""
        named = {each.content["log_size"] for each in self.closings.values()}
        roots = roots_over(self.leaves, {size, *(each for each in named if 0 < each <= size)})
        if roots.get(size, b"") != self.checkpoint.root:
            self.verdict.fault("the leaves do not lead to the root that was signed: the log was altered")
        for closing in self.closings.values():
            if roots.get(closing.content.log_size, b"").hex() != closing.content.log_root:
                self.fault(closing.position, f"the closing of {closing.year} names another root of the log")
        for index in range(size):
            if not self.seen[index]:
                self.fault(index + 1, "the event is missing")

    def divide(self) -> None:
        """Divide the budget again, once everything that shares it was read."""
        if self.divided or self.book is None:
            return
        self.divided = True
        self.lines = merged(self.lines + self.brought)
        self.has_part = bytearray(len(self.lines))
        pots = self.book.of_year(self.year).pots
        self.apportioned = shares = division(self.lines, self.book, self.said_budget(), pots)
        self.compare_head(shares)
        self.compare_closing(figures_of(shares, self.paid_of(self.lines, shares))._asdict())

    def settled(self, event: Placed, lines: list[SettledLine]) -> None:
        """An enterprise's part: at its place in the list, and what was worked out."""
        year, closing = event.fact.content["year"], self.closings.get(event.fact.content["year"])
        if closing is None:
            return
        if year not in self.streamed:
            self.streamed[year] = Sums(self.book_at(closing.content.known))
        sums = self.streamed[year]
        for line in lines:
            sums.add(line)
        place = self.places.get(year, closing.content.first_position)
        if event.position != place:
            self.fault(event.position, f"the part of an enterprise in {year} was to stand at {place}")
        self.places[year] = event.position + 1
        if year == self.year:
            self._hold_part(event, lines)

    def _hold_part(self, event: Placed, lines: list[SettledLine]) -> None:
        self.divide()
        assert self.book is not None
        code = event.fact.content["enterprise"]
        start = bisect_left(self.lines, (code,))
        end = bisect_left(self.lines, (code + "\x00",))
        self.has_part[start:end] = b"\x01" * (end - start)
        hold_part(self, event, lines, settled_lines(self.lines[start:end], self.book, self.apportioned))

    def _check_parts(self, closing: Closing) -> None:
        """The parts of a closed year are those that its closing sums up."""
        sums = self.streamed.get(closing.year) or Sums(self.book_at(closing.content.known))
        told_of = closing.content.values_by_name()
        for name, value in json_values(sums.said()).items():
            if name in told_of and told_of[name] != value:
                worked, told = differing(value, told_of[name])
                words = f"the parts of {closing.year} come to {name} {worked}, its closing says {told}"
                self.fault(closing.position, words)

    def _check_list(self, closing: Closing) -> None:
        """The list that was worked out is the one that was proposed and closed, and all of it."""
        assert self.book is not None
        sums, missing = Sums(self.book), ""
        for at, line in enumerate(self.lines):
            (settled,) = settled_lines([line], self.book, self.apportioned)
            sums.add(settled)
            if not self.has_part[at] and line.code != missing:
                missing = line.code
                self.fault(closing.position, no_part(line.code, closing.year))
        self.compare_closing(sums.said())
        self._check_seen(closing)

    def _check_seen(self, closing: Closing) -> None:
        """The list as anyone may see it, which the publication names, is this very list."""
        proposal, publication = closing.proposal, closing.publication
        if proposal is None or publication is None:
            return  # the procedure says so
        said = publication.list_root, publication.list_lines
        if said == (None, None):
            return  # published before lists had a root
        book = self.book_at(self.known)
        awards = (
            Named(settled, self.profiles.get(settled.code, Listed()))
            for line in self.lines
            for settled in settled_lines([line], book, self.apportioned)
        )
        if root_over(lines_of(book, closing.year, proposal, awards)) != said:
            self.fault(closing.position, f"the list of {closing.year} that was published has another root")


class Enterprise(Check):
    """An enterprise's bundle: its events are proved one by one, its payment follows from the factor."""

    whole = False
    part: tuple[Placed, list[SettledLine]] | None = None

    def run(self) -> None:
        """Check it."""
        self.read()
        if self.book is None:
            raise Broken("the bundle holds no event of the enterprise")
        mine = merged([line for line in self.lines if line.year == self.year] + self.brought)
        amounts, sharing = self.said_budget(), parse_fen_any(self.head["sharing"])
        shared = {pot: parse_fen_any(of) for pot, (_, of) in self.said_pots().items()} or {"": sharing}
        if missing := {pot for pot in self.book.of_year(self.year).pots if pot not in shared}:
            self.verdict.fault(f"the ledger does not say what shares {', '.join(sorted(missing))}")
        low = in_turn(shared, amounts, lambda pot, fen: Apportionment(fen, shared[pot]))
        high = in_turn(shared, amounts, lambda pot, fen: Apportionment(fen, shared[pot], 0, ()))
        self.compare_head(low)
        closing = self.closings.get(self.year)
        if closing is None:
            self.compare(mine, self.book, (low, high))
            return
        self._check_closing(closing, sharing)
        shares = division_of(closing.content)
        self._check_part(closing, settled_lines(mine, self.book, shares))
        self.compare(mine, self.book, (shares,))

    def hashed(self, event: LoggedEvent) -> None:
        """Its path must lead to the root that was signed; and nothing belongs here but its own."""
        code = self.head.get("enterprise")
        kind, _, rest = event.originator.partition(":")
        allowed = event.originator == code or (kind, rest) == ("policy", self.policy)
        if kind in ("settlement", "account"):
            year_of = rest if kind == "settlement" else rest.removesuffix(f":{code}")
            policy, _, year = year_of.rpartition(":")
            allowed = policy == self.policy and year.isdigit()
        if not allowed or (event.withheld is not None and kind != "settlement"):
            self.fault(event.position, f"an event of {event.originator} does not belong here")
        try:
            leaf, size, root = event.leaf, self.checkpoint.size, self.checkpoint.root
            check_inclusion(leaf, event.position - 1, size, event.path or [], root)
        except ProofError as error:
            self.fault(event.position, str(error))

    def settled(self, event: Placed, lines: list[SettledLine]) -> None:
        """Keep its part of the year."""
        if event.fact.content["year"] == self.year:
            self.part = event, lines

    def _check_closing(self, closing: Closing, sharing: int) -> None:
        """The log that the closing names is the beginning of the one that was signed."""
        self.compare_closing({"sharing_fen": sharing})
        size, root = closing.content.log_size, bytes.fromhex(closing.content.log_root)
        try:
            path = [bytes.fromhex(each) for each in self.head["log_path"]]
            check_consistency(size, self.checkpoint.size, root, self.checkpoint.root, path)
        except ProofError as error:
            self.fault(closing.position, f"the closing of {closing.year} names another log: {error}")

    def _check_part(self, closing: Closing, worked: list[SettledLine]) -> None:
        if self.part is not None:
            hold_part(self, *self.part, worked)
        elif worked:
            self.fault(closing.position, no_part(worked[0].code, closing.year))


def no_part(code: str, year: int) -> str:
    """Words for an enterprise that a closing left out."""
    return f"{code} has no part in {year}, though it earned one"


def hold_part(check: Check, event: Placed, lines: list[SettledLine], worked: list[SettledLine]) -> None:
    """Hold an enterprise's part of a closed year against what was worked out."""
    code = event.fact.content["enterprise"]
    for line in sorted({*lines, *worked}):
        if (line in lines) != (line in worked):
            said = "was settled, not worked out" if line in lines else "was worked out, not settled"
            what = f"{line.measure} {line.award_year} {yuan(line.payable)} of {yuan(line.gross)}"
            check.fault(event.position, f"{code}: {what} {said}")
    if len(lines) != len(worked):
        check.fault(event.position, f"{code}: {len(lines)} awards were settled, {len(worked)} worked out")
