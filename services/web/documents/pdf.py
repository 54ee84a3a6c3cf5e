"""PDF by LibreOffice, where this machine has it; each conversion in a profile of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ledger.export.books import NotExportable

PROGRAMS = ("soffice", "libreoffice")
SECONDS_MAX = 120


def as_pdf(document: Path, out: Path) -> None:
    """Write a .docx or .xlsx as PDF.

    Raises:
        NotExportable: where LibreOffice is missing or fails.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise NotExportable(
            "没有找到 LibreOffice，无法生成PDF：安装 LibreOffice，或生成 .docx、.xlsx · "
            "LibreOffice is not installed: install it, or write .docx or .xlsx"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = [
            program,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            "--norestore",
        ]
        command = [*head, "--convert-to", "pdf", "--outdir", str(folder), str(document.resolve())]
        try:
            conversion = subprocess.run(  # noqa: S603 - nothing of a caller's but a path made here
                command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotExportable(
                f"LibreOffice took longer than {SECONDS_MAX} s — write .docx or .xlsx"
            ) from None
        pdf = folder / f"{document.stem}.pdf"
        if not pdf.exists():
            message = (conversion.stderr or conversion.stdout).strip()[-300:]
            raise NotExportable(f"LibreOffice made no PDF: {message} — write .docx or .xlsx")
        shutil.move(pdf, out)
