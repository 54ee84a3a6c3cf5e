"""``subsidy-ledger explain`` and ``outlook``: why an enterprise gets what it gets, and could still get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

from domain.money.wire import wire_form
from ledger.reading.explained import ExplainedAward, Explanation
from ledger.reading.explanations import explain_awards, read_outlook
from services.cli.common import Context, json_option, moment_at, moment_options, print_json
from services.cli.reading.sums import name_award
from services.cli.subject import policy_options
from services.cli.tables import Codes, Column, Money, Names, Sums, csv_option, note, prints_csv, table

KINDS = {
    "": ("条文", "clause"),
    "·": ("计算", "step"),
    "!": ("提示", "flag"),
    "○": ("理解", "reading"),
    "#": ("依据的数据", "source"),
}
"""What a line of an explanation is, by the sign before it."""


class ExplainedLine(NamedTuple):
    """One line below an award, and the sign before it."""

    sign: str
    text: str


class ShownAward(NamedTuple):
    """An award as it is shown: its own year's title, or another year's, its sums and its lines."""

    title: str
    gross: Money
    payable: Money
    lines: Sequence[ExplainedLine]


@click.command()
@click.argument("code")
@policy_options
@moment_options
@json_option
@csv_option
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
    lang, awards = context.language, list(_list_awards(context, explanation))
    note(f"{explanation.policy_title[lang]}  {explanation.document}  {code}  {year}")
    if prints_csv():
        _print_rows(context, awards)
    else:
        _print_page(awards)
    if not awards:
        note(context.words("本年度没有奖励", "nothing was earned in this year"))


def _list_awards(context: Context, explanation: Explanation) -> Iterator[ShownAward]:
    lang, currency = context.language, explanation.currency
    for award in explanation.awards:
        sums = Money(award.gross_fen, currency), Money(award.payable_fen, currency)
        yield ShownAward(award.title[lang], *sums, list(_list_lines(award, lang)))
    for line in explanation.brought_in:
        title = name_award(line.title, line.award_year, explanation.year, context)
        sums = Money(line.gross_fen, currency), Money(line.payable_fen, currency)
        yield ShownAward(title, *sums, [ExplainedLine("·", line.words[lang])])


def _list_lines(award: ExplainedAward, lang: str) -> Iterator[ExplainedLine]:
    yield ExplainedLine("", f"{award.article}、{award.quote}")
    carried = [award.carried] if award.carried else []
    for part in (*award.steps, *award.reductions, *carried):
        yield ExplainedLine("·", part.words[lang])
    for flag in award.flags:
        yield ExplainedLine("!", flag.words[lang])
    for reading in award.readings:
        yield ExplainedLine("○", f"{reading.reading}: {reading.words[lang]}")
    for source in award.sources:
        citation = f"  {source.based_on.citation}" if source.based_on else ""
        yield ExplainedLine("#", f"{source.position}  {source.event}  {source.source} {source.id}{citation}")


def _print_page(awards: Sequence[ShownAward]) -> None:
    for award in awards:
        click.echo(f"\n{award.title}  {award.gross} → {award.payable}")
        for line in award.lines:
            click.echo(f"  {line.sign} {line.text}" if line.sign else f"  {line.text}")


def _print_rows(context: Context, awards: Sequence[ShownAward]) -> None:
    """The page's lines as CSV: of an award's, the first alone has its sums, so that a column adds up."""
    words = context.words
    heads: list[Column] = [
        Names(words("条款", "Measure")),
        Names(words("行", "Line")),
        Names(words("内容", "What")),
    ]
    heads += [Sums(words("应奖励", "Gross")), Sums(words("应兑现", "Payable"))]
    rows = list[tuple[str, ...]]()
    for award in awards:
        rows.append((award.title, words("奖励", "award"), "", award.gross, award.payable))
        rows += [(award.title, words(*KINDS[line.sign]), line.text, "", "") for line in award.lines]
    table("", heads, rows)


@click.command()
@click.argument("code")
@policy_options
@json_option
@csv_option
@click.pass_obj
def outlook(context: Context, code: str, policy: str, year: int, as_json: bool) -> None:
    """Show what an enterprise could still earn in a year."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        outlook_of_year = read_outlook(ledger, rows, code, policy, year)
    if as_json:
        print_json(wire_form(outlook_of_year))
        return
    lang, words = context.language, context.words
    hints = [(hint.article, hint.title[lang], hint.words[lang]) for hint in outlook_of_year.hints]
    if prints_csv():
        heads = [Codes(words("条", "Article")), Names(words("条款", "Measure"))]
        table("", [*heads, Names(words("内容", "What"))], hints)
        return
    for article, title, text in hints:
        click.echo(f"{article}  {title}: {text}")
