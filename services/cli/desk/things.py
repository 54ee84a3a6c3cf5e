"""``subsidy-ledger things``: facts spelt in several ways before there was one. 同一事项的不同写法。"""

from __future__ import annotations

from collections.abc import Sequence

import click

from domain.events.event import SEP
from domain.money.amounts import print_fen
from domain.money.wire import wire_form
from domain.things.credit_code import has_legacy_check
from ledger.policies.versions import rulebooks
from ledger.things.merging import Merge, decide_merge, list_merges
from services.cli.common import Context, json_option, print_json
from services.cli.desk.settle import actor_option, person
from services.cli.repeating import repeatable
from services.cli.tables import Codes, Money, Names, Sums, csv_option, note, prints_csv, table

KINDS = {
    "thing": ("同一事项的不同写法", "one thing in several spellings"),
    "key": ("同一编号的不同写法", "one id in several spellings"),
    "item": ("同一申报事项批准两次", "one item approved twice"),
}


@click.group("things")
def spellings() -> None:
    """List facts that may be one thing in several spellings, and decide."""


@spellings.command()
@click.option("--enterprise", metavar="CODE", help="Only those of one enterprise.")
@json_option
@csv_option
@click.pass_obj
def merges(context: Context, enterprise: str | None, as_json: bool) -> None:
    """List what was recorded before an upgrade in several spellings, with what would change."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        waiting = list_merges(rows, enterprise)
        currencies = {policy: book.latest.currency for policy, book in rulebooks(rows).items()}
    if as_json:
        print_json(wire_form(waiting))
        return
    if prints_csv():
        _print_rows(context, waiting, currencies)
    else:
        for merge in waiting:
            _print(context, merge, currencies)
    if not waiting:
        note(context.words("没有待决定的不同写法。", "Nothing waits for a decision."))


@spellings.command()
@repeatable
@click.argument("merge")
@click.argument("decision", type=click.Choice(["same", "different"]))
@click.argument("reason")
@actor_option
@click.pass_obj
def decide(context: Context, merge: str, decision: str, reason: str, name: str) -> None:
    """Decide whether the facts of a MERGE are the same thing or different ones, with the REASON."""
    with context.ledger() as ledger:
        decided = decide_merge(ledger, merge, person(name), decision == "same", reason)
        with ledger.store.reading() as rows:
            currencies = {policy: book.latest.currency for policy, book in rulebooks(rows).items()}
    _print(context, decided, currencies)


@spellings.command()
@json_option
@csv_option
@click.pass_obj
def codes(context: Context, as_json: bool) -> None:
    """List enterprises whose code has a check character from before GB 32100, to be compared by eye."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        enterprises = rows.all("SELECT code, name FROM enterprises ORDER BY code")
    legacy = [(code, name) for code, name in enterprises if has_legacy_check(code)]
    if as_json:
        print_json([{"enterprise": code, "name": name} for code, name in legacy])
    elif prints_csv():
        words = context.words
        table("", [Codes(words("企业", "Enterprise")), Names(words("名称", "Name"))], legacy)
    else:
        for code, name in legacy:
            click.echo(f"{code}  {name}")


def _print(context: Context, merge: Merge, currencies: dict[str, str]) -> None:
    words = context.words
    canonical = merge.canonical.replace(SEP, " ")
    click.echo(f"{merge.id}  {merge.enterprise}  {words(*KINDS[merge.what])}  {canonical}")
    for fact in merge.facts:
        click.echo(f"    {fact.written.replace(SEP, ' ')!r}  {fact.source} {fact.id}")
    for change in merge.changes:
        before, after = (
            print_fen(fen, currencies[change.policy]) for fen in (change.before_fen, change.after_fen)
        )
        click.echo(f"    {change.policy} {change.year} {change.measure}: {before} → {after}")


def _print_rows(context: Context, merges: Sequence[Merge], currencies: dict[str, str]) -> None:
    """A row for each fact and for each change, behind the merge that it belongs to."""
    words = context.words
    heads = [Codes(words("编号", "Id")), Codes(words("企业", "Enterprise")), Names(words("类别", "Kind"))]
    heads += [Names(words("现行写法", "Canonical")), Names(words("行", "Line")), Names(words("内容", "What"))]
    heads += [Names(words("来源", "Source")), Codes(words("数据编号", "Fact"))]
    heads += [Sums(words("此前", "Before")), Sums(words("此后", "After"))]
    rows = list[tuple[str, ...]]()
    for merge in merges:
        head = (merge.id, merge.enterprise, words(*KINDS[merge.what]), merge.canonical.replace(SEP, " "))
        for fact in merge.facts:
            written = fact.written.replace(SEP, " ")
            rows.append((*head, words("数据", "fact"), written, fact.source, fact.id, "", ""))
        for change in merge.changes:
            award = f"{change.policy} {change.year} {change.measure}"
            sums = (Money(fen, currencies[change.policy]) for fen in (change.before_fen, change.after_fen))
            rows.append((*head, words("变动", "change"), award, "", "", *sums))
    table("", heads, rows)
