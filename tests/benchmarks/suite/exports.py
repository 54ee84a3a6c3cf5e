"""Every export of a closed year beside the plainest writing of the same rows, and how much memory each takes.

Each runs in a process of its own, whose peak of resident memory is told. The ledger has two awards for each
enterprise, closed and ordered to be paid; what an export refuses, it refuses at once.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from ledger.documents.collecting import DocumentRequest
from ledger.export.books import Books, NotExportable, books_of
from ledger.policies.versions import adopt_policy
from ledger.settlement.files import write_list, write_summary
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import Rows
from services.sample.policy import POLICY, YEAR, policy_text
from services.web.documents.making import make
from services.web.exports import FORMATS
from tests.benchmarks import closing as closed_year
from tests.benchmarks.closing import peak_mb
from tests.benchmarks.suite.samples import Work

ISSUED_ON = "2025-03-11"
PLAIN = {"csv": "rows as CSV", "xlsx": "rows by openpyxl, no formula and no explanation"}


class Ran(NamedTuple):
    """How long an export took, its peak of memory in MiB, and what it refused."""

    seconds: float
    peak: float
    refused: str


def books_at(ledger: Ledger, rows: Rows) -> Books:
    """The year's books."""
    return books_of(ledger, rows, POLICY, YEAR)


def _plain_csv(ledger: Ledger, rows: Rows, out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for line, paid in books_at(ledger, rows).awards():
            writer.writerow((line.code, line.measure, line.year, *paid))


def _plain_xlsx(ledger: Ledger, rows: Rows, out: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    for line, paid in books_at(ledger, rows).awards():
        sheet.append((line.code, line.measure, line.year, *paid))
    book.save(out)


def _books(form: str) -> Callable[[Ledger, Rows, Path], object]:
    return lambda ledger, rows, out: FORMATS[form](books_at(ledger, rows), out, lambda: None)


def _document(kind: str) -> Callable[[Ledger, Rows, Path], object]:
    def write(ledger: Ledger, rows: Rows, out: Path) -> None:
        (batch,) = rows.all("SELECT MIN(batch) FROM payments")[0]
        request = DocumentRequest(kind, POLICY, YEAR, ISSUED_ON, batch=batch if kind == "payments" else "")
        make(ledger, rows, request, out, None)

    return write


def _list(_: Ledger, rows: Rows, out: Path) -> None:
    write_list(_, rows, POLICY, YEAR, out)


def _summary(ledger: Ledger, rows: Rows, out: Path) -> None:
    write_summary(ledger, rows, POLICY, YEAR, out)


EXPORTS: dict[str, tuple[str, Callable[[Ledger, Rows, Path], object]]] = {
    "plain.csv": ("csv", _plain_csv),
    "plain.xlsx": ("xlsx", _plain_xlsx),
    "books.hledger": ("csv", _books("hledger")),
    "books.beancount": ("csv", _books("beancount")),
    "books.parquet": ("csv", _books("parquet")),
    "books.360giving": ("csv", _books("360giving")),
    "books.xlsx": ("xlsx", _books("xlsx")),
    "list.csv": ("csv", _list),
    "list.xlsx": ("xlsx", _list),
    "summary.xlsx": ("xlsx", _summary),
    "document-list.docx": ("xlsx", _document("list")),
    "document-list.xlsx": ("xlsx", _document("list")),
    "document-payments.docx": ("xlsx", _document("payments")),
    "document-report.docx": ("xlsx", _document("report")),
}
"""Each export by the name of its file: which plain writing stands beside it, and what writes it."""


def fill(database: str, enterprises: int) -> None:
    """Fill a ledger and close its year; amounts are such as a sheet can divide exactly."""
    with (
        closing(open_ledger(database, clock=lambda: closed_year.NOW)) as ledger,
        redirect_stdout(sys.stderr),
    ):
        adopt_policy(ledger, policy_text())
        closed_year.fill(ledger, 2 * enterprises)
        closed_year.settle(ledger)


def run(database: str, name: str) -> Ran:
    """One export in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.suite.exports", database, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Ran(*json.loads(done.stdout.splitlines()[-1]))


def measure(enterprises: int) -> Iterator[Work]:
    """A row for each export, beside the plain writing of the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/exports.db"
        fill(database, enterprises)
        plain = {form: run(database, f"plain.{form}") for form in PLAIN}
        for name, (form, _) in EXPORTS.items():
            if not name.startswith("plain"):
                ran = run(database, name)
                samples = {name: [ran.seconds], PLAIN[form]: [plain[form].seconds]}
                note = f"peak {ran.peak:.0f} MiB, plain {plain[form].peak:.0f}"
                yield Work(f"export {name}", "s", samples, f"refused: {ran.refused}" if ran.refused else note)


def main() -> None:
    """Run one export of a database, and print its time, memory and refusal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("name", choices=list(EXPORTS))
    given = parser.parse_args()
    ledger, refused = open_ledger(given.database, create=False), ""
    with tempfile.TemporaryDirectory() as folder, closing(ledger), ledger.store.reading() as rows:
        began = time.perf_counter()
        try:
            EXPORTS[given.name][1](ledger, rows, Path(folder) / given.name)
        except NotExportable as error:
            refused = str(error)
        print(json.dumps(Ran(time.perf_counter() - began, peak_mb(), refused)))


if __name__ == "__main__":
    main()
