"""``subsidy-ledger migrate``: create the ledger's tables, or bring them up to date."""

from __future__ import annotations

import click

from ledger.tables import SCHEMA_VERSION
from services.commands.common import Context


@click.command()
@click.pass_obj
def migrate(context: Context) -> None:
    """Create the ledger's tables or bring them up to date; safe to repeat and while others serve."""
    with context.ledger():
        pass
    words = context.words("数据表已是最新版本", "The tables are up to date at version")
    click.echo(f"{words} {SCHEMA_VERSION}")


COMMANDS = (migrate,)
