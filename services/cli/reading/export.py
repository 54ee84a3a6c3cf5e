"""``subsidy-ledger export``: the books of a budget period in the forms that other programs read."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.export.books import books_of
from services.cli.common import Context, moment_at, moment_options
from services.cli.progress import show_progress
from services.cli.subject import policy_options
from services.web.exports import FORMATS


@click.command("export")
@click.argument("form", metavar="FORMAT", type=click.Choice(list(FORMATS)))
@policy_options
@moment_options
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@click.pass_obj
def export(context: Context, /, form: str, policy: str, year: int, out: Path, **times: str | None) -> None:
    """Write the books of the budget period that a year belongs to.

    FORMAT is hledger (a journal that ledger reads, too), beancount, xlsx (with the apportionment
    as live formulas), parquet (awards in FILE, events beside it in FILE-events) or 360giving
    (JSON). A file of that name is replaced, once everything is written.
    """
    with (
        context.ledger() as ledger,
        ledger.store.reading() as rows,
        show_progress(context.words("导出", "Exporting")) as bar,
    ):
        books = books_of(ledger, rows, policy, year, moment_at(rows, times))
        for file in FORMATS[form](books, out, bar.step):
            click.echo(f"{file}  {file.stat().st_size:,} bytes")
