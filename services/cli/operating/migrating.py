"""``subsidy-ledger migrate``: the tables of the ledger."""

from __future__ import annotations

import click

from services.cli.common import Context


@click.command()
@click.pass_obj
def migrate(context: Context) -> None:
    """Create or upgrade the database's tables, once the services are stopped; safe to run twice."""
    with context.ledger(migrates=True) as ledger:
        click.echo(f"{ledger.dialect}: {context.words('数据表已是最新', 'the tables are up to date')}")
