"""``subsidy-ledger ingest``: a file of messages or standard input, a message a line; or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import click

from domain.faults.fault import Fault
from ledger.intake.batch import Result
from ledger.intake.inbox import BATCH_MESSAGES_MAX, Totals, ingest_all
from ledger.intake.sheets.previewing import DEFAULT_SOURCE
from ledger.intake.sheets.tables import SHIPPED_TABLES
from services.cli.common import Context, json_option, print_json
from services.cli.intake.lines import messages_of
from services.cli.progress import Bar, show_progress
from services.cli.statuses import ExitStatus, end_with
from services.cli.tables import csv_option

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".csv", ".et", ".ods")
"""Names of files that are spreadsheets, or are told that they are of the wrong kind."""


def count_results(batches: Iterable[list[Result]], bar: Bar) -> Totals:
    """Count what became of messages, and show how far it is."""
    totals = Totals()
    for results in batches:
        totals.add(results)
        bar.show(totals.accepted + totals.duplicate + totals.refused, label=print_totals(totals))
    return totals


def print_totals(totals: Totals) -> str:
    """How many messages there were, were recorded, were known, and were refused."""
    done = totals.accepted + totals.duplicate + totals.refused
    return f"{done:,}  ✓ {totals.accepted:,}  = {totals.duplicate:,}  ✗ {totals.refused:,}"


@click.command("ingest")
@click.argument("file", type=click.File("rb", lazy=True))
@click.option(
    "--batch",
    type=click.IntRange(1, BATCH_MESSAGES_MAX),
    default=2_000,
    show_default=True,
    help="How many messages are recorded together.",
)
@click.option("--source", default=DEFAULT_SOURCE, show_default=True, help="Whose facts a spreadsheet holds.")
@click.option(
    "--type",
    "of_type",
    metavar="TYPE",
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
@csv_option
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
        from services.cli.intake.sheet import ingest_sheet  # only spreadsheets need what reads them

        ingest_sheet(
            context, Path(file.name), source, SHIPPED_TABLES.name_of(of_type), marked, anew, agreed, as_json
        )
    else:
        _ingest_lines(context, file, batch, as_json)


def _ingest_lines(context: Context, file: BinaryIO, batch: int, as_json: bool) -> None:
    with context.ledger(sets_up=True) as ledger, show_progress(hidden=as_json) as bar:
        results = ingest_all(ledger, messages_of(file), "file", batch, context.sender())
        totals = count_results(results, bar)
    if as_json:
        counts = {"accepted": totals.accepted, "duplicate": totals.duplicate, "refused": totals.refused}
        print_json({**counts, "retracted": totals.retracted})
    else:
        _tell(context, totals)
    if totals.refused:
        end_with(ExitStatus.REFUSED)


def _tell(context: Context, totals: Totals) -> None:
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
