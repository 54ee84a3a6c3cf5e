"""``subsidy-ledger ingest``: a file of messages or standard input, a message a line; or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
from rich.progress import Progress

from domain.faults.fault import Fault
from domain.intake.authorising import Sender
from ledger.intake.batch import Result
from ledger.intake.inbox import BATCH_MESSAGES_MAX, Totals, ingest_all
from ledger.intake.messages.decode import MESSAGE_BYTES_MAX
from ledger.intake.sheets.previewing import DEFAULT_SOURCE
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.store.application import Ledger
from services.cli.common import Context, json_option, print_json
from services.cli.intake.sheet import SUFFIXES, ingest_sheet

LINE_BYTES_MAX = MESSAGE_BYTES_MAX + 1


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Messages, a line each; a longer line is cut just past the limit, so that it is refused."""
    while line := stream.readline(LINE_BYTES_MAX + 1):
        message = line
        while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES_MAX + 1)
        text = message.strip()
        if text:
            yield text


def run(
    ledger: Ledger, messages: Iterator[bytes], channel: str, batch: int, bar: Progress, sender: Sender
) -> Totals:
    """Ingest messages and count what became of them."""
    totals = Totals()
    task = bar.add_task("", total=None)
    results: list[Result]
    for results in ingest_all(ledger, messages, channel, batch, sender):
        totals.add(results)
        done = totals.accepted + totals.duplicate + totals.refused
        progress = f"{done:,}  ✓ {totals.accepted:,}  = {totals.duplicate:,}  ✗ {totals.refused:,}"
        bar.update(task, completed=done, description=progress)
    return totals


@click.command("ingest")
@click.argument("file", type=click.File("rb", lazy=True))
@click.option("--batch", type=click.IntRange(1, BATCH_MESSAGES_MAX), default=2_000, show_default=True)
@click.option("--source", default=DEFAULT_SOURCE, show_default=True, help="Whose facts a spreadsheet holds.")
@click.option(
    "--type",
    "of_type",
    type=click.Choice(list(SHIPPED_TABLES.by_short_type)),
    help="Which facts a spreadsheet holds.",
)
@click.option(
    "--marked",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the spreadsheet is written with what is wrong marked in its cells.",
)
@click.option(
    "--anew",
    multiple=True,
    metavar="SHEET!ROW",
    help='A row that the preview leaves out and that is a report of its own; "retracted": all of those.',
)
@click.option("--yes", "agreed", is_flag=True, help="Record a spreadsheet without asking.")
@json_option
@click.pass_obj
def ingest_command(
    context: Context,
    file: BinaryIO,
    batch: int,
    source: str,
    of_type: str | None,
    marked: Path | None,
    anew: tuple[str, ...],
    agreed: bool,
    as_json: bool,
) -> None:
    """Take in FILE, one CloudEvents message a line ("-" for standard input), or a spreadsheet.

    Safe to repeat: what is recorded already changes nothing. What is refused is kept; list it
    with "subsidy-ledger refused". A spreadsheet (.xlsx, .csv) is previewed, and recorded once
    you agree; "subsidy-ledger sheet template" writes workbooks to fill in.
    """
    if file.name.lower().endswith(SUFFIXES):
        ingest_sheet(
            context, Path(file.name), source, SHIPPED_TABLES.name_of(of_type), marked, anew, agreed, as_json
        )
    else:
        _ingest_lines(context, file, batch, as_json)


def _ingest_lines(context: Context, file: BinaryIO, batch: int, as_json: bool) -> None:
    with context.ledger(sets_up=True) as ledger, Progress(disable=as_json) as bar:
        totals = run(ledger, lines_of(file), "file", batch, bar, context.sender())
    if as_json:
        counts = {"accepted": totals.accepted, "duplicate": totals.duplicate, "refused": totals.refused}
        print_json({**counts, "retracted": totals.retracted})
        return
    words = context.words
    pairs = (
        (words("入账", "accepted"), totals.accepted),
        (words("重复", "duplicate"), totals.duplicate),
        (words("退回", "refused"), totals.refused),
    )
    click.echo("  ".join(f"{word} {count:,}" for word, count in pairs))
    if totals.retracted:
        mend = Fault("identity.retracted", "id").words(context.language)["mend"]
        known = words("重复中已撤回", "duplicates of what was retracted")
        click.echo(f"{known} {totals.retracted:,}: {mend}")
