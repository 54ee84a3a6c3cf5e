# mypy: ignore-errors
"""Made the ledgers that are kept beside this file: run with the program of 46ad05e, and never since.

It is kept to show how the files came to be, and imports that program alone. It was run in a checkout of it:

    PYTHONPATH=. python …/tests/golden/46ad05e-spellings/make.py

Whatever is random is drawn from a seed and the clock stands still, so that SQLite and PostgreSQL hold the
very same events.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import lzma
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import unicodedata
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
_drawn = itertools.count()


def _seeded(count: int) -> bytes:
    return hashlib.shake_256(f"spellings {next(_drawn)}".encode()).digest(count)


os.urandom = random._urandom = _seeded

from click.testing import CliRunner  # noqa: E402

from ledger.application import open_ledger  # noqa: E402
from ledger.inbox import ingest  # noqa: E402
from ledger.policies import adopt_policy  # noqa: E402
from services.cli import main as cli  # noqa: E402
from tests.oracle.codes import credit_code  # noqa: E402
from tests.postgres import Server  # noqa: E402

CIXI = "cixi-ecommerce-2024"
NOW = datetime(2025, 3, 1, 1, tzinfo=UTC)
STATISTICS = "urn:cixi:statistics"
WAREHOUSE = "warehouse-recognised"
NFC = "Café旗舰店"
NFD = unicodedata.normalize("NFD", NFC)


class Reports:
    """Messages of one enterprise, as an upstream sent them."""

    def __init__(self, number: int) -> None:
        self.code, self.messages = credit_code(number), []

    def send(self, type_: str, event_id: str, source: str = "urn:cixi:commerce", **data: object) -> Reports:
        envelope = {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": f"subsidy.{type_}.v1",
            "subject": self.code,
            "time": "2024-12-31T09:30:00+08:00",
        }
        self.messages.append(json.dumps({**envelope, "data": data}, ensure_ascii=False).encode())
        return self

    def sales(self, event_id: str, amount: str, source: str = STATISTICS) -> Reports:
        figures = {"year": 2024, "amount": amount, "currency": "CNY", "channel": "domestic_own_brand"}
        return self.send("sales-reported", event_id, source, **figures)


def spelt() -> dict[str, Reports]:
    """What was reported, by what is spelt in several ways."""
    warehouse, shop, branch, ids = Reports(101), Reports(102), Reports(103), Reports(104)
    for number, name in enumerate(("EU-1", "ＥＵ－1", "EU-1 ")):
        warehouse.send(WAREHOUSE, f"w{number}", level="provincial", warehouse=name, on="2024-05-01")
    for number, name in enumerate((NFC, NFD)):
        on = {"platform": "cross-border", "kind": "flagship", "on": "2024-03-01"}
        shop.send("store-registered", f"s{number}", shop=name, **on)
    branch.send("direct-sales-branch-registered", "b0", branch="示例一分", on="2024-02-20")
    branch.send("above-quota-admitted", "b1", branch="示例一分 ", on="2024-09-01")
    for event_id in ("s1", "s1 ", "ｓ1"):
        ids.sales(event_id, "60000000.00")
    sources, references, standards, items = Reports(105), Reports(106), Reports(107), Reports(108)
    for source in (STATISTICS, f"{STATISTICS} "):
        sources.sales("r1", "60000000.00", source)
    for number, ref in enumerate(("CN-2024-88", "cn-2024-88", "CN‐2024‐88")):
        references.send("brand-certified", f"c{number}", kind="service_trademark", ref=ref, on="2024-05-01")
    for number, standard in enumerate(("GB/T 1-2024", "ＧＢ/Ｔ 1－2024")):
        on = {"level": "provincial", "on": "2024-06-01"}
        standards.send("standard-published", f"t{number}", standard=standard, **on)
    for number, item in enumerate(("Project-A", "Project-A ")):
        decision = {"claim": f"k{number}", "policy": CIXI, "measure": "talent.team", "item": item, "year": 2024}
        items.send("claim-approved", f"k{number}", **decision, amount="100000.00", currency="CNY")
    taken_back = Reports(109)
    for number, name in enumerate(("W-1", "Ｗ－1")):
        taken_back.send(WAREHOUSE, f"x{number}", level="provincial", warehouse=name, on="2024-05-01")
    of = {"of": "x1", "of_source": "urn:cixi:commerce", "of_type": f"subsidy.{WAREHOUSE}.v1"}
    taken_back.send("fact-retracted", "x2", **of, reason="sent twice")
    apart = Reports(110)
    for number, name in enumerate(("EU-1", "EU-2")):
        apart.send(WAREHOUSE, f"y{number}", level="provincial", warehouse=name, on="2024-05-01")
    return {
        "warehouse": warehouse,
        "shop": shop,
        "branch": branch,
        "ids": ids,
        "sources": sources,
        "references": references,
        "standards": standards,
        "items": items,
        "taken-back": taken_back,
        "apart": apart,
    }


def played(database: str) -> dict[str, object]:
    """Write the ledger; what it then answered of each enterprise and of the year."""
    ledger = open_ledger(database, clock=lambda: NOW)
    adopt_policy(ledger, Path(f"domain/policy/{CIXI}.yaml").read_text("utf-8"))
    reports = spelt()
    for what, each in reports.items():
        for message in each.messages:
            (result,) = ingest(ledger, [message], "http")
            if result.status != "accepted":
                raise SystemExit(f"{what}: {message.decode()}: {result}")
    ledger.close()

    def asked(*words: str) -> object:
        done = CliRunner().invoke(cli, ["--database", database, *words, "--json"])
        if done.exit_code:
            raise SystemExit(f"{words}: {done.output}")
        return json.loads(done.output)

    balances = {what: asked("balance", each.code) for what, each in reports.items()}
    return {"balances": balances, "budget": asked("budget")}


def compress(path: Path, data: bytes) -> None:
    path.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def main() -> None:
    global _drawn
    work = Path(tempfile.mkdtemp(prefix="spellings-"))
    database = work / "ledger.db"
    answers = played(str(database))
    with closing(sqlite3.connect(database)) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rows.execute("PRAGMA journal_mode=DELETE")
        rows.execute("VACUUM")
    compress(HERE / "ledger.sqlite.xz", database.read_bytes())
    (HERE / "answers.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n", "utf-8")
    shutil.rmtree(work)
    server, _drawn = Server(), itertools.count()
    try:
        url = server.url(server.create())
        if played(url) != answers:
            raise SystemExit("the two stores answer otherwise")
        options = ["--inserts", "--rows-per-insert=200", "--no-owner", "--no-privileges"]
        dump = subprocess.run([server.programs / "pg_dump", *options, url], check=True, capture_output=True)
        lines = dump.stdout.split(b"\n")
        kept = [line for line in lines if not line.startswith((b"\\restrict", b"\\unrestrict"))]
        compress(HERE / "ledger.postgres.sql.xz", b"\n".join(kept))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
