"""Commands that pay a closed year: order, the bank's file and answers, clawbacks and what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from domain.money.amounts import print_fen
from domain.settlement.accounts import Account
from ledger.export.banks.forms import list_forms
from ledger.export.file_faults import text_lines
from ledger.settlement import paying
from ledger.settlement.bank_answers import record_answers
from ledger.settlement.files import Payer, write_payments
from ledger.settlement.statements.reconciling import record_statements
from services.api.payments.document import recorded_document
from services.api.settlements.open_matters import read_acknowledging
from services.cli.common import Context, json_option, money_argument, print_json
from services.cli.desk.open_matters import acknowledging_options
from services.cli.desk.reconciling import list_refused_steps
from services.cli.desk.settle import actor_option, person
from services.cli.repeating import repeatable
from services.cli.statuses import ExitStatus, end_with
from services.cli.subject import policy_options
from services.cli.tables import csv_option, note
from services.web.amounts import read_currencies


def _tell_repeated(context: Context, account: Account) -> None:
    if account.repeated:
        text = context.words("此前已登记，未再次登记", "recorded already; nothing was recorded again")
        click.echo(text, err=True)


@click.group()
def pay() -> None:
    """Pay a closed year: order, write the bank's file, read its answers."""


@pay.command()
@repeatable
@policy_options
@actor_option
@acknowledging_options
@click.pass_obj
def order(
    context: Context, policy: str, year: int, name: str, acknowledges: str | None, reason: str | None
) -> None:
    """Order everything that is outstanding to be paid, as one batch."""
    with context.ledger() as ledger:
        acknowledging = read_acknowledging(acknowledges, reason)
        batch = paying.order_payments(ledger, policy, year, person(name), acknowledging=acknowledging)
    click.echo(f"{batch.batch}  {batch.payments:,}  {print_fen(batch.total, batch.currency)}")


@pay.command("file")
@policy_options
@click.argument("batch")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--payees",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Accounts (CSV: code, name, account, bank) for payments.",
)
@click.option("--payer-name", required=True, help="The paying account's holder.")
@click.option("--payer-account", required=True, help="The paying account's number.")
@click.option("--payer-bank", required=True, help="BIC or CNAPS number.")
@click.option("--on", required=True, metavar="DATE", help="The day to pay on.")
@click.option("--form", type=click.Choice(list_forms()), help="A bank's own form.")
@click.pass_obj
def payment_file(context: Context, /, policy: str, year: int, batch: str, file: Path, **options: Any) -> None:
    """Write a BATCH for the bank: .csv, .xml (ISO 20022 pain.001), or in the form of a bank.

    Accounts are read from a CSV file (code, name, account, bank); the ledger does not keep them. What is
    in doubt and yet right has its reason in the file's column checked.
    """
    payer = Payer(options["payer_name"], options["payer_account"], options["payer_bank"])
    with context.ledger() as ledger, ledger.store.reading() as rows:
        lines = text_lines(options["payees"].read_bytes())
        file_arguments = (lines, payer, options["on"], options["form"])
        written = write_payments(ledger, rows, policy, year, batch, file, *file_arguments)
        currency = read_currencies(rows)[policy]
    if written.warnings:
        language = context.words("zh", "en")
        click.echo("\n".join(warning.describe(language) for warning in written.warnings), err=True)
    click.echo(f"{file}  {print_fen(written.total, currency)}")


@pay.command()
@repeatable
@policy_options
@actor_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def results(context: Context, policy: str, year: int, name: str, file: Path) -> None:
    """Read the bank's answers from a FILE, CSV or pain.002; all are recorded, or none.

    What is not final yet, or older than what the bank said last, is passed over and counted.
    """
    with context.ledger() as ledger:
        done = record_answers(ledger, policy, year, person(name), file.read_bytes())
    zh = f"登记 {done.recorded:,}，已有 {done.known:,}"
    en = f"recorded {done.recorded:,}, known {done.known:,}"
    if done.pending:
        zh, en = f"{zh}，尚无最终结果 {done.pending:,}", f"{en}, not final yet {done.pending:,}"
    if done.outdated:
        zh, en = (
            f"{zh}，早于已登记结果而略过 {done.outdated:,}",
            f"{en}, passed over as outdated {done.outdated:,}",
        )
    click.echo(context.words(zh, en))


@pay.command()
@repeatable
@policy_options
@actor_option
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@json_option
@csv_option
@click.pass_obj
def statement(
    context: Context, policy: str, year: int, name: str, files: tuple[Path, ...], as_json: bool
) -> None:
    """Record bank statements FILES, and what they confirm: paid, or come back.

    Statements are camt.053, camt.054 or CSV, in any order. What contradicts is not recorded, and told line
    by line with the reason; settle reconcile shows it.
    """
    with context.ledger() as ledger:
        actor = person(name)
        done = record_statements(ledger, policy, year, actor, [file.read_bytes() for file in files])
        with ledger.store.reading() as rows:
            currency = read_currencies(rows)[policy]
    count = len(done.refused)
    if as_json:
        print_json(recorded_document(done, context.language))
    else:
        zh, en = f"登记 {done.recorded:,}", f"recorded {done.recorded:,}"
        if count:
            zh, en = f"{zh}，未登记 {count:,}", f"{en}, refused {count:,}"
        note(context.words(zh, en))
        if count:
            list_refused_steps(context, done.refused, f"{policy} {year}", currency)
    if count:
        end_with(ExitStatus.REFUSED)


@click.command()
@policy_options
@actor_option
@click.argument("code")
@click.argument("amount_reason", nargs=-1, required=True, metavar="[AMOUNT] REASON")
@click.option("--measure", help="The award that late facts lowered; the amount may be left out then.")
@click.option("--reference", metavar="TEXT", help="What you know it by; a second one like it has its own.")
@click.pass_obj
def clawback(
    context: Context,
    policy: str,
    year: int,
    name: str,
    code: str,
    amount_reason: tuple[str, ...],
    measure: str | None,
    reference: str | None,
) -> None:
    """Order AMOUNT yuan back from the enterprise CODE.

    Where late facts lowered an award, --measure names it; the amount may be left out then, and is what was
    paid too much (see overpayments). Without a measure nothing is recorded while some award has something to
    be ordered back.
    """
    *amounts, reason = amount_reason
    if len(amounts) > 1:
        zh, en = "多了参数 — 原因含空格的，加引号", "too many arguments — quote a reason that has blanks"
        raise click.UsageError(context.words(zh, en))
    with context.ledger() as ledger:
        fen = money_argument(amounts[0]) if amounts else None
        clawback_id, account = paying.claw_back(
            ledger, policy, year, code, person(name), fen, reason, measure, reference
        )
    _tell_repeated(context, account)
    clawed = account.clawbacks[clawback_id]
    named = clawed.ordered.measure if clawed.ordered else None
    click.echo("  ".join(filter(None, (clawback_id, named, print_fen(clawed.amount, account.currency)))))


@click.command()
@policy_options
@actor_option
@click.argument("code")
@click.argument("clawback_id")
@click.argument("amount")
@click.option("--on", required=True, metavar="DATE", help="The day on which it came in.")
@click.option("--reference", required=True, help="The bank's reference.")
@click.pass_obj
def recovered(
    context: Context,
    /,
    policy: str,
    year: int,
    name: str,
    code: str,
    clawback_id: str,
    amount: str,
    **options: str,
) -> None:
    """Record that the enterprise CODE paid AMOUNT yuan back."""
    with context.ledger() as ledger:
        fen = money_argument(amount) or 0
        day, reference = options["on"], options["reference"]
        actor = person(name)
        account = paying.recover(ledger, policy, year, code, actor, clawback_id, fen, day, reference)
    _tell_repeated(context, account)
    sums = (print_fen(fen, account.currency) for fen in (account.recovered, account.clawed))
    click.echo(f"{clawback_id}  {' / '.join(sums)}")
