"""``subsidy-ledger what-if``: other rules, readings, figures or budgets."""

from __future__ import annotations

import click

from domain.money.wire import print_percent, wire_form
from ledger.simulation.what_if import simulate_year
from services.cli.common import (
    Context,
    choose_words,
    json_option,
    moment_at,
    money_argument,
    print_json,
    rules_options,
)
from services.cli.subject import policy_options
from services.cli.tables import Codes, Money, Names, Sums, csv_option, table


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for value in values:
        name, separator, said = value.partition("=")
        if not separator:
            zh, en = f"{value!r} 没有“=” — 写成", f"{value!r} has no “=” — write"
            raise click.BadParameter(f"{choose_words(zh, en)} {option} NAME=VALUE")
        found[name] = said
    return found


@click.command("what-if")
@policy_options
@click.option(
    "--reading", multiple=True, metavar="NAME=VALUE", help="Another reading, e.g. dtc-units=pro-rata."
)
@click.option(
    "--figure", multiple=True, metavar="PATH=VALUE", help="A figure, e.g. store.tmall/amount=20000.00."
)
@click.option("--budget", "budget_text", metavar="YUAN", help="Another budget, e.g. 8000000.00.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="At most so many.")
@rules_options
@json_option
@csv_option
@click.pass_obj
def what_if_command(
    context: Context,
    policy: str,
    year: int,
    reading: tuple[str, ...],
    figure: tuple[str, ...],
    budget_text: str | None,
    limit: int,
    rules_as_of: str | None,
    rules: str | None,
    as_json: bool,
) -> None:
    """Change rules, readings, figures or the budget, and see who gains and who loses; nothing is recorded."""
    readings, figures = _pairs(reading, "--reading"), _pairs(figure, "--figure")
    amount = money_argument(budget_text)
    with context.ledger() as ledger, ledger.store.reading() as rows:
        rules_at = moment_at(rows, {"rules_as_of": rules_as_of, "rules": rules})
        answer = simulate_year(ledger, rows, policy, year, readings, figures, amount, limit, rules_at)
    if as_json:
        print_json(wire_form(answer))
        return
    words = context.words

    def money(fen: int) -> Money:
        return Money(fen, answer.currency)

    states = [
        (
            name,
            *(money(fen) for fen in (state.appropriation_fen, state.sharing_fen, state.payable_fen)),
            print_percent(state.factor),
        )
        for state, name in (
            (answer.before, words("现行", "As it stands")),
            (answer.after, words("假设", "What if")),
        )
    ]
    heads = [Names(""), Sums(words("预算", "Budget")), Sums(words("参与分配", "Sharing"))]
    table(f"{policy}  {year}", [*heads, Sums(words("应兑现", "Payable")), Sums("%")], states)
    moves = [
        (move.enterprise, *(money(fen) for fen in (move.before_fen, move.after_fen, move.difference_fen)))
        for move in (*answer.winners, *answer.losers)
    ]
    counts = f"↑ {answer.gaining}  ↓ {answer.losing}  = {answer.unchanged}"
    heads = [Codes(words("统一社会信用代码", "Credit code")), Sums(words("现行", "Before"))]
    table(counts, [*heads, Sums(words("假设", "After")), Sums(words("差额", "Difference"))], moves)
