"""Everyone's balance from the whole history, beside hledger adding up the same books.

Ours twice: a replay of every event into awards, payments and factor; and a read of the balances
that the ledger keeps. hledger reads the exported journal of the same year, in which the awards are
worked out already, and adds up its postings. All three must come to the same fen.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from domain.money.amounts import parse_fen
from ledger.export import journal
from ledger.export.books import books_of
from ledger.store.application import open_ledger
from ledger.store.rows import Rows
from services.sample.policy import POLICY, YEAR
from tests import answers as queries
from tests.benchmarks.measured import clock
from tests.benchmarks.replaying import balances, exact, fill
from tests.benchmarks.suite.samples import Work
from tests.programs import fen, program

ROUNDS = 5


def kept(rows: Rows) -> int:
    """The eligible fen of every enterprise, as the ledger keeps them."""
    sql = "SELECT code, eligible FROM balances WHERE policy=? AND year=? ORDER BY code"
    return sum(int(row[1]) for row in rows.stream(sql, [POLICY, YEAR]))


def hledger(path: Path) -> dict[str, int]:
    """Every account's balance in fen, by hledger."""
    command = [program("hledger"), "-f", str(path), "bal", "-N", "--flat", "-O", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {}
    for line in itertools.islice(done.stdout.splitlines(), 1, None):
        account, amount = (cell.strip('"') for cell in line.split('","'))
        found[account] = fen(amount)
    return found


def measure(events: int) -> Iterator[Work]:
    """One row: the samples are of the whole history."""
    with tempfile.TemporaryDirectory() as name:
        database, books = f"{name}/ledger.db", Path(name) / "year.journal"
        fill(database, events)
        with closing(open_ledger(database)) as ledger, ledger.store.reading() as rows:
            found = books_of(ledger, rows, POLICY, YEAR)
            with books.open("w", encoding="utf-8", newline="\n") as out:
                journal.write(out, found.accounts(), found.transactions())
            exact(ledger, rows, balances(rows))
            year = queries.budget(ledger, rows, POLICY, YEAR)
            theirs = hledger(books)
            owed = -sum(value for account, value in theirs.items() if value < 0)
            if not theirs or sum(theirs.values()) != 0 or owed < parse_fen(year["payable"]):
                raise ArithmeticError(f"hledger has {owed} fen, the ledger {year['payable']}")
            if kept(rows) != parse_fen(year["eligible"]):
                raise ArithmeticError("the balances do not add up to the year's sum")
            sides = {
                "the ledger, replaying every event": lambda: balances(rows),
                "the ledger, from its balances": lambda: kept(rows),
                "hledger": lambda: hledger(books),
            }
            samples: dict[str, list[float]] = {side: [] for side in sides}
            for turn in range(ROUNDS):
                order = list(sides)
                for side in order[turn % 3 :] + order[: turn % 3]:
                    samples[side].append(clock(sides[side]) * 1e3)
            note = f"{rows.last_position():,} events; {books.stat().st_size >> 20} MiB of journal"
            yield Work("everyone's balance", "ms", samples, note)
