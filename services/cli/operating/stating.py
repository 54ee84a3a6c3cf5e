"""The command that states rows beside the log: log-rows."""

from __future__ import annotations

import click

from ledger.audit.stating import state_tables
from services.cli.common import Context, json_option, operator_attribution, print_json


@click.command("log-rows")
@json_option
@click.pass_obj
def log_rows(context: Context, as_json: bool) -> None:
    """State in the log, by digest, looks, refused messages and certificates that it does not state yet.

    A running service does so at an interval. Once stated, a row cannot be altered or deleted unseen.
    """
    with context.ledger() as ledger:
        counts = state_tables(ledger, operator_attribution())
    if as_json:
        print_json(counts)
        return
    stated = ", ".join(f"{table} {count:,}" for table, count in counts.items())
    click.echo(stated or context.words("没有待记入的行", "no row waits to be stated"))
