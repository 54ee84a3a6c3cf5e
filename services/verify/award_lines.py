"""A year's awards as lines: with what is paid of each, summed up, and held against the ledger's rows."""

from __future__ import annotations

import hashlib
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.events.settlements import MeasureSum
from domain.money.amounts import parse_fen, print_fen
from domain.money.dividing import Division
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, Payable, payable_of, shares_budget
from domain.settlement.year import SettledLine, line_bytes
from services.verify.reading import Broken, Verdict, read_lines

Key = tuple[str, str, int]
"""Credit code, measure and year of an award."""


def merge_lines(lines: list[Line]) -> list[Line]:
    """Lines in order of their keys, those of the same key as one."""
    merged: list[Line] = []
    for line in sorted(lines):
        if merged and merged[-1][:3] == line[:3]:
            last = merged.pop()
            line = last._replace(gross=last.gross + line.gross, withheld=last.withheld + line.withheld)
        merged.append(line)
    return merged


def settled_lines(lines: list[Line], book: Rulebook, shares: Division) -> list[SettledLine]:
    """The lines of a list: every award with what is paid of it."""
    return [SettledLine(*line[:3], *payable_of(line, book, shares), line.pot) for line in lines]


def payable_by_pot(lines: list[Line], book: Rulebook, shares: Division) -> dict[str, int]:
    """Fen payable by pot."""
    payable = dict.fromkeys(shares.pots, 0)
    for line in lines:
        if shares_budget(book.of_year(line.year), line.measure):
            payable[line.pot] = payable.get(line.pot, 0) + payable_of(line, book, shares).payable
    return payable


class ListSums:
    """What a proposal and a closing say of a list, worked out from its lines in their order.

    Its memory does not grow with the lines.
    """

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.digest = hashlib.sha256()
        self.last = ""
        self.measures: dict[tuple[int, str], MeasureSum] = {}
        self.gross = self.withheld = self.payable = self.outside = self.awards = self.enterprises = 0

    def add(self, line: SettledLine) -> None:
        """Count one line."""
        self.digest.update(line_bytes(line))
        inside = shares_budget(self.book.of_year(line.award_year), line.measure)
        self.gross += line.gross
        self.withheld += line.withheld
        self.payable += line.payable
        self.outside += 0 if inside else line.payable
        self.awards += 1
        self.enterprises += line.code != self.last
        self.last = line.code
        key = line.award_year, line.measure
        _, _, gross, withheld, payable, awards = self.measures.get(key) or MeasureSum(*key, 0, 0, 0, 0)
        sums = (gross + line.gross, withheld + line.withheld, payable + line.payable, awards + 1)
        self.measures[key] = MeasureSum(*key, *sums)

    def figures(self) -> dict[str, Any]:
        """The sums under the names that the settlement's events give them, in fen."""
        return {
            "gross_fen": self.gross,
            "withheld_fen": self.withheld,
            "payable_fen": self.payable,
            "outside_fen": self.outside,
            "awards": self.awards,
            "enterprises": self.enterprises,
            "lines_digest": self.digest.hexdigest(),
            "measures": [sums for _, sums in sorted(self.measures.items())],
        }


class AwardRow(NamedTuple):
    """The ledger's own row of an award."""

    key: Key
    payable: Payable

    def words(self) -> str:
        """What the ledger says of the award."""
        return f"the ledger says {print_fen(self.payable.payable)} of {print_fen(self.payable.gross)}"


def read_award_rows(archive: zipfile.ZipFile) -> Iterator[AwardRow]:
    """The ledger's own rows, streamed."""
    for value in read_lines(archive, "awards.ndjson"):
        try:
            key = (value["enterprise"], value["measure"], value["year"])
            if [type(part) for part in key] != [str, str, int]:
                raise ValueError(f"not a credit code, a measure and a year: {str(key)[:80]}")
            yield AwardRow(key, Payable(*(parse_fen(value[name], printed=True) for name in Payable._fields)))
        except (KeyError, ValueError, TypeError) as error:
            raise Broken(f"awards.ndjson: {error}") from None


def compare_rows(
    archive: zipfile.ZipFile,
    lines: list[Line],
    book: Rulebook,
    divisions: tuple[Division, ...],
    verdict: Verdict,
) -> None:
    """Hold every row of the ledger against the awards worked out, under one of the divisions."""
    lines.sort()
    matched = bytearray(len(lines))
    for row in read_award_rows(archive):
        award = " ".join(map(str, row.key))
        place = bisect_left(lines, row.key)
        if place == len(lines) or lines[place][:3] != row.key:
            verdict.fault(f"{award}: nothing was earned, {row.words()}")
            continue
        if matched[place]:
            verdict.fault(f"{award}: stands twice among the awards")
            continue
        matched[place] = 1
        verdict.awards += 1
        verdict.payable += row.payable.payable
        due = [payable_of(lines[place], book, shares) for shares in divisions]
        if row.payable not in due:
            more = " or one fen more" if len(due) > 1 else ""
            payable = f"payable {print_fen(due[0].payable)} of {print_fen(due[0].gross)}{more}"
            verdict.fault(f"{award}: {payable}, {row.words()}")
    for place, line in enumerate(lines):
        if not matched[place]:
            verdict.fault(f"{' '.join(map(str, line[:3]))}: the ledger says nothing")
