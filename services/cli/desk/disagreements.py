"""``subsidy-ledger disagreements``: facts that disagree, and deciding which count. 数据不一致。"""

from __future__ import annotations

from datetime import datetime

import click

from domain.authority.roles import NotAllowed
from domain.events.instants import SHANGHAI
from domain.money.wire import wire_form
from ledger.disagreements.deciding import decide as decide_on
from ledger.disagreements.looking_back import look_back
from ledger.reading.disagreements import (
    STAGES,
    Disagreement,
    count_open,
    list_disagreements,
    read_disagreement,
)
from services.cli.common import Context, json_option, print_json
from services.cli.desk.settle import actor_option, person
from services.cli.progress import show_progress
from services.cli.repeating import repeatable
from services.cli.tables import Codes, Names, Sums, csv_option, note, table

OUTCOMES = {
    "counts": ("计入", "counts"),
    "does-not-count": ("不计入", "does not count"),
    "agrees": ("与另一来源一致，只计一次", "another source says the same, it counts once"),
    "withdrawn": ("已撤回或更正", "taken back"),
    "settled": ("不再有不一致", "nothing left to disagree"),
    None: ("待决定", "open"),
}
"""Outcomes of a fact in words; ``None`` waits for a decision."""
KINDS = {
    "claimed-twice": ("一物两报", "Claimed twice"),
    "two-sources": ("来源不一致", "Sources differ"),
    "reported-twice": ("两个来源合计相同", "Reported twice"),
    "outlier": ("明显异常", "Out of line"),
    "replaced-code": ("信用代码已变更", "Code replaced"),
}


HEADS = (("企业", "Enterprise"), ("来源", "Source"), ("编号", "Id"), ("数值", "Value"), ("决定", "Decision"))


@click.group()
def disagreements() -> None:
    """List facts that disagree, and decide which of them count."""


@disagreements.command("list")
@click.option(
    "--stage", type=click.Choice(STAGES), default="open", show_default=True, help="Only those in this state."
)
@click.option("--enterprise", metavar="CODE", help="Only those that concern one enterprise.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
)
@json_option
@csv_option
@click.pass_obj
def list_(context: Context, stage: str, enterprise: str | None, limit: int, as_json: bool) -> None:
    """List disagreements, those that wait for a decision by default."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        entries = list_disagreements(rows, (-1, ""), limit, stage, enterprise)
    if as_json:
        print_json(wire_form(entries))
        return
    words = context.words
    heads = [
        Codes(words("编号", "Id")),
        Names(words("内容", "What")),
        Names(words("企业", "Enterprises")),
    ]
    lines = [
        (each.id, each.words[context.language], ", ".join(sorted({f.enterprise for f in each.facts})))
        for each in entries
    ]
    if lines:
        table(words("数据不一致", "Facts that disagree"), heads, lines)
    else:
        note(words("没有待决定的不一致。", "Nothing waits for a decision."))


@disagreements.command()
@click.argument("disagreement")
@json_option
@csv_option
@click.pass_obj
def show(context: Context, disagreement: str, as_json: bool) -> None:
    """Show one DISAGREEMENT with its facts."""
    with context.ledger() as ledger:
        with ledger.store.reading() as rows:
            matter = read_disagreement(rows, disagreement)
        if matter is None:
            raise NotAllowed("disagreement.unknown", "disagreement", disagreement=disagreement)
        context.note_looks(ledger, sorted({fact.enterprise for fact in matter.facts}))
    print_json(wire_form(matter)) if as_json else _print_matter(context, matter)


@disagreements.command()
@repeatable
@click.argument("disagreement")
@click.argument("reason")
@click.option("--counts", multiple=True, nargs=2, metavar="SOURCE ID", help="A fact that counts; repeatable.")
@click.option(
    "--seen",
    "seen_position",
    type=click.IntRange(0),
    help="Decide only what has not changed since: its latest.",
)
@actor_option
@json_option
@csv_option
@click.pass_obj
def decide(
    context: Context,
    disagreement: str,
    reason: str,
    counts: tuple[tuple[str, str], ...],
    seen_position: int | None,
    name: str,
    as_json: bool,
) -> None:
    """Decide a DISAGREEMENT, with the REASON: the facts named count, its others do not."""
    with context.ledger() as ledger:
        matter = decide_on(ledger, disagreement, person(name), list(counts), reason, seen_position)
    print_json(wire_form(matter)) if as_json else _print_matter(context, matter)


@disagreements.command("look-back")
@click.pass_obj
def look_back_(context: Context) -> None:
    """Compare facts recorded before an upgrade, or before a policy's rules, with all others."""
    with context.ledger() as ledger:
        with show_progress() as bar:
            for done in look_back(ledger):
                bar.show(done, label=f"{done:,}")
        with ledger.store.reading() as rows:
            waiting = count_open(rows)
    click.echo(context.words(f"待决定 {waiting:,} 项", f"{waiting:,} wait for a decision"))


def _print_matter(context: Context, matter: Disagreement) -> None:
    words = context.words
    note(f"{matter.id}  {matter.words[context.language]}")
    kinds = (Codes, Names, Codes, Sums, Names)
    heads = [kind(words(*name)) for kind, name in zip(kinds, HEADS, strict=True)]
    lines = [
        (fact.enterprise, fact.source, fact.id, wire_form(fact)["value"], words(*OUTCOMES[fact.outcome]))
        for fact in matter.facts
    ]
    table(words(*KINDS[matter.kind]), heads, lines)
    if matter.decision is not None:
        decided_at = datetime.fromisoformat(matter.decision.at).astimezone(SHANGHAI)
        persons = " ← ".join(filter(None, (matter.decision.actor, matter.decision.proposed_by)))
        note(f"{decided_at:%Y-%m-%d %H:%M:%S}  {persons}  {matter.decision.reason}")
