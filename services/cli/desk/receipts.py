"""``subsidy-ledger receipt`` and ``check-page``: what an enterprise keeps, and where anyone checks it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from domain.log.notes import open_checkpoint
from ledger.audit import checkpoints
from ledger.audit.rotation import public_keys
from ledger.settlement.receipts import make_receipt
from services.cli.common import Context
from services.cli.signing_key import FILE, READABLE, key_file_of, key_option, one_line_errors, signer
from services.cli.subject import policy_options
from services.web import checkpage
from services.web.exports import whole_or_nothing
from services.web.receipts.page import receipt_page


@click.command()
@click.argument("code")
@policy_options
@click.option("--checkpoint", "note_file", type=READABLE, help="A signed checkpoint, e.g. a cosigned one.")
@click.option("--out", required=True, type=FILE, help="The file to write: .json, or .html to print.")
@key_option
@click.pass_obj
def receipt(
    context: Context,
    code: str,
    policy: str,
    year: int,
    note_file: Path | None,
    out: Path,
    key_file: Path | None,
) -> None:
    """Write the receipt of the enterprise CODE for a closed year."""
    if out.suffix not in (".json", ".html"):
        raise click.ClickException(
            context.words(
                f"{out.name}：写成 .json（凭据）或 .html（打印）",
                f"{out.name}: write a file that ends in .json (the receipt) or .html (to print)",
            )
        )
    with (
        one_line_errors(),
        context.ledger() as ledger,
        ledger.store.reading() as rows,
        whole_or_nothing(out) as part,
    ):
        key = signer(context, key_file)
        note = (
            checkpoints.current(ledger, key)
            if note_file is None
            else _checkpoint_in(context, note_file, key_file)
        )
        document = make_receipt(ledger, rows, code, policy, year, note, key)
        printed = out.suffix == ".html"
        text = (
            receipt_page(document) if printed else json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        )
        part.write_text(text, "utf-8")
    click.echo(f"{out}  {out.stat().st_size:,} bytes")


def _checkpoint_in(context: Context, file: Path, key_file: Path | None) -> str:
    """A checkpoint in a file, signed by a key of this ledger; without one no receipt would verify."""
    note = file.read_text("utf-8", "replace")
    file = key_file_of(context, key_file)
    bare = [replace(key, end=None) for key in public_keys(file, signer(context, key_file).verifier)]
    open_checkpoint(note, bare)  # that the log holds it, the receipt's own proofs show
    return note


@click.command("check-page")
@click.option("--out", required=True, type=FILE, help="The page to write (.html).")
@key_option
@click.pass_obj
def check_page(context: Context, out: Path, key_file: Path | None) -> None:
    """Write the page on which anyone checks receipts and lists, offline; with this ledger's keys."""
    today = signer(context, key_file).verifier
    keys = [str(key) for key in public_keys(key_file_of(context, key_file), today)]
    with whole_or_nothing(out) as part:
        part.write_text(checkpage.page(keys), "utf-8")
    click.echo(f"{out}  {out.stat().st_size:,} bytes")
