"""``subsidy-ledger looks``: who read an enterprise's data."""

from __future__ import annotations

from dataclasses import asdict

import click

from ledger.audit.looks import latest
from services.cli.common import Context, json_option, print_json
from services.cli.tables import Codes, Names, Sums, csv_option, table


@click.command()
@click.argument("code", required=False)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@json_option
@csv_option
@click.pass_obj
def looks(context: Context, code: str | None, limit: int, as_json: bool) -> None:
    """List the last reads of enterprises' data: who, when, from where, what."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        found = latest(rows, code, limit)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    words = context.words
    heads = [Codes(words("时间", "At")), Names(words("查阅人", "Actor")), Names(words("地址", "From"))]
    heads += [Names(words("内容", "What")), Sums(words("次数", "Times"))]
    lines = [(e.at, e.actor, e.address, f"{e.method} {e.path}", str(e.times)) for e in found]
    table(code or words("查阅记录", "Who looked"), heads, lines)
