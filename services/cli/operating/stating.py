"""Commands that state something in the log: log-rows, correct-clock."""

from __future__ import annotations

import click

from ledger.audit.clock import CorrectedClock
from ledger.audit.clock import correct_clock as record_correction
from ledger.audit.stating import state_tables
from services.cli.common import Context, json_option, operator_attribution, os_user, print_json
from services.cli.tables import Codes, Sums, csv_option, prints_csv, table


@click.command("log-rows")
@json_option
@csv_option
@click.pass_obj
def log_rows(context: Context, as_json: bool) -> None:
    """State in the log, by digest, looks, refused messages and certificates that it does not state yet.

    A running service does so at an interval. Once stated, a row cannot be altered or deleted unseen.
    """
    with context.ledger() as ledger:
        counts = state_tables(ledger, operator_attribution())
    if as_json:
        print_json(counts)
        return
    if prints_csv():
        heads = [Codes(context.words("表", "Table")), Sums(context.words("行数", "Rows"))]
        table("", heads, [(name, str(count)) for name, count in counts.items()])
        return
    stated = ", ".join(f"{table} {count:,}" for table, count in counts.items())
    click.echo(stated or context.words("没有待记入的行", "no row waits to be stated"))


@click.command("correct-clock")
@click.argument("day", metavar="TODAY")
@click.option("--reason", required=True, help="Why the clock stood ahead; it goes into the log.")
@json_option
@click.pass_obj
def correct_clock(context: Context, day: str, reason: str, as_json: bool) -> None:
    """Bring recorded times back to now.

    For when a clock stood ahead, and everything since is stamped with the future. Put the clock right first,
    on every machine that writes; TODAY is today's date, like 2026-12-01. What was stamped stays stamped;
    recorded times go on from now. Refused where they are not ahead.
    """
    with context.ledger() as ledger:
        corrected = record_correction(ledger, operator_attribution(), os_user(), day, reason)
    if as_json:
        first, last = corrected.first_ahead, corrected.position - 1
        ahead = {"first": first, "last": last, "events": corrected.events_by_kind}
        print_json({"position": corrected.position, **corrected.content.values_by_name(), "ahead": ahead})
        return
    click.echo(context.words(*_describe(corrected)))


def _describe(corrected: CorrectedClock) -> tuple[str, str]:
    """What was recorded and what the operator sees to, in Chinese and in English."""
    first, last, content = corrected.first_ahead, corrected.position - 1, corrected.content
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in corrected.events_by_kind.items())
    zh = (
        f"第 {corrected.position} 条：入账时间由 {content.stamped_until} 回到 {content.resumed_at}，"
        "此后照常。\n"
        f"第 {first} 至 {last} 条的入账时间照旧不改（{kinds}）；按“当时已知”查询，"
        "自更正之时起视为已知。\n"
        "逐项核对其中按日期办理的：公示的名单重新拟定、公示；下达的拨付、追回与银行核对；"
        "待第二人确认的撤回后重新提出；办结的年度，核对公示期是否确已届满。"
    )
    en = (
        f"#{corrected.position}: recorded times go back from {content.stamped_until} to "
        f"{content.resumed_at}, and on from there.\n"
        f"#{first} to #{last} stay stamped as they are ({kinds}); as_known counts them as known from this "
        "correction on.\n"
        "See to those that go by their day: propose and publish published lists anew; compare payments and "
        "clawbacks with the bank; withdraw and propose anew what waits for a second person; of a year that "
        "was closed, see whether its notice had ended."
    )
    return zh, en
