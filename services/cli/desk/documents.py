"""``subsidy-ledger documents``: what the office sends out, from templates that it edits itself. 公文。"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

from domain.authority.roles import NotAllowed
from ledger.documents.catalogue import document_kinds
from ledger.documents.collecting import DocumentRequest
from ledger.documents.layouts import template
from ledger.documents.writing import SUFFIXES
from ledger.export.banks.payees import read_payees
from ledger.export.file_faults import text_lines
from ledger.projections.closings import today
from ledger.store.application import utc_now
from services.cli.common import Context
from services.cli.subject import policy_options
from services.web.documents.making import make
from services.web.documents.schema import faults, written
from services.web.exports import whole_or_nothing

FILE = click.Path(dir_okay=False, path_type=Path)
READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def documents() -> None:
    """Write the public list, the payment table, a decision letter or the year's report."""


@documents.command()
@click.option(
    "--into",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into.",
)
@click.pass_obj
def templates(context: Context, into: Path) -> None:
    """Write the templates to a folder, to be edited in Word or Excel; files that are there stay.

    Name the folder in SUBSIDY_LEDGER_TEMPLATES, and documents are made from what is in it.
    """
    into.mkdir(parents=True, exist_ok=True)
    for document in document_kinds():
        for lang, suffix in ((lang, suffix) for lang in ("zh", "en") for suffix in SUFFIXES):
            path = into / f"{document}{'' if lang == 'zh' else f'.{lang}'}{suffix}"
            if not path.exists():
                path.write_bytes(template(document, lang, suffix).getvalue())
                click.echo(str(path))


@documents.command()
@click.argument("document", type=click.Choice(document_kinds()))
@policy_options
@click.option("--out", required=True, type=FILE, help="The file to write: .docx, .xlsx or .pdf.")
@click.option("--template", "own_template", type=READABLE, help="A template of your own, .docx or .xlsx.")
@click.option("--enterprise", metavar="CODE", default="", help="Whose letter it is.")
@click.option("--batch", default="", help="Which batch of payments.")
@click.option("--payees", type=READABLE, help="Accounts (CSV: code, name, account, bank) for payments.")
@click.option("--number", default="", help="The document's number.")
@click.option("--on", default="", metavar="DATE", help="The day of issue; today by default.")
@click.option("--issuer", default="", help="The issuing office; the policy's by default.")
@click.option("--addressee", default="", help="Whom it is for.")
@click.option("--contact", default="", help="Whom to ask.")
@click.pass_obj
def write(
    context: Context,
    /,
    document: str,
    policy: str,
    year: int,
    out: Path,
    own_template: Path | None,
    payees: Path | None,
    **texts: Any,
) -> None:
    """Write a DOCUMENT of a settled year: list, payments, letter or report."""
    try:
        fields = written({name: value for name, value in texts.items() if value})
    except ValidationError as error:
        raise click.ClickException(faults(error, context.language)) from None
    accounts = read_payees(text_lines(payees.read_bytes())) if payees else {}
    on = fields.pop("on", None) or today(utc_now())
    order = DocumentRequest(document, policy, year, on, context.language, payees=accounts, **fields)
    if document == "letter" and not order.enterprise:
        raise NotAllowed("document.whose", "enterprise")
    with context.ledger() as ledger, ledger.store.reading() as rows, whole_or_nothing(out) as part:
        _make(ledger, rows, order, out, part, own_template, context)
    click.echo(f"{out}  {out.stat().st_size:,} bytes")


def _make(
    ledger: Any,
    rows: Any,
    order: DocumentRequest,
    out: Path,
    part: Path,
    own_template: Path | None,
    context: Context,
) -> None:
    """Write beside the file, under a name with its suffix."""
    written_part = part.with_name(f"{part.stem}.making{out.suffix}")
    try:
        make(ledger, rows, order, written_part, own_template, context.settings.templates)
        written_part.replace(part)
    finally:
        written_part.unlink(missing_ok=True)
