"""Reading commands: balance, explain, outlook, budget, what-if, replay, history, refused."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import click
from rich.progress import Progress

from domain.money.amounts import print_fen
from domain.money.wire import print_fraction, print_percent, wire_form
from domain.policy.model import Words
from ledger.intake import refusals
from ledger.reading.balances import AwardLine, Balance, read_balance
from ledger.reading.budgets import YearBudget, read_budget
from ledger.reading.explained import ExplainedAward
from ledger.reading.explanations import explain_awards, read_outlook
from ledger.replay import comparison as replay
from ledger.replay.parts import PROCESSES_MAX, ReplayWorkers
from ledger.simulation.what_if import simulate_year
from services.cli.common import (
    Context,
    json_option,
    moment_at,
    moment_options,
    money_argument,
    policy_options,
    print_json,
    rules_options,
    table,
)


def money_columns(context: Context) -> list[tuple[str, bool]]:
    """Headings of the four sums."""
    return [
        (context.words("应奖励", "Gross"), True),
        (context.words("从高不重复扣除", "Withheld"), True),
        (context.words("按比例下调", "Reduced"), True),
        (context.words("应兑现", "Payable"), True),
    ]


@click.command()
@click.argument("code")
@policy_options
@moment_options
@json_option
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
            _of_year(line.title, line.award_year, year, context),
            *_four_sums(line, balance.currency),
            "".join(line.flags),
        )
        for line in balance.awards
    ]
    total = (context.words("合计", "Total"), *_four_sums(balance, balance.currency), "")
    heading = (context.words("条款", "Measure"), False)
    flags = (context.words("提示", "Flags"), False)
    table(f"{code}  {policy}  {year}", [heading, *money_columns(context), flags], [*lines, total])


def _four_sums(sums: AwardLine | Balance, currency: str) -> tuple[str, ...]:
    fen = (sums.gross_fen, sums.withheld_fen, sums.reduction_fen, sums.payable_fen)
    return tuple(print_fen(each, currency) for each in fen)


def _of_year(title: Words, award_year: int, year: int, context: Context) -> str:
    """A measure's title, with the award's year where it is another one."""
    words = title[context.language]
    return words if award_year == year else f"{words} ({award_year})"


@click.command()
@click.argument("code")
@policy_options
@moment_options
@json_option
@click.pass_obj
def explain(
    context: Context, /, code: str, policy: str, year: int, as_json: bool, **times: str | None
) -> None:
    """Explain why an enterprise gets each fen of a year."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        explanation = explain_awards(ledger, rows, code, policy, year, moment_at(rows, times))
    if as_json:
        print_json(wire_form(explanation))
        return
    lang, currency = context.language, explanation.currency
    click.echo(f"{explanation.policy_title[lang]}  {explanation.document}  {code}  {year}")
    for award in explanation.awards:
        _explain_award(award, lang, currency)
    for line in explanation.brought_in:
        sums = " → ".join(print_fen(fen, currency) for fen in (line.gross_fen, line.payable_fen))
        click.echo(f"\n{line.title[lang]} ({line.award_year})  {sums}")
        click.echo(f"  · {line.words[lang]}")
    if not explanation.awards and not explanation.brought_in:
        click.echo(context.words("本年度没有奖励", "nothing was earned in this year"))


def _explain_award(award: ExplainedAward, lang: str, currency: str) -> None:
    sums = " → ".join(print_fen(fen, currency) for fen in (award.gross_fen, award.payable_fen))
    click.echo(f"\n{award.title[lang]}  {sums}")
    click.echo(f"  {award.article}、{award.quote}")
    carried = [award.carried] if award.carried else []
    for part in (*award.steps, *award.reductions, *carried):
        click.echo(f"  · {part.words[lang]}")
    for flag in award.flags:
        click.echo(f"  ! {flag.words[lang]}")
    for reading in award.readings:
        click.echo(f"  ○ {reading.reading}: {reading.words[lang]}")
    for source in award.sources:
        click.echo(f"  # {source.position}  {source.event}  {source.source} {source.id}")


@click.command()
@click.argument("code")
@policy_options
@json_option
@click.pass_obj
def outlook(context: Context, code: str, policy: str, year: int, as_json: bool) -> None:
    """Show what an enterprise could still earn in a year."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        outlook_of_year = read_outlook(ledger, rows, code, policy, year)
    if as_json:
        print_json(wire_form(outlook_of_year))
        return
    lang = context.language
    for hint in outlook_of_year.hints:
        click.echo(f"{hint.article}  {hint.title[lang]}: {hint.words[lang]}")


@click.command()
@policy_options
@moment_options
@json_option
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

    def money(fen: int) -> str:
        return print_fen(fen, budget.currency)

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
    table(title, [("", False), (words("金额", "Amount"), True)], rows)
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
        heads = [(words("预算", "Budget"), False), (words("可用", "Available"), True)]
        heads += [(words("参与分配", "Sharing"), True), (words("兑现系数", "Factor"), True)]
        table(words("各预算", "By budget"), [*heads, (words("应兑现", "Payable"), True)], pots)
    lines = [
        (
            line.article,
            _of_year(line.title, line.year, budget.year, context),
            str(line.enterprises),
            *(money(fen) for fen in (line.gross_fen, line.withheld_fen, line.payable_fen)),
        )
        for line in budget.measures
    ]
    gross, withheld, _, payable = money_columns(context)
    heads = [("", False), (words("条款", "Measure"), False), (words("企业数", "Enterprises"), True)]
    table(words("各条款", "By measure"), [*heads, gross, withheld, payable], lines)


def _exact_factor(factor: Fraction) -> str:
    return f"{print_fraction(factor)}  ({print_percent(factor)})"


def print_largest(context: Context, balances: list[Balance]) -> None:
    """The largest balances as a table."""
    rows = [(balance.enterprise, *_four_sums(balance, balance.currency)) for balance in balances]
    heading = (context.words("统一社会信用代码", "Credit code"), False)
    title = context.words("金额最大的企业", "Largest balances")
    table(title, [heading, *money_columns(context)], rows)


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for value in values:
        name, separator, said = value.partition("=")
        if not separator:
            raise click.BadParameter(f"{value!r} has no “=” — write {option} NAME=VALUE")
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
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@rules_options
@json_option
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

    def money(fen: int) -> str:
        return print_fen(fen, answer.currency)

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
    heads = [("", False), (words("预算", "Budget"), True), (words("参与分配", "Sharing"), True)]
    table(f"{policy}  {year}", [*heads, (words("应兑现", "Payable"), True), ("%", True)], states)
    moves = [
        (move.enterprise, *(money(fen) for fen in (move.before_fen, move.after_fen, move.difference_fen)))
        for move in (*answer.winners, *answer.losers)
    ]
    counts = f"↑ {answer.gaining}  ↓ {answer.losing}  = {answer.unchanged}"
    heads = [(words("统一社会信用代码", "Credit code"), False), (words("现行", "Before"), True)]
    table(counts, [*heads, (words("假设", "After"), True), (words("差额", "Difference"), True)], moves)


@click.command("replay")
@click.option(
    "--into", type=click.Path(dir_okay=False), help="Keep the replayed read models in this new file."
)
@click.option("--take-over", is_flag=True, help="Put the replayed read models in place of the live ones.")
@click.option(
    "--processes",
    type=click.IntRange(1, PROCESSES_MAX),
    default=1,
    show_default=True,
    help="How many processes share the work.",
)
@json_option
@click.pass_obj
def replay_command(
    context: Context, into: str | None, take_over: bool, processes: int, as_json: bool
) -> None:
    """Build every balance again from position 0, and compare with the live ones."""
    if into and Path(into).exists():
        raise click.BadParameter(f"{into} exists already — name a new file")
    with (
        tempfile.TemporaryDirectory() as folder,
        context.ledger() as ledger,
        Progress(disable=as_json) as bar,
    ):
        task = bar.add_task(context.words("重放", "Replaying"), total=None)

        def report(done: int, whole: int) -> None:
            bar.update(task, completed=done, total=whole)

        several = ReplayWorkers(context.path, processes, folder) if processes > 1 else None
        found = replay.replay(ledger, into or f"{folder}/replica.db", report, take_over, several)
    if as_json:
        print_json({**{k: getattr(found, k) for k in found.__slots__}, "equal": found.equal})
    else:
        click.echo(f"{context.words('位置', 'position')} {found.position}  {found.enterprises}")
        click.echo(f"live     {found.live}\nreplayed {found.replayed}")
        for difference in found.differences:
            click.echo(f"! {difference}")
        mend = context.words(
            "运行 subsidy-ledger audit；数据完好的，用 replay --take-over 换上重放的结果",
            "run subsidy-ledger audit; where the events are whole, replay --take-over puts these in place",
        )
        unequal = f"{context.words('不一致', 'NOT equal')} — {mend}"
        click.echo(context.words("一致", "equal") if found.equal else unequal)
    if not found.equal and not take_over:
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what is settled already.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@click.pass_obj
def refused(context: Context, everything: bool, limit: int, as_json: bool) -> None:
    """List what was refused, newest first, with the reasons."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        found = refusals.newest(rows, limit, open_only=not everything)
    if as_json:
        print_json(
            [
                {
                    **{
                        name: getattr(each, name)
                        for name in ("digest", "times", "channel", "source", "event_id")
                    },
                    "subject": each.subject,
                    "first_at": each.first_at,
                    "last_at": each.last_at,
                    "resolved": each.resolved,
                    "raw": each.raw.decode("utf-8", "replace"),
                    "faults": [fault.words(context.language) for fault in each.faults],
                }
                for each in found
            ]
        )
        return
    for each in found:
        click.echo(f"{each.digest[:12]}  ×{each.times}  {each.source} {each.event_id}  {each.subject}")
        for fault in each.faults:
            said = fault.words(context.language)
            click.echo(f"    {said['field']}: {said['rule']} — {said['mend']}  [{said['code']}]")
