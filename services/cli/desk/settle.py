"""Commands of a year's settlement: settle, adjust."""

from __future__ import annotations

from pathlib import Path

import click

from domain.authority.roles import BUREAU, Actor, NotAllowed, declared_actor
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of, today
from ledger.settlement import closing, proposing, published
from ledger.settlement.files import write_list, write_summary
from ledger.settlement.statements.paper import write_reconciliation
from ledger.settlement.statements.reconciling import (
    list_entries,
    read_statement_files,
    reconcile_year,
)
from services.api.payments.document import reconciliation_document
from services.api.settlements.document import settlement_document
from services.api.settlements.open_matters import read_acknowledging
from services.cli.common import Context, F, json_option, os_user, print_json
from services.cli.desk.open_matters import acknowledging_options, show_open_matters
from services.cli.desk.reconciling import list_reconciliation
from services.cli.repeating import repeatable
from services.cli.signing_key import key_option, signer
from services.cli.subject import policy_options
from services.cli.tables import Money, Names, csv_option, table
from services.web.amounts import read_currencies
from services.web.exports import whole_or_nothing


def actor_option(command: F) -> F:
    """``--actor``: who takes the step, where identities are not checked; else nobody but the user."""
    return click.option(
        "--actor", "name", default=os_user, metavar="NAME", help="Who takes the step (your login name)."
    )(command)


def person(name: str) -> Actor:
    """A member of the bureau: the operating system's user; where identities are not checked, who is named.

    Raises:
        NotAllowed: for another name than the user's, where identities are checked.
    """
    context: Context = click.get_current_context().obj
    if not context.checks_identity:
        unchecked = context.words(
            "未核验身份：办理人为自报姓名", "identities are not checked: names are declared"
        )
        click.echo(unchecked, err=True)
        return declared_actor(name, frozenset(BUREAU))
    if name != os_user():
        raise NotAllowed("actor.user", "actor", user=os_user())
    return context.caller()


@click.group()
def settle() -> None:
    """Settle a year: propose, publish, hear objections, close."""


PAID = (
    ("paid", "已拨付", "Paid"),
    ("ordered", "拨付中", "Under way"),
    ("outstanding", "待拨付", "Outstanding"),
    ("clawed_back", "应追回", "Clawed back"),
    ("recovered", "追回到账", "Recovered"),
)


def _show(context: Context, policy: str, year: int, as_json: bool) -> None:
    with context.ledger() as ledger, ledger.store.reading() as rows:
        document = settlement_document(rows, settlement_of(rows, policy, year))
        currency = read_currencies(rows)[policy]
    if as_json:
        print_json(document)
        return
    words = context.words
    stages = {
        "open": words("未拟定", "open"),
        "proposed": words("已拟定", "proposed"),
        "published": words("公示中", "published"),
        "closed": words("已办结", "closed"),
    }
    lines = [(words("状态", "Stage"), stages[document["stage"]])]
    if document["proposal"]:
        proposal = document["proposal"]
        lines += [
            (words("可分配", "To divide"), Money.read(proposal["available"], currency)),
            (words("参与分配", "Sharing"), Money.read(proposal["sharing"], currency)),
            (
                words("兑现系数", "Factor"),
                f"{proposal['factor']['fraction']} = {proposal['factor']['percent']}",
            ),
            (words("应兑现", "Payable"), Money.read(proposal["payable"], currency)),
            (words("企业数", "Enterprises"), f"{proposal['enterprises']:,}"),
            (words("名单摘要", "List SHA-256"), proposal["lines_digest"]),
        ]
    if document["publication"]:
        days = document["publication"]
        until = max(days["from_day"], days["until_day"])  # without a notice period it ends before it begins
        lines.append((words("公示期", "Published"), " – ".join(sorted({days["from_day"], until}))))
    for objection in document["objections"]:
        outcome = objection["outcome"] or words("未处理", "open")
        lines.append(
            (f"{words('异议', 'Objection')} {objection['objection']}", f"{outcome}: {objection['reason']}")
        )
    if document["undecided"]:
        lines.append((words("数据待决定的企业", "Enterprises with held facts"), f"{document['undecided']:,}"))
    if document["closing"]:
        accounts = document["accounts"]
        lines += [(words(zh, en), Money.read(accounts[name], currency)) for name, zh, en in PAID]
    table(f"{policy} {year}", [Names(""), Names("")], lines)


@settle.command()
@policy_options
@json_option
@csv_option
@click.pass_obj
def status(context: Context, policy: str, year: int, as_json: bool) -> None:
    """Say where a year's settlement stands."""
    _show(context, policy, year, as_json)


@settle.command()
@repeatable
@policy_options
@actor_option
@acknowledging_options
@json_option
@csv_option
@click.pass_obj
def propose(
    context: Context,
    policy: str,
    year: int,
    name: str,
    acknowledges: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Work out the exact apportionment of all that is known now, and propose the list."""
    with context.ledger() as ledger:
        proposing.propose(ledger, policy, year, person(name), read_acknowledging(acknowledges, reason))
    _show(context, policy, year, as_json)


@settle.command()
@repeatable
@policy_options
@actor_option
@acknowledging_options
@json_option
@csv_option
@click.pass_obj
def publish(
    context: Context,
    policy: str,
    year: int,
    name: str,
    acknowledges: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Publish the proposed list for objections, from today."""
    with context.ledger() as ledger:
        proposing.publish(ledger, policy, year, person(name), read_acknowledging(acknowledges, reason))
    _show(context, policy, year, as_json)


@settle.command("object")
@repeatable
@policy_options
@actor_option
@click.option("--enterprise", metavar="CODE", help="The enterprise that it is about.")
@click.argument("reason")
@json_option
@csv_option
@click.pass_obj
def object_to(
    context: Context, policy: str, year: int, name: str, enterprise: str | None, reason: str, as_json: bool
) -> None:
    """Object to the published list."""
    with context.ledger() as ledger:
        proposing.raise_objection(ledger, policy, year, person(name), enterprise, reason)
    _show(context, policy, year, as_json)


@settle.command()
@repeatable
@policy_options
@actor_option
@click.argument("objection")
@click.argument("outcome", type=click.Choice(["upheld", "dismissed"]))
@click.argument("reason")
@json_option
@csv_option
@click.pass_obj
def resolve(
    context: Context,
    policy: str,
    year: int,
    name: str,
    objection: str,
    outcome: str,
    reason: str,
    as_json: bool,
) -> None:
    """Uphold an OBJECTION, so that the list must be proposed again, or dismiss it."""
    with context.ledger() as ledger:
        proposing.resolve_objection(ledger, policy, year, person(name), objection, outcome, reason)
    _show(context, policy, year, as_json)


@settle.command()
@repeatable
@policy_options
@actor_option
@acknowledging_options
@json_option
@csv_option
@click.pass_obj
def close(
    context: Context,
    policy: str,
    year: int,
    name: str,
    acknowledges: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Make the published list final: every payment is frozen, all of them or none."""
    with context.ledger() as ledger:
        closing.close(ledger, policy, year, person(name), read_acknowledging(acknowledges, reason))
    _show(context, policy, year, as_json)


settle.add_command(show_open_matters)


@settle.command("list")
@policy_options
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@key_option
@click.pass_obj
def public_list(context: Context, policy: str, year: int, file: Path, key_file: Path | None) -> None:
    """Write the public list, with what the policy masks masked: .xlsx, .csv, or .ndjson.

    The last is the published list as data, signed, from which anyone can work out every payment.
    """
    with context.ledger() as ledger, ledger.store.reading() as rows:
        if file.suffix == ".ndjson":
            key = signer(context, key_file)
            with whole_or_nothing(file) as part, part.open("w", encoding="utf-8", newline="\n") as out:
                count = published.write_published_list(rows, policy, year, out, key)
        else:
            count = write_list(ledger, rows, policy, year, file)
    click.echo(f"{file}  {count:,}")


@settle.command()
@policy_options
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def summary(context: Context, policy: str, year: int, file: Path) -> None:
    """Write the summary for the finance bureau (.xlsx)."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        write_summary(ledger, rows, policy, year, file)
    click.echo(str(file))


@settle.command("reconcile")
@policy_options
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--open", "is_open", is_flag=True, help="List what somebody must look into, one by one.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A workbook to write it into.")
@json_option
@csv_option
@click.pass_obj
def reconcile_statements(
    context: Context,
    policy: str,
    year: int,
    files: tuple[Path, ...],
    is_open: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Hold a year's payments beside bank statements FILES, payment by payment, to the fen.

    Statements are camt.053, camt.054 or CSV; their order, and that they overlap, changes nothing. Nothing
    is recorded.
    """
    with context.ledger() as ledger, ledger.store.reading() as rows:
        statements = read_statement_files(rows, policy, year, [file.read_bytes() for file in files])
        reconciliation = reconcile_year(rows, policy, year, list_entries(statements))
        governing = rulebook(rows, policy).of_year(year)
        day = today(ledger.clock())
    if out is not None:
        with whole_or_nothing(out) as part:
            write_reconciliation(part, reconciliation, statements, governing, year, day)
    if as_json:
        print_json(reconciliation_document(reconciliation, statements))
        return
    list_reconciliation(context, reconciliation, f"{policy} {year}", governing.currency, is_open)
