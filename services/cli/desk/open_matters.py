"""What is open of a year, shown by ``settle open`` and told by the audit. 未了事项。"""

from __future__ import annotations

import click

from domain.events.settlements import OpenMatter
from domain.settlement.open_matters import KINDS, SETTLED_BY
from domain.settlement.year import Acknowledgement
from ledger.projections.closings import settlement_of
from ledger.settlement.open_matters import OpenMatters, read_open_matters
from services.api.settlements.open_matters import open_matters_document
from services.cli.common import Context, F, json_option, print_json
from services.cli.subject import policy_options
from services.cli.tables import Codes, Money, Names, Sums, csv_option, note, table


def acknowledging_options(command: F) -> F:
    """``--acknowledges`` and ``--reason``: the list of open matters that is known, and why to go on."""
    digest = click.option(
        "--acknowledges", metavar="DIGEST", help="The digest of the open matters that you know of."
    )
    return digest(
        click.option("--reason", metavar="WHY", help="Why the step is taken all the same.")(command)
    )


@click.command("open")
@policy_options
@click.option("--step", type=click.Choice(tuple(SETTLED_BY)), help="What this step must acknowledge.")
@json_option
@csv_option
@click.pass_obj
def show_open_matters(context: Context, policy: str, year: int, step: str | None, as_json: bool) -> None:
    """List what of a year and the years before it is open, and who acknowledged what of it."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        open_matters = read_open_matters(ledger, rows, policy, year, step or "")
        acknowledgements = settlement_of(rows, policy, year).acknowledgements
    if as_json:
        print_json(open_matters_document(open_matters, acknowledgements))
        return
    words = context.words
    if not open_matters.matters:
        note(words("没有未了事项。", "Nothing is open."))
    else:
        print_matters(context, open_matters.matters, open_matters.currency, f"{policy} {year}")
        note(words(f"清单摘要 {open_matters.digest}", f"Digest of the list {open_matters.digest}"))
    for acknowledgement in acknowledgements:
        _tell_acknowledgement(context, acknowledgement)


def _tell_acknowledgement(context: Context, acknowledgement: Acknowledgement) -> None:
    day, actor, reason = acknowledgement.taken_at[:10], acknowledgement.actor, acknowledgement.reason
    count = f"{sum(matter.item_count for matter in acknowledgement.matters):,}"
    zh = f"{day} {actor} 办理 {acknowledgement.step} 时知悉 {count} 项：{reason}"
    note(context.words(zh, f"{day} {actor} acknowledged {count} at {acknowledgement.step}: {reason}"))


def print_sums(context: Context, open_matters: OpenMatters) -> None:
    """A table of matters by kind, which names no enterprise."""
    words = context.words
    heads = [
        Names(words("未了事项", "Open matter")),
        Sums(words("数量", "Number")),
        Sums(words("涉及金额", "Amount")),
        Codes(words("最早", "Since")),
    ]
    lines = [
        (
            words(*KINDS[matter.kind]),
            f"{matter.item_count:,}",
            Money(matter.amount_fen, open_matters.currency),
            matter.since,
        )
        for matter in open_matters.matters
    ]
    table(f"{open_matters.policy} {open_matters.year}", heads, lines)


def print_matters(context: Context, matters: tuple[OpenMatter, ...], currency: str, title: str) -> None:
    """A table of matters, and below each the things that it names."""
    words = context.words
    heads = [
        Names(words("未了事项", "Open matter")),
        Sums(words("数量", "Number")),
        Sums(words("涉及金额", "Amount")),
        Codes(words("最早", "Since")),
        Codes(words("企业", "Enterprise")),
        Names(words("条款或编号", "Measure or id")),
    ]
    lines: list[tuple[str, ...]] = []
    for matter in matters:
        named = KINDS[matter.kind]
        total = Money(matter.amount_fen, currency)
        lines.append((words(*named), f"{matter.item_count:,}", total, matter.since, "", ""))
        for item in matter.items:
            named_by = " ".join(filter(None, (str(item.year or ""), item.measure, item.reference)))
            amount = Money(item.amount_fen, currency)
            lines.append(("", "", amount, item.since, item.enterprise, named_by))
    table(title, heads, lines)
