"""``subsidy-ledger budget``: a year's budget, and who gets most of it."""

from __future__ import annotations

from fractions import Fraction

import click

from domain.money.wire import print_fraction, print_percent, wire_form
from ledger.reading.balances import Balance
from ledger.reading.budgets import YearBudget, read_budget
from services.cli.common import Context, json_option, moment_at, moment_options, print_json
from services.cli.reading.sums import list_sums, money_columns, name_award
from services.cli.subject import policy_options
from services.cli.tables import Codes, Money, Names, Sums, csv_option, table


@click.command()
@policy_options
@moment_options
@json_option
@csv_option
@click.pass_obj
def budget(context: Context, /, policy: str, year: int, as_json: bool, **times: str | None) -> None:
    """Show the budget of a year: what shares it, and the factor."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        year_budget = read_budget(ledger, rows, policy, year, moment_at(rows, times))
    if as_json:
        print_json(wire_form(year_budget))
    else:
        print_budget(context, year_budget)


def print_budget(context: Context, budget: YearBudget) -> None:
    """The budget as two tables, and one more where there are several pots."""
    words = context.words

    def money(fen: int) -> Money:
        return Money(fen, budget.currency)

    rows = [
        (words("预算", "Appropriation"), money(budget.appropriation_fen)),
        (words("应奖励合计", "Gross"), money(budget.gross_fen)),
        (words("从高不重复扣除", "Withheld (highest only)"), money(budget.withheld_fen)),
        (words("参与分配", "Sharing the budget"), money(budget.sharing_fen)),
        (words("兑现系数", "Factor"), _exact_factor(budget.factor)),
        (words("应兑现合计", "Payable"), money(budget.payable_fen)),
        (words("其他资金列支", "Paid from other funds"), money(budget.outside_budget_fen)),
        (words("预算余额", "Headroom"), money(budget.headroom_fen)),
    ]
    title = f"{budget.policy}  {budget.year}  #{budget.position}"
    table(title, [Names(""), Sums(words("金额", "Amount"))], rows)
    if budget.pots:
        pots = [
            (
                f"{pot.name[context.language]} ({pot.pot})",
                money(pot.available_fen),
                money(pot.sharing_fen),
                _exact_factor(pot.factor),
                money(pot.payable_fen),
            )
            for pot in budget.pots
        ]
        heads = [Names(words("预算", "Budget")), Sums(words("可用", "Available"))]
        heads += [Sums(words("参与分配", "Sharing")), Sums(words("兑现系数", "Factor"))]
        table(words("各预算", "By budget"), [*heads, Sums(words("应兑现", "Payable"))], pots)
    lines = [
        (
            line.article,
            name_award(line.title, line.year, budget.year, context),
            str(line.enterprises),
            *(money(fen) for fen in (line.gross_fen, line.withheld_fen, line.payable_fen)),
        )
        for line in budget.measures
    ]
    gross, withheld, _, payable = money_columns(context)
    heads = [
        Names(""),
        Names(words("条款", "Measure")),
        Sums(words("企业数", "Enterprises")),
    ]
    table(words("各条款", "By measure"), [*heads, gross, withheld, payable], lines)


def _exact_factor(factor: Fraction) -> str:
    return f"{print_fraction(factor)}  ({print_percent(factor)})"


def print_largest(context: Context, balances: list[Balance]) -> None:
    """The largest balances as a table."""
    rows = [(balance.enterprise, *list_sums(balance, balance.currency)) for balance in balances]
    heading = Codes(context.words("统一社会信用代码", "Credit code"))
    title = context.words("金额最大的企业", "Largest balances")
    table(title, [heading, *money_columns(context)], rows)
