"""Writes a document: a template, the ledger's own or the office's, filled with the year's figures."""

from __future__ import annotations

from pathlib import Path

from ledger.documents.catalogue import aliases
from ledger.documents.collecting import DocumentRequest, collect_document
from ledger.export.books import NotExportable
from ledger.store.application import Ledger
from ledger.store.rows import Rows

SUFFIXES = (".docx", ".xlsx")


def write(
    ledger: Ledger, rows: Rows, request: DocumentRequest, out: Path, own_template: Path | None = None
) -> None:
    """Write a document as ``.docx`` or ``.xlsx``.

    Args:
        own: the office's template, of the same kind; by default the ledger's own.

    Raises:
        TemplateError, NotAllowed, UnknownPolicy, UnknownEnterprise; NotExportable: for another suffix.
    """
    if out.suffix not in SUFFIXES or (own_template is not None and own_template.suffix != out.suffix):
        suffixes = (
            own_template.suffix
            if own_template is not None and own_template.suffix in SUFFIXES
            else " or ".join(SUFFIXES)
        )
        raise NotExportable(f"{out.suffix or out.name}: write a file that ends in {suffixes}")
    from ledger.documents.layouts import template  # only writing one needs python-docx and openpyxl

    if out.suffix == ".docx":
        from ledger.documents.word import fill
    else:
        from ledger.documents.excel import fill
    filling = collect_document(ledger, rows, request)
    source = (
        own_template if own_template is not None else template(request.document, request.lang, out.suffix)
    )
    with out.open("wb") as file:
        fill(source, file, filling, aliases(request.document))
