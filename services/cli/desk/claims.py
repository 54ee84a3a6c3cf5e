"""Commands of the desk: claims, step by step."""

from __future__ import annotations

import click

from domain.events.claims import ClaimSubmitted
from domain.events.event import SupportingDocument
from domain.money.amounts import print_fen
from ledger.claims import desk
from ledger.claims.desk import Recorded
from ledger.policies.versions import rulebook
from services.cli.common import Context, F, json_option, money_argument, print_json
from services.cli.desk.settle import actor_option, person
from services.cli.repeating import repeatable
from services.cli.subject import document_options, policy_option, policy_options
from services.cli.tables import Codes, Names, Sums, csv_option, table


@click.group()
def claim() -> None:
    """Claims: submit, review, approve, reject, withdraw, appeal."""


def _file(command: F) -> F:
    """``CODE CLAIM`` of one policy, and the document that the step rests on."""
    citing = document_options(actor_option(policy_option(command)))
    return click.argument("code")(click.argument("claim")(citing))


def _print_recorded(recorded: Recorded) -> None:
    click.echo(f"{recorded.claim}  {recorded.status}  {recorded.position}")


@claim.command("list")
@click.option("--status", help="Only those in this state.")
@json_option
@csv_option
@click.pass_obj
def list_claims(context: Context, status: str | None, as_json: bool) -> None:
    """List claims as they now stand."""
    only, values = (" WHERE status=?", [status]) if status else ("", [])
    sql = (
        f"SELECT policy, code, claim, measure, item, year, status, amount FROM claims{only} ORDER BY 1, 2, 3"
    )
    with context.ledger() as ledger, ledger.store.reading() as rows:
        claims = rows.all(sql, values)
    names = ("policy", "enterprise", "claim", "measure", "item", "year", "status", "amount")
    items = [dict(zip(names, [*row[:7], row[7] and print_fen(int(row[7]))], strict=True)) for row in claims]
    if as_json:
        print_json(items)
        return
    zh = ("政策", "企业", "编号", "条款", "事项", "年度", "状态", "金额")
    kinds = (Names, Codes, Codes, Names, Names, Codes, Names, Sums)
    heads = [kind(context.words(z, n.capitalize())) for kind, z, n in zip(kinds, zh, names, strict=True)]
    table("", heads, [[str(item[name] or "") for name in names] for item in items])


@claim.command()
@repeatable
@_file
@click.option("--measure", required=True, help="The measure's id.")
@click.option("--item", required=True, help="What is claimed for.")
@click.option("--year", required=True, type=click.IntRange(2000, 2100), help="The year of the award.")
@click.option("--amount", help="What is asked for, in yuan.")
@click.pass_obj
def submit(
    context: Context,
    code: str,
    claim: str,
    name: str,
    policy: str,
    measure: str,
    item: str,
    year: int,
    amount: str | None,
    based_on: SupportingDocument | None,
) -> None:
    """Submit a claim for the enterprise CODE under the file number CLAIM."""
    fen = money_argument(amount)
    with context.ledger() as ledger:
        with ledger.store.reading() as rows:
            paid_in = rulebook(rows, policy).latest.currency
        application = ClaimSubmitted(
            claim=claim,
            policy=policy,
            measure=measure,
            item=item,
            year=year,
            amount_fen=fen,
            currency=None if fen is None else paid_in,
        )
        _print_recorded(desk.submit(ledger, code, person(name), application, based_on))


@claim.command()
@repeatable
@_file
@click.argument("amount")
@click.argument("opinion")
@click.pass_obj
def review(
    context: Context,
    code: str,
    claim: str,
    name: str,
    policy: str,
    amount: str,
    opinion: str,
    based_on: SupportingDocument | None,
) -> None:
    """Take the first review: recommend AMOUNT yuan."""
    with context.ledger() as ledger:
        fen = money_argument(amount) or 0
        _print_recorded(desk.review(ledger, code, policy, claim, person(name), fen, opinion, based_on))


@claim.command()
@repeatable
@_file
@click.option("--amount", help="Less than was recommended.")
@click.pass_obj
def approve(
    context: Context,
    code: str,
    claim: str,
    name: str,
    policy: str,
    amount: str | None,
    based_on: SupportingDocument | None,
) -> None:
    """Take the second review: approve what was recommended."""
    with context.ledger() as ledger:
        fen = money_argument(amount)
        _print_recorded(desk.approve(ledger, code, policy, claim, person(name), fen, based_on))


@claim.command()
@repeatable
@_file
@click.argument("reason")
@click.pass_obj
def reject(
    context: Context,
    code: str,
    claim: str,
    name: str,
    policy: str,
    reason: str,
    based_on: SupportingDocument | None,
) -> None:
    """Reject a claim, with the reason."""
    with context.ledger() as ledger:
        _print_recorded(desk.reject(ledger, code, policy, claim, person(name), reason, based_on))


@claim.command()
@repeatable
@_file
@click.pass_obj
def withdraw(
    context: Context, code: str, claim: str, name: str, policy: str, based_on: SupportingDocument | None
) -> None:
    """Take an undecided claim back for the enterprise."""
    with context.ledger() as ledger:
        _print_recorded(desk.withdraw(ledger, code, policy, claim, person(name), based_on))


@claim.command()
@repeatable
@_file
@click.argument("reason")
@click.pass_obj
def appeal(
    context: Context,
    code: str,
    claim: str,
    name: str,
    policy: str,
    reason: str,
    based_on: SupportingDocument | None,
) -> None:
    """Ask for a rejected claim to be reviewed again, by others."""
    with context.ledger() as ledger:
        _print_recorded(desk.appeal(ledger, code, policy, claim, person(name), reason, based_on))


@claim.command()
@repeatable
@policy_options
@actor_option
@click.pass_obj
def propose(context: Context, policy: str, year: int, name: str) -> None:
    """Propose the claims that the facts already earn."""
    with context.ledger() as ledger:
        for recorded in desk.propose(ledger, policy, year, person(name)):
            _print_recorded(recorded)
