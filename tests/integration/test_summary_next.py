"""The summary for finance says what is to be done next, from the accounts as they are at that moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ledger.export.finance_summary import ACCOUNTS, SUMMARY, AccountTotals, describe_next_steps
from ledger.settlement.files import write_summary
from ledger.store.application import Ledger
from tests.events import CIXI, Feed
from tests.integration.bureau import Bureau, Clock

CODE, OTHER = Feed(1).code, Feed(2).code
YUAN = 10_000
"""What each of the two is paid."""
AGAIN, WAIT, FIRST = "更正账户后重新下达", "等待银行答复", "下达拨付"


@pytest.fixture
def office(open_at: Callable[..., Ledger]) -> Bureau:
    """A closed year of two enterprises, nothing ordered yet."""
    bureau = Bureau(open_at(), Clock())
    for code in (CODE, OTHER):
        data = {"platform": "tmall", "kind": "flagship", "shop": code, "on": "2024-03-04"}
        bureau.publish("store-registered", code, f"shop-{code}", **data)
    return bureau


def read_summary(office: Bureau, path: Path) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """The notes by figure, and each enterprise's amounts: payable, under way, paid, failed."""
    with office.ledger.store.reading() as rows:
        write_summary(office.ledger, rows, CIXI, 2024, path)
    sheets = openpyxl.load_workbook(path)
    notes = {str(row[0]): str(row[3]) for row in sheets[SUMMARY].iter_rows(values_only=True)}
    accounts = {str(row[1]): list(row[3:7]) for row in sheets[ACCOUNTS].iter_rows(values_only=True)}
    return notes, accounts


def hear(office: Bureau, code: str, batch: str, status: str) -> None:
    """The bank says what became of a payment."""
    [payment] = office.pages(f"{office.year('payments')}?enterprise={code}&batch={batch}")
    body = office.results((payment["payment"], status, payment["amount"]), said=f"bank {batch} {status}")
    office.finance.post(office.year("payments/results"), body)


def test_what_failed_is_ordered_again_and_paid_and_told_at_each_step(office: Bureau, tmp_path: Path) -> None:
    office.propose_and_publish()
    notes, accounts = read_summary(office, tmp_path / "0.xlsx")
    assert "办结后下达拨付" in notes["尚未支付"]
    assert accounts[CODE] == [YUAN, 0, 0, 0]
    office.clock.pass_(days=8)
    office.reviewer.post(office.year("settlement/closing"), {})
    notes, _ = read_summary(office, tmp_path / "1.xlsx")
    assert f"尚未下达的，{FIRST}" in notes["尚未支付"]

    office.finance.post(office.year("payments"), {}, 201)
    notes, accounts = read_summary(office, tmp_path / "2.xlsx")
    assert accounts[CODE] == accounts[OTHER] == [YUAN, YUAN, 0, 0]
    assert WAIT in notes["支付在途"]
    assert all(word not in notes["尚未支付"] for word in (AGAIN, FIRST))

    hear(office, CODE, "2024-001", "failed")
    hear(office, OTHER, "2024-001", "made")
    notes, accounts = read_summary(office, tmp_path / "3.xlsx")
    assert (accounts[CODE], accounts[OTHER]) == ([YUAN, 0, 0, YUAN], [YUAN, 0, YUAN, 0])
    assert AGAIN in notes["支付失败"]
    assert AGAIN in notes["尚未支付"]
    assert notes["支付在途"] == "没有在途的支付"

    office.finance.post(office.year("payments"), {}, 201)
    notes, accounts = read_summary(office, tmp_path / "4.xlsx")
    assert accounts[CODE] == [YUAN, YUAN, 0, 0], "what failed and was ordered again is history"
    assert notes["支付失败"] == "没有须重新下达的"
    assert WAIT in notes["支付在途"]
    assert AGAIN not in notes["尚未支付"]

    hear(office, CODE, "2024-002", "made")
    notes, accounts = read_summary(office, tmp_path / "5.xlsx")
    assert accounts[CODE] == [YUAN, 0, YUAN, 0]
    assert notes["尚未支付"] == "应兑现 − 已支付；已全部支付"
    assert notes["支付在途"] == "没有在途的支付"


def test_every_part_of_what_is_not_paid_has_its_own_next_step() -> None:
    totals = AccountTotals(
        9, payable=10_00, ordered=2_00, paid=3_00, failed=1_00, clawback=3_00, recovered=1_00
    )

    notes = describe_next_steps(totals, 5_00, True, "CNY")

    assert notes[3] == (f"应兑现 − 已支付；失败的，{AGAIN}；尚未下达的，{FIRST}；在途的，{WAIT}")
    assert "¥5.00" in notes[4]
    assert "催告" in notes[6]
    over = totals._replace(recovered=3_00)
    assert describe_next_steps(over, 0, True, "CNY")[4:7] == [
        "支付明细合计", "支付明细合计", "应追回 − 已追回；没有待收回的",
    ]  # fmt: skip
