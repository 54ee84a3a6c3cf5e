"""Spreadsheets on the command line: templates, and the taking in of a workbook or CSV file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from ledger.audit.looks import SEVERAL
from ledger.intake.sheets import marking, template
from ledger.intake.sheets.faults import SheetError
from ledger.intake.sheets.holding import MARKED, RETURNED, STATES, Holding
from ledger.intake.sheets.previewing import (
    Moved,
    SheetSender,
    described,
    doubtful,
    faulty,
    left_out,
    preview,
    reading_of,
    record,
    report_anew,
)
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.store.application import Ledger
from services.cli.common import Context, choose_words, print_json
from services.cli.progress import show_progress
from services.cli.statuses import ExitStatus, end_with
from services.cli.tables import Codes, Money, Names, Sums, table
from services.web.amounts import read_currencies
from services.web.sheets.words import STATE_WORDS, fault_words, stage_said, unread_said

ROWS_LISTED = 50


@click.group()
def sheet() -> None:
    """Spreadsheets of facts: templates to fill in."""


@sheet.command("template")
@click.argument("family", required=False, type=click.Choice(list(SHIPPED_TABLES.families)))
@click.option("--all", "every", is_flag=True, help="Write the template of every family.")
@click.option(
    "-o",
    "--out",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    show_default=True,
    help="The folder to write into.",
)
def write_template(family: str | None, every: bool, out: Path) -> None:
    """Write the template workbook of FAMILY into a folder."""
    if (family is None) != every:
        raise click.UsageError(choose_words("写明一个 FAMILY，或 --all", "name one FAMILY, or --all"))
    out.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED_TABLES.families if family is None else [family]:
        file = out / template.file_name(name)
        template.write_template(name, file)
        click.echo(str(file))


def ingest_sheet(
    context: Context,
    file: Path,
    source: str,
    fact_type: str | None,
    marked: Path | None,
    anew: Sequence[str],
    agreed: bool,
    as_json: bool,
) -> None:
    """Preview a spreadsheet and, once that is agreed to, record it.

    Raises:
        click.ClickException: where the file cannot be read.
    """
    with context.ledger(sets_up=True) as ledger, tempfile.TemporaryDirectory() as folder:
        holding = Holding.open_file(Path(folder) / "rows")
        try:
            _take(context, ledger, holding, file, source, fact_type, marked, anew, agreed, as_json)
        except SheetError as error:
            raise click.ClickException(
                "\n".join(fault_words(each, context.language) for each in error.faults)
            ) from None
        finally:
            holding.close()


def _take(
    context: Context,
    ledger: Ledger,
    holding: Holding,
    file: Path,
    source: str,
    fact_type: str | None,
    marked: Path | None,
    anew: Sequence[str],
    agreed: bool,
    as_json: bool,
) -> None:
    sender = SheetSender(context.sender())
    reading = reading_of(ledger, file, file.name, source, fact_type)
    with show_progress(hidden=as_json) as bar:

        def progress(stage: str, done: int) -> None:
            bar.show(done, label=f"{stage_said(stage, context.language)} {done:,}")

        preview(ledger, reading, holding, progress, sender)
        if anew:
            report_anew(ledger, holding, anew, progress, sender)
    context.note_looks(ledger, [SEVERAL])  # the preview tells what others reported, too
    summary = described(holding)
    summary["unread"] = unread_said(summary["unread"], context.language)
    if not as_json:
        with ledger.store.reading() as stored:
            currencies = read_currencies(stored)
        _show(context, holding, summary, currencies)
    if marked is not None and any(summary["counts"][state] for state in MARKED):
        marking.mark(file, reading.is_text, holding, marked)
        if not as_json:
            click.echo(f"{context.words('标出问题的工作簿', 'marked workbook')}: {marked}")
    if not agreed and not as_json:
        agreed = _confirm(context)
    recorded = _record(context, ledger, holding, summary["preview"], sender) if agreed else None
    if as_json:
        rows = [_plain_row(each, context.language) for each in faulty(holding)]
        repeats = [_plain_row(each, context.language) for each in left_out(holding)]
        lists = {"faulty": rows, "left_out": repeats, "doubtful": doubtful(holding)}
        print_json({**summary, **lists, "recorded": recorded})
    elif recorded:
        words = (("入账", "accepted"), ("重复", "duplicate"), ("退回", "refused"))
        pairs = [f"{context.words(zh, en)} {recorded[en]:,}" for zh, en in words]
        click.echo("  ".join(pairs))
    else:
        click.echo(context.words("未入账：加 --yes 入账", "nothing was recorded: --yes records it"))
    if any(summary["counts"][state] for state in RETURNED) or (recorded and recorded["refused"]):
        end_with(ExitStatus.REFUSED)


def _record(
    context: Context, ledger: Ledger, holding: Holding, preview_: str, sender: SheetSender
) -> dict[str, int]:
    """Record what was previewed; how many rows were accepted, known and refused."""
    try:
        totals = record(ledger, holding, preview_, lambda *_: None, sender)
    except Moved:
        raise click.ClickException(
            context.words(
                "预览之后账本有变，结果不同；请重新预览",
                "the ledger has moved since the preview, which would differ now — preview it again",
            )
        ) from None
    return {"accepted": totals.accepted, "duplicate": totals.duplicate, "refused": totals.refused}


def _confirm(context: Context) -> bool:
    if not sys.stdin.isatty():
        return False
    return click.confirm(context.words("按预览入账？", "Record this?"), default=False)


def _show(context: Context, holding: Holding, summary: dict[str, Any], currencies: dict[str, str]) -> None:
    lang = context.language
    click.echo("  ".join(f"{STATE_WORDS[fault][lang]} {summary['counts'][fault]:,}" for fault in STATES))
    if summary["unread"]:
        names = "、".join(summary["unread"])
        click.echo(f"{context.words('没有读取的工作表', 'sheets that were not read')}: {names}")
    _show_rows(context, "", faulty(holding, ROWS_LISTED))
    title = context.words(
        "报过的行：不入账，确应另计的以 --anew 工作表!行 指明",
        "Rows that were reported before: left out; --anew SHEET!ROW says that one is another report",
    )
    _show_rows(context, title, left_out(holding, ROWS_LISTED))
    _show_doubtful(context, holding, summary["disagreements"])
    _show_consequences(context, summary["consequences"], currencies)


def _show_rows(context: Context, title: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows that are not recorded, a line for each fault."""
    lines: list[Sequence[str]] = []
    for row in rows:
        for fault in row["faults"]:
            words = fault["fault"].words(context.language)
            place = row.get("anew") or f"{row['sheet'].split(' ')[0]}!{fault['cell'] or row['row']}"
            state = STATE_WORDS[row["state"]][context.language]
            lines.append((place, state, words["code"], words["rule"], words["mend"]))
    if lines:
        heads = [("单元格", "cell"), ("状态", "state"), ("代码", "code"), ("问题", "wrong"), ("处理", "mend")]
        kinds = (Codes, Names, Names, Names, Names)
        table(title, [kind(context.words(*head)) for kind, head in zip(kinds, heads, strict=True)], lines)


def _show_doubtful(context: Context, holding: Holding, counts: dict[str, int]) -> None:
    """Rows that disagree with others: they are recorded, and may be held."""
    on_hold, noted = context.words("暂缓计入", "held"), context.words("仅提示", "noted")
    lines = [
        (
            f"{row['sheet'].split(' ')[0]}!{row['row']}",
            on_hold if row["held"] else noted,
            row["words"][context.language],
        )
        for row in doubtful(holding, ROWS_LISTED)
    ]
    if lines:
        title = context.words("数据不一致", "Facts that disagree")
        heads = [("行", "row"), ("入账后", "when recorded"), ("内容", "what")]
        heading = f"{title}: {on_hold} {counts['held']:,}, {noted} {counts['noted']:,}"
        kinds = (Codes, Names, Names)
        table(heading, [kind(context.words(*head)) for kind, head in zip(kinds, heads, strict=True)], lines)


def _show_consequences(
    context: Context, consequences: list[dict[str, Any]], currencies: dict[str, str]
) -> None:
    lines: list[Sequence[str]] = []
    for consequence in consequences:
        head = f"{consequence['policy']} {consequence['period']}"
        currency = currencies[consequence["policy"]]
        if consequence["kind"] == "period":
            before, after = consequence["before"], consequence["after"]
            names = (("sharing", "参与分配", "sharing"), ("payable", "应兑现", "payable"))
            for name, zh, en in names:
                amounts = Money.read(before[name], currency), Money.read(after[name], currency)
                lines.append((head, context.words(zh, en), *amounts))
            factors = (before["factor"]["percent"], after["factor"]["percent"])
            lines.append((head, context.words("兑现系数", "factor"), *factors))
            lines.append(
                (head, context.words("涉及企业", "enterprises"), "", f"{consequence['enterprises']:,}")
            )
        elif consequence["kind"] == "target":
            title = consequence["title"][context.language]
            lines.append((head, title, consequence["before_value"], consequence["after_value"]))
        else:
            words = context.words("已办结，差额另行调整", "closed: to be adjusted")
            lines.append((head, words, "", Money.read(consequence["difference"], currency)))
    if lines:
        heads = [
            Names(context.words("政策与期间", "policy, period")),
            Names(context.words("项目", "figure")),
            Sums(context.words("现在", "now")),
            Sums(context.words("入账后", "then")),
        ]
        table("", heads, lines)


def _plain_row(row: dict[str, Any], language: str) -> dict[str, Any]:
    faults = [{"cell": each["cell"], **each["fault"].words(language)} for each in row["faults"]]
    return {**row, "faults": faults}
