"""The two kinds of bundle: a year's, which holds every event, and an enterprise's."""

from __future__ import annotations

from bisect import bisect_left

from domain.events.accounts import AwardsSettled
from domain.log.merkle import HASH_BYTES, ProofError, check_consistency, check_inclusion
from domain.money.amounts import Apportionment, print_fen
from domain.money.dividing import in_turn
from domain.settlement.figures import division_of, figures_of
from domain.settlement.payables import division
from domain.settlement.public_list import NamedAward, RegisterEntry, lines_of, root_over
from domain.settlement.year import SettledLine
from services.verify.award_lines import ListSums, compare_rows, merge_lines, payable_by_pot, settled_lines
from services.verify.budgets import differing_figures
from services.verify.checks import Check
from services.verify.reading import Broken, LoggedEvent, hashes_of, parse_fen_any, read_leaves, roots_over
from services.verify.streams.procedure import Closing, PlacedEvent


class Year(Check):
    """A year's bundle: every event is there, so everything is worked out again."""

    def run(self) -> None:
        """Check it."""
        size = self.head["size"]
        self.leaves = read_leaves(self.archive, size)
        self.present = bytearray(size)
        self.sums: dict[int, ListSums] = {}
        """By closed year, those of the enterprises' parts."""
        self.places: dict[int, int] = {}
        """By closed year, where the next enterprise's part is to stand."""
        self.read_events()
        self._check_leaves(size)
        if self.known_book is None and self.history.versions:
            self.fix_known()
        if self.known_book is None:
            return
        self.divide()
        for closing in self.closings.values():
            self._check_parts(closing)
        if self.year in self.closings:
            self._check_list(self.closings[self.year])
        compare_rows(self.archive, self.lines, self.book, (self.shares,), self.verdict)

    def check_logged(self, event: LoggedEvent) -> None:
        """Its leaf must stand at its position, and no event twice."""
        index = event.position - 1
        if event.withheld is not None:
            raise Broken(f"position {event.position}: a year's bundle withholds nothing")
        if not 0 <= index < self.head["size"]:
            self.fault(event.position, "the log has no such position")
            return
        if self.present[index]:
            self.fault(event.position, "the event stands twice")
        self.present[index] = 1
        if self.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES] != event.leaf:
            self.fault(event.position, "the event is not the one that was logged")

    def _check_leaves(self, size: int) -> None:
        """The root that was signed, the roots that closings name, and that no event is missing."""
        sizes = {closing.content.log_size for closing in self.closings.values()}
        sizes |= {each.size for each in self.verdict.kept}
        roots = roots_over(self.leaves, {size, *(each for each in sizes if 0 < each <= size)})
        self.verdict.compare_kept(roots)
        if roots.get(size, b"") != self.checkpoint.root:
            self.verdict.fault("the leaves do not lead to the root that was signed: the log was altered")
        for closing in self.closings.values():
            if roots.get(closing.content.log_size, b"").hex() != closing.content.log_root:
                self.fault(closing.position, f"the closing of {closing.year} names another root of the log")
        for index in range(size):
            if not self.present[index]:
                self.fault(index + 1, "the event is missing")

    def divide(self) -> None:
        """Divide the budget again, once everything that shares it was read."""
        if self.divided or self.known_book is None:
            return
        self.divided = True
        self.lines = merge_lines(self.lines + self.brought)
        self.has_part = bytearray(len(self.lines))
        budget, pots = self.budget, self.book.of_year(self.year).pots
        self.shares = division(self.lines, self.book, budget.amounts(), pots)
        budget.compare_head(self.shares)
        payable = payable_by_pot(self.lines, self.book, self.shares)
        budget.compare_closing(figures_of(self.shares, payable)._asdict())

    def take_part(self, placed_event: PlacedEvent, content: AwardsSettled, lines: list[SettledLine]) -> None:
        """An enterprise's part: at its place in the list, and what was worked out."""
        year, position = content.year, placed_event.position
        closing = self.closings.get(year)
        if closing is None:
            return
        if year not in self.sums:
            self.sums[year] = ListSums(self.history.book_at(closing.content.known))
        for line in lines:
            self.sums[year].add(line)
        place = self.places.get(year, closing.content.first_position)
        if position != place:
            self.fault(position, f"the part of an enterprise in {year} was to stand at {place}")
        self.places[year] = position + 1
        if year == self.year:
            self._check_part(position, content.enterprise, lines)

    def _check_part(self, position: int, code: str, lines: list[SettledLine]) -> None:
        self.divide()
        start = bisect_left(self.lines, (code,))
        end = bisect_left(self.lines, (code + "\x00",))
        self.has_part[start:end] = b"\x01" * (end - start)
        computed = settled_lines(self.lines[start:end], self.book, self.shares)
        compare_part(self, position, code, lines, computed)

    def _check_parts(self, closing: Closing) -> None:
        """The parts of a closed year are those that its closing sums up."""
        sums = self.sums.get(closing.year) or ListSums(self.history.book_at(closing.content.known))
        for figure, parts, stated in differing_figures(sums.figures(), closing.content.values_by_name()):
            fault = f"the parts of {closing.year} come to {figure} {parts}, its closing says {stated}"
            self.fault(closing.position, fault)

    def _check_list(self, closing: Closing) -> None:
        """The list that was worked out is the one that was proposed and closed, and all of it."""
        sums, missing = ListSums(self.book), ""
        for place, line in enumerate(self.lines):
            (settled,) = settled_lines([line], self.book, self.shares)
            sums.add(settled)
            if not self.has_part[place] and line.code != missing:
                missing = line.code
                self.fault(closing.position, no_part(line.code, closing.year))
        self.budget.compare_closing(sums.figures())
        self._check_published(closing)

    def _check_published(self, closing: Closing) -> None:
        """The list as anyone may see it, which the publication names, is this very list."""
        proposal, publication = closing.proposal, closing.publication
        if proposal is None or publication is None:
            return  # the procedure says so
        stated = publication.list_root, publication.list_lines
        if stated == (None, None):
            return  # published before lists had a root
        awards = (
            NamedAward(settled, self.profiles.get(settled.code, RegisterEntry()))
            for line in self.lines
            for settled in settled_lines([line], self.book, self.shares)
        )
        if root_over(lines_of(self.book, closing.year, proposal, awards)) != stated:
            self.fault(closing.position, f"the list of {closing.year} that was published has another root")


class Enterprise(Check):
    """An enterprise's bundle: its events are proved one by one, its payment follows from the factor."""

    complete = False
    part: tuple[int, str, list[SettledLine]] | None = None
    """Where its part of the year stands, whose it is, and its lines."""

    def run(self) -> None:
        """Check it."""
        self.read_events()
        if self.known_book is None:
            raise Broken("the bundle holds no event of the enterprise")
        lines = merge_lines([line for line in self.lines if line.year == self.year] + self.brought)
        budget = self.budget
        amounts, sharing = budget.amounts(), parse_fen_any(self.head["sharing"])
        pots = budget.stated_pots()
        shared = {pot: parse_fen_any(stated.sharing) for pot, stated in pots.items()} or {"": sharing}
        if missing := {pot for pot in self.book.of_year(self.year).pots if pot not in shared}:
            self.verdict.fault(f"the ledger does not say what shares {', '.join(sorted(missing))}")
        low = in_turn(shared, amounts, lambda pot, fen: Apportionment(fen, shared[pot]))
        high = in_turn(shared, amounts, lambda pot, fen: Apportionment(fen, shared[pot], 0, ()))
        budget.compare_head(low)
        closing = self.closings.get(self.year)
        if closing is None:
            compare_rows(self.archive, lines, self.book, (low, high), self.verdict)
            return
        budget.compare_closing({"sharing_fen": sharing})
        self._check_log(closing)
        shares = division_of(closing.content)
        self._check_part(closing, settled_lines(lines, self.book, shares))
        compare_rows(self.archive, lines, self.book, (shares,), self.verdict)

    def check_logged(self, event: LoggedEvent) -> None:
        """Its path must lead to the root that was signed; and nothing belongs here but its own."""
        code = self.head.get("enterprise")
        kind, _, name = event.originator.partition(":")
        allowed = event.originator == code or (kind, name) == ("policy", self.policy)
        if kind in ("settlement", "account"):
            policy_year = name if kind == "settlement" else name.removesuffix(f":{code}")
            policy, _, year = policy_year.rpartition(":")
            allowed = policy == self.policy and year.isdigit()
        if not allowed or (event.withheld is not None and kind != "settlement"):
            self.fault(event.position, f"an event of {event.originator} does not belong here")
        try:
            leaf, size, root = event.leaf, self.checkpoint.size, self.checkpoint.root
            check_inclusion(leaf, event.position - 1, size, event.path or [], root)
        except ProofError as error:
            self.fault(event.position, str(error))

    def take_part(self, placed_event: PlacedEvent, content: AwardsSettled, lines: list[SettledLine]) -> None:
        """Keep its part of the year."""
        if content.year == self.year:
            self.part = placed_event.position, content.enterprise, lines

    def _check_log(self, closing: Closing) -> None:
        """The log that the closing names is the beginning of the one that was signed."""
        size, root = closing.content.log_size, bytes.fromhex(closing.content.log_root)
        try:
            path = hashes_of(self.head["log_path"])
            check_consistency(size, self.checkpoint.size, root, self.checkpoint.root, path)
        except ProofError as error:
            self.fault(closing.position, f"the closing of {closing.year} names another log: {error}")

    def _check_part(self, closing: Closing, computed: list[SettledLine]) -> None:
        if self.part is not None:
            compare_part(self, *self.part, computed)
        elif computed:
            self.fault(closing.position, no_part(computed[0].code, closing.year))


def no_part(code: str, year: int) -> str:
    """Words for an enterprise that a closing left out."""
    return f"{code} has no part in {year}, though it earned one"


def compare_part(
    check: Check, position: int, code: str, lines: list[SettledLine], computed: list[SettledLine]
) -> None:
    """Hold an enterprise's part of a closed year, at a position, against what was worked out."""
    for line in sorted({*lines, *computed}):
        if (line in lines) != (line in computed):
            award = f"{line.measure} {line.award_year} {print_fen(line.payable)} of {print_fen(line.gross)}"
            difference = "was settled, not worked out" if line in lines else "was worked out, not settled"
            check.fault(position, f"{code}: {award} {difference}")
    if len(lines) != len(computed):
        check.fault(position, f"{code}: {len(lines)} awards were settled, {len(computed)} worked out")
