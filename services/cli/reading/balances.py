"""``subsidy-ledger balance``: one enterprise's year."""

from __future__ import annotations

import click

from domain.money.wire import wire_form
from ledger.reading.balances import read_balance
from services.cli.common import Context, json_option, moment_at, moment_options, print_json
from services.cli.reading.sums import list_sums, money_columns, name_award
from services.cli.subject import policy_options
from services.cli.tables import Names, csv_option, table


@click.command()
@click.argument("code")
@policy_options
@moment_options
@json_option
@csv_option
@click.pass_obj
def balance(
    context: Context, /, code: str, policy: str, year: int, as_json: bool, **times: str | None
) -> None:
    """Show one enterprise's balance of a year."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        balance = read_balance(ledger, rows, code, policy, year, moment_at(rows, times))
    if as_json:
        print_json(wire_form(balance))
        return
    lines = [
        (
            name_award(line.title, line.award_year, year, context),
            *list_sums(line, balance.currency),
            " ".join(line.flags),
        )
        for line in balance.awards
    ]
    total = (context.words("合计", "Total"), *list_sums(balance, balance.currency), "")
    heading = Names(context.words("条款", "Measure"))
    flags = Names(context.words("提示", "Flags"))
    table(f"{code}  {policy}  {year}", [heading, *money_columns(context), flags], [*lines, total])
