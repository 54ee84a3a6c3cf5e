"""Commands about policies: adopt, check, policies, set-budget; ``policy …`` is the workshop."""

from __future__ import annotations

from pathlib import Path

import click

from domain.money.amounts import print_fen
from ledger.policies.versions import UnknownPeriod, adopt_policy, set_budget
from services.cli.common import Context, json_option, money_argument, print_json
from services.cli.policies.files import FILE, text_of
from services.cli.repeating import repeatable
from services.cli.tables import Codes, Names, Sums, csv_option, table


@click.command()
@FILE
@click.pass_obj
def adopt(context: Context, file: Path) -> None:
    """Adopt a policy file, or a new version of one, into the ledger."""
    with context.ledger(sets_up=True) as ledger:
        policy, new = adopt_policy(ledger, text_of(file), context.caller())
    words = context.words
    outcome = (
        words("已纳入", "adopted")
        if new
        else words("此前已纳入，未作更改", "was adopted before; nothing changed")
    )
    click.echo(f"{policy.id} v{policy.version} {policy.effective_from}  {outcome}")


@click.command()
@json_option
@csv_option
@click.pass_obj
def policies(context: Context, as_json: bool) -> None:
    """List the adopted policies."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        sql = (
            "SELECT policy, version, effective_from, digest, position FROM policies ORDER BY policy, version"
        )
        versions = rows.all(sql)
    if as_json:
        names = ("policy", "version", "effective_from", "digest", "position")
        print_json([dict(zip(names, row, strict=True)) for row in versions])
        return
    words = context.words
    heads = [
        Names(words("政策", "Policy")),
        Sums(words("版本", "Version")),
        Codes(words("施行", "Effective")),
    ]
    table("", [*heads, Codes("SHA-256")], [(row[0], str(row[1]), row[2], row[3][:16]) for row in versions])


@click.command("set-budget")
@repeatable
@click.argument("policy")
@click.argument("period")
@click.argument("amount")
@click.pass_obj
def set_budget_command(context: Context, policy: str, period: str, amount: str) -> None:
    """Set the budget of a PERIOD (a year, or "life") to AMOUNT, in the policy's currency.

    Of several budgets one at a time: the period and the budget's id, like 2026.east.
    """
    fen = money_argument(amount)
    assert fen is not None
    with context.ledger() as ledger:
        try:
            budget = set_budget(ledger, policy, period, fen, actor=context.caller())
        except UnknownPeriod as error:
            raise click.ClickException(context.words(error.words("zh"), error.words("en"))) from error
    click.echo(f"{policy} {budget.period} {print_fen(budget.appropriation)}")
