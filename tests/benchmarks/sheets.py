"""A spreadsheet of many rows, previewed: how much memory it holds, and how that grows.

``python -m tests.benchmarks.sheets`` prints it; each run is a process of its own, on a ledger that
holds a city already.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from ledger.intake.inbox import ingest_all
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import preview, reading_of
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.intake.sheets.template import sheet_title
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.sample.city import city
from tests.events import CIXI_TEXT
from tests.lengths import length_of
from tests.oracle.codes import credit_code

LARGE, SMALL = length_of("SUBSIDY_TEST_SHEET_ROWS"), 10_000
LIMIT_MB = 500
ENTERPRISES = 500
HEADS = ("信用代码", "年度", "金额（元）", "币种", "渠道", "海关监管方式", "报送日期")
WRONG_EVERY = 100


def write(path: Path, rows: int) -> None:
    """A workbook of sales: an enterprise a row, every hundredth row wrong."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(sheet_title(SHIPPED_TABLES.by_name["SalesReported"]))
    sheet.append(HEADS)
    for number in range(rows):
        amount: Any = "一百" if number % WRONG_EVERY == 0 else f"{number * 37 % 9_000_000 / 100:.2f}"
        code = credit_code(1_000 + number)
        sheet.append((code, 2024, amount, "人民币", "网络销售", None, f"2025/1/{number % 28 + 1}"))
    workbook.save(path)


def prepare(folder: Path, *sizes: int) -> None:
    """The city that the ledger holds, and the files."""
    with closing(open_ledger(str(folder / "ledger.db"))) as ledger:
        adopt_policy(ledger, CIXI_TEXT)
        for _ in ingest_all(ledger, city(ENTERPRISES, 1, 2024), "sample"):
            pass
    for rows in sizes:
        write(folder / f"{rows}.xlsx", rows)


def measure(folder: Path, rows: int) -> dict[str, Any]:
    """Preview a file in this process: seconds, megabytes held at most, what was found, stages told."""
    told: dict[str, int] = {}

    def progress(stage: str, done: int) -> None:
        told[stage] = told.get(stage, 0) + 1

    with closing(open_ledger(str(folder / "ledger.db"))) as ledger:
        before = time.perf_counter()
        with closing(Holding.open_file(folder / f"rows-{rows}")) as holding:
            reading = reading_of(ledger, folder / f"{rows}.xlsx", "sales.xlsx", "urn:bench")
            preview(ledger, reading, holding, progress)
            seconds = time.perf_counter() - before
            counts = holding.counts()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "seconds": round(seconds, 1), "mb": round(held), "counts": counts, "told": told}


def run(*sizes: int) -> list[dict[str, Any]]:
    """Files of these numbers of rows, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        prepared = [sys.executable, "-m", __spec__.name, "prepare", name, *map(str, sizes)]
        subprocess.run(prepared, check=True)
        found = []
        for rows in sizes:
            command = [sys.executable, "-m", __spec__.name, "measure", name, str(rows)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(json.loads(done.stdout))
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(Path(sys.argv[2]), *map(int, sys.argv[3:]))
    elif sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        for each in run(SMALL, LARGE):
            print(json.dumps(each, ensure_ascii=False))
