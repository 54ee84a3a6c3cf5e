"""``subsidy-ledger explain`` and ``outlook``: why an enterprise gets what it gets, and could still get."""

from __future__ import annotations

import click

from domain.money.amounts import print_fen
from domain.money.wire import wire_form
from ledger.reading.explained import ExplainedAward
from ledger.reading.explanations import explain_awards, read_outlook
from services.cli.common import Context, json_option, moment_at, moment_options, print_json
from services.cli.subject import policy_options


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
