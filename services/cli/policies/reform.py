"""``subsidy-ledger policy reform``: what other rules would have done over all recorded years."""

from __future__ import annotations

from pathlib import Path

import click

from domain.money.wire import wire_form
from domain.policy.load import load_policy
from ledger.simulation.reform import Reform, simulate_reform
from services.cli.common import Context, json_option, moment_at, print_json, rules_text
from services.cli.policies.effects import print_effects
from services.cli.policies.reform_page import name_measures, name_sizes, name_towns, reform_page
from services.cli.subject import only_policy
from services.cli.tables import Money, Names, Sums, csv_option, note, table
from services.web.exports import whole_or_nothing


@click.command("reform")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
@click.option("--policy", help="Whose rules; by default the file's.")
@click.option("--rules-as-of", metavar="DATE", help="Only rules in force by this date.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A report to read (.html).")
@json_option
@csv_option
@click.pass_obj
def reform_command(
    context: Context,
    file: str | None,
    policy: str | None,
    rules_as_of: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Tell what other rules would have done over all recorded years: by year, measure, town and size.

    The others are an edited policy FILE's, those in force by a date, or both.
    """
    if file is None and rules_as_of is None:
        zh = "写明修改后的政策文件 FILE，或 --rules-as-of 日期，或两者"
        raise click.UsageError(context.words(zh, "name an edited policy FILE, --rules-as-of a date, or both"))
    text = rules_text(file)
    with context.ledger() as ledger, ledger.store.reading() as rows:
        named = policy or (load_policy(text).id if text is not None else only_policy(context, rows))
        rules_at = moment_at(rows, {"rules_as_of": rules_as_of, "rules": file})
        effects = simulate_reform(ledger, rows, named, rules_at)
    if out is not None:
        with whole_or_nothing(out) as part:
            part.write_text(reform_page(effects, context.language), "utf-8")
        click.echo(f"{out}  {out.stat().st_size:,} bytes")
        return
    print_json(wire_form(effects)) if as_json else _print_effects(context, effects)


def _print_effects(context: Context, effects: Reform) -> None:
    words, lang = context.words, context.language
    heads = [Names(""), Sums(words("现行", "Present")), Sums(words("拟行", "Proposed"))]
    paid = [
        (
            str(year.year),
            Money(year.before.payable_fen, effects.currency),
            Money(year.after.payable_fen, effects.currency),
        )
        for year in effects.years
    ]
    table(f"{effects.policy}  #{effects.position}", heads, paid)
    for zh, en, group in (
        ("有变化的条款", "Measures that change", name_measures(effects, lang)),
        ("有变化的镇街", "Towns that change", name_towns(effects, words("未登记", "not registered"))),
        ("有变化的规模", "Sizes that change", name_sizes(effects, words)),
    ):
        print_effects(words(zh, en), heads, group, effects.currency)
    total = effects.total
    zh = f"增加 {total.gaining:,} 家，减少 {total.losing:,} 家，不变 {total.unchanged:,} 家"
    en = f"{total.gaining:,} gain, {total.losing:,} lose, {total.unchanged:,} stay"
    note(words(zh, en))
