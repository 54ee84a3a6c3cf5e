"""The sums over a year's list, and its digest, added up line by line in bounded memory."""

from __future__ import annotations

import hashlib
from typing import Any

from domain.policy.rulebook import Rulebook
from domain.settlement.payables import shares_budget
from domain.settlement.year import SettledLine, line_bytes


class Sums:
    """What a proposal and a closing say of a list, worked out from its lines in their order."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.digest = hashlib.sha256()
        self.last = ""
        self.measures: dict[tuple[int, str], list[int]] = {}
        self.values = dict.fromkeys(
            ("gross_fen", "withheld_fen", "payable_fen", "outside_fen", "awards", "enterprises"), 0
        )

    def add(self, line: SettledLine) -> None:
        """Count one line."""
        self.digest.update(line_bytes(line))
        inside = shares_budget(self.book.of_year(line.award_year), line.measure)
        counted = (line.gross, line.withheld, line.payable, 0 if inside else line.payable, 1)
        for name, value in zip(self.values, (*counted, int(line.code != self.last)), strict=True):
            self.values[name] += value
        self.last = line.code
        sums = self.measures.setdefault((line.award_year, line.measure), [0, 0, 0, 0])
        for place, value in enumerate((line.gross, line.withheld, line.payable, 1)):
            sums[place] += value

    def said(self) -> dict[str, Any]:
        """The sums under the names that the settlement's events give them."""
        measures = [[*key, *sums] for key, sums in sorted(self.measures.items())]
        return {**self.values, "lines_digest": self.digest.hexdigest(), "measures": measures}
