"""How far a command is, on a terminal; nothing of it goes into a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """The progress of one task; one that is not shown takes the same calls."""

    def __init__(self, shown: Progress | None = None, task: TaskID | None = None) -> None:
        self._shown, self._task, self._done = shown, task, 0

    def show(self, done: int, total: int | None = None, label: str | None = None) -> None:
        """Show how much is done, of how much where that is known."""
        self._done = done
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, total=total, description=label)

    def step(self) -> None:
        """Show that one more is done."""
        self.show(self._done + 1)


@contextmanager
def show_progress(label: str = "", hidden: bool = False) -> Iterator[Bar]:
    """A bar beside the standard error of a terminal, gone once all is done; hidden everywhere else."""
    if hidden or not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console  # only what is shown needs it
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        yield Bar(shown, shown.add_task(label, total=None))
