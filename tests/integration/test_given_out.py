"""What is given out about policies of every shape: budgets by town, groups in turn, another currency."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from docx import Document

from domain.money.amounts import print_fen
from ledger.audit.checkpoints import current
from ledger.documents.collecting import DocumentRequest
from ledger.documents.writing import write
from ledger.settlement import published
from ledger.settlement.receipts import make_receipt
from ledger.store.application import Ledger
from services.verify import verify
from services.web.receipts.page import receipt_page
from tests.integration.bureau import Clock
from tests.integration.test_bundles import KEY
from tests.integration.test_four_policies import ALL, HENGQIN, YEAR, close_all, pay_all
from tests.integration.test_four_policies import clock as clock
from tests.integration.test_four_policies import ledger as ledger
from tests.integration.test_receipts import SCRIPT


def test_lists_receipts_and_documents_hold_for_every_policy(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    """Budgets by town, groups in turn, another currency: each list proves itself, each receipt verifies."""
    close_all(ledger, clock)
    pay_all(ledger, clock)
    note = current(ledger, KEY)
    for policy in ALL:
        path = tmp_path / f"{policy}.ndjson"
        with ledger.store.reading() as rows:
            with path.open("w", encoding="utf-8", newline="\n") as out:
                published.write_published_list(rows, policy, YEAR, out, KEY)
            accounts = rows.all("SELECT code, payable FROM accounts WHERE policy=?", [policy])
            made = [(each, make_receipt(ledger, rows, each[0], policy, YEAR, note, KEY)) for each in accounts]
        assert verify(path, [KEY.verifier])[1].faults == []
        command = [sys.executable, "-I", str(SCRIPT), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "listed" not in done.stdout
        assert done.stdout.count("factor ") == len(json.loads(path.read_text("utf-8").split("\n")[0])["pots"])
        lines = path.read_text("utf-8").split("\n")
        row = json.loads(lines[1])
        row[-1], row[-2] = row[-1] + 1, row[-2] - 1
        path.write_text("\n".join([lines[0], json.dumps(row), *lines[2:]]), "utf-8")
        assert any("award 1 " in each for each in verify(path, [KEY.verifier])[1].faults)
        for (_, payable), found in made:
            path = tmp_path / "receipt.json"
            path.write_text(json.dumps(found), "utf-8")
            assert verify(path, [KEY.verifier])[1].faults == []
            assert found["account"]["payable"] == print_fen(payable)
            assert print_fen(payable, found["currency"]) in receipt_page(found)
    with ledger.store.reading() as rows:
        asked = DocumentRequest("report", HENGQIN, YEAR, "2027-03-01")
        write(ledger, rows, asked, tmp_path / "report.docx")
    text = "\n".join(each.text for each in Document(str(tmp_path / "report.docx")).paragraphs)
    assert "MOP$100,000.00" in text
    assert "人民币" not in text
