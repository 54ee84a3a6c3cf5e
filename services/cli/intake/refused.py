"""``subsidy-ledger refused``: what was refused, and why."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ledger.intake import refusals
from ledger.intake.refusals import Refused
from services.cli.common import Context, json_option, print_json
from services.cli.tables import Codes, Column, Names, Sums, csv_option, prints_csv, table

COLUMNS: Sequence[tuple[type[Column], str, str]] = (
    (Codes, "摘要", "Digest"),
    (Sums, "次数", "Times"),
    (Names, "来源", "Source"),
    (Codes, "编号", "Id"),
    (Codes, "企业", "Enterprise"),
    (Names, "字段", "Field"),
    (Names, "问题", "Wrong"),
    (Names, "处理", "Mend"),
    (Codes, "代码", "Code"),
)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what is settled already.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@json_option
@csv_option
@click.pass_obj
def refused(context: Context, everything: bool, limit: int, as_json: bool) -> None:
    """List what was refused, newest first, with the reasons."""
    with context.ledger() as ledger, ledger.store.reading() as rows:
        found = refusals.newest(rows, limit, open_only=not everything)
    if as_json:
        print_json(
            [
                {
                    **{
                        name: getattr(each, name)
                        for name in ("digest", "times", "channel", "source", "event_id")
                    },
                    "subject": each.subject,
                    "first_at": each.first_at,
                    "last_at": each.last_at,
                    "resolved": each.resolved,
                    "raw": each.raw.decode("utf-8", "replace"),
                    "faults": [fault.words(context.language) for fault in each.faults],
                }
                for each in found
            ]
        )
        return
    if prints_csv():
        _print_rows(context, found)
        return
    for each in found:
        named = (each.source or "—", each.event_id or "—", each.subject or "—")
        click.echo(f"{each.digest[:12]}  ×{each.times}  {named[0]} {named[1]}  {named[2]}")
        for fault in each.faults:
            said = fault.words(context.language)
            click.echo(f"    {said['field']}: {said['rule']} — {said['mend']}  [{said['code']}]")


def _print_rows(context: Context, messages: Sequence[Refused]) -> None:
    """A row for each reason, behind the message that it is about."""
    rows = list[tuple[str, ...]]()
    for message in messages:
        named = (message.source or "", message.event_id or "", message.subject or "")
        for fault in message.faults:
            words = fault.words(context.language)
            reason = (words[name] for name in ("field", "rule", "mend", "code"))
            rows.append((message.digest, str(message.times), *named, *reason))
    table("", [kind(context.words(zh, en)) for kind, zh, en in COLUMNS], rows)
