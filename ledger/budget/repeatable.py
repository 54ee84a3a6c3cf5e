"""Awards that can be gone through more than once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.settlement.payables import Line


class RepeatableLines:
    """Awards that can be gone through more than once without being held: read anew each time."""

    def __init__(self, read: Callable[[], Iterator[Line]]) -> None:
        self.read = read

    def __iter__(self) -> Iterator[Line]:
        return self.read()
