"""``subsidy-ledger targets`` and ``enterprises``: how far the city has come, and who is in it."""

from __future__ import annotations

from typing import Any

import click

from ledger.reading import queries
from ledger.reading.search import Search
from services.cli.common import (
    Context,
    at,
    json_option,
    moment_options,
    policy_options,
    print_json,
    shown,
    table,
)
from services.cli.reading.reads import money_columns


@click.command()
@policy_options
@moment_options
@click.option("--by", type=click.Choice(["month", "town", "lead"]), help="Divide the figures.")
@json_option
@click.pass_obj
def targets(
    context: Context, /, policy: str, year: int, by: str | None, as_json: bool, **times: str | None
) -> None:
    """Show progress towards the policy's targets: in all, by month, by town, or by lead unit."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        answer = queries.targets(ledger, rows, policy, year, at(rows, times))
    if as_json:
        print_json(answer)
        return
    words = context.words
    if by == "lead":
        _print_leads(context, answer)
        return
    if by is not None:
        _print_divided(context, answer, by)
        return
    rows_shown = [
        (
            line["title"][context.language],
            _shown_of(line, line["reached"]),
            _shown_of(line, line["goal"]),
            line["percent"],
        )
        for line in answer["targets"]
    ]
    heads = [(words("目标", "Target"), False), (words("完成", "Reached"), True)]
    table(f"{policy}  {year}", [*heads, (words("目标值", "Goal"), True), ("%", True)], rows_shown)


def _shown_of(line: dict[str, Any], value: str) -> str:
    """A figure of a target in its unit."""
    return shown(value) if line["unit"] == "yuan" else value


def _print_divided(context: Context, answer: dict[str, Any], by: str) -> None:
    """Each target by the end of each month, or by town."""
    words = context.words
    unknown = words("未登记", "not registered")
    lines = []
    for line in answer["targets"]:
        title = f"{line['title'][context.language]}  {line['percent']}"
        for part in line[f"by_{by}"]:
            lines.append((title, part[by] or unknown, _shown_of(line, part["reached"])))
            title = ""
    head = words("截至月末", "By the end of") if by == "month" else words("镇（街道）", "Town")
    heads = [(words("目标", "Target"), False), (head, False), (words("完成", "Reached"), True)]
    table(f"{answer['policy']}  {answer['year']}", heads, lines)


def _print_leads(context: Context, answer: dict[str, Any]) -> None:
    """What each lead unit answers for."""
    words = context.words
    titles = {line["target"]: line for line in answer["targets"]}
    lines = [
        (
            each["lead"],
            "\n".join(
                f"{titles[name]['title'][context.language]}  {titles[name]['percent']}"
                for name in each["targets"]
            ),
            shown(each["gross"]),
            shown(each["payable"]),
        )
        for each in answer["leads"]
    ]
    gross, _, _, payable = money_columns(context)
    heads = [(words("牵头单位", "Lead unit"), False), (words("目标", "Targets"), False), gross, payable]
    table(f"{answer['policy']}  {answer['year']}", heads, lines)


@click.command()
@click.argument("text", required=False, default="")
@policy_options
@click.option("--town", default="", help="The whole name of a town or street.")
@click.option("--after", default="", metavar="CODE", help="Go on after this credit code.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@json_option
@click.pass_obj
def enterprises(
    context: Context, policy: str, year: int, text: str, town: str, after: str, limit: int, as_json: bool
) -> None:
    """List enterprises, or those with TEXT in the name or at the beginning of the credit code."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        found = queries.enterprises(rows, policy, year, after, limit, Search(text, town))
    if as_json:
        print_json(found)
        return
    words = context.words
    heads = [(words("统一社会信用代码", "Credit code"), False), (words("名称", "Name"), False)]
    heads += [(words("镇（街道）", "Town"), False), (words("应奖励", "Gross"), True)]
    lines = [(e["enterprise"], e["name"], e["town"], shown(e["gross"])) for e in found]
    table(f"{policy}  {year}", heads, lines)
