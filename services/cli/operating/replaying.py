"""``subsidy-ledger replay``: every balance built again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from ledger.replay import comparison as replay
from services.cli.common import Context, json_option, print_json
from services.cli.processes import processes_option, share_work
from services.cli.progress import show_progress
from services.cli.statuses import ExitStatus, end_with
from services.cli.tables import csv_option, list_differences, note


@click.command("replay")
@click.option(
    "--into", type=click.Path(dir_okay=False), help="Keep the replayed read models in this new file."
)
@click.option("--take-over", is_flag=True, help="Put the replayed read models in place of the live ones.")
@processes_option
@json_option
@csv_option
@click.pass_obj
def replay_command(
    context: Context, into: str | None, take_over: bool, processes: int, as_json: bool
) -> None:
    """Build every balance again from position 0, and compare with the live ones."""
    if into and Path(into).exists():
        zh, en = f"{into} 已存在 — 写一个新文件", f"{into} exists already — name a new file"
        raise click.BadParameter(context.words(zh, en))
    with (
        tempfile.TemporaryDirectory() as folder,
        context.ledger() as ledger,
        show_progress(context.words("重放", "Replaying"), hidden=as_json) as bar,
    ):
        workers = share_work(context, processes, folder)
        found = replay.replay(ledger, into or f"{folder}/replica.db", bar.show, take_over, workers)
    if as_json:
        print_json({**{k: getattr(found, k) for k in found.__slots__}, "equal": found.equal})
    else:
        note(f"{context.words('位置', 'position')} {found.position}  {found.enterprises}")
        note(f"live     {found.live}\nreplayed {found.replayed}")
        list_differences(found.differences, context.words("不符", "Difference"))
        mend = context.words(
            "运行 subsidy-ledger audit；数据完好的，用 replay --take-over 换上重放的结果",
            "run subsidy-ledger audit; where the events are whole, replay --take-over puts these in place",
        )
        unequal = f"{context.words('不一致', 'NOT equal')} — {mend}"
        note(context.words("一致", "equal") if found.equal else unequal)
    if not found.equal and not take_over:
        end_with(ExitStatus.NOT_DONE)
