"""Programs that read our exports again: hledger, ledger, Beancount and LibreOffice."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MEND = "run bash .ci/parts"
SECONDS_MAX = 180
CSV_OF_ALL_SHEETS = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


def program(name: str, mend: str = MEND) -> str:
    """Where a program is; a test that lacks it fails, and says the mend."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: {mend}", pytrace=False)
    return found


def run(*command: str) -> str:
    """What a program prints; a test fails where the program does."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr or done.stdout}"
    return done.stdout


def fen(amount: str) -> int:
    """``-1234.56 CNY``, or less of it, in fen."""
    sign, whole, cents = re.fullmatch(r"(-?)(\d+)(?:\.(\d{2}))?(?: CNY)?", amount).groups()  # type: ignore[union-attr]
    return int(f"{sign}{whole}{cents or '00'}")


def hledger_balances(journal: Path) -> dict[str, int]:
    """Every account's balance by hledger, in fen, but those of nothing."""
    rows = csv.reader(
        run(program("hledger"), "-f", str(journal), "bal", "-N", "--flat", "-O", "csv").splitlines()
    )
    return {account: fen(amount) for account, amount in list(rows)[1:]}


def ledger_balances(journal: Path) -> dict[str, int]:
    """Every account's balance by ledger, in fen, but those of nothing."""
    shown = "%(account)\t%(scrub(total))\n%/"
    lines = run(program("ledger"), "-f", str(journal), "bal", "--flat", "--no-total", "--format", shown)
    return {account: fen(amount) for account, amount in (line.split("\t") for line in lines.splitlines())}


def recomputed(workbook: Path, folder: Path) -> dict[str, list[list[str]]]:
    """Every sheet of a workbook as LibreOffice computes it, by the first word of its name."""
    folder.mkdir()
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    head = (program("soffice"), profile, "--headless", "--norestore")
    run(*head, "--convert-to", CSV_OF_ALL_SHEETS, "--outdir", str(folder), str(workbook))
    sheets = {}
    for file in folder.glob(f"{workbook.stem}-*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            sheets[file.stem.removeprefix(f"{workbook.stem}-").split(" ")[0]] = list(csv.reader(lines))
    return sheets
