"""Commands about what late facts change in a closed year: adjustments, what was paid too much, adjust."""

from __future__ import annotations

import click

from domain.money.amounts import print_fen
from domain.settlement.overpaid import STAGE_WORDS
from ledger.settlement import adjusting
from ledger.settlement.overpaid import list_overpayments, match_overpayments
from services.api.settlements.document import adjustment_documents, overpayment_document
from services.cli.common import Context, json_option, money_argument, print_json
from services.cli.desk.settle import actor_option, person
from services.cli.repeating import repeatable
from services.cli.subject import policy_options
from services.cli.tables import Codes, Money, Names, Sums, csv_option, table
from services.web.amounts import read_currencies


@click.command()
@policy_options
@json_option
@csv_option
@click.pass_obj
def adjustments(context: Context, policy: str, year: int, as_json: bool) -> None:
    """List what late facts would change in a closed year's awards."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        pending = adjusting.pending(rows, policy, year)
        overpayments = match_overpayments(rows, policy, year, pending)
        documents = adjustment_documents(rows, policy, year, pending)
        currency = read_currencies(rows)[policy]
    if as_json:
        print_json(documents)
        return
    words = context.words
    heads = [
        Codes(words("企业", "Enterprise")),
        Names(words("条款", "Measure")),
        Sums(words("现应奖励", "Now")),
        Sums(words("办结时应奖励", "Awarded")),
        Sums(words("差额", "Difference")),
        Sums(words("其中已拨付", "Paid of it")),
        Sums(words("多付待追回", "To be ordered back")),
    ]
    rows_ = []
    for adjustment in pending:
        overpayment = overpayments.get((adjustment.code, adjustment.measure))
        sums = [adjustment.now, adjustment.settled + adjustment.accepted, adjustment.amount]
        paid = [overpayment.paid_fen, overpayment.to_order_fen] if overpayment else []
        money = [*(Money(fen, currency) for fen in [*sums, *paid]), *([] if overpayment else ["", ""])]
        rows_.append((adjustment.code, adjustment.measure, *money))
    table(f"{policy} {year}", heads, rows_)


@click.command()
@policy_options
@json_option
@csv_option
@click.pass_obj
def overpayments(context: Context, policy: str, year: int, as_json: bool) -> None:
    """List what a closed year paid too much.

    Of an award that late facts lowered, its paid share comes back, not the gross award. Each line says what
    is ordered back, recovered and still due; what is over stands here too.
    """
    with context.ledger() as ledger, ledger.store.reading() as rows:
        overpaid = list_overpayments(rows, policy, year)
        currency = read_currencies(rows)[policy]
    if as_json:
        print_json([overpayment_document(each) for each in overpaid])
        return
    words = context.words
    heads = [
        Codes(words("企业", "Enterprise")),
        Names(words("条款", "Measure")),
        Sums(words("办结时应奖励", "Awarded")),
        Sums(words("其中已拨付", "Paid of it")),
        Sums(words("多付", "Overpaid")),
        Sums(words("已下达追回", "Ordered back")),
        Sums(words("已收回", "Recovered")),
        Sums(words("尚未收回", "Still due")),
        Names(words("状态", "Stage")),
    ]
    table(
        f"{policy} {year}",
        heads,
        [
            (
                each.code,
                each.measure,
                *(Money(fen, currency) for fen in (each.awarded_fen, each.paid_fen, each.overpaid_fen)),
                *(Money(fen, currency) for fen in (each.ordered_fen, each.recovered_fen, each.due_fen)),
                words(*STAGE_WORDS[each.stage]),
            )
            for each in overpaid
        ],
    )


@click.command()
@repeatable
@policy_options
@actor_option
@click.argument("code")
@click.argument("measure")
@click.argument("amount")
@click.argument("reason")
@click.option(
    "--into",
    "into_year",
    required=True,
    type=click.IntRange(2000, 2100),
    help="The open year whose budget pays it.",
)
@click.pass_obj
def adjust(
    context: Context,
    policy: str,
    year: int,
    name: str,
    code: str,
    measure: str,
    amount: str,
    reason: str,
    into_year: int,
) -> None:
    """Accept AMOUNT yuan that late facts add to a closed year's award into an open year's budget."""
    with context.ledger() as ledger:
        fen = money_argument(amount) or 0
        adjustment, _ = adjusting.accept(
            ledger, policy, year, code, measure, into_year, person(name), fen, reason
        )
        with ledger.store.reading() as rows:
            currency = read_currencies(rows)[policy]
    click.echo(f"{adjustment}  {print_fen(fen, currency)}  {year} → {into_year}")
