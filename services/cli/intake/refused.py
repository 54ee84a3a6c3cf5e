"""``subsidy-ledger refused``: what was refused, and why."""

from __future__ import annotations

import click

from ledger.intake import refusals
from services.cli.common import Context, json_option, print_json


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what is settled already.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@json_option
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
    for each in found:
        click.echo(f"{each.digest[:12]}  ×{each.times}  {each.source} {each.event_id}  {each.subject}")
        for fault in each.faults:
            said = fault.words(context.language)
            click.echo(f"    {said['field']}: {said['rule']} — {said['mend']}  [{said['code']}]")
