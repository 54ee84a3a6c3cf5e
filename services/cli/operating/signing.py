"""Commands about the signing key: log-keys, rotate-key, replace-lost-key, restored."""

from __future__ import annotations

from pathlib import Path

import click

from domain.log.notes import VerifierKey
from ledger.audit import rotation
from ledger.audit.restores import read_restore_statements, record_restore
from ledger.audit.rotation import Rotation, prove_ends, public_keys, read_statements
from services.cli.common import Context, json_option, operator_attribution, os_user, print_json
from services.cli.operating.operations import heard
from services.cli.signing_key import READABLE, key_file_of, key_option, one_line_errors, signer


@click.command("log-keys")
@click.option("--proving", "size", type=click.IntRange(1), help="For a checkpoint of this many events.")
@click.option("--statements", is_flag=True, help="Print what was published about keys and restores.")
@key_option
@json_option
@click.pass_obj
def log_keys(
    context: Context, size: int | None, statements: bool, key_file: Path | None, as_json: bool
) -> None:
    """Print the public keys that verify the ledger's checkpoints: today's first, then retired ones.

    Behind one that was replaced stands where it ends: @size:root. It counts up to there, and for an
    earlier checkpoint only with the proof that --proving adds.
    """
    with one_line_errors(), heard():
        file = key_file_of(context, key_file)
        keys = public_keys(file, signer(context, key_file).verifier)
        proofs = list[str]()
        if size is not None:
            with context.ledger() as ledger, ledger.store.reading() as rows:
                proofs = prove_ends(rows, keys, size)
        published = [*read_statements(file), *read_restore_statements(file)]
    lines = [*map(str, keys), *proofs]
    if as_json:
        print_json({"keys": [str(key) for key in keys], "proofs": proofs, "statements": published})
    elif statements:
        click.echo("\n".join(published), nl=False)
    else:
        click.echo("\n".join(lines))


@click.command("rotate-key")
@key_option
@json_option
@click.pass_obj
def rotate_key(context: Context, key_file: Path | None, as_json: bool) -> None:
    """Put a new signing key in place of the old one; both sign the last checkpoint and a statement.

    The statement says at which size and root the old key ends: nothing that it signs later counts.
    Publish it where auditors look. `serve` and `publish` use the new key from then on.
    Safe to run again where it was cut off.
    """
    with one_line_errors(), heard(), context.ledger() as ledger:
        file = key_file_of(context, key_file)
        rotated = rotation.rotate(ledger, file)
    _print_rotation(context, rotated, as_json)
    rotation.end_rotation(file)


@click.command("replace-lost-key")
@click.option("--old", "old_text", required=True, metavar="VKEY", help="The public key of the lost one.")
@key_option
@json_option
@click.pass_obj
def replace_lost_key(context: Context, old_text: str, key_file: Path | None, as_json: bool) -> None:
    """Make a new signing key where the old one was lost; its statement is signed by the new key alone.

    Publish the statement by other channels, such as an official letter: nothing proves to a reader that
    the new key is the bureau's but where they got it.
    """
    with one_line_errors(), heard(), context.ledger() as ledger:
        old = VerifierKey.parse(old_text)
        replaced = rotation.replace_lost_key(ledger, key_file_of(context, key_file), old)
    _print_rotation(context, replaced, as_json)


@click.command("restored")
@click.option("--reason", required=True, help="Why, and what is known to be lost; it goes into the log.")
@click.option("--checkpoint", "note", type=READABLE, help="A checkpoint given out that the ledger lacks.")
@key_option
@json_option
@click.pass_obj
def restored(context: Context, reason: str, note: Path | None, key_file: Path | None, as_json: bool) -> None:
    """Record that the ledger was restored from a copy of before, so that its key may sign again.

    The log then says what its key had signed for and who restored it; publish the statement, have what came
    since sent again, and compare the payments since with the bank.
    """
    with one_line_errors(), heard(), context.ledger() as ledger:
        text = None if note is None else note.read_text("utf-8-sig")
        key = signer(context, key_file)
        restore = record_restore(ledger, key, operator_attribution(), os_user(), reason, text)
    content = restore.content
    if as_json:
        print_json({**content.values_by_name(), "statement": restore.statement})
        return
    click.echo(restore.statement, nl=False)
    zh = (
        f"{content.until or '最初'} 之后的拨付，账本可能没有记录：逐笔与银行核对后补登，再下达新的拨付。"
        "把以上声明公布给审计人员；报送单位重发此后的数据。"
    )
    en = (
        f"Payments after {content.until or 'the beginning'} may be unknown to the ledger: compare each "
        "with the bank and record it before new ones are ordered. Publish the statement; have later facts "
        "sent again."
    )
    click.echo(context.words(zh, en), err=True)


def _print_rotation(context: Context, rotated: Rotation, as_json: bool) -> None:
    if as_json:
        print_json({"old": str(rotated.old), "new": str(rotated.new), "statement": rotated.statement})
        return
    click.echo(rotated.statement, nl=False)
    words = context.words(f"旧 {rotated.old}\n新 {rotated.new}", f"old {rotated.old}\nnew {rotated.new}")
    click.echo(words, err=True)
