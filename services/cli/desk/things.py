"""``subsidy-ledger things``: facts spelt in several ways before there was one. 同一事项的不同写法。"""

from __future__ import annotations

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
@click.pass_obj
def merges(context: Context, enterprise: str | None, as_json: bool) -> None:
    """List what was recorded before an upgrade in several spellings, with what would change."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        waiting = list_merges(rows, enterprise)
        currencies = {policy: book.latest.currency for policy, book in rulebooks(rows).items()}
    if as_json:
        print_json(wire_form(waiting))
        return
    for merge in waiting:
        _print(context, merge, currencies)
    if not waiting:
        click.echo(context.words("没有待决定的不同写法。", "Nothing waits for a decision."))


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
@click.pass_obj
def codes(context: Context) -> None:
    """List enterprises whose code has a check character from before GB 32100, to be compared by eye."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        for code, name in rows.all("SELECT code, name FROM enterprises ORDER BY code"):
            if has_legacy_check(code):
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
