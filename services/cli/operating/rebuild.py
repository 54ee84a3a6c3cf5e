"""``subsidy-ledger rebuild``: the read models built anew, and swapped in only when equal."""

from __future__ import annotations

import tempfile

import click

from ledger.replay.rebuild import Rebuilt, certified
from services.cli.common import Context, json_option, print_json
from services.cli.processes import processes_option, share_work
from services.cli.progress import show_progress
from services.cli.statuses import ExitStatus, end_with
from services.cli.tables import csv_option, list_differences, note


@click.command()
@processes_option
@json_option
@csv_option
@click.pass_obj
def rebuild(context: Context, processes: int, as_json: bool) -> None:
    """Build the read models anew beside the live ones, and swap them in only when they are equal.

    The service goes on meanwhile. Exit status 1 where nothing was swapped; the certificate of what
    was found is kept either way.
    """
    words = context.words
    with (
        tempfile.TemporaryDirectory() as folder,
        context.ledger() as ledger,
        show_progress(words("重建", "Rebuilding"), hidden=as_json) as bar,
    ):
        workers = share_work(context, processes, folder)
        rebuilt = certified(ledger, f"{folder}/rebuilt.db", bar.show, workers)
    if as_json:
        certificate = {"position": rebuilt.certificate.position, "live": rebuilt.certificate.live}
        print_json(
            {**rebuilt._asdict(), "certificate": {**certificate, "rebuilt": rebuilt.certificate.replayed}}
        )
    else:
        place = f"#{rebuilt.certificate.position} → #{rebuilt.position}"
        note(f"{words('证书', 'certificate')} {rebuilt.number}  {place}")
        list_differences(rebuilt.differences, words("不符", "Difference"))
        note(_ended(context, rebuilt))
    if not rebuilt.swapped:
        end_with(ExitStatus.NOT_DONE)


def _ended(context: Context, rebuilt: Rebuilt) -> str:
    if rebuilt.swapped:
        return context.words("一致，已换用新表", "equal; the new models took over")
    if rebuilt.reason == "steps":
        zh = "重建期间有政策、预算或年度兑现的办理，未换用 — 请再次运行"
        en = "a policy, budget or settlement moved meanwhile; nothing was swapped — run it again"
        return context.words(zh, en)
    zh = "不一致，未换用 — 先用 subsidy-ledger audit 查明原因；确认事件无误后用 replay --take-over 修复"
    en = (
        "NOT equal; nothing was swapped — find out why (subsidy-ledger audit); where the events are "
        "right, mend with replay --take-over"
    )
    return context.words(zh, en)
