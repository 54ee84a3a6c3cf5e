"""Commands of the operator: doctor, backup, verify-backup."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from domain.log.notes import VerifierKey
from ledger.audit import backup as backups
from ledger.store.application import utc_now
from services.cli.common import Context, json_option, print_json
from services.cli.progress import show_progress
from services.cli.signing_key import FILE, READABLE, in_words, key_option, one_line_errors, signer
from services.cli.statuses import ExitStatus, end_with
from services.cli.tables import Codes, Column, Names, csv_option, list_differences, note, prints_csv, table
from services.doctor.findings import Finding, Limits, worst
from services.doctor.run import examine, textfile
from services.web.exports import whole_or_nothing

SIGNS = {"ok": "✓", "warning": "!", "error": "✗"}


@click.command()
@click.option("--deep", is_flag=True, help="Also hash every event again, and replay everything.")
@click.option("--textfile", "out", type=FILE, help="Also write the findings here for Prometheus.")
@click.option("--given", multiple=True, metavar="PLACE", help="Checkpoints given out: a file, folder or URL.")
@json_option
@csv_option
@click.pass_obj
def doctor(context: Context, deep: bool, out: Path | None, given: tuple[str, ...], as_json: bool) -> None:
    """Look at everything that can be wrong; exit with 0 (well), 1 (warnings) or 2 (errors).

    Settings, database, broker, clock, keys, read models, the log, what waits, and closed years.
    It changes nothing.
    """
    now = utc_now()
    findings = examine(os.environ, context.database, now, Limits(), deep, given)
    if out:
        with whole_or_nothing(out) as part:
            part.write_text(textfile(findings, now), "utf-8")
    if as_json:
        print_json({"status": worst(findings), "findings": [finding.document() for finding in findings]})
    elif prints_csv():
        _print_rows(context, findings)
    else:
        for finding in findings:
            _print(context, finding)
    raise SystemExit(worst(findings))


def _print(context: Context, finding: Finding) -> None:
    click.echo(f"{SIGNS[finding.level]} {finding.check}  {context.words(finding.zh, finding.en)}")
    mend = context.words(finding.mend_zh, finding.mend_en)
    if mend:
        click.echo(f"    → {mend}")


def _print_rows(context: Context, findings: Sequence[Finding]) -> None:
    words = context.words
    heads: list[Column] = [Codes(words("程度", "Level")), Codes(words("检查", "Check"))]
    heads += [Names(words("情况", "What")), Names(words("处理", "Mend"))]
    lines = [
        (each.level, each.check, words(each.zh, each.en), words(each.mend_zh, each.mend_en))
        for each in findings
    ]
    table("", heads, lines)


@click.command()
@click.argument("dest", type=FILE)
@key_option
@click.pass_obj
def backup(context: Context, dest: Path, key_file: Path | None) -> None:
    """Copy the ledger to the file DEST while others write, with a signed checkpoint beside it.

    SQLite: its online backup. PostgreSQL: pg_dump, of the very moment that is signed for.
    Keep it encrypted: it holds the log's secret and the keys of names.
    """
    with one_line_errors(), heard(), context.ledger() as ledger:
        copy = backups.back_up(ledger, context.path, dest, signer(context, key_file))
    events = context.words("条数据", "events")
    click.echo(f"{copy.file}  {copy.file.stat().st_size:,} bytes  {copy.size:,} {events}  {copy.note}")


@click.command("verify-backup")
@click.argument("file", type=READABLE)
@click.option("--checkpoint", "notes", multiple=True, type=READABLE, help="Checkpoints that it must fit.")
@click.option("--key", "key_texts", multiple=True, metavar="VKEY", help="A public key that you trust.")
@click.option("--into", metavar="URL", help="An empty PostgreSQL database, to restore a dump into.")
@json_option
@csv_option
@click.pass_obj
def verify_backup(
    context: Context,
    file: Path,
    notes: tuple[Path, ...],
    key_texts: tuple[str, ...],
    into: str | None,
    as_json: bool,
) -> None:
    """Open the backup FILE elsewhere, hash every event again, replay everything; exit 1 on differences.

    It is held against the checkpoint beside it, and against those given. FILE itself is only read.
    """
    beside = file.with_name(file.name + backups.NOTE)
    texts = [note.read_text("utf-8-sig") for note in (*notes, *((beside,) if beside.is_file() else ()))]
    label = context.words("核对备份", "Verifying the backup")
    with one_line_errors(), heard(), show_progress(label, hidden=as_json) as bar:
        keys = [VerifierKey.parse(text) for text in key_texts]
        verification = backups.verify_backup(file, into, keys, texts, bar.show)
    if as_json:
        print_json({"equal": verification.equal, "checkpoints": len(texts), **verification._asdict()})
    else:
        list_differences((*verification.log, *verification.read_models), context.words("不符", "Difference"))
        equal = context.words("一致", "equal") if verification.equal else context.words("不一致", "not equal")
        events = context.words("条数据", "events")
        checkpoints = context.words(f"检查点 {len(texts)} 个", f"{len(texts)} checkpoints")
        note(f"{file}  {verification.position:,} {events}  {checkpoints}  {equal}")
    if not verification.equal:
        end_with(ExitStatus.NOT_DONE)


class heard:
    """Turn what a disk or a backup's own trouble says into one clear line."""

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, backups.BackupError | OSError):
            raise click.ClickException(in_words(fault, "备份或文件不能用")) from fault
