"""Samples of some work by several sides, and how they are told."""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple


class Work(NamedTuple):
    """Some work done by several sides, ours first; ``samples`` are by side, in ``unit``, less is better."""

    name: str
    unit: str
    samples: dict[str, list[float]]
    note: str = ""

    def document(self) -> dict[str, Any]:
        """Everything that was measured."""
        return self._asdict()

    def lines(self) -> list[str]:
        """A row of a table in Markdown for each side; the last column is the side's median by ours."""
        ours = statistics.median(next(iter(self.samples.values())))
        rows = []
        for at, (side, values) in enumerate(self.samples.items()):
            median = statistics.median(values)
            cells = (
                *(self.name if at == 0 else "", side, f"{median:.4g} {self.unit}"),
                *(f"{min(values):.4g}–{max(values):.4g}", str(len(values)), f"{median / ours:.2f}"),
                self.note if at == 0 else "",
            )
            rows.append(f"| {' | '.join(cells)} |")
        return rows


COLUMNS = ("work", "side", "median", "range", "samples", "beside ours", "note")
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
