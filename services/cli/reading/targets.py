"""``subsidy-ledger targets`` and ``enterprises``: how far the city has come, and who is in it."""

from __future__ import annotations

import click

from domain.money.wire import print_percent, wire_form
from ledger.policies.versions import rulebook
from ledger.reading.enterprises import list_enterprises
from ledger.reading.search import Search
from ledger.reading.targets import TargetProgress, YearTargets, read_targets
from services.cli.common import Context, json_option, moment_at, moment_options, print_json
from services.cli.reading.sums import money_columns
from services.cli.subject import policy_options
from services.cli.tables import Codes, Money, Names, Sums, csv_option, table
from services.web.amounts import print_quantity


@click.command()
@policy_options
@moment_options
@click.option("--by", type=click.Choice(["month", "town", "lead"]), help="Divide the figures.")
@json_option
@csv_option
@click.pass_obj
def targets(
    context: Context, /, policy: str, year: int, by: str | None, as_json: bool, **times: str | None
) -> None:
    """Show progress towards the policy's targets: in all, by month, by town, or by lead unit."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        progress = read_targets(ledger, rows, policy, year, moment_at(rows, times))
    if as_json:
        print_json(wire_form(progress))
        return
    words = context.words
    if by == "lead":
        _print_leads(context, progress)
        return
    if by is not None:
        _print_divided(context, progress, by)
        return
    lines = [
        (
            target.title[context.language],
            print_quantity(target.reached),
            print_quantity(target.goal),
            print_percent(target.percent),
        )
        for target in progress.targets
    ]
    heads = [Names(words("目标", "Target")), Sums(words("完成", "Reached"))]
    table(f"{policy}  {year}", [*heads, Sums(words("目标值", "Goal")), Sums("%")], lines)


def _print_divided(context: Context, progress: YearTargets, by: str) -> None:
    """Each target by the end of each month, or by town."""
    words = context.words
    unknown = words("未登记", "not registered")
    lines = []
    for target in progress.targets:
        by_month = [(part.month, part.reached) for part in target.by_month]
        by_town = [(part.town or unknown, part.reached) for part in target.by_town]
        title = _title_and_percent(target, context.language)
        for name, quantity in by_month if by == "month" else by_town:
            lines.append((title, name, print_quantity(quantity)))
            title = ""
    head = words("截至月末", "By the end of") if by == "month" else words("镇（街道）", "Town")
    heads = [Names(words("目标", "Target")), Names(head), Sums(words("完成", "Reached"))]
    table(f"{progress.policy}  {progress.year}", heads, lines)


def _title_and_percent(target: TargetProgress, language: str) -> str:
    return f"{target.title[language]}  {print_percent(target.percent)}"


def _print_leads(context: Context, progress: YearTargets) -> None:
    """What each lead unit answers for."""
    words = context.words
    titles = {target.target: _title_and_percent(target, context.language) for target in progress.targets}
    lines = [
        (
            lead.lead,
            "\n".join(titles[target] for target in lead.targets),
            Money(lead.gross_fen, progress.currency),
            Money(lead.payable_fen, progress.currency),
        )
        for lead in progress.leads
    ]
    gross, _, _, payable = money_columns(context)
    heads = [Names(words("牵头单位", "Lead unit")), Names(words("目标", "Targets")), gross, payable]
    table(f"{progress.policy}  {progress.year}", heads, lines)


@click.command()
@click.argument("text", required=False, default="")
@policy_options
@click.option("--town", default="", help="The whole name of a town or street.")
@click.option("--after", default="", metavar="CODE", help="Go on after this credit code.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="At most so many."
)
@json_option
@csv_option
@click.pass_obj
def enterprises(
    context: Context, policy: str, year: int, text: str, town: str, after: str, limit: int, as_json: bool
) -> None:
    """List enterprises, or those with TEXT in the name or at the beginning of the credit code."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        currency = rulebook(rows, policy).latest.currency
        enterprise_lines = list_enterprises(rows, policy, year, after, limit, Search(text, town))
    if as_json:
        print_json(wire_form(enterprise_lines))
        return
    words = context.words
    heads = [Codes(words("统一社会信用代码", "Credit code")), Names(words("名称", "Name"))]
    heads += [Names(words("镇（街道）", "Town")), Sums(words("应奖励", "Gross"))]
    lines = [
        (line.enterprise, line.name, line.town, Money(line.gross_fen, currency)) for line in enterprise_lines
    ]
    table(f"{policy}  {year}", heads, lines)
