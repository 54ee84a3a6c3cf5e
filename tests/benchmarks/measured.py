"""One row of the table of performance: some work, the limit beside it, and their ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Measured(NamedTuple):
    """A ratio of one run. ``reach`` is what it should be: at least, or where ``most`` at most."""

    work: str
    beside: str
    reach: float
    ratio: float
    detail: str = ""
    most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the ratio is what it should be."""
        return self.ratio <= self.reach if self.most else self.ratio >= self.reach

    def line(self) -> str:
        """A row of a table in Markdown."""
        sign, verdict = "≤" if self.most else "≥", "yes" if self.reached else "**no**"
        cells = (self.work, self.beside, f"{sign} {self.reach:g}", f"{self.ratio:.2f}", verdict, self.detail)
        return f"| {' | '.join(cells)} |"


COLUMNS = ("work", "beside it, in the same run", "reach", "ratio", "reached", "what was measured")
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def clock(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def taking_turns(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of two pieces of work, done in the order A B B A so that a drift meets both."""
    first, second = [], []
    for turn in range(rounds):
        if turn % 2:
            second.append(clock(other))
            first.append(clock(one))
        else:
            first.append(clock(one))
            second.append(clock(other))
    return statistics.median(first), statistics.median(second)


def spread(values: Sequence[float]) -> str:
    """The range of some ratios."""
    return f"{min(values):.2f}–{max(values):.2f}"
