"""``subsidy-ledger policy reform``: what other rules would have done over all recorded years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from domain.policy.load import load_policy
from ledger.simulation.reform import reform
from services.cli.common import DEFAULT_POLICY, Context, at, json_option, print_json, rules_text, table
from services.cli.common import shown as money
from services.cli.policies.reform_page import SIZES, reform_page
from services.cli.policies.workshop import moved
from services.web.amounts import in_currency
from services.web.exports import whole_or_nothing


@click.command("reform")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
@click.option("--policy", help="Whose rules; by default the file's.")
@click.option("--rules-as-of", metavar="DATE", help="Only rules in force by this date.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A report to read (.html).")
@json_option
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
        raise click.UsageError("name an edited policy FILE, --rules-as-of a date, or both")
    text = rules_text(file)
    named = policy or (load_policy(text).id if text is not None else DEFAULT_POLICY)
    with context.ledger() as ledger, ledger.store.reading() as rows:
        effects = reform(ledger, rows, named, at(rows, {"rules_as_of": rules_as_of, "rules": file}))
    in_currency(effects.get("currency"))
    if out is not None:
        with whole_or_nothing(out) as part:
            part.write_text(reform_page(effects, context.language), "utf-8")
        click.echo(f"{out}  {out.stat().st_size:,} bytes")
        return
    print_json(effects) if as_json else _print_effects(context, effects)


def _print_effects(context: Context, effects: dict[str, Any]) -> None:
    words, lang = context.words, context.language
    heads = [("", False), (words("现行", "Present"), True), (words("拟行", "Proposed"), True)]
    paid = [
        (str(e["year"]), *(money(e[side]["payable"]) for side in ("before", "after")))
        for e in effects["years"]
    ]
    table(f"{effects['policy']}  #{effects['position']}", heads, paid)
    nobody = words("未登记", "not registered")
    parts = [
        ("有变化的条款", "Measures that change", [(e["title"][lang], e) for e in effects["measures"]]),
        ("有变化的镇街", "Towns that change", [(e["town"] or nobody, e) for e in effects["towns"]]),
        ("有变化的规模", "Sizes that change", [(words(*SIZES[e["size"]]), e) for e in effects["sizes"]]),
    ]
    for zh, en, rows in parts:
        moved(words(zh, en), heads, rows)
    total = effects["total"]
    zh = f"增加 {total['gaining']:,} 家，减少 {total['losing']:,} 家，不变 {total['unchanged']:,} 家"
    en = f"{total['gaining']:,} gain, {total['losing']:,} lose, {total['unchanged']:,} stay"
    click.echo(words(zh, en))
