"""Commands of the operator: doctor, backup, verify-backup, rotate-key."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.progress import Progress

from domain.log.notes import VerifierKey
from ledger.audit import backup as backups
from ledger.audit import rotation
from ledger.store.application import utc_now
from services.cli.common import Context, json_option, print_json
from services.cli.operating.audit import FILE, READABLE, key_file_of, key_option, signer, told
from services.doctor.findings import Finding, Limits, worst
from services.doctor.run import examine, textfile

SIGNS = {"ok": "✓", "warning": "!", "error": "✗"}


@click.command()
@click.option("--deep", is_flag=True, help="Also hash every event again, and replay everything.")
@click.option("--textfile", "out", type=FILE, help="Also write the findings here for Prometheus.")
@json_option
@click.pass_obj
def doctor(context: Context, deep: bool, out: Path | None, as_json: bool) -> None:
    """Look at everything that can be wrong; exit with 0 (well), 1 (warnings) or 2 (errors).

    Settings, database, broker, clock, keys, read models, the log, what waits, and closed years.
    It changes nothing.
    """
    now = utc_now()
    found = examine(os.environ, context.database, now, Limits(), deep)
    if out:
        part = out.with_name(out.name + ".part")
        part.write_text(textfile(found, now), "utf-8")
        part.replace(out)
    if as_json:
        print_json({"status": worst(found), "findings": [each.document() for each in found]})
    else:
        for each in found:
            _print(context, each)
    raise SystemExit(worst(found))


def _print(context: Context, found: Finding) -> None:
    click.echo(f"{SIGNS[found.level]} {found.check}  {context.words(found.zh, found.en)}")
    mend = context.words(found.mend_zh, found.mend_en)
    if mend:
        click.echo(f"    → {mend}")


@click.command()
@click.argument("dest", type=FILE)
@key_option
@click.pass_obj
def backup(context: Context, dest: Path, key_file: Path | None) -> None:
    """Copy the ledger to the file DEST while others write, with a signed checkpoint beside it.

    SQLite: its online backup. PostgreSQL: pg_dump, of the very moment that is signed for.
    Keep it encrypted: it holds the log's secret and the keys of names.
    """
    with told(), _heard(), context.ledger() as ledger:
        made = backups.back_up(ledger, context.path, dest, signer(context, key_file))
    events = context.words("条数据", "events")
    click.echo(f"{made.file}  {made.file.stat().st_size:,} bytes  {made.size:,} {events}  {made.note}")


@click.command("verify-backup")
@click.argument("file", type=READABLE)
@click.option("--checkpoint", "notes", multiple=True, type=READABLE, help="Checkpoints that it must fit.")
@click.option("--key", "given", multiple=True, metavar="VKEY", help="A public key that you trust.")
@click.option("--into", metavar="URL", help="An empty PostgreSQL database, to restore a dump into.")
@json_option
@click.pass_obj
def verify_backup(
    context: Context,
    file: Path,
    notes: tuple[Path, ...],
    given: tuple[str, ...],
    into: str | None,
    as_json: bool,
) -> None:
    """Open the backup FILE elsewhere, hash every event again, replay everything; exit 1 on differences.

    It is held against the checkpoint beside it, and against those given. FILE itself is only read.
    """
    beside = file.with_name(file.name + backups.NOTE)
    texts = [note.read_text("utf-8") for note in (*notes, *((beside,) if beside.is_file() else ()))]
    with told(), _heard(), Progress(transient=True, disable=as_json) as bar:
        keys = [VerifierKey.parse(text) for text in given]
        task = bar.add_task(context.words("核对备份", "Verifying the backup"), total=None)
        found = backups.verify(
            file, into, keys, texts, lambda n, all_: bar.update(task, completed=n, total=all_)
        )
    if as_json:
        print_json({"equal": found.equal, "checkpoints": len(texts), **found._asdict()})
    else:
        for each in (*found.log, *found.read_models):
            click.echo(f"! {each}")
        equal = context.words("一致", "equal") if found.equal else context.words("不一致", "not equal")
        events = context.words("条数据", "events")
        held = context.words(f"检查点 {len(texts)} 个", f"{len(texts)} checkpoints")
        click.echo(f"{file}  {found.position:,} {events}  {held}  {equal}")
    if not found.equal:
        raise SystemExit(1)


@click.command("rotate-key")
@key_option
@json_option
@click.pass_obj
def rotate_key(context: Context, key_file: Path | None, as_json: bool) -> None:
    """Put a new signing key in place of the old one; both sign the last checkpoint and a statement.

    Publish the statement where auditors look. `serve` and `publish` use the new key from then on.
    Safe to run again where it was cut off.
    """
    with told(), _heard(), context.ledger() as ledger:
        made = rotation.rotate(ledger, key_file_of(context, key_file))
    if as_json:
        print_json({"old": str(made.old), "new": str(made.new), "statement": made.statement})
        return
    click.echo(made.statement, nl=False)
    click.echo(context.words(f"旧 {made.old}\n新 {made.new}", f"old {made.old}\nnew {made.new}"), err=True)


class _heard:
    """Turn what a disk or a backup's own trouble says into one clear line."""

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, backups.BackupError | OSError):
            raise click.ClickException(str(fault)) from fault
