"""A document in any of its forms, from the office's own template where there is one."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from ledger.documents.collecting import DocumentRequest
from ledger.documents.writing import write
from ledger.export.books import NotExportable
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.web.documents.pdf import as_pdf

FORMS = ("docx", "xlsx", "pdf")


def template_in(folder: str, asked: DocumentRequest, suffix: str) -> Path | None:
    """The office's template in a folder: ``letter.docx``, or ``letter.en.docx`` for English."""
    name = asked.document if asked.lang == "zh" else f"{asked.document}.{asked.lang}"
    found = Path(folder) / f"{name}{suffix}" if folder else None
    return found if found is not None and found.is_file() else None


def make(
    ledger: Ledger, rows: Rows, asked: DocumentRequest, out: Path, own: Path | None, folder: str = ""
) -> None:
    """Write a document as the suffix of its file says; PDF is made of the text document.

    Raises:
        NotExportable, TemplateError, NotAllowed, UnknownPolicy, UnknownEnterprise.
    """
    if out.suffix[1:] not in FORMS:
        raise NotExportable(f"{out.suffix or out.name}: write a file that ends in .docx, .xlsx or .pdf")
    if out.suffix != ".pdf":
        write(ledger, rows, asked, out, own or template_in(folder, asked, out.suffix))
        return
    suffix = own.suffix if own else ".docx"
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / f"{re.sub('[^0-9A-Za-z-]', '-', out.stem)}{suffix}"
        write(ledger, rows, asked, source, own or template_in(folder, asked, suffix))
        as_pdf(source, out)
