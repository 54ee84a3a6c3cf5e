"""Work on all events that several processes share."""

from __future__ import annotations

import click

from ledger.replay.parts import PROCESSES_MAX, ReplayWorkers
from services.cli.common import Context, F


def processes_option(command: F) -> F:
    """``--processes``, one by default."""
    return click.option(
        "--processes",
        type=click.IntRange(1, PROCESSES_MAX),
        default=1,
        show_default=True,
        help="How many processes share the work.",
    )(command)


def share_work(context: Context, processes: int, folder: str) -> ReplayWorkers | None:
    """The processes that read the ledger for a command, with their files in a folder; none beside its own."""
    return ReplayWorkers(context.path, processes, folder) if processes > 1 else None
